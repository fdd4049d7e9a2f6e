#include "store/store_flats.h"

#include "store/store.h"
#include "unit/store/stored.h"
#include "unit/unit.h"

#include <sqlite3.h>
#include <string.h>

static struct store_flat seen[4];
static unsigned n_seen;

static void see(void *ctx, const struct store_flat *f)
{
	(void)ctx;
	CU_ASSERT_FATAL(n_seen < UNIT_COUNT(seen));
	seen[n_seen++] = *f;
}

static void what_was_put_last_is_there_after_the_store_was_closed(void)
{
	static struct store_flat put[2] = {
		{ .name = "\1b\4test", .at_s = 1800000000, .ttl_s = 0, .n_a = STORE_FLAT_MOST, .n_aaaa = 0 },
		{ .name = "\1a\4test", .at_s = 5, .ttl_s = INT32_MAX, .n_a = 0, .n_aaaa = STORE_FLAT_MOST },
	};

	stored_begin();
	memset(put[0].a, 7, sizeof put[0].a);
	memset(put[1].aaaa, 9, sizeof put[1].aaaa);
	CU_ASSERT_TRUE(store_put_flats(stored.s, put, 1, &stored.why));
	CU_ASSERT_TRUE(store_put_flats(stored.s, put, 2, &stored.why));
	stored_again();
	n_seen = 0;
	CU_ASSERT_TRUE(store_each_flat(stored.s, see, NULL, &stored.why));
	CU_ASSERT_EQUAL_FATAL(n_seen, 2);
	CU_ASSERT(name_equal(seen[0].name, put[1].name) && seen[0].at_s == 5 && seen[0].ttl_s == INT32_MAX &&
		!seen[0].n_a && seen[0].n_aaaa == STORE_FLAT_MOST &&
		memcmp(seen[0].aaaa, put[1].aaaa, sizeof put[1].aaaa) == 0);
	CU_ASSERT(name_equal(seen[1].name, put[0].name) && seen[1].at_s == 1800000000 && seen[1].ttl_s == 0 &&
		seen[1].n_a == STORE_FLAT_MOST && !seen[1].n_aaaa &&
		memcmp(seen[1].a, put[0].a, sizeof put[0].a) == 0);
	n_seen = 0;
	CU_ASSERT_TRUE(store_put_flats(stored.s, NULL, 0, &stored.why));
	CU_ASSERT_TRUE(store_each_flat(stored.s, see, NULL, &stored.why));
	CU_ASSERT_EQUAL(n_seen, 0);
	stored_end();
}

static void rows_that_somebody_else_has_written_are_taken_where_they_make_sense(void)
{
	static const char rows[] =
		"INSERT INTO flat VALUES (x'016100', 1, 60, x'c0000201', x''),"
		" (x'016200', 1, 60, x'c00002', x''), (x'0163', 1, 60, x'c0000201', x''),"
		" (x'016400', 1, -1, x'c0000201', x''), (x'016500', 1, 4294967296, x'c0000201', x''),"
		" (x'016600', -1, 60, x'c0000201', x''), (x'016700', 1, 60, zeroblob(260), x''),"
		" (x'016800', 1, 60, x'', zeroblob(1040)), (x'016900', 1, 60, x'', zeroblob(15)),"
		" ('', 1, 60, x'', x'')";
	sqlite3 *db = NULL;

	stored_begin();
	CU_ASSERT_EQUAL(sqlite3_open(stored.path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	n_seen = 0;
	CU_ASSERT_TRUE(store_each_flat(stored.s, see, NULL, &stored.why));
	CU_ASSERT_EQUAL_FATAL(n_seen, 1);
	CU_ASSERT(memcmp(seen[0].name, "\1a", 3) == 0 && seen[0].n_a == 1 &&
		memcmp(seen[0].a, "\300\0\2\1", 4) == 0);
	stored_end();
}

void suite_store_flats(void);
void suite_store_flats(void)
{
	static const struct unit_case cases[] = {
		{ "what was put last is there after the store was closed",
			what_was_put_last_is_there_after_the_store_was_closed },
		{ "rows that somebody else has written are taken where they make sense",
			rows_that_somebody_else_has_written_are_taken_where_they_make_sense },
	};

	unit_suite("store/store_flats", cases, UNIT_COUNT(cases));
}
