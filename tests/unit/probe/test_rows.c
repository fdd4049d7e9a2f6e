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

	struct rows r = rows_new(&(struct rows_opts){ probes, pools, 6, 3 });
	CU_ASSERT_EQUAL_FATAL(r.n, 3);
	for (unsigned i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(r.row_of[i], want[i]);
	CU_ASSERT(r.row[0].edges[0] && r.row[0].edges[1] && r.row[0].edges[2]);
	CU_ASSERT(r.row[1].edges[0] && !r.row[1].edges[1] && r.row[1].edges[2]);
	rows_free(&r);
}

void suite_rows(void)
{
	static const struct unit_case cases[] = {
		{ "pools with the same probe and rule share a row",
			pools_with_the_same_probe_and_rule_share_a_row },
	};

	unit_suite("probe/rows", cases, UNIT_COUNT(cases));
}
