/* round.h - whose turn it is to be probed, and what came of it.
 *
 * One target for each address and each way to probe it, however many pools and edges ask. Never
 * more than one probe of a target is in flight, and of each kind no more than are good for the
 * machine; the others wait in line. Starts are spread over the interval by a random phase, and
 * done some at a time, so that the loop stays free for others. Control thread.
 */
#ifndef PROBE_ROUND_H
#define PROBE_ROUND_H

#include "base/addr.h"
#include "base/part.h"
#include "base/text.h"
#include "steer/external.h"
#include "probe/probe.h"
#include "steer/standing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct round;

/* Which target each address of each row is: made with each plan, immutable, shared by count. */
struct round_map {
	struct part part;
	unsigned n_rows;
	uint32_t **row_targets; /* [row][address of the row's table of edges] number of the
				 * target, or STANDING_NO_TARGET */
};

static inline struct round_map *round_map_hold(struct round_map *m)
{
	part_hold(&m->part);
	return m;
}

static inline void round_map_drop(struct round_map *m)
{
	part_drop(&m->part);
}

struct round_opts {
	struct ev_loop *loop;
	uint64_t seed; /* of the random phases */
	void *ctx;
	/* A verdict is another one; `soon`: it changes answers, else only what was measured. */
	void (*changed)(void *ctx, bool soon);
	/* Every target that the start waits for has its first verdict. */
	void (*first)(void *ctx);
};

/* As in a standing: a way to look at edges. */
struct round_row {
	const struct probe_opts *probes; /* borrowed until the next round_plan(), and by a still */
	const uint16_t *edges;           /* [edge] 0: it is not asked; else 1 + number in `probes` */
};

/* How an edge is asked; NULL: it is not. */
static inline const struct probe_opts *round_row_probe(const struct round_row *r, unsigned edge)
{
	return r->edges[edge] ? &r->probes[r->edges[edge] - 1] : NULL;
}

/* What is known of a target. Texts are borrowed until the loop runs again. */
struct round_view {
	const struct probe_opts *probe;
	const char *edge; /* the first that has it */
	struct addr addr;
	const char *name; /* what is probed is a name, and `addr` is ::; NULL */
	uint16_t port;    /* another than the probe's; 0 */
	bool known, up;
	bool hinted;      /* `up` began with an old verdict from before a restart */
	bool running;     /* a probe is in flight */
	int64_t since_us; /* monotonic: so long it has been up or down; may be before the boot
			   */
	uint64_t next_us; /* monotonic: the next start */
	uint64_t probes, failures;
	uint64_t changes; /* so often it went up or down */
	bool passed;                              /* the last one */
	const char *say;                          /* what came of it; "" before the first */
	const char *error;                        /* what came of the last that failed; "" */
	const char *notice;                       /* "" */
	const char *fleet; /* who says what of it, where other servers do; else NULL. Of pictures */
	bool outvoted;     /* ... and what holds is not what we have found */
	unsigned left;                            /* so many probes until it can change */
	double rtt_ms, rtt_least_ms, rtt_last_ms; /* smoothed, ... ; NAN: none yet */
	double wire_ms; /* smoothed: one way to the address and back; NAN where the kind cannot
			   tell */
	double load;    /* smoothed; NAN */
	const uint32_t *parts; /* [n_parts] targets whose verdicts make this one's; of no others */
	unsigned n_parts;
};

/* Is the target of slot `k` that of a slot before it, too? `of` is a row's, from the edge's first
 * slot on. */
static inline bool round_is_twin(const uint32_t *of, unsigned k)
{
	unsigned i = 0;

	while (i < k && of[i] != of[k])
		i++;
	return i < k;
}

/* Is it judged by probes of its own? Else by its parts'. */
static inline bool round_is_probed(const struct round_view *v)
{
	return !v->n_parts;
}

/* "192.0.2.1", "192.0.2.1:8080", "[2001:db8::1]:8080", "edge.example.net". Returns `buf`. */
enum { ROUND_WHERE = 1040 };
const char *round_where(char buf[static ROUND_WHERE], const struct round_view *v);

/* Opens what needs privileges; never NULL. */
struct round *round_new(const struct round_opts *opts);
void round_free(struct round *r);

/* Probes these from now on. Targets that were there before keep all that is known of them. */
void round_plan(struct round *r, const struct steer *steer, const struct round_row *rows,
	unsigned n_rows);

/* The same for several tables of edges at once: the rows of the first come first. */
struct round_part {
	const struct steer *steer;
	const struct round_row *rows;
	unsigned n_rows;
};
void round_plan_parts(struct round *r, const struct round_part *parts, unsigned n);

/* An old verdict of a target that has none yet, from before a restart. */
void round_hint(struct round *r, uint32_t target, bool up, int64_t since_us);

/* --- what is told from outside (steer/external.h) ------------------------------------------------ */

/* From now on, and over plans to come. Returns how many targets it is of; -1: there is no room for more. */
int round_tell(struct round *r, const struct external_verdict *v);
/* Takes what `of` has: all that is told by that probe. False: there is no room. */
bool round_tell_all(struct round *r, const char *probe, struct externals *of);
/* It is told no more; `addr` NULL: of the edge and its addresses. How many verdicts those were. */
size_t round_untell(
	struct round *r, const char *probe, const char *edge, const struct addr *addr);
/* At the start, before anything is probed: what was told before a restart, those that are not over. In the place of
 * what was recalled before. */
void round_recall(struct round *r, const struct externals *kept);
const struct externals *round_externals(const struct round *r);

/* Good until the next round_plan(). */
uint32_t round_targets(const struct round *r);
const struct verdict *round_verdicts(const struct round *r);            /* [target] */
const uint32_t *round_row_targets(const struct round *r, unsigned row); /* [address] */
struct round_view round_view(const struct round *r, uint32_t target);

/* Targets that the start waits for. */
uint32_t round_waits(const struct round *r);

struct round_totals {
	uint64_t probes, failures; /* since the start */
	uint64_t not_made;         /* for want of files, memory or ports */
	uint32_t running, in_line;
};
struct round_totals round_totals(const struct round *r);

/* Somebody wants these probed now, and to be told each step. */
struct round_ask {
	unsigned left; /* targets that are not done */
	/* For each of them: what is known of it now, and a line for each step. When `left` is 0
	 * all are done, and `a` is the asker's again. */
	void (*told)(struct round_ask *a, const struct round_view *v, const char *steps);
};

/* False when one of them is being asked for already. A plan that no longer has a target tells
 * of it as it was. */
bool round_ask(struct round *r, const uint32_t *targets, unsigned n, struct round_ask *a);
void round_forget(struct round *r, struct round_ask *a); /* nobody listens any more */

#endif
