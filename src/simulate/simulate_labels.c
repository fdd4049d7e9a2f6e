#include "simulate/simulate_labels.h"

#include <math.h>

struct box {
	double left, top, right, bottom;
};

static bool meet(struct box a, struct box b)
{
	return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

static struct box name_at(const struct label *l, double left, double base, double size)
{
	return (struct box){ left, base - size * 0.8, left + l->width, base + size * 0.25 };
}

static struct box mark_of(const struct label *l, double radius)
{
	return (struct box){ l->x - radius, l->y - radius, l->x + radius, l->y + radius };
}

static bool is_free(
	const struct label *all, size_t n, const struct label_space *in, struct box b)
{
	if (b.left < in->x || b.top < in->y || b.right > in->x + in->width ||
		b.bottom > in->y + in->height)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct label *o = &all[i];
		if (meet(b, mark_of(o, in->mark)) ||
			(o->placed && meet(b, name_at(o, o->left, o->base, in->size))))
			return false;
	}
	return true;
}

/* Eight directions, in rings that get wider: the right side first, where names are looked for.
 */
static void place_one(
	struct label *l, const struct label *all, size_t n, const struct label_space *in)
{
	static const double step[][2] = { { 1, 0 }, { -1, 0 }, { 0, -1 }, { 0, 1 },
		{ 0.8, -0.8 }, { 0.8, 0.8 }, { -0.8, -0.8 }, { -0.8, 0.8 } };
	enum { RINGS = 7 };

	for (unsigned ring = 0; ring < RINGS; ring++) {
		const double r = in->mark * 1.6 + ring * in->size * 1.2;
		for (unsigned i = 0; i < sizeof step / sizeof *step; i++) {
			const double x = l->x + step[i][0] * r, y = l->y + step[i][1] * r;
			const double left = step[i][0] > 0 ? x
				: step[i][0] < 0           ? x - l->width
							   : x - l->width / 2;
			const double base = y +
				in->size *
					(step[i][1] > 0                  ? 0.8
							: step[i][1] < 0 ? -0.2
									 : 0.32);
			if (!is_free(all, n, in, name_at(l, left, base, in->size)))
				continue;
			l->placed = true;
			l->far = ring > 0;
			l->left = left;
			l->base = base;
			return;
		}
	}
}

void labels_place(struct label *l, size_t n, const struct label_space *in)
{
	for (size_t i = 0; i < n; i++)
		l[i].placed = false;
	for (size_t i = 0; i < n; i++)
		place_one(&l[i], l, n, in);
}
