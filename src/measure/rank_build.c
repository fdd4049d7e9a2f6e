#include "measure/rank_build.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "measure/rank_costs.h"

#include <math.h>
#include <string.h>

/* A row starts as it was for the key before, which is mostly alike. */
struct rank_build {
	struct rank *r; /* whose this is */
	uint32_t *class_of;        /* [key], for the split */
	const struct rank *before; /* borrowed until the end; NULL: nothing to keep */
	uint32_t *class_now; /* [before's classes] + 1, of those kept; 0: none yet, NULL: none
				are */
	uint16_t *rows;      /* own: the room of the next five and of `place_of` */
	float *ms;           /* [n] estimates of the key at work, by position */
	uint16_t *row;       /* [n] by estimate */
	uint16_t *kept;      /* [n] as it is to be */
	uint16_t *row_within, *row_close; /* [n] */
	uint16_t *row_before;             /* [n] room for a row of `before` */
	uint16_t row_gap;
	struct rank_costs costs;
	uint16_t *place_of; /* [n] where a position stands in the fallback order */
	uint32_t room;      /* rows there is room for */
	uint32_t *slot;     /* class + 1 by hash of its row */
	uint32_t slots_n;
};

/* What only the pass over the keys needs. */
static void free_work(struct rank_build *b)
{
	memory_free(b->class_now);
	memory_free(b->ms);
	memory_free(b->rows);
	memory_free(b->slot);
	b->class_now = b->slot = NULL;
	b->ms = NULL;
	b->rows = NULL;
}

static size_t row_bytes(const struct rank *r)
{
	return r->n * sizeof(uint16_t);
}

/* --- rows --------------------------------------------------------------------------------- */

/* How many edges behind each position of the row are within so much of the edge that stands
 * there. */
static void fill_within(const struct rank_build *b, uint16_t *within, double more_ms, double share)
{
	const unsigned n = b->r->n;

	for (unsigned i = 0; i < n; i++) {
		const double best_ms = (double)b->ms[b->kept[i]];
		const double most_ms = fmin(best_ms + more_ms, best_ms * (1 + share));
		unsigned k = i + 1;
		while (k < n && (double)b->ms[b->kept[k]] <= most_ms)
			k++;
		within[i] = (uint16_t)(k - i - 1);
	}
}

/* The tables that go with a class, and what of the row at work goes into each. */
enum { PARTS = 3 };
struct build_parts {
	unsigned n;
	uint16_t **of_rank[PARTS], *of_row[PARTS];
};

static struct build_parts list_parts(const struct rank_build *b)
{
	struct rank *r = b->r;
	struct build_parts p = { 1, { &r->order.wide }, { b->kept } };

	if (r->within.wide) {
		p.of_rank[p.n] = &r->within.wide;
		p.of_row[p.n++] = b->row_within;
	}
	if (r->close.wide) {
		p.of_rank[p.n] = &r->close.wide;
		p.of_row[p.n++] = b->row_close;
	}
	return p;
}

static uint64_t hash_part(uint64_t h, const uint16_t *row, size_t bytes)
{
	static const struct hash_key key = { 0x2545f4914f6cdd1du, 0x9e3779b97f4a7c15u };

	return h * 3 ^ hash_bytes(key, (const uint8_t *)row, bytes);
}

static uint64_t hash_class(const struct rank *r, uint32_t class)
{
	const size_t at = (size_t) class * r->n;
	uint64_t h = hash_part(0, r->order.wide + at, row_bytes(r));

	if (r->within.wide)
		h = hash_part(h, r->within.wide + at, row_bytes(r));
	if (r->close.wide)
		h = hash_part(h, r->close.wide + at, row_bytes(r));
	if (r->gap)
		h = hash_part(h, r->gap + class, sizeof *r->gap);
	return h;
}

