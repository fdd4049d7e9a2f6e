#include "probe/rows.h"

#include "unit/unit.h"

static void pools_with_the_same_probe_and_rule_share_a_row(void)
{
	static const uint16_t some[] = { 0, 2 }, others[] = { 1 };
	static const struct probe_opts probes[] = {
		{ .name = "web", .kind = PROBE_TCP, .every_ms = 1000 },
		{ .name = "same", .kind = PROBE_TCP, .every_ms = 1000, .port = 80 },
		{ .name = "other", .kind = PROBE_TCP, .every_ms = 1000, .port = 81 },
		{ .name = "none", .kind = PROBE_NONE },
	};
	const struct pool_opts pools[] = {
		{ .name = "a", .edges = some, .n = 2, .probe = 1, .up_when = 1 },
		{ .name = "b", .edges = others, .n = 1, .probe = 2, .up_when = 1 },
		{ .name = "c", .edges = some, .n = 2, .probe = 1, .up_when = 0 },
		{ .name = "d", .edges = some, .n = 2, .probe = 3, .up_when = 1 },
		{ .name = "e", .edges = some, .n = 2 },
		{ .name = "f", .edges = some, .n = 2, .probe = 4, .up_when = 1 },
	};
	static const uint16_t want[] = { 1, 1, 2, 3, 0, 0 };

	struct rows r = rows_new(&(struct rows_opts){ probes, NULL, 3, pools, 6 });
	CU_ASSERT_EQUAL_FATAL(r.n, 3);
	for (unsigned i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(r.row_of[i], want[i]);
	CU_ASSERT(r.row[0].edges[0] && r.row[0].edges[1] && r.row[0].edges[2]);
	CU_ASSERT(r.row[1].edges[0] && !r.row[1].edges[1] && r.row[1].edges[2]);
	rows_free(&r);
}

static unsigned asks(const struct rows *r, unsigned pool, unsigned edge)
{
	const unsigned row = r->row_of[pool];
	const struct probe_opts *p = row ? round_row_probe(&r->row[row - 1], edge) : NULL;

	return p ? (unsigned)(p - r->row[row - 1].probes) + 1 : 0;
}

/* Members before edges before pools, against a reading of its own; whatever other pools share. */
static void each_edge_is_asked_as_its_pool_has_it(void)
{
	static const struct probe_opts probes[] = {
		{ .name = "a", .kind = PROBE_TCP, .every_ms = 1000 },
		{ .name = "b", .kind = PROBE_TCP, .every_ms = 2000 },
		{ .name = "none", .kind = PROBE_NONE },
	};
	enum { EDGES = 4, POOLS = 40 };
	unsigned seed = 1;

	for (unsigned round = 0; round < 200; round++) {
		struct edge_opts edges[EDGES] = { 0 };
		struct pool_opts pools[POOLS] = { 0 };
		struct pool_member members[POOLS][EDGES];
		uint16_t all[EDGES] = { 0, 1, 2, 3 };
#define DRAW(n) ((seed = seed * 1103515245u + 12345u) >> 16) % (n)
		for (unsigned i = 0; i < EDGES; i++)
			edges[i].probe = DRAW(3) ? 0 : DRAW(4);
		for (unsigned i = 0; i < POOLS; i++) {
			pools[i] = (struct pool_opts){ .name = "p", .edges = all };
			pools[i].n = 1 + DRAW(EDGES);
			pools[i].probe = DRAW(4);
			pools[i].up_when = DRAW(2);
			if (DRAW(2))
				continue;
			pools[i].members = members[i];
			pools[i].n_members = pools[i].n;
			for (unsigned k = 0; k < pools[i].n; k++)
				members[i][k] = (struct pool_member){ .number = (uint16_t)k,
					.probe = (uint16_t)(DRAW(2) ? 0 : DRAW(4)) };
		}
		struct rows r = rows_new(
			&(struct rows_opts){ probes, edges, EDGES, pools, POOLS });
		for (unsigned i = 0; i < POOLS; i++)
			for (unsigned k = 0; k < pools[i].n; k++) {
				const unsigned own = pools[i].n_members ? members[i][k].probe : 0;
				const unsigned want = own ? own
					: edges[k].probe  ? edges[k].probe
							  : pools[i].probe;
				CU_ASSERT_EQUAL(asks(&r, i, k), want == 3 ? 0 : want);
				if (r.row_of[i])
					CU_ASSERT_EQUAL(
						r.need[r.row_of[i] - 1], pools[i].up_when);
			}
		rows_free(&r);
	}
#undef DRAW
}

void suite_rows(void)
{
	static const struct unit_case cases[] = {
		{ "pools with the same probe and rule share a row",
			pools_with_the_same_probe_and_rule_share_a_row },
		{ "each edge is asked as its pool has it", each_edge_is_asked_as_its_pool_has_it },
	};

	unit_suite("probe/rows", cases, UNIT_COUNT(cases));
}
