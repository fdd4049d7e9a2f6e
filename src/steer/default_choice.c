#include "steer/default_choice.h"

/* In turns: the others that may answer, in the pool's order. */
static void add_others(const struct default_ask *ask, struct choice *c)
{
	const struct pool *p = &ask->steer->pools[ask->pool];
	const struct standing_pool *s = &ask->standing->pools[ask->pool];
	const uint8_t wanted = ask->record ? STANDS_A | STANDS_AAAA
		: ask->v6                  ? STANDS_AAAA
					   : STANDS_A;
	const uint32_t can = ask->record ? ask->record : ask->v6 ? CAN_AAAA : CAN_A;
	const uint16_t first = c->edges[0];

	for (unsigned i = 0; i < p->n && c->n < POOL_ANSWERS_MOST; i++) {
		const struct edge *e = &ask->steer->edges[p->edges[i]];
		const uint8_t marks = standing_marks(ask->standing, s->row, p->edges[i]);
		if (p->edges[i] == first || !(marks & wanted) || marks & STANDS_DRAINED ||
			e->cname || !(e->can & can) ||
			(pool_policy_weighs(p->policy) && !(s->weights ? s->weights : p->weights)[i]))
			continue;
		c->rows[c->n] = s->row;
		c->edges[c->n++] = p->edges[i];
	}
}

struct choice default_choice(const struct default_ask *ask)
{
	const struct pool *p = &ask->steer->pools[ask->pool];
	struct steer steer = *ask->steer;

	steer.explore = (struct explore){ .share = 0, .every_s = 1 };
	/* At no time: what is drawn by time (an edge that comes or goes) is drawn alike. */
	struct choice c = choose(
		&(struct choose_ask){ .steer = &steer,
			.standing = ask->standing,
			.pool = ask->pool,
			.v6 = ask->v6,
			.record = ask->record,
			.source = addr_from_v4((const uint8_t[4]){ 0, 0, 0, 0 }),
			.name = ask->name,
			.name_len = ask->name_len,
			.own = ask->own },
		NULL);
	if (c.n && c.rows[0] != CHOICE_AS_IF_UP && !ask->own.one && c.pool == ask->pool && !p->tree && !p->n_links && !p->affinity &&
		(p->policy == POOL_ROUND_ROBIN || p->policy == POOL_WEIGHTED) &&
		!ask->steer->edges[c.edges[0]].cname) {
		c.n = 1;
		add_others(ask, &c);
	}
	return c;
}

bool default_choice_waits(const struct default_ask *ask)
{
	uint16_t pool = ask->pool;

	for (unsigned hops = 0; hops < ask->steer->n_pools; hops++) {
		const struct pool *p = &ask->steer->pools[pool];
		if (ask->standing->pools[pool].waits)
			return true;
		if (p->all_down != POOL_OTHER)
			return false;
		pool = p->other;
	}
	return false;
}
