/* command.h - what an operator may tell the server: a table of word, function, help.
 *
 * A command is a list of words and answers with text and an exit status: 0 done, 1 not done and
 * the text says why, 2 the words are wrong. Control thread. What only the daemon can do comes
 * down as callbacks.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "base/fault.h"
#include "base/text.h"
#include "net/worker.h"
#include "world/world.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct command_hooks {
	void *ctx;
	const struct world *(*world)(void *ctx);
	bool (*reload)(void *ctx, struct faults *f);
	bool (*force)(void *ctx, const char *edge, const char *state, struct fault *why);
	const char *(*forced)(void *ctx, const char *edge); /* "up", "down", "drain" or NULL */
	void (*report)(void *ctx, struct workers_report *to);
	void (*stop)(void *ctx);
	struct timespec started; /* CLOCK_MONOTONIC */
	const char *conf_path;
};

enum { COMMAND_WORDS_MOST = 32 };

/* Runs `words`, the first being the command's name; what it says is added to `out`. Returns the
 * exit status. */
int command_run(
	const struct command_hooks *h, const char *const *words, size_t n, struct text *out);

/* One line a command, for "waymarkctl help". */
void command_help(struct text *out);

#endif
