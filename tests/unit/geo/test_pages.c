#include "geo/pages.h"

#include "base/scope.h"
#include "unit/failing.h"
#include "unit/unit.h"

#include <string.h>

enum { FEW = 5000, MANY = 5 << 20 };

/* A small table that grows and one that lies in huge pages; some go, some stay. */
struct tables {
	unsigned char *grown, *large, *settled;
	size_t room;
	bool end;
};

static void use(void *ctx)
{
	struct tables *t = ctx;
	void *gone = pages_table(MANY);

	t->room = 0;
	t->grown = NULL;
	for (size_t n = 0; n < 10; n++)
		t->grown = pages_grow(t->grown, &t->room, t->room, 100);
	pages_resize(gone, MANY, 0);
	t->large = memset(pages_table(MANY), 1, MANY);
	t->settled = memset(pages_resize(NULL, 0, 2 * MANY), 2, MANY);
	t->settled = pages_settle(t->settled, 2 * MANY, MANY);
	t->large = pages_resize(t->large, MANY, FEW);
	if (t->end)
		scope_fail();
}

static void use_each(void *ctx)
{
	struct tables t = { .end = *(bool *)ctx };
	const size_t before = failing_mapped();
	const bool ok = scope_run(use, &t);
	const size_t failed = failing_stop();

	CU_ASSERT_EQUAL(ok, !failed && !t.end);
	if (ok) {
		CU_ASSERT_EQUAL(t.large[FEW - 1], 1);
		CU_ASSERT_EQUAL(t.settled[MANY - 1], 2);
		pages_resize(t.grown, t.room * 100, 0);
		pages_resize(t.large, FEW, 0);
		pages_resize(t.settled, MANY, 0);
	}
	CU_ASSERT_EQUAL(failing_mapped(), before);
}

static void pages_go_back_whatever_ends_the_work(void)
{
	CU_ASSERT_TRUE(failing_each(use_each, &(bool){ false }) > 10);
	CU_ASSERT_TRUE(failing_each(use_each, &(bool){ true }) > 10);
}

void suite_pages(void);
void suite_pages(void)
{
	static const struct unit_case cases[] = {
		{ "pages go back whatever ends the work",
			pages_go_back_whatever_ends_the_work },
	};

	unit_suite("geo/pages", cases, UNIT_COUNT(cases));
}
