#include "measure/rank.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/scope.h"
#include "measure/rank_costs.h"
#include "measure/rank_split.h"

#include <math.h>
#include <string.h>

/* Rank under construction. A row starts as it was for the key before, which is mostly alike. */
struct build {
	struct rank *r;
	uint32_t *class_of;        /* [key], for the split */
	const struct rank *before; /* NULL: nothing to keep */
	uint32_t *class_now; /* [before's classes] + 1, of those kept; 0: none yet, NULL: none
				are */
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

static size_t row_bytes(const struct rank *r)
{
	return r->n * sizeof(uint16_t);
}

/* --- rows --------------------------------------------------------------------------------- */

/* How many edges behind each position of the row are within so much of the edge that stands
 * there. */
static void fill_within(const struct build *b, uint16_t *within, double more_ms, double share)
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

/* The tables that go with a class. */
enum { PARTS = 3 };
static unsigned list_parts(const struct build *b, uint16_t **of_rank[PARTS], uint16_t *of_row[PARTS])
{
	struct rank *r = b->r;
	unsigned n = 0;

	of_rank[n] = &r->order.wide;
	of_row[n++] = b->kept;
	if (r->within.wide) {
		of_rank[n] = &r->within.wide;
		of_row[n++] = b->row_within;
	}
	if (r->close.wide) {
		of_rank[n] = &r->close.wide;
		of_row[n++] = b->row_close;
	}
	return n;
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

static void grow_slots(struct build *b)
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

/* The class of the row at work. */
static uint32_t intern_row(struct build *b)
{
	struct rank *r = b->r;
	uint16_t **of_rank[PARTS], *of_row[PARTS];
	const unsigned n = list_parts(b, of_rank, of_row);

	if (r->classes == b->room) {
		b->room *= 2;
		for (unsigned i = 0; i < n; i++)
			*of_rank[i] = memory_grow(*of_rank[i], b->room * row_bytes(r));
		if (r->gap)
			r->gap = memory_grow(r->gap, b->room * sizeof *r->gap);
	}
	/* Written behind the last class, where it stays if there is none like it. */
	const size_t at = (size_t)r->classes * r->n;
	for (unsigned i = 0; i < n; i++)
		memcpy(*of_rank[i] + at, of_row[i], row_bytes(r));
	if (r->gap)
		r->gap[r->classes] = b->row_gap;
	uint32_t s = (uint32_t)(hash_class(r, r->classes) >> 32) & (b->slots_n - 1);
	for (; b->slot[s]; s = (s + 1) & (b->slots_n - 1)) {
		const size_t other = (size_t)(b->slot[s] - 1) * r->n;
		unsigned same = 0;
		while (same < n &&
			memcmp(*of_rank[same] + other, of_row[same], row_bytes(r)) == 0)
			same++;
		if (same == n && (!r->gap || r->gap[b->slot[s] - 1] == b->row_gap))
			return b->slot[s] - 1;
	}
	b->slot[s] = ++r->classes;
	const uint32_t class = r->classes - 1;
	if (r->classes * 2 > b->slots_n)
		grow_slots(b);
	return class;
}

/* Does the edge at position `x` go before that at `y`? Equal estimates keep the pool's order,
 * and edges of which nothing is known that for clients of whom nothing is known. */
static bool is_before(const struct build *b, uint16_t x, uint16_t y)
{
	if (b->ms[x] != b->ms[y])
		return b->ms[x] < b->ms[y];
	return isinf(b->ms[x]) ? b->place_of[x] < b->place_of[y] : x < y;
}

static void sort_row(struct build *b)
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
static uint16_t gap_of(const struct build *b)
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
static uint32_t keep_class(struct build *b, uint32_t class)
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
	struct build *b = ctx;
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

static void fill_classes(struct build *b)
{
	struct rank *r = b->r;

	b->class_of = memory_zeroed(client_map_keys(r->clients), sizeof *b->class_of);
	/* Nobody knows where class 0 is: everything is within everything's spread, and nothing
	 * is to be tried. */
	memcpy(b->kept, r->fallback, row_bytes(r));
	memcpy(b->row, r->fallback, row_bytes(r));
	for (unsigned i = 0; i < r->n; i++) {
		b->place_of[r->fallback[i]] = (uint16_t)i;
		b->row_within[i] = (uint16_t)(r->n - i - 1);
		b->row_close[i] = 0;
	}
	b->row_gap = UINT16_MAX;
	b->class_of[0] = intern_row(b);
	client_map_each(r->clients,
		&(struct client_map_ask){ .all = !b->class_now, .kind = r->kind, .edges = { r->edges, r->n } },
		rank_key, b);
	r->order.wide = memory_grow(r->order.wide, r->classes * row_bytes(r));
	if (r->within.wide)
		r->within.wide = memory_grow(r->within.wide, r->classes * row_bytes(r));
	if (r->close.wide)
		r->close.wide = memory_grow(r->close.wide, r->classes * row_bytes(r));
	if (r->costs) {
		r->gap = memory_grow(r->gap, r->classes * sizeof *r->gap);
		rank_costs_settle(&b->costs, b->class_of);
	}
}

/* --- the rank ----------------------------------------------------------------------------- */

/* The order for clients that nobody knows: the configured one, then the pool's other edges. By
 * position in the pool. */
static void fill_fallback(struct rank *r, const struct rank_opts *o)
{
	unsigned k = 0;

	for (size_t i = 0; i < o->n_fallback; i++)
		for (size_t e = 0; e < o->n; e++)
			if (o->edges[e] == o->fallback[i])
				r->fallback[k++] = (uint16_t)e;
	for (size_t e = 0; e < o->n; e++) {
		bool named = false;
		for (unsigned i = 0; i < k && !named; i++)
			named = r->fallback[i] == e;
		if (!named)
			r->fallback[k++] = (uint16_t)e;
	}
}

static bool same_shifts(const struct rank *a, const struct rank *b)
{
	return !a->shifts == !b->shifts &&
		(!a->shifts || memcmp(a->shifts, b->shifts, a->n * sizeof *a->shifts) == 0);
}

static bool same_rank(const struct rank *a, const struct rank *b)
{
	return a->clients == b->clients && a->n == b->n && a->spread_ms == b->spread_ms &&
		a->spread_share == b->spread_share && a->close_ms == b->close_ms &&
		a->kind == b->kind && a->costs == b->costs && a->change.gain_ms == b->change.gain_ms &&
		a->change.share == b->change.share &&
		memcmp(a->edges, b->edges, row_bytes(a)) == 0 && same_shifts(a, b) &&
		memcmp(a->fallback, b->fallback, row_bytes(a)) == 0;
}

/* Can whole classes of `before` be kept? */
static bool same_shape(const struct rank *r, const struct rank *before)
{
	return before && before->kind == r->kind && before->costs == r->costs && before->n == r->n && before->spread_ms == r->spread_ms &&
		before->spread_share == r->spread_share && before->close_ms == r->close_ms &&
		memcmp(before->fallback, r->fallback, row_bytes(r)) == 0;
}

/* Returns the class of every key, of the heap. */
static uint32_t *build_rank(struct rank *r, const struct rank *before)
{
	struct build b = { .r = r, .before = before, .room = 64, .slots_n = 256 };
	uint16_t *rows = memory_zeroed(6, row_bytes(r));

	b.ms = memory_zeroed(r->n, sizeof *b.ms);
	b.row = rows;
	b.kept = rows + r->n;
	b.row_within = rows + 2 * r->n;
	b.row_close = rows + 3 * r->n;
	b.place_of = rows + 4 * r->n;
	b.row_before = rows + 5 * r->n;
	b.slot = memory_zeroed(b.slots_n, sizeof *b.slot);
	r->order.wide = memory_grow(NULL, b.room * row_bytes(r));
	if (isfinite(r->spread_ms) || isfinite(r->spread_share))
		r->within.wide = memory_grow(NULL, b.room * row_bytes(r));
	if (r->close_ms > 0)
		r->close.wide = memory_grow(NULL, b.room * row_bytes(r));
	if (r->costs)
		r->gap = memory_grow(NULL, b.room * sizeof *r->gap);
	if (same_shape(r, before))
		b.class_now = memory_zeroed(before->classes, sizeof *b.class_now);
	if (r->costs)
		rank_costs_init(&b.costs, r, b.class_now ? before : NULL);
	fill_classes(&b);
	rank_costs_fini(&b.costs);
	memory_free(b.class_now);
	memory_free(b.ms);
	memory_free(rows);
	memory_free(b.slot);
	return b.class_of;
}

static void make_narrow(const struct rank *r, struct rank_rows *rows)
{
	const size_t n = (size_t)r->classes * r->n;

	if (!rows->wide || r->n > UINT8_MAX + 1)
		return;
	rows->narrow = memory_grow(NULL, n);
	for (size_t i = 0; i < n; i++)
		rows->narrow[i] = (uint8_t)rows->wide[i];
	memory_free(rows->wide);
	rows->wide = NULL;
}

static void find_split(struct rank *r, const struct rank_opts *o, uint32_t *class_of)
{
	r->split = rank_split_take(
		&(struct rank_split_opts){ client_map_netmap(r->clients),
			client_map_keys(r->clients), r->classes, o->quick, o->known, o->n_known },
		class_of);
	r->class_of = r->split->class_of;
	r->seams = r->split->seams;
	r->view = r->split->view;
}

/* For a scope. */
static void let_go(void *r)
{
	rank_drop(r);
}

static struct rank *hold(struct rank *r)
{
	__atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
	scope_hold(r, let_go);
	return r;
}

struct rank *rank_new(const struct rank_opts *opts)
{
	struct rank *r = memory_zeroed(1, sizeof *r);

	r->refs = 1;
	r->n = (unsigned)opts->n;
	r->clients = client_map_hold(opts->clients);
	r->spread_ms = opts->spread_ms;
	r->spread_share = opts->spread_share;
	r->close_ms = opts->close_ms;
	r->change = opts->change;
	r->costs = opts->costs;
	r->kind = opts->kind;
	r->edges = memory_grow(NULL, row_bytes(r));
	r->fallback = memory_grow(NULL, row_bytes(r));
	for (unsigned i = 0; i < r->n; i++)
		r->edges[i] = opts->edges[i];
	if (opts->shifts) {
		r->shifts = memory_grow(NULL, r->n * sizeof *r->shifts);
		memcpy(r->shifts, opts->shifts, r->n * sizeof *r->shifts);
	}
	fill_fallback(r, opts);
	for (size_t i = 0; i < opts->n_known; i++)
		if (same_rank(r, opts->known[i])) {
			rank_drop(r);
			return hold(opts->known[i]);
		}
	/* Whoever counts edges otherwise means it: nothing stays in front for what was. */
	const bool keeps = opts->before && opts->before->kind == r->kind && opts->before->n == r->n && same_shifts(r, opts->before);
	find_split(r, opts, build_rank(r, keeps ? opts->before : NULL));
	if (!opts->quick) {
		make_narrow(r, &r->order);
		make_narrow(r, &r->within);
		make_narrow(r, &r->close);
	}
	return r;
}

static void rows_free(struct rank_rows *rows)
{
	memory_free(rows->wide);
	memory_free(rows->narrow);
}

void rank_drop(struct rank *r)
{
	scope_forget(r, let_go);
	if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL))
		return;
	rank_split_drop(r->split);
	client_map_drop(r->clients);
	rows_free(&r->order);
	rows_free(&r->within);
	rows_free(&r->close);
	memory_free(r->ms);
	memory_free(r->gap);
	memory_free(r->keys);
	memory_free(r->shifts);
	memory_free(r->edges);
	memory_free(r->fallback);
	memory_free(r);
}
