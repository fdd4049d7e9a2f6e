/* report_hooks.h - what reports are made of, and how it is come by.
 *
 * Whoever has it all (the daemon) fills these in. Control thread; what they return is borrowed
 * until the loop runs again.
 */
#ifndef REPORT_REPORT_HOOKS_H
#define REPORT_REPORT_HOOKS_H

#include "agent/agent_counts.h"
#include "measure/latency_csv.h"
#include "net/worker.h"
#include "probe/rows.h"
#include "steer/forced.h"
#include "world/world.h"

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct report_latency_work {
	uint64_t published, samples, lost;
	double last_s;
};

/* The table of measurements. */
struct report_measured {
	const struct latency *(*table)(void *ctx); /* until the loop runs again */
	struct latency_csv (*clock)(void);
	struct report_latency_work (*work)(void *ctx);
};

/* How the edges' health is known; all of it borrowed until the loop runs again. */
struct report_health {
	const struct round *round;
	const struct rows *rows;
	const struct forced_list *forced;
	uint64_t publications;   /* of health alone */
	double publish_most_ms;  /* the longest of them */
	const char *state_file;  /* NULL: none */
	const char *state_fault; /* why it could not be written; "" */
};

/* How it stands with a configuration that is tried out on a share of the clients. */
struct report_stage {
	double percent; /* 0: nothing is tried out */
	time_t since;
	uint64_t answers, empty;     /* from its pools; of these, without an edge */
	const struct latency *table; /* until the loop runs again */
	const char *last;            /* what became of the one before; "" */
};

struct report_hooks {
	void *ctx;
	const struct world *(*world)(void *ctx);
	struct report_stage (*stage)(void *ctx);
	struct report_health (*health)(void *ctx);
	void (*counters)(void *ctx, struct workers_report *to);
	/* How an edge is used; NULL: nobody knows. */
	struct shed_state (*balance)(void *ctx, unsigned edge);
	/* What threads keep, by number from 0 until NULL; NULL: nothing. */
	const struct choice_counts *(*choices)(void *ctx, unsigned i);
	/* What agents have sent, and how many networks are watched for them. */
	struct agent_counts (*agents)(void *ctx, size_t *targets);
	const struct report_measured *measured;
	struct timespec started; /* CLOCK_MONOTONIC */
	const char *conf_path;
};

#endif
