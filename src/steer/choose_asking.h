/* choose_asking.h - the members of a pool of pools that are being asked: what the files share that do so.
 *
 * Of choose_members.c; choose_shares.c has whose turn it is.
 */
#ifndef STEER_CHOOSE_ASKING_H
#define STEER_CHOOSE_ASKING_H

#include "steer/choose_inner.h"

enum { CHOOSE_NO_MEMBER = UINT16_MAX };

/* Members that are being asked. */
struct choose_asking {
	struct choose_walk *w;
	const struct pool_tree *tree;
	bool even_down, even_drained;
	struct choose_step *step;
	unsigned taken; /* members that have answered */
	uint32_t turn;  /* of those that take turns: where it was */
	uint16_t then;  /* ... and which comes first of those without a share, where one with a share was drawn */
	bool passed;    /* one that goes before may not answer */
	bool ramps;     /* edges that come or go take their share of the queries alone, */
	unsigned nth;   /* ... of which this is one of 16 */
	bool ramped;    /* one was passed over for that */
	uint64_t seen[POOL_EDGES_MOST / 64];
};

static inline bool choose_is_seen(const struct choose_asking *a, unsigned at)
{
	return a->seen[at / 64] >> at % 64 & 1;
}

static inline enum choose_verdict choose_judge_edge(const struct choose_asking *a, uint16_t edge, uint16_t holder)
{
	const struct choose_list l = { .edges = &edge,
		.holders = &holder,
		.n = 1,
		.even_down = a->even_down,
		.even_drained = a->even_drained };

	return choose_judge(a->w, &l, 0);
}

static inline enum choose_verdict choose_judge_member(const struct choose_asking *a, unsigned at)
{
	const struct choose_ask *ask = a->w->ask;
	const struct pool_member *m = &a->tree->members[at];

	if (!m->is_pool)
		return choose_judge_edge(a, m->number, a->w->number);
	const struct pool *p = &ask->steer->pools[m->number];
	if (!(p->can & a->w->can))
		return PASSED_NO_ADDRESS;
	const struct standing_pool *s = &ask->standing->pools[m->number];
	if (a->even_down ||
		(a->w->barely ? s->lives_barely : s->lives) & a->w->marks)
		return CHOSEN;
	return PASSED_DOWN;
}

static inline bool choose_has_share(const struct choose_asking *a, unsigned at)
{
	return a->tree->units[at] != 0;
}

/* The members that may answer, and what each gets of `sum`. */
struct choose_shares {
	uint32_t parts[POOL_EDGES_MOST];
	uint32_t sum;
	uint32_t rest; /* that is for the policy to divide */
	uint32_t weights, each; /* in turns: of the plain members, and the parts of a weight of 1 */
};

/* What each member gets of all queries, of those that may answer. */
void choose_shares_fill(const struct choose_asking *a, struct choose_shares *d);

/* The member whose turn it is; CHOOSE_NO_MEMBER: the policy says. */
uint16_t choose_shares_draw(struct choose_asking *a, const struct choose_shares *d);

#endif
