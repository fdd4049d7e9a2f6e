/* target.h - a target and what is known of it; for the files of this room.
 */
#ifndef PROBE_TARGET_H
#define PROBE_TARGET_H

#include "probe/check.h"
#include "steer/external.h"
#include "probe/resolver.h"
#include "probe/round.h"

#include <ev.h>

struct target {
	struct check check; /* its probe (the configuration's), address and edge too */
	char *edge;         /* own copy of the name */
	struct edge_point point; /* where it is; its name is an own copy */
	struct resolver_ask *resolving; /* of its name; NULL: not now */
	uint64_t found_until_us; /* `check.addr` is the name's address so long */
	struct round *round;
	uint32_t number;
	ev_timer timer;            /* its next start, or the end of its probe's time */
	struct target *after;      /* in line */
	struct target *late_after; /* among those whose time is over */
	bool late;
	uint64_t late_us; /* when the probe began whose time is over */
	bool in_line, running, kept;
	bool began; /* `health` says something: from a hint, or as configured */
	bool hinted;
	struct health health;
	int64_t since_us;
	uint64_t next_us, probes, failures, changes;
	bool passed;
	char say[CHECK_SAY], error[CHECK_SAY], notice[CHECK_SAY];
	double rtt_ms, rtt_least_ms, rtt_last_ms, wire_ms, load;
	struct round_ask *ask;
	struct text steps;
	/* Of one that is made of parts: these, by number. Of all: who has them as a part. Made anew
	 * with each plan. */
	uint32_t *parts;
	unsigned n_parts;
	struct target **wholes;
	unsigned n_wholes;
};

struct line {
	struct target *first, **last;
	uint32_t running, most;
	double wanted; /* probes a second, of all its targets */
	double tokens; /* it may begin so many now; of PROBE_HTTPS */
	uint64_t filled_us;
};

struct round {
	struct round_opts opts;
	struct checks checks;
	struct resolver *resolver;
	struct externals externals;
	struct target **targets;
	struct target **told; /* [n_told] those of kind external, by probe and edge; NULL: not sorted yet */
	uint32_t n_told;
	uint32_t n, waits, in_line;
	struct verdict *verdicts;
	struct round_map *map;
	struct line lines[PROBE_KINDS];
	uint32_t most_files; /* of all kinds that open some */
	struct target *late,
		**last_late; /* their time is over, or was when they were put here */
	ev_timer pump;       /* starts some of those in line */
	uint64_t turn_us;    /* when this turn of the loop began */
	unsigned starts;     /* in a turn */
	uint64_t random;
	struct round_totals totals;
	bool planned;
};

struct target *target_new(struct round *r, const struct probe_opts *p,
	const struct edge_point *point, const char *edge);
/* Whatever it is doing. */
void target_free(struct target *t);

/* An empty one. Count 1. */
struct round_map *round_map_new(unsigned n_rows);

/* Begins its probe, which is its turn. */
void target_start(struct target *t);

/* The time of its probe, which is in flight, is over. */
void target_end_late(struct target *t);

/* For the files of targets: fires once; what is known is `health` (or what the configuration has it begin with); and
 * all that it is a part of follows. */
void target_set_timer(struct target *t, uint64_t in_us);
void target_put_verdict(struct target *t, bool known);
void target_combine_wholes(struct target *t);

/* Of one of kind external: it is as it was told, or is told no more. With `_told` the round's owner hears of it. */
void target_take_told(struct target *t);
void target_told(struct target *t);

/* That is a part of this from now on, and judged already. Once for each part, in their order. */
void target_add_part(struct target *whole, struct target *part);
/* It has no parts, and is none. */
void target_clear_parts(struct target *t);
/* By its parts, as they are now. */
void target_combine(struct target *whole);

/* Another edge is the first that has it. */
void target_rename(struct target *t, const char *edge);

void target_hint(struct target *t, bool up, int64_t since_us);
struct round_view target_view(const struct target *t);

#endif
