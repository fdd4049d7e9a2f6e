#include "simulate/simulate_load.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <string.h>

/* ams with room for a quarter of all: of what would come (Oslo and Brazil, a half) the rest
 * goes to where it loses least, on the new side alone. */
static void an_edge_takes_what_it_has_room_for(void)
{
	static const char *const web[] = { "web" };
	const uint8_t states[4] = { 0 };
	struct edge_opts edges[4];
	struct pool_opts pool = small_pool();
	struct simulate found;

	memcpy(edges, small_edges, sizeof edges);
	for (unsigned i = 0; i < 4; i++)
		edges[i].capacity = i == AMS ? 250 : 10000;
	for (unsigned i = 0; i < 4; i++) {
		edges[i].low = 0.9;
		edges[i].high = 1;
	}
	struct atlas *atlas = small_atlas();
	struct steer *steer = steer_new(
		&(struct steer_opts){ edges, 4, &pool, 1, NULL, NULL }, atlas, NULL);
	struct standing *old = small_standing(steer, states),
			*new = small_standing(steer, states);
	struct simulate_client all = { .net = { .addr = { { [10] = 255, 255 } },
					       .bits = ADDR_V4_BITS },
		.weight = 4294967296.0,
		.pool = -1,
		.type = SIMULATE_A,
		.known_only = true };
	const struct simulate_opts opts = { .old = { steer, old, NULL, true },
		.new = { steer, new, NULL, true },
		.pools = web,
		.n_pools = 1,
		.clients = &all,
		.n_clients = 1 };
	simulate_load(&(struct simulate_load){ &opts, true, new, 1000 });
	simulate_run(&found, &opts);
	double load[2] = { 0 };
	for (unsigned i = 0; i < found.n_edges; i++)
		if (strcmp(found.edges[i].name, "ams") == 0) {
			CU_ASSERT_EQUAL(found.edges[i].new_capacity, 250);
			load[0] = found.edges[i].old.weight / found.weight * 1000;
			load[1] = found.edges[i].new.weight / found.weight * 1000;
		}
	CU_ASSERT_DOUBLE_EQUAL(load[0], 500, 1e-6);
	CU_ASSERT(load[1] <= 250 && load[1] > 200);
	CU_ASSERT_DOUBLE_EQUAL(found.moved / found.weight * 1000, 500 - load[1], 1e-6);
	simulate_fini(&found);
	standing_free(old);
	standing_free(new);
	steer_drop(steer);
	atlas_drop(atlas);
}

void suite_simulate_load(void);
void suite_simulate_load(void)
{
	static const struct unit_case cases[] = {
		{ "an edge takes what it has room for", an_edge_takes_what_it_has_room_for },
	};

	unit_suite("simulate/simulate_load", cases, UNIT_COUNT(cases));
}
