/* choose_ttl.c - how long an answer holds, by what its pools say and by when they may change.
 */
#include "steer/choose_inner.h"
#include "steer/steer_below.h"

static uint32_t ttl_least_s(const struct choose_walk *w)
{
	return w->own->has_ttl ? w->own->ttl_least_s : w->pool->ttl_least_s;
}

/* What a pool may say, and how it stands. */
struct range {
	uint32_t least_s, most_s;
	const struct standing_pool *of;
	const char *name;
};

/* The pool's own ceiling, once it has been steady for so long: what has just changed is the
 * likelier to change again. `*young`: it has not. */
static uint32_t steady_ttl_s(const struct choose_walk *w, const struct range *r, bool *young)
{
	const uint64_t since = r->of->steady_us, now = w->ask->now_us;

	if (!since || !r->least_s || r->most_s == UINT32_MAX)
		return r->most_s;
	const uint64_t steady = now > since ? (now - since) / 1000000 : 0;
	if (steady >= r->most_s)
		return r->most_s;
	*young = true;
	return steady > r->least_s ? (uint32_t)steady : r->least_s;
}

/* What is young and no shorter than what holds already only grows: it says nothing. */
static inline void limit(struct choose_walk *w, const struct range *r)
{
	bool young = false;
	const uint32_t ttl_s = steady_ttl_s(w, r, &young);

	if (ttl_s >= w->ttl_most_s)
		return;
	w->ttl_most_s = ttl_s;
	if (young)
		w->choice->passes = true;
	if (w->trace)
		w->trace->young = young ? r->name : NULL;
}

void choose_limit_by_pool(struct choose_walk *w)
{
	limit(w,
		&(struct range){ ttl_least_s(w), w->own->has_ttl ? w->own->ttl_most_s : w->pool->ttl_most_s, w->standing, w->pool->name });
}

void choose_limit_by_below(struct choose_walk *w)
{
	const struct pool *p = w->pool;

	for (unsigned i = 0; i < p->n_below; i++) {
		const struct pool *below = &w->ask->steer->pools[p->below[i]];
		if (steer_ttl_floor_s(below) >= w->ttl_most_s)
			return;
		if (below->can & w->can)
			limit(w,
				&(struct range){ below->ttl_least_s, below->ttl_most_s, &w->ask->standing->pools[p->below[i]],
					below->name });
	}
}

/* The pool's own ceiling; while an edge is about to change, the time up to then. */
uint32_t choose_ttl_most_s(struct choose_walk *w)
{
	choose_limit_by_pool(w);
	const uint32_t most = w->ttl_most_s;
	if (w->changes_us == UINT64_MAX)
		return most;
	const uint64_t now = w->ask->now_us,
		       left = w->changes_us > now ? (w->changes_us - now) / 1000000 : 0;
	/* 0 would have resolvers keep nothing, just when edges have the most to bear. */
	const uint64_t least = ttl_least_s(w) ? ttl_least_s(w) : 1;
	w->choice->passes = true;
	if (left >= most)
		return most;
	if (w->trace)
		w->trace->shaky = true;
	return (uint32_t)(left > least ? left : least < most ? least : most);
}
