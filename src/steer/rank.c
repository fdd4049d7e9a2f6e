#include "steer/rank.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A point on the unit sphere: comparing chords compares great-circle distances, without a sine
 * each. */
struct point {
	double x, y, z;
};

/* Rank under construction. */
struct build {
	struct rank *r;
	struct point *at;           /* [n] */
	double *chord2;             /* [n] squared chord from the place at work, by position */
	uint16_t *row, *row_within; /* [n] */
	uint32_t room;              /* rows there is room for */
	uint32_t *slot;             /* class + 1 by hash of its row */
	uint32_t slots_n;
};

double rank_estimate_ms(double km)
{
	return RANK_BASE_MS + RANK_MS_PER_KM * km;
}

static struct point point_at(double lat, double lon)
{
	const double rad = M_PI / 180, c = cos(lat * rad);

	return (struct point){ c * cos(lon * rad), c * sin(lon * rad), sin(lat * rad) };
}

static double chord2_ms(double chord2)
{
	const double half = sqrt(chord2) / 2;

	return rank_estimate_ms(2 * 6371.0088 * asin(half < 1 ? half : 1));
}

/* How many edges behind each position of the row are within the spread of the edge that stands
 * there. */
static void fill_within(struct build *b)
{
	const struct rank *r = b->r;

	for (unsigned i = 0; i < r->n; i++) {
		const double best_ms = chord2_ms(b->chord2[b->row[i]]);
		const double most_ms = fmin(
			best_ms + r->spread_ms, best_ms * (1 + r->spread_share));
		unsigned k = i + 1;
		while (k < r->n && chord2_ms(b->chord2[b->row[k]]) <= most_ms)
			k++;
		b->row_within[i] = (uint16_t)(k - i - 1);
	}
}

static size_t row_bytes(const struct rank *r)
{
	return r->n * sizeof *r->order;
}

static uint64_t hash_row(const struct build *b)
{
	static const struct hash_key key = { 0x2545f4914f6cdd1du, 0x9e3779b97f4a7c15u };
	uint64_t h = hash_bytes(key, (const uint8_t *)b->row, row_bytes(b->r));

	if (b->r->within)
		h ^= hash_bytes(key, (const uint8_t *)b->row_within, row_bytes(b->r)) * 3;
	return h;
}

static void grow_slots(struct build *b)
{
	const struct rank *r = b->r;
	const uint32_t slots_n = b->slots_n * 2;
	uint32_t *slot = memory_zeroed(slots_n, sizeof *slot);
	uint16_t *row = b->row, *row_within = b->row_within;

	for (uint32_t c = 0; c < r->classes; c++) {
		b->row = r->order + (size_t)c * r->n;
		b->row_within = r->within ? r->within + (size_t)c * r->n : NULL;
		uint32_t s = (uint32_t)(hash_row(b) >> 32) & (slots_n - 1);
		while (slot[s])
			s = (s + 1) & (slots_n - 1);
		slot[s] = c + 1;
	}
	free(b->slot);
	b->slot = slot;
	b->slots_n = slots_n;
	b->row = row;
	b->row_within = row_within;
}

static bool same_row(const struct build *b, uint32_t class)
{
	const struct rank *r = b->r;
	const size_t at = (size_t) class * r->n;

	return memcmp(r->order + at, b->row, row_bytes(r)) == 0 &&
		(!r->within || memcmp(r->within + at, b->row_within, row_bytes(r)) == 0);
}

/* The class of the row at work. */
static uint32_t intern_row(struct build *b)
{
	struct rank *r = b->r;
	uint32_t s = (uint32_t)(hash_row(b) >> 32) & (b->slots_n - 1);

	for (; b->slot[s]; s = (s + 1) & (b->slots_n - 1))
		if (same_row(b, b->slot[s] - 1))
			return b->slot[s] - 1;
	if (r->classes == b->room) {
		b->room *= 2;
		r->order = memory_grow(r->order, b->room * row_bytes(r));
		if (r->within)
			r->within = memory_grow(r->within, b->room * row_bytes(r));
	}
	memcpy(r->order + (size_t)r->classes * r->n, b->row, row_bytes(r));
	if (r->within)
		memcpy(r->within + (size_t)r->classes * r->n, b->row_within, row_bytes(r));
	b->slot[s] = ++r->classes;
	if (r->classes * 2 > b->slots_n)
		grow_slots(b);
	return r->classes - 1;
}

/* Sorts the row by distance from a place. It starts in the order of the place before, which is
 * mostly near: an insertion sort then has little to do. Equal distances keep the pool's order.
 */
static void sort_row(struct build *b, const struct place *place)
{
	const struct point p = point_at(place->lat, place->lon);
	const struct rank *r = b->r;

	for (unsigned i = 0; i < r->n; i++) {
		const double x = b->at[i].x - p.x, y = b->at[i].y - p.y, z = b->at[i].z - p.z;
		b->chord2[i] = x * x + y * y + z * z;
	}
	for (unsigned i = 1; i < r->n; i++) {
		const uint16_t edge = b->row[i];
		const double d = b->chord2[edge];
		unsigned k = i;
		while (k > 0 &&
			(b->chord2[b->row[k - 1]] > d ||
				(b->chord2[b->row[k - 1]] == d && b->row[k - 1] > edge))) {
			b->row[k] = b->row[k - 1];
			k--;
		}
		b->row[k] = edge;
	}
}

