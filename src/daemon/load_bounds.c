#include "daemon/load_bounds.h"

#include "geo/place.h"
#include "measure/model.h"
#include "steer/shed.h"
#include "steer/standing.h"
#include "steer/steer.h"

#include <math.h>

enum {
	SMOOTH = 6,   /* intervals */
	EVIDENCE = 50 /* answers an edge on average, in these: fewer say nothing */
};

/* Of its bound: where a share begins to fall, below where it grows again (shed_share()). */
#define BOUND_LOW 0.95

size_t load_bounds_cells(const struct steer *s)
{
	size_t n = 0;

	for (unsigned i = 0; i < s->n_pools; i++)
		n += s->pools[i].n;
	return n;
}

static bool may_answer(const struct load_bounds *b, unsigned pool, unsigned at)
{
	const unsigned edge = b->steer->pools[pool].edges[at];
	const uint8_t marks = standing_marks(
		b->standing, standing_row_at(b->standing, b->steer, pool, at), edge);

	return (marks & (STANDS_A | STANDS_AAAA)) && !(marks & STANDS_DRAINED);
}

/* What the edge weighs among those that may answer. */
static unsigned weight(const struct load_bounds *b, unsigned pool, unsigned at)
{
	const struct pool *p = &b->steer->pools[pool];
	const uint16_t *weights = b->standing->pools[pool].weights;

	if (!may_answer(b, pool, at))
		return 0;
	return pool_policy_weighs(p->policy) ? (weights ? weights : p->weights)[at] : 1;
}

/* Are keys of the one edge also the other's? In nearest pools they are where both stand in one place, or within the
 * spread of each other, as far as the map says. */
static bool are_peers(const struct load_bounds *b, const struct pool *p, unsigned x, unsigned y)
{
	const struct edge *a = &b->steer->edges[p->edges[x]], *c = &b->steer->edges[p->edges[y]];

	if (p->policy != POOL_NEAREST)
		return true;
	if (!a->placed || !c->placed)
		return false;
	if (isinf(p->spread_ms))
		return a->lat == c->lat && a->lon == c->lon;
	return place_distance_km(a->lat, a->lon, c->lat, c->lon) * MODEL_MS_PER_KM <= p->spread_ms;
}

/* How full an edge is, when its bound is 1; 0 where nothing is known. */
static double used(
	const struct load_bounds *b, unsigned pool, unsigned at, const struct load_bound *of)
{
	const struct pool *p = &b->steer->pools[pool];
	const unsigned own = weight(b, pool, at);
	const double s = b->seconds * (b->intervals < SMOOTH ? b->intervals : SMOOTH);
	double rate = 0, weights = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++) {
		const unsigned w = own && are_peers(b, p, at, i) ? weight(b, pool, i) : 0;
		if (!w)
			continue;
		rate += of[i].rate;
		weights += w;
		n++;
	}
	if (!n || rate * s < n * (double)EVIDENCE)
		return 0;
	return of[at].rate / (p->bound * rate * own / weights);
}

bool load_bounds_follow(const struct load_bounds *b, struct load_bound *of)
{
	const double *rate = b->rate;
	const double lag = 1.0 / (b->intervals < SMOOTH ? b->intervals : SMOOTH);
	bool changed = false;

	for (unsigned i = 0; i < b->steer->n_pools; i++) {
		const struct pool *p = &b->steer->pools[i];
		for (unsigned k = 0; p->bound > 0 && k < p->n; k++)
			of[k].rate += lag * (rate[k] - of[k].rate);
		for (unsigned k = 0; p->bound > 0 && k < p->n; k++) {
			const uint16_t before = of[k].share;
			of[k].share = shed_share(before, used(b, i, k, of), BOUND_LOW, 1);
			changed = changed || of[k].share != before;
		}
		of += p->n;
		rate += p->n;
	}
	return changed;
}