static void grow_slots(struct rank_build *b)
{
	const struct rank *r = b->r;

	memory_free(b->slot);
	b->slots_n *= 2;
	b->slot = memory_zeroed(b->slots_n, sizeof *b->slot);
	for (uint32_t c = 0; c < r->classes; c++) {
		uint32_t s = (uint32_t)(hash_class(r, c) >> 32) & (b->slots_n - 1);
		while (b->slot[s])
			s = (s + 1) & (b->slots_n - 1);
		b->slot[s] = c + 1;
	}
}

/* Is the row at work of that class? */
static bool is_of(const struct build_parts *parts, const struct rank_build *b, uint32_t class)
{
	const size_t at = (size_t) class * b->r->n;

	for (unsigned i = 0; i < parts->n; i++)
		if (memcmp(*parts->of_rank[i] + at, parts->of_row[i], row_bytes(b->r)) != 0)
			return false;
	return !b->r->gap || b->r->gap[class] == b->row_gap;
}

/* Behind the last class, where it stays if there is none like it. */
static void write_row(const struct build_parts *parts, struct rank_build *b)
{
	struct rank *r = b->r;

	if (r->classes == b->room) {
		b->room *= 2;
		for (unsigned i = 0; i < parts->n; i++)
			*parts->of_rank[i] = memory_grow(*parts->of_rank[i], b->room * row_bytes(r));
		if (r->gap)
			r->gap = memory_grow(r->gap, b->room * sizeof *r->gap);
	}
	for (unsigned i = 0; i < parts->n; i++)
		memcpy(*parts->of_rank[i] + (size_t)r->classes * r->n, parts->of_row[i], row_bytes(r));
	if (r->gap)
		r->gap[r->classes] = b->row_gap;
}

/* The class of the row at work. */
static uint32_t intern_row(struct rank_build *b)
{
	struct rank *r = b->r;
	const struct build_parts parts = list_parts(b);

	write_row(&parts, b);
	uint32_t s = (uint32_t)(hash_class(r, r->classes) >> 32) & (b->slots_n - 1);
	for (; b->slot[s]; s = (s + 1) & (b->slots_n - 1))
		if (is_of(&parts, b, b->slot[s] - 1))
			return b->slot[s] - 1;
	b->slot[s] = ++r->classes;
	const uint32_t class = r->classes - 1;
	if (r->classes * 2 > b->slots_n)
		grow_slots(b);
	return class;
}

/* Does the edge at position `x` go before that at `y`? Equal estimates keep the pool's order,
 * and edges of which nothing is known that for clients of whom nothing is known. */
static bool is_before(const struct rank_build *b, uint16_t x, uint16_t y)
{
	if (b->ms[x] != b->ms[y])
		return b->ms[x] < b->ms[y];
	return isinf(b->ms[x]) ? b->place_of[x] < b->place_of[y] : x < y;
}

static void sort_row(struct rank_build *b)
{
	for (unsigned i = 1; i < b->r->n; i++) {
		const uint16_t edge = b->row[i];
		unsigned k = i;
		for (; k > 0 && is_before(b, edge, b->row[k - 1]); k--)
			b->row[k] = b->row[k - 1];
		b->row[k] = edge;
	}
}

void rank_keep(const struct rank_order *o, uint16_t *sorted)
{
	uint64_t taken[RANK_EDGES_MOST / 64] = { 0 };
	uint16_t out[RANK_EDGES_MOST];
	unsigned best = 0, first = 0;

	for (unsigned i = 0; i < o->n; i++) {
		while (taken[sorted[best] / 64] >> sorted[best] % 64 & 1)
			best++;
		while (taken[o->before[first] / 64] >> o->before[first] % 64 & 1)
			first++;
		const double old_ms = (double)o->ms[o->before[first]],
			     new_ms = (double)o->ms[sorted[best]];
		const bool passes = old_ms - new_ms >
			fmax(o->change.gain_ms, isinf(old_ms) ? 0 : o->change.share * old_ms);
		out[i] = passes ? sorted[best] : o->before[first];
		taken[out[i] / 64] |= (uint64_t)1 << out[i] % 64;
	}
	memcpy(sorted, out, o->n * sizeof *out);
}

