/* balancer_inner.h - what the files of the balancer share. For them alone.
 */
#ifndef DAEMON_BALANCER_INNER_H
#define DAEMON_BALANCER_INNER_H

#include "daemon/balancer.h"
#include "daemon/load_count.h"

#include <ev.h>

/* What is known of an edge, beside what its load makes of it. */
struct track {
	bool was_up, drains, seen;
	uint64_t up_us, drain_us; /* since when; 0: long ago */
	uint16_t share;           /* as published */
};

/* An edge that is drained in one pool. */
struct leaving {
	uint16_t pool, at; /* position in it */
	uint64_t since_us; /* 0: it has nothing to wait for */
};

struct pool_state {
	uint64_t like; /* a hash of what its answers depend on */
	uint64_t steady_us;
};

struct balancer {
	struct balancer_opts opts;
	unsigned lane;
	ev_timer tick, ramp, soon;
	struct part *conf;   /* held: what the numbers are of */
	struct steer *steer; /* held: of that configuration */
	struct track *edges;
	struct load_edge *loads;
	unsigned n_edges;
	struct pool_state *pools;
	unsigned n_pools;
	struct leaving *leaving; /* in the order of pools and positions */
	size_t n_leaving;
	bool *has_price;           /* [edge] it is in a pool that knows detours */
	uint32_t *lives_s;         /* [edge] how long answers with it live */
	bool limited;              /* some edge has a capacity */
	struct load_bound *bounds; /* [of each pool's edges] NULL: no pool has a bound */
	size_t n_bounds;
	unsigned intervals; /* counted so far, as far as it matters */
	struct load_memory memory; /* the job's while one counts */
	bool counts, again;        /* prices are wanted once it has ended */
	uint64_t fetched_us, like, solve_us;
	struct part *stage_conf; /* held: what memory.staged is of; NULL: no stage is on */
	uint32_t tick_no;
	bool started, moves; /* prices have changed in the last interval */
	struct fleet_demand *demand; /* own; NULL: there is no fleet */
	bool told;                   /* others have told prices, which wait for the job's end */
};

/* --- balancer_fleet.c --------------------------------------------------------------------- */

/* Our own are told to the others, where we find them for all. */
void balancer_say_prices(struct balancer *b);
/* Those of another who finds them have come. */
void balancer_take_prices(struct balancer *b);

/* --- balancer_follow.c -------------------------------------------------------------------- */

/* What is served is another configuration, or has other rankings: what is known of edges and pools of the same names
 * stays. */
void balancer_follow(struct balancer *b);
/* The same of a stage, while nothing counts. */
void balancer_follow_stage(struct balancer *b);

/* What was counted for pools of `was` counts for those of `now`. */
void balancer_renumber(struct load_memory *m, const struct steer *was, const struct steer *now);
void balancer_forget_staged(struct load_memory *m);

/* --- balancer_bounds.c -------------------------------------------------------------------- */

bool balancer_has_bounds(const struct steer *s);
/* What was known of edges in pools of the same names; `was` may be NULL. */
void balancer_bounds_take_over(
	struct balancer *b, const struct steer *was, const struct steer *now);
void balancer_bounds_put(const struct balancer *b, struct standing *s);

/* Of a drain that a server before us may have begun: since when, monotonic; 0: nobody is to wait for it. `pool` -1: in all. */
uint64_t balancer_drains_since_us(
	const struct balancer *b, const struct forced_list *l, const char *edge, int pool, uint64_t now_us);
/* How long answers that live so long keep clients. */
uint64_t balancer_drain_us(const struct balancer *b, uint32_t ttl_s);
/* How long answers of the pool live. */
uint32_t balancer_ttl_of(const struct pool *p);

/* --- balancer_leaving.c ------------------------------------------------------------------- */

/* What is forced in pools: edges that leave one are as their probes say until their time is over. */
void balancer_leaving_states(
	struct balancer *b, const struct forced_list *l, struct forced_effect *e, uint64_t now);
/* Their shares, once the rest of the standing is made. True while some leave. */
bool balancer_leaving_put(const struct balancer *b, struct standing *s, uint64_t now);
/* What was known in pools of the same names; `was` may be NULL. */
void balancer_leaving_take_over(
	struct balancer *b, const struct steer *was, const struct steer *now);

/* Of the world, when it has the stage that is known. */
struct load_stage balancer_stage(const struct balancer *b, const struct world *w);

#endif
