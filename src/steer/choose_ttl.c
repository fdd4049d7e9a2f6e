/* choose_ttl.c - how long an answer holds, by what its pools say and by when they may change.
 */
#include "steer/choose_inner.h"

static uint32_t ttl_least_s(const struct choose_walk *w)
{
	return w->own->has_ttl ? w->own->ttl_least_s : w->pool->ttl_least_s;
}

/* The pool's own ceiling, once it has been steady for so long: what has just changed is the
 * likelier to change again. */
uint32_t choose_steady_ttl_s(const struct choose_walk *w)
{
	const uint32_t least = ttl_least_s(w),
		       most = w->own->has_ttl ? w->own->ttl_most_s : w->pool->ttl_most_s;
	const uint64_t since = choose_standing(w)->steady_us, now = w->ask->now_us;

	if (!since || !least || most == UINT32_MAX)
		return most;
	const uint64_t steady = now > since ? (now - since) / 1000000 : 0;
	if (steady >= most)
		return most;
	w->choice->passes = true;
	if (w->trace)
		w->trace->young = true;
	return steady > least ? (uint32_t)steady : least;
}

/* The pool's own ceiling; while an edge is about to change, the time up to then. */
uint32_t choose_ttl_most_s(const struct choose_walk *w)
{
	const uint32_t own = choose_steady_ttl_s(w), most = own < w->ttl_most_s ? own : w->ttl_most_s;

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
