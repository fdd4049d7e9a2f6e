#include "world/world.h"

#include "base/memory.h"

/* Everything is held once more but the standings. */
static struct world *make(const struct world *from)
{
	struct world *w = memory_zeroed(1, sizeof *w);

	*w = *from;
	w->refs = 1;
	zone_set_hold(w->zones);
	steer_hold(w->steer);
	pool_numbers_hold(w->numbers);
	plain_zones_hold(w->plain);
	part_hold(w->conf);
	pool_signatures_hold(w->signatures);
	w->first_pool = w->numbers->first_pool;
	w->pools = w->numbers->pools;
	if (w->stage.share) {
		steer_hold(w->stage.steer);
		pool_numbers_hold(w->stage.numbers);
		w->stage.pools = w->stage.numbers->pools;
	}
	return w;
}

struct world *world_new(const struct world_opts *opts)
{
	return make(&(struct world){ .zones = opts->zones,
		.steer = opts->steer,
		.key = zone_set_key(opts->zones),
		.policy = *opts->policy,
		.conf = opts->conf,
		.numbers = opts->numbers,
		.standing = opts->standing,
		.plain = opts->plain,
		.signatures = opts->signatures,
		.stage = opts->staged
			? (struct world_stage){ .share = opts->share,
				  .steer = opts->staged,
				  .standing = opts->staged_standing,
				  .numbers = opts->staged_numbers }
			: (struct world_stage){ 0 } });
}

/* Member by member: others may be counting their holds of `w`, or retiring it, meanwhile. */
struct world world_borrow(const struct world *w)
{
	return (struct world){ .zones = w->zones,
		.steer = w->steer,
		.key = w->key,
		.policy = w->policy,
		.generation = w->generation,
		.first_pool = w->first_pool,
		.pools = w->pools,
		.numbers = w->numbers,
		.conf = w->conf,
		.standing = w->standing,
		.plain = w->plain,
		.signatures = w->signatures,
		.stage = w->stage };
}

struct world *world_with_standing(
	const struct world *w, struct standing *standing, struct standing *staged)
{
	struct world next = world_borrow(w);

	next.standing = standing;
	next.stage.standing = staged;
	return make(&next);
}

struct world *world_hold(const struct world *w)
{
	struct world *mine = (struct world *)(uintptr_t)w;

	__atomic_add_fetch(&mine->refs, 1, __ATOMIC_RELAXED);
	return mine;
}

void world_drop(struct world *w)
{
	if (!w || __atomic_sub_fetch(&w->refs, 1, __ATOMIC_ACQ_REL))
		return;
	zone_set_drop(w->zones);
	steer_drop(w->steer);
	pool_numbers_drop(w->numbers);
	plain_zones_drop(w->plain);
	standing_free(w->standing);
	if (w->stage.share) {
		steer_drop(w->stage.steer);
		pool_numbers_drop(w->stage.numbers);
		standing_free(w->stage.standing);
	}
	pool_signatures_drop(w->signatures);
	part_drop(w->conf);
	memory_free(w);
}
