#include "world/world.h"

#include "base/log.h"
#include "base/memory.h"

/* Which pools the zones name, by number. */
struct world_numbers {
	unsigned refs; /* of worlds; control thread */
	uint32_t *first_pool;
	uint16_t *pools;
};

static struct world_numbers *number_pools(const struct zone_set *set, const struct steer *steer)
{
	struct world_numbers *to = memory_zeroed(1, sizeof *to);
	const size_t zones = zone_set_count(set);
	size_t n = 0;

	for (size_t i = 0; i < zones; i++)
		n += zone_set_get(set, i)->pools_n;
	to->refs = 1;
	to->first_pool = memory_zeroed(zones, sizeof *to->first_pool);
	to->pools = memory_zeroed(n, sizeof *to->pools);
	n = 0;
	for (size_t i = 0; i < zones; i++) {
		const struct zone *z = zone_set_get(set, i);
		to->first_pool[i] = (uint32_t)n;
		for (unsigned k = 0; k < z->pools_n; k++) {
			const int pool = steer_pool(steer, z->pools[k]);
			if (pool < 0)
				die("pool %s has gone while zones were loaded", z->pools[k]);
			to->pools[n++] = (uint16_t)pool;
		}
	}
	return to;
}

static void drop_numbers(struct world_numbers *n)
{
	if (--n->refs)
		return;
	memory_free(n->first_pool);
	memory_free(n->pools);
	memory_free(n);
}

static struct world *make(const struct world *from)
{
	struct world *w = memory_zeroed(1, sizeof *w);

	*w = *from;
	zone_set_hold(w->zones);
	steer_hold(w->steer);
	if (w->stage.share) {
		steer_hold(w->stage.steer);
		w->stage.pools = w->stage.numbers->pools;
	}
	w->first_pool = w->numbers->first_pool;
	w->pools = w->numbers->pools;
	return w;
}

struct world *world_new(const struct world_opts *opts)
{
	return make(&(struct world){ .zones = opts->zones,
		.steer = opts->steer,
		.key = zone_set_key(opts->zones),
		.policy = *opts->policy,
		.numbers = number_pools(opts->zones, opts->steer),
		.standing = opts->standing,
		.stage = opts->staged
			? (struct world_stage){ .share = opts->share,
				  .steer = opts->staged,
				  .standing = opts->staged_standing,
				  .numbers = number_pools(opts->zones, opts->staged) }
			: (struct world_stage){ 0 } });
}

struct world *world_with_standing(
	const struct world *w, struct standing *standing, struct standing *staged)
{
	struct world *next = make(w);

	next->numbers->refs++;
	next->standing = standing;
	if (next->stage.share) {
		next->stage.numbers->refs++;
		next->stage.standing = staged;
	}
	return next;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	zone_set_drop(w->zones);
	steer_drop(w->steer);
	drop_numbers(w->numbers);
	standing_free(w->standing);
	if (w->stage.share) {
		steer_drop(w->stage.steer);
		drop_numbers(w->stage.numbers);
		standing_free(w->stage.standing);
	}
	memory_free(w);
}