/* --- what a detour costs ------------------------------------------------------------------ */

/* Clients are of one class only when their second choice costs them about as much more: in
 * steps of 4 ms that grow by a half. So those who lose least can be told from others of one
 * order. */
static uint16_t gap_of(const struct rank_build *b)
{
	const float gap = b->r->n > 1 ? b->ms[b->kept[1]] - b->ms[b->kept[0]] : 0;

	return gap > 0 && isfinite(gap) ? (uint16_t)(log1p((double)gap / 4) / log(1.5) + 0.5)
					: 0;
}

/* --- all keys ----------------------------------------------------------------------------- */

static void copy_row(
	const struct rank *r, const struct rank_rows *rows, uint32_t class, uint16_t *to)
{
	const uint16_t *row = rank_row(r, rows, class, to);

	if (row && row != to)
		memcpy(to, row, row_bytes(r));
}

/* A class of before, whole. */
static uint32_t keep_class(struct rank_build *b, uint32_t class)
{
	const struct rank *old = b->before;

	if (!b->class_now[class]) {
		copy_row(old, &old->order, class, b->kept);
		copy_row(old, &old->within, class, b->row_within);
		copy_row(old, &old->close, class, b->row_close);
		if (old->gap)
			b->row_gap = old->gap[class];
		b->class_now[class] = intern_row(b) + 1;
	}
	return b->class_now[class] - 1;
}

static void rank_key(void *ctx, uint32_t key, const float *ms)
{
	struct rank_build *b = ctx;
	struct rank *r = b->r;
	const uint32_t was = b->before ? client_map_was(r->clients, key)
				       : (uint32_t)CLIENT_MAP_NEW;

	if (!ms) {
		b->class_of[key] = keep_class(b, b->before->class_of[was]);
		if (r->costs)
			rank_costs_keep(&b->costs, was, b->class_of[key]);
		return;
	}
	for (unsigned i = 0; i < r->n; i++)
		b->ms[i] = rank_estimate(r, i, ms);
	sort_row(b);
	memcpy(b->kept, b->row, row_bytes(r));
	if (was != CLIENT_MAP_NEW)
		rank_keep(&(struct rank_order){ rank_row(b->before, &b->before->order,
							b->before->class_of[was], b->row_before),
				  b->ms, r->n, r->change },
			b->kept);
	if (r->within.wide)
		fill_within(b, b->row_within, r->spread_ms, r->spread_share);
	if (r->close.wide)
		fill_within(b, b->row_close, r->close_ms, INFINITY);
	if (r->costs)
		b->row_gap = gap_of(b);
	b->class_of[key] = intern_row(b);
	if (r->costs)
		rank_costs_add(&b->costs, key, b->class_of[key], ms);
}

/* Can whole classes of `before` be kept? */
static bool same_shape(const struct rank *r, const struct rank *before)
{
	return before && before->kind == r->kind && before->costs == r->costs && before->n == r->n && before->spread_ms == r->spread_ms &&
		before->spread_share == r->spread_share && before->close_ms == r->close_ms &&
		memcmp(before->fallback, r->fallback, row_bytes(r)) == 0;
}

/* Nobody knows where class 0 is: everything is within everything's spread, and nothing is to be tried. */
static void begin_classes(struct rank_build *b)
{
	struct rank *r = b->r;

	b->class_of = memory_zeroed(client_map_keys(r->clients), sizeof *b->class_of);
	memcpy(b->kept, r->fallback, row_bytes(r));
	memcpy(b->row, r->fallback, row_bytes(r));
	for (unsigned i = 0; i < r->n; i++) {
		b->place_of[r->fallback[i]] = (uint16_t)i;
		b->row_within[i] = (uint16_t)(r->n - i - 1);
		b->row_close[i] = 0;
	}
	b->row_gap = UINT16_MAX;
	b->class_of[0] = intern_row(b);
}

