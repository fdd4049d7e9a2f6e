#include "world/parts.h"

#include "base/scope.h"
#include "unit/daemon/site.h"
#include "unit/unit.h"

struct counts {
	unsigned conf, zones, atlas, geo_files, table_files, numbers;
};

static struct counts counts_of(const struct parts *p)
{
	return (struct counts){ p->conf->refs, p->zones->part.refs, p->atlas->refs,
		p->geo_files->part.refs, p->table_files->part.refs, p->numbers->part.refs };
}

/* By so many more than one holder. */
static void held_by(const struct parts *p, const struct counts *first, unsigned more)
{
	const struct counts now = counts_of(p);

	CU_ASSERT_EQUAL(now.conf, first->conf + more);
	CU_ASSERT_EQUAL(now.zones, first->zones + more);
	CU_ASSERT_EQUAL(now.atlas, first->atlas + more);
	CU_ASSERT_EQUAL(now.geo_files, first->geo_files + more);
	CU_ASSERT_EQUAL(now.table_files, first->table_files + more);
	CU_ASSERT_EQUAL(now.numbers, first->numbers + more);
}

static void a_copy_is_a_hold_of_each(void)
{
	struct site s;

	site_open(&s);
	struct parts p = site_read(&s, NULL);
	const struct counts first = counts_of(&p);
	struct parts copy = parts_hold(&p);
	held_by(&p, &first, 1);
	CU_ASSERT_PTR_EQUAL(copy.conf, p.conf);
	CU_ASSERT_PTR_EQUAL(copy.table, p.table);
	CU_ASSERT_PTR_EQUAL(copy.steer, p.steer);
	/* What the other holds is all there without the first. */
	parts_drop(&p);
	CU_ASSERT_EQUAL(copy.conf->refs, first.conf);
	CU_ASSERT_EQUAL(copy.steer->n_edges, 2);
	CU_ASSERT_EQUAL(latency_options(copy.table)->n_edges, 2);
	parts_drop(&copy);
	site_close(&s);
}

static void what_was_dropped_is_empty_and_nothing_is_dropped_of_it(void)
{
	static const struct parts none;
	struct site s;

	site_open(&s);
	struct parts p = site_read(&s, NULL);
	parts_drop(&p);
	CU_ASSERT_PTR_NULL(p.conf);
	CU_ASSERT_PTR_NULL(p.zones);
	CU_ASSERT_PTR_NULL(p.atlas);
	CU_ASSERT_PTR_NULL(p.geo_files);
	CU_ASSERT_PTR_NULL(p.table);
	CU_ASSERT_PTR_NULL(p.table_files);
	CU_ASSERT_PTR_NULL(p.steer);
	CU_ASSERT_PTR_NULL(p.numbers);
	parts_drop(&p);
	struct parts copy = parts_hold(&none);
	CU_ASSERT_PTR_NULL(copy.conf);
	CU_ASSERT_PTR_NULL(copy.numbers);
	parts_drop(&copy);
	site_close(&s);
}

static void hold_and_fail(void *parts)
{
	parts_hold(parts);
	parts_hold(parts);
	scope_fail();
}

static void a_failed_work_gives_back_its_copies(void)
{
	struct site s;

	site_open(&s);
	struct parts p = site_read(&s, NULL);
	const struct counts first = counts_of(&p);
	CU_ASSERT_FALSE(scope_run(hold_and_fail, &p));
	held_by(&p, &first, 0);
	parts_drop(&p);
	site_close(&s);
}

void suite_parts(void);
void suite_parts(void)
{
	static const struct unit_case cases[] = {
		{ "a copy is a hold of each", a_copy_is_a_hold_of_each },
		{ "what was dropped is empty, and nothing is dropped of it",
			what_was_dropped_is_empty_and_nothing_is_dropped_of_it },
		{ "a failed work gives back its copies", a_failed_work_gives_back_its_copies },
	};

	unit_suite("world/parts", cases, UNIT_COUNT(cases));
}
