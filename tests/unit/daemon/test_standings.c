#include "daemon/standings.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

enum { LONG_AGO = 1000, THEN = 5000, NOW = 9000 };

static void a_staged_pool_is_as_steady_as_its_edges_are(void)
{
	struct pool_opts pools[2] = { small_pool(), small_pool() };
	struct small live, stage;
	const uint8_t up[8] = { 0 }, down[8] = { [ROM] = EDGE_DOWN };

	pools[1].name = "new";
	small_open(&live, pools, 1);
	small_open(&stage, pools, 2);
	struct standing *of_live = small_standing(live.steer, up),
			*first = small_standing(stage.steer, up),
			*second = small_standing(stage.steer, up),
			*third = small_standing(stage.steer, down);
	of_live->pools[0].steady_us = LONG_AGO;
	/* As old as the live one of its name; one that is new begins now. */
	standings_steady(first, stage.steer, NULL, of_live, live.steer, THEN);
	CU_ASSERT_EQUAL(first->pools[0].steady_us, LONG_AGO);
	CU_ASSERT_EQUAL(first->pools[1].steady_us, THEN);
	/* From there on its own edges decide. */
	of_live->pools[0].steady_us = NOW;
	standings_steady(second, stage.steer, first, of_live, live.steer, NOW);
	CU_ASSERT_EQUAL(second->pools[0].steady_us, LONG_AGO);
	CU_ASSERT_EQUAL(second->pools[1].steady_us, THEN);
	standings_steady(third, stage.steer, second, of_live, live.steer, NOW);
	CU_ASSERT_EQUAL(third->pools[0].steady_us, NOW);
	CU_ASSERT_EQUAL(third->pools[1].steady_us, NOW);
	standing_free(of_live);
	standing_free(first);
	standing_free(second);
	standing_free(third);
	small_close(&live);
	small_close(&stage);
}

void suite_standings(void);
void suite_standings(void)
{
	static const struct unit_case cases[] = {
		{ "a staged pool is as steady as its edges are",
			a_staged_pool_is_as_steady_as_its_edges_are },
	};

	unit_suite("daemon/standings", cases, UNIT_COUNT(cases));
}
