/* count.h - what a worker counts of each query and its answer; between answer.c and its counters.
 */
#ifndef ANSWER_COUNT_H
#define ANSWER_COUNT_H

#include "answer/answer.h"
#include "answer/compose.h"

/* All that came, whatever it is. */
static inline void count_query(struct stats *s, const struct answer_ask *ask)
{
	stats_add(&s->queries[ask->via], 1);
	stats_add(&s->queries_v6[ask->via], !addr_is_v4(&ask->source));
}

/* By what it asks for, and of which zone (NULL: of none): before the answer's way leads into
 * another. */
static inline void count_question(
	const struct answerer *a, const struct query *q, const struct zone *z)
{
	stats_add(&a->stats->types[stats_type(q->qtype)], 1);
	if (a->world->policy.counts_more && z && a->counts)
		tally_keep(&a->counts->zones, choice_counts_zone(z),
			a->world->standing->tick);
}

static inline void count_answer(struct stats *s, const struct compose *c)
{
	if (c->rcode < STATS_RCODES)
		stats_add(&s->rcode[c->rcode], 1);
	stats_add(&s->truncated, (c->flags & FLAG_TC) != 0);
}

#endif
