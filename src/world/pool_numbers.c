#include "world/pool_numbers.h"

#include "base/memory.h"

static void throw_away(struct part *p)
{
	struct pool_numbers *n = (struct pool_numbers *)p; /* its first member */

	memory_free(n->first_pool);
	memory_free(n->pools);
	memory_free(n);
}

struct pool_numbers *pool_numbers_new(
	const struct zone_set *set, const struct steer *steer, struct fault *why)
{
	struct pool_numbers *to = memory_zeroed(1, sizeof *to);
	const size_t zones = zone_set_count(set);
	size_t n = 0;
	char name[NAME_TEXT];

	for (size_t i = 0; i < zones; i++)
		n += zone_set_get(set, i)->pools_n;
	to->part = part_new(throw_away);
	to->first_pool = memory_zeroed(zones, sizeof *to->first_pool);
	to->pools = memory_zeroed(n, sizeof *to->pools);
	for (size_t i = 0; i < zones; i++) {
		const struct zone *z = zone_set_get(set, i);
		to->first_pool[i] = (uint32_t)to->n;
		for (unsigned k = 0; k < z->pools_n; k++) {
			const int pool = steer_pool(steer, z->pools[k]);
			if (pool < 0) {
				fault(why,
					"there is no pool %s any more, and zone %s as it is "
					"served names it: keep the pool until no zone does",
					z->pools[k], view_text(name, zone_id(z)));
				pool_numbers_drop(to);
				return NULL;
			}
			to->pools[to->n++] = (uint16_t)pool;
		}
	}
	return to;
}
