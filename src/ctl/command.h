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
#include "ctl/manage.h"
#include "net/worker.h"
#include "probe/rows.h"
#include "steer/forced.h"
#include "measure/latency_csv.h"
#include "world/world.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct command_latency_work {
	uint64_t published, samples, lost;
	double last_s;
};

/* The table of measurements, and what may be done to it. */
struct command_latency {
	const struct latency *(*table)(void *ctx); /* until the loop runs again */
	struct latency_csv (*clock)(void);
	struct command_latency_work (*work)(void *ctx);
	bool (*import)(void *ctx, const char *path, size_t *rows, struct faults *f);
	/* All of an edge, or when that is -1, of a prefix. */
	size_t (*forget)(void *ctx, int edge, const struct prefix *net);
};

/* How the edges' health is known; all of it borrowed until the loop runs again. */
struct command_health {
	const struct round *round;
	const struct rows *rows;
	const struct forced_list *forced;
	uint64_t publications;   /* of health alone */
	double publish_most_ms;  /* the longest of them */
	const char *state_file;  /* NULL: none */
	const char *state_fault; /* why it could not be written; "" */
};

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

struct command_rollout {
	double percent; /* 0: nothing is tried out */
	time_t since;
	uint64_t answers, empty;     /* from its pools; of these, without an edge */
	const struct latency *table; /* until the loop runs again */
	const char *last;            /* what became of the one before; "" */
};

struct command_hooks {
	void *ctx;
	const struct world *(*world)(void *ctx);
	bool (*reload)(void *ctx, struct faults *f);
	bool (*stage)(void *ctx, enum command_stage what, double percent, struct faults *f);
	struct command_rollout (*rollout)(void *ctx);
	bool (*force)(void *ctx, const struct command_force *f, struct fault *why);
	struct command_health (*health)(void *ctx);
	/* Probes all targets of an edge now; the answer comes later. */
	bool (*probe)(void *ctx, const char *edge, bool json, struct command_call *c,
		struct fault *why);
	void (*report)(void *ctx, struct workers_report *to);
	void (*stop)(void *ctx);
	/* What a simulation needs of us, as JSON; of `config_only`, less. */
	bool (*export)(void *ctx, bool config_only, struct text *out, struct fault *why);
	/* How an edge is used; NULL: nobody knows. */
	struct shed_state (*balance)(void *ctx, unsigned edge);
	/* What threads keep, by number from 0 until NULL; NULL: nothing. */
	const struct books *(*books)(void *ctx, unsigned i);
	struct timespec started; /* CLOCK_MONOTONIC */
	const char *conf_path;
	const struct command_latency *latency;
	/* What agents have sent, and how many networks are watched for them. */
	struct agent_counts (*agents)(void *ctx, size_t *targets);
};

enum { COMMAND_WORDS_MOST = 32, COMMAND_LATER = 3 };

/* Runs `words`, the first being the command's name; what it says is added to `c->out`. Returns
 * the exit status, or COMMAND_LATER. */
int command_run(const struct command_hooks *h, const char *const *words, size_t n,
	struct command_call *c);

/* One line a command, for "waymarkctl help". */
void command_help(struct text *out);

#endif
