/* choose_ttl.c - how long an answer holds, by what its pools say and by when they may change.
 */
#include "steer/choose_inner.h"

static const struct choose_own nothing; /* what a name says of pools in its pool */

static uint32_t ttl_least_s(const struct choose_walk *w)
{
	return w->own->has_ttl ? w->own->ttl_least_s : w->pool->ttl_least_s;
}

/* The pool's own ceiling, once it has been steady for so long: what has just changed is the
 * likelier to change again. `*young`: it has not. */
static uint32_t steady_ttl_s(const struct choose_walk *w, bool *young)
{
	const uint32_t least = ttl_least_s(w),
		       most = w->own->has_ttl ? w->own->ttl_most_s : w->pool->ttl_most_s;
	const uint64_t since = choose_standing(w)->steady_us, now = w->ask->now_us;

	if (!since || !least || most == UINT32_MAX)
		return most;
	const uint64_t steady = now > since ? (now - since) / 1000000 : 0;
	if (steady >= most)
		return most;
	*young = true;
	return steady > least ? (uint32_t)steady : least;
}

static void note_young(const struct choose_walk *w)
{
	w->choice->passes = true;
	if (w->trace)
		w->trace->young = true;
}

uint32_t choose_steady_ttl_s(const struct choose_walk *w)
{
	bool young = false;
	const uint32_t ttl_s = steady_ttl_s(w, &young);

	if (young)
		note_young(w);
	return ttl_s;
}

/* The pools in the one that is walked, which are not asked while nothing in them is up. */
static void note_below(struct choose_walk *w, unsigned depth)
{
	const struct pool_tree *tree = w->pool->tree;
	const struct choose_own *own = w->own;
	const uint16_t above = w->number;

	for (unsigned i = 0; tree && depth && i < tree->n; i++) {
		if (!tree->members[i].is_pool)
			continue;
		choose_enter(w, tree->members[i].number);
		if (!w->pool->part)
			w->own = &nothing;
		if (w->pool->can & w->can) {
			bool young = false;
			const uint32_t ttl_s = steady_ttl_s(w, &young);
			if (ttl_s < w->none_most_s) {
				w->none_most_s = ttl_s;
				w->none_young = young;
			}
			note_below(w, depth - 1);
		}
		w->own = own;
		choose_enter(w, above);
	}
}

void choose_note_none(struct choose_walk *w)
{
	note_below(w, POOL_DEPTH_MOST);
}

/* The pool's own ceiling; while an edge is about to change, the time up to then. */
uint32_t choose_ttl_most_s(const struct choose_walk *w)
{
	const uint32_t own = choose_steady_ttl_s(w);
	uint32_t most = own < w->ttl_most_s ? own : w->ttl_most_s;

	if (!w->choice->n && w->none_most_s < most) {
		most = w->none_most_s;
		if (w->none_young)
			note_young(w);
	}
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
