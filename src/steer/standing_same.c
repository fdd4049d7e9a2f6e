/* standing_same.c - would two standings answer alike?
 */
#include "steer/standing.h"
#include "steer/steer.h"

#include <string.h>

#define CLOCK_SET_US 1000000u /* a clock that is only kept right moves by less */

static bool same_list(const uint16_t *a, const uint16_t *b, size_t n)
{
	return !a == !b && (!a || memcmp(a, b, n * sizeof *a) == 0);
}

static bool same_pool(
	const struct standing_pool *a, const struct standing_pool *b, const struct pool *p)
{
	const size_t bytes = a->n * sizeof *a->order;

	return a->row == b->row && a->probed == b->probed && a->panics == b->panics &&
		a->waits == b->waits && a->up == b->up && a->asked == b->asked &&
		a->lives == b->lives && a->lives_barely == b->lives_barely &&
		a->changes_us == b->changes_us && a->steady_us == b->steady_us &&
		a->first == b->first && !a->within == !b->within &&
		(!a->within ||
			(memcmp(a->order, b->order, bytes) == 0 &&
				memcmp(a->within, b->within, bytes) == 0)) &&
		same_list(a->weights, b->weights, p->n) &&
		same_list(a->bounds, b->bounds, p->n) && same_list(a->shares, b->shares, p->n) &&
		same_list(a->member_weights, b->member_weights, p->tree ? p->tree->n : 0);
}

static bool same_cuts(const struct standing *a, const struct standing *b)
{
	if (a->tick != b->tick || !a->cuts != !b->cuts)
		return false;
	for (unsigned i = 0; a->cuts && i < a->n_edges; i++)
		if (a->cuts[i].price != b->cuts[i].price ||
			a->cuts[i].share != b->cuts[i].share)
			return false;
	return true;
}

/* Once the clock was set the same moment is as far away as it was not before. */
static bool ends_alike(const struct standing *a, const struct standing *b)
{
	for (unsigned i = 0; i < a->n_hours; i++) {
		const uint64_t x = a->hours_end_us[i], y = b->hours_end_us[i];
		if (a->hours_end_s[i] != b->hours_end_s[i] || (x > y ? x - y : y - x) > CLOCK_SET_US)
			return false;
	}
	return true;
}

static bool same_hours(const struct standing *a, const struct standing *b)
{
	return a->n_hours == b->n_hours &&
		(!a->n_hours || (memcmp(a->hours, b->hours, a->n_hours) == 0 && ends_alike(a, b)));
}

bool standing_same(
	const struct steer *steer, const struct standing *a, const struct standing *b)
{
	const size_t edges = a->n_edges, bits = (size_t)a->n_rows * a->words;

	if (a->n_rows != b->n_rows || a->n_pools != b->n_pools ||
		memcmp(a->marks, b->marks, a->n_rows * edges) != 0 ||
		memcmp(a->alive, b->alive, bits * sizeof *a->alive) != 0 || !same_cuts(a, b) ||
		!same_hours(a, b))
		return false;
	for (unsigned i = 0; i < a->n_pools; i++)
		if (!same_pool(&a->pools[i], &b->pools[i], &steer->pools[i]))
			return false;
	return true;
}
