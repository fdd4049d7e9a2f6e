/* command.h - what an operator may tell the server: a table of words, usage and help.
 *
 * A command is a list of words and answers with text and an exit status: 0 done, 1 not done and
 * the text says why, 2 the words are wrong. Who can do what a word says binds itself to it when
 * the server starts. Loop.
 */
#ifndef CONSOLE_COMMAND_H
#define CONSOLE_COMMAND_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COMMAND_STATE = 160 };

/* Who commands, and how an answer that takes its time comes back. */
struct command_call {
	unsigned uid; /* who.h */
	const char *from; /* an address; NULL: from this machine */
	struct text *out;
	/* Of a command that is not done yet (COMMAND_LATER): who is to call `done` once `out`
	 * has it all. `forget` is set by who runs it: nobody waits any more. */
	void (*done)(struct command_call *c, int status);
	void (*forget)(struct command_call *c);
	void *pending; /* of who runs it */
	char before[COMMAND_STATE]; /* commands_state() when it was run, of what changes something */
	/* Of such a command, from any one thread, before `done`: these bytes now, so that a
	 * large answer is never whole in memory; its status will be 0. Waits for the client;
	 * false when that takes no more. NULL where there is none. */
	bool (*stream)(struct command_call *c, const char *s, size_t len);
};

enum { COMMAND_WORDS_MOST = 32, COMMAND_LATER = 3, COMMANDS_MOST = 48, COMMANDS_RAN = 2 };

/* `words` are those behind the command's own, and may be changed; they are good until it
 * returns. Returns the exit status, or COMMAND_LATER. */
typedef int command_fn(void *ctx, const char **words, size_t n, struct command_call *c);

/* How it stands with what such words (those behind the command's own) change, in a few words, for the audit: before it
 * is run, and when it has ended. `to` is "", and stays that where there is nothing to tell. Quick. */
typedef void command_state_fn(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE]);

/* A command has ended, and this is what it has said. */
typedef void command_ran_fn(void *ctx, const struct command_call *c, const char *const *words, size_t n, int status);

/* What is bound to the words of the table. Zeroed: nothing is. */
struct commands {
	struct {
		command_fn *run;
		command_state_fn *state; /* NULL: nothing is told */
		void *ctx;
	} of[COMMANDS_MOST];
	/* Why nothing may be changed for now; NULL: it may. A literal. */
	const char *closed;
	bool stuck; /* ... nor later: an operator has to see to it */
	struct {
		command_ran_fn *ran;
		void *ctx;
	} followers[COMMANDS_RAN];
	size_t n_followers;
};

/* `word` is one of the table's. */
void commands_bind(struct commands *c, const char *word, command_fn *run, void *ctx);

/* ... to one that is bound. */
void commands_bind_state(struct commands *c, const char *word, command_state_fn *state);
void commands_state(const struct commands *all, const char *const *words, size_t n, char to[static COMMAND_STATE]);

/* Is told of each command that was run, behind those that follow already. */
void commands_follow(struct commands *c, command_ran_fn *ran, void *ctx);
/* By who runs it, when it has ended, and before `call->out` is made use of: of wrong words it has the usage then, if it was empty. */
void commands_ran(const struct commands *c, const struct command_call *call, const char *const *words, size_t n,
	int status);

/* Runs `words`, the first being the command's name; what it says is added to `c->out`. Returns
 * the exit status, or COMMAND_LATER. */
int commands_run(const struct commands *all, const char *const *words, size_t n,
	struct command_call *c);

/* Does it change something, if it succeeds? */
bool command_changes(const char *const *words, size_t n);

/* Two lines a command, for "waymarkctl help". */
void command_help(struct text *out);

/* The same of one of them; false when there is none such. */
bool command_help_one(const char *word, struct text *out);

/* What stands behind them; NULL behind the last. */
const char *command_usage(size_t i);
/* The words of the table, from 0 on; NULL behind the last. */
const char *command_word(size_t i);

/* True, and the word (and the one behind it) taken out of the list, when it is there. */
bool command_take_word(const char **words, size_t *n, const char *word);
bool command_take_value(const char **words, size_t *n, const char *word, const char **value);

#endif
