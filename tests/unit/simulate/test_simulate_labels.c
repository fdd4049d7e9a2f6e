#include "simulate/simulate_labels.h"

#include "unit/steer/draw.h"
#include "unit/unit.h"

#include <math.h>

static const struct label_space space = { 0, 0, 1000, 400, 12, 5 };

static bool meet(double a, double b, double c, double d)
{
	return a < d && c < b;
}

static bool names_meet(const struct label *a, const struct label *b)
{
	return meet(a->left, a->left + a->width, b->left, b->left + b->width) &&
		fabs(a->base - b->base) < 12;
}

static bool lies_on_mark(const struct label *a, const struct label *mark)
{
	return meet(a->left, a->left + a->width, mark->x - 5, mark->x + 5) &&
		meet(a->base - 12 * 0.8, a->base + 3, mark->y - 5, mark->y + 5);
}

/* As many as may stand on a map, in a part of it. */
static void check(struct label *l, size_t n, size_t least)
{
	size_t placed = 0, wrong = 0;

	labels_place(l, n, &space);
	for (size_t i = 0; i < n; i++) {
		placed += l[i].placed;
		if (!l[i].placed)
			continue;
		wrong += l[i].left < 0 || l[i].left + l[i].width > 1000 || l[i].base < 0 ||
			l[i].base > 400;
		for (size_t k = 0; k < n; k++) {
			wrong += lies_on_mark(&l[i], &l[k]);
			wrong += k != i && l[k].placed && names_meet(&l[i], &l[k]);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(placed >= least);
}

static void a_name_alone_stands_at_the_right_of_its_mark(void)
{
	struct label l = { .x = 500, .y = 200, .width = 50 };

	labels_place(&l, 1, &space);
	CU_ASSERT_TRUE(l.placed && !l.far);
	CU_ASSERT_TRUE(l.left > 505 && l.left < 512);
	l.x = 980;
	labels_place(&l, 1, &space);
	CU_ASSERT_TRUE(l.placed && l.left + 50 < 975);
}

static void no_name_lies_on_another_or_on_a_mark(void)
{
	struct draw draw = { 7 };
	struct label l[200];

	for (unsigned round = 0; round < 40; round++) {
		const size_t n = 2 + round * 5;
		for (size_t i = 0; i < n; i++)
			l[i] = (struct label){ .x = draw_between(&draw, 300, 700),
				.y = draw_between(&draw, 100, 300),
				.width = draw_between(&draw, 20, 80) };
		check(l, n, n < 30 ? n - n / 10 : 20);
	}
}

static void marks_at_one_place_have_names_beside_each_other(void)
{
	struct label l[6];

	for (unsigned i = 0; i < 6; i++)
		l[i] = (struct label){ .x = 500, .y = 200, .width = 40 };
	check(l, 6, 6);
	CU_ASSERT_TRUE(l[5].far);
}

void suite_simulate_labels(void);
void suite_simulate_labels(void)
{
	static const struct unit_case cases[] = {
		{ "a name alone stands at the right of its mark",
			a_name_alone_stands_at_the_right_of_its_mark },
		{ "no name lies on another, or on a mark",
			no_name_lies_on_another_or_on_a_mark },
		{ "marks at one place have names beside each other",
			marks_at_one_place_have_names_beside_each_other },
	};

	unit_suite("simulate/labels", cases, UNIT_COUNT(cases));
}
