#include "world/world.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void number_pools(struct world *w)
{
	const size_t zones = zone_set_count(w->zones);
	size_t n = 0;

	for (size_t i = 0; i < zones; i++)
		n += zone_set_get(w->zones, i)->pools_n;
	w->first_pool = memory_zeroed(zones, sizeof *w->first_pool);
	w->pools = memory_zeroed(n, sizeof *w->pools);
	n = 0;
	for (size_t i = 0; i < zones; i++) {
		const struct zone *z = zone_set_get(w->zones, i);
		w->first_pool[i] = (uint32_t)n;
		for (unsigned k = 0; k < z->pools_n; k++) {
			const int pool = steer_pool(w->steer, z->pools[k]);
			if (pool < 0)
				die("pool %s has gone while zones were loaded", z->pools[k]);
			w->pools[n++] = (uint16_t)pool;
		}
	}
}

struct world *world_new(const struct world_opts *opts)
{
	struct world *w = memory_zeroed(1, sizeof *w);

	w->zones = zone_set_hold(opts->zones);
	w->steer = steer_hold(opts->steer);
	w->key = zone_set_key(opts->zones);
	w->policy = *opts->policy;
	w->states = memory_zeroed(w->steer->n_edges, 1);
	memcpy(w->states, opts->states, w->steer->n_edges);
	number_pools(w);
	return w;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	zone_set_drop(w->zones);
	steer_drop(w->steer);
	free(w->first_pool);
	free(w->pools);
	free(w->states);
	free(w);
}
