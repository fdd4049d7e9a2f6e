/* command.h - what an operator may tell the server: a table of word, function, help.
 *
 * A command is a list of words and answers with text and an exit status: 0 done, 1 not done and
 * the text says why, 2 the words are wrong. Control thread. What only the daemon can do comes
 * down as callbacks.
 */
#ifndef CONSOLE_COMMAND_H
#define CONSOLE_COMMAND_H

#include "base/fault.h"
#include "base/text.h"
#include "report/report_hooks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who commands, and how an answer that takes its time comes back. */
struct command_call {
	unsigned uid;
	struct text *out;
	/* Of a command that is not done yet (COMMAND_LATER): who is to call `done` once `out`
	 * has it all. `forget` is set by who runs it: nobody waits any more. */
	void (*done)(struct command_call *c, int status);
	void (*forget)(struct command_call *c);
	void *pending; /* of who runs it */
};

struct command_force {
	const char *edge, *state; /* "up", "down", "drain", or "auto": no longer forced */
	uint64_t for_ms;          /* 0: for good */
	const char *why;          /* "" */
	unsigned uid;
};

/* What becomes of a configuration that is tried out on a share of the clients. */
enum command_stage { STAGE_BEGIN, STAGE_PROMOTE, STAGE_ROLLBACK };

struct command_hooks {
	void *ctx;
	struct report_hooks report; /* with a `ctx` of its own */
	bool (*reload)(void *ctx, struct faults *f);
	bool (*stage)(void *ctx, enum command_stage what, double percent, struct faults *f);
	bool (*force)(void *ctx, const struct command_force *f, struct fault *why);
	/* Probes all targets of an edge now; the answer comes later. */
	bool (*probe)(void *ctx, const char *edge, bool json, struct command_call *c,
		struct fault *why);
	void (*stop)(void *ctx);
	/* What a simulation needs of us, as JSON; of `config_only`, less. */
	bool (*export)(void *ctx, bool config_only, struct text *out, struct fault *why);
	/* Into the table of measurements. */
	bool (*import)(void *ctx, const char *path, size_t *rows, struct faults *f);
	/* All that is measured of an edge, or when that is -1, of a prefix. */
	size_t (*forget)(void *ctx, int edge, const struct prefix *net);
};

enum { COMMAND_WORDS_MOST = 32, COMMAND_LATER = 3 };

/* Runs `words`, the first being the command's name; what it says is added to `c->out`. Returns
 * the exit status, or COMMAND_LATER. */
int command_run(const struct command_hooks *h, const char *const *words, size_t n,
	struct command_call *c);

/* One line a command, for "waymarkctl help". */
void command_help(struct text *out);

#endif