static void fill_classes(struct build *b)
{
	struct rank *r = b->r;
	const struct places *places = r->atlas->cities.places;
	const uint32_t n = places_count(places) + 1;

	r->class_of = memory_grow(NULL, n * sizeof *r->class_of);
	/* Nobody knows where class 0 is: everything is within everything's spread. */
	memcpy(b->row, r->fallback, row_bytes(r));
	if (r->within)
		for (unsigned i = 0; i < r->n; i++)
			b->row_within[i] = (uint16_t)(r->n - i - 1);
	r->class_of[0] = intern_row(b);
	for (uint32_t i = 1; i < n; i++) {
		const struct place *place = places_get(places, i);
		r->class_of[i] = 0;
		if (isnan(place->lat) || isnan(place->lon))
			continue;
		sort_row(b, place);
		if (r->within)
			fill_within(b);
		r->class_of[i] = intern_row(b);
	}
	r->order = memory_grow(r->order, r->classes * row_bytes(r));
	if (r->within)
		r->within = memory_grow(r->within, r->classes * row_bytes(r));
}

/* How the classes are found for an address. */
static void make_view(struct rank *r, bool view)
{
	struct netmap *map = r->atlas->cities.map;
	const uint32_t n = places_count(r->atlas->cities.places) + 1;

	if (view && r->classes < NETMAP_VALUE_MOST)
		r->view = netmap_view(map, r->class_of, n);
	else
		r->seams = netmap_seams_new(map, r->class_of, n);
}

/* The order for clients that nobody knows: the configured one, then the pool's other edges. By
 * position in the pool. */
static void fill_fallback(struct rank *r, const struct pool_opts *pool)
{
	unsigned k = 0;

	for (size_t i = 0; i < pool->n_fallback; i++)
		for (size_t e = 0; e < pool->n; e++)
			if (pool->edges[e] == pool->fallback[i])
				r->fallback[k++] = (uint16_t)e;
	for (size_t e = 0; e < pool->n; e++) {
		bool named = false;
		for (unsigned i = 0; i < k && !named; i++)
			named = r->fallback[i] == e;
		if (!named)
			r->fallback[k++] = (uint16_t)e;
	}
}

static bool same_rank(const struct rank *a, const struct rank *b)
{
	return a->atlas == b->atlas && a->n == b->n && a->spread_ms == b->spread_ms &&
		a->spread_share == b->spread_share &&
		memcmp(a->edges, b->edges, a->n * sizeof *a->edges) == 0 &&
		memcmp(a->fallback, b->fallback, row_bytes(a)) == 0;
}

static void build_rank(struct rank *r)
{
	struct build b = { .r = r, .room = 64, .slots_n = 256 };

	b.at = memory_grow(NULL, r->n * sizeof *b.at);
	b.chord2 = memory_grow(NULL, r->n * sizeof *b.chord2);
	b.row = memory_grow(NULL, row_bytes(r));
	b.row_within = memory_grow(NULL, row_bytes(r));
	b.slot = memory_zeroed(b.slots_n, sizeof *b.slot);
	r->order = memory_grow(NULL, b.room * row_bytes(r));
	if (isfinite(r->spread_ms) || isfinite(r->spread_share))
		r->within = memory_grow(NULL, b.room * row_bytes(r));
	for (unsigned i = 0; i < r->n; i++)
		b.at[i] = point_at(r->edges[i].lat, r->edges[i].lon);
	fill_classes(&b);
	free(b.at);
	free(b.chord2);
	free(b.row);
	free(b.row_within);
	free(b.slot);
}

struct rank *rank_new(const struct rank_opts *opts)
{
	const struct pool_opts *pool = opts->pool;
	struct rank *r = memory_zeroed(1, sizeof *r);

	r->refs = 1;
	r->n = (unsigned)pool->n;
	r->atlas = atlas_hold(opts->atlas);
	r->spread_ms = pool->answers > 1 ? pool->spread_ms : INFINITY;
	r->spread_share = pool->answers > 1 ? pool->spread_share : INFINITY;
	r->edges = memory_grow(NULL, r->n * sizeof *r->edges);
	r->fallback = memory_grow(NULL, row_bytes(r));
	for (unsigned i = 0; i < r->n; i++) {
		const struct edge_opts *e = &opts->edges[pool->edges[i]];
		r->edges[i] = (struct rank_edge){ e->lat, e->lon };
	}
	fill_fallback(r, pool);
	for (size_t i = 0; i < opts->n_known; i++)
		if (same_rank(r, opts->known[i])) {
			rank_drop(r);
			__atomic_add_fetch(&opts->known[i]->refs, 1, __ATOMIC_RELAXED);
			return opts->known[i];
		}
	build_rank(r);
	make_view(r, opts->view);
	return r;
}

void rank_drop(struct rank *r)
{
	if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (r->seams)
		netmap_seams_free(r->seams);
	netmap_drop(r->view);
	atlas_drop(r->atlas);
	free(r->class_of);
	free(r->order);
	free(r->within);
	free(r->edges);
	free(r->fallback);
	free(r);
}