static void begin(struct rank_build *b)
{
	struct rank *r = b->r;

	b->room = 64;
	b->slots_n = 256;
	b->rows = memory_zeroed(6, row_bytes(r));
	b->ms = memory_zeroed(r->n, sizeof *b->ms);
	b->row = b->rows;
	b->kept = b->rows + r->n;
	b->row_within = b->rows + 2 * r->n;
	b->row_close = b->rows + 3 * r->n;
	b->place_of = b->rows + 4 * r->n;
	b->row_before = b->rows + 5 * r->n;
	b->slot = memory_zeroed(b->slots_n, sizeof *b->slot);
	r->order.wide = memory_grow(NULL, b->room * row_bytes(r));
	if (isfinite(r->spread_ms) || isfinite(r->spread_share))
		r->within.wide = memory_grow(NULL, b->room * row_bytes(r));
	if (r->close_ms > 0)
		r->close.wide = memory_grow(NULL, b->room * row_bytes(r));
	if (r->costs)
		r->gap = memory_grow(NULL, b->room * sizeof *r->gap);
	if (same_shape(r, b->before))
		b->class_now = memory_zeroed(b->before->classes, sizeof *b->class_now);
	if (r->costs)
		rank_costs_init(&b->costs, r, b->class_now ? b->before : NULL);
	begin_classes(b);
}

/* All keys are in. */
static void trim(struct rank_build *b)
{
	struct rank *r = b->r;

	r->order.wide = memory_grow(r->order.wide, r->classes * row_bytes(r));
	if (r->within.wide)
		r->within.wide = memory_grow(r->within.wide, r->classes * row_bytes(r));
	if (r->close.wide)
		r->close.wide = memory_grow(r->close.wide, r->classes * row_bytes(r));
	if (r->costs)
		r->gap = memory_grow(r->gap, r->classes * sizeof *r->gap);
	free_work(b);
}

void rank_builds_run(struct rank_build *const *builds, size_t n)
{
	const struct client_map *clients = n ? builds[0]->r->clients : NULL;
	struct client_map_ask *asks = memory_zeroed(n, sizeof *asks);
	size_t lacking = 0;

	for (size_t i = 0; i < n; i++) {
		struct rank_build *b = builds[i];
		begin(b);
		asks[i] = (struct client_map_ask){ .all = !b->class_now,
			.kind = b->r->kind,
			.edges = { b->r->edges, b->r->n },
			.each = rank_key,
			.ctx = b };
	}
	if (n)
		client_map_each(clients, asks, n);
	for (size_t i = 0; i < n; i++) {
		trim(builds[i]);
		if (builds[i]->r->costs)
			lacking += rank_costs_lack(&builds[i]->costs, builds[i]->class_of, &asks[lacking]);
	}
	if (lacking)
		client_map_each(clients, asks, lacking);
	for (size_t i = 0; i < n; i++)
		if (builds[i]->r->costs) {
			rank_costs_settle(&builds[i]->costs);
			rank_costs_fini(&builds[i]->costs);
		}
	memory_free(asks);
}

struct rank_build *rank_build_new(struct rank *r, const struct rank *before)
{
	struct rank_build *b = memory_zeroed(1, sizeof *b);

	b->r = r;
	b->before = before;
	return b;
}

uint32_t *rank_build_end(struct rank_build *b)
{
	uint32_t *class_of = b->class_of;

	b->class_of = NULL;
	rank_build_free(b);
	return class_of;
}

void rank_build_free(struct rank_build *b)
{
	if (!b)
		return;
	free_work(b);
	rank_costs_fini(&b->costs);
	memory_free(b->class_of);
	memory_free(b);
}
