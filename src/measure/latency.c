#include "measure/latency.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/scope.h"
#include "measure/resolver_clients.h"

#include <math.h>
#include <stdlib.h>

/* Rows lie in one array and are found through a table of their numbers, at most half full. */
/* Of an edge, as it counted then. */
struct came {
	double taken, impossible;
	uint32_t at_s;
};

struct latency {
	unsigned refs; /* atomic */
	struct latency_opts opts;
	struct arena names;
	uint16_t *name_slot; /* number of an edge + 1 by hash of its name */
	unsigned name_slots;

	struct latency_row *row;
	size_t n, room;
	uint32_t *slot; /* number of a row + 1 */
	size_t slots;
	uint64_t lengths[3]; /* a bit for each prefix length, of 128, that some row has */

	struct latency_row *mesh;            /* [n_edges] */
	size_t cells, mesh_cells, cell_room; /* `cell_room`: of all rows */
	uint64_t forgotten, impossible;
	struct came *came; /* [n_edges] */
	struct resolver_clients *resolvers; /* kept (base/part.h); NULL: nothing is known */
	struct latency *of[LATENCY_KINDS]; /* own; NULL of round trips, and in a table that is not of these */
	uint16_t round, dropped;
	uint32_t last; /* the row touched last: files name a prefix many times in a row */
};

enum {
	SLOTS_FIRST = 64,
	CELLS_FIRST = 2,
	CELLS_STEP = 8,
	KIND_SHARE = 8, /* of the memory */
	SMALL = 1 << 14 /* rows that may be looked at within a turn of a loop */
};

double latency_weight(unsigned half_life_s, uint32_t at_s, uint32_t now_s)
{
	return now_s > at_s ? exp2(-(double)(now_s - at_s) / half_life_s) : 1;
}

/* --- names of edges ----------------------------------------------------------------------- */

static unsigned name_slot(const struct latency *t, const char *name, size_t len)
{
	unsigned i = (unsigned)hash_bytes(t->opts.key, (const uint8_t *)name, len);

	for (;; i++) {
		const uint16_t at = t->name_slot[i &= t->name_slots - 1];
		if (!at)
			return i;
		const char *other = t->opts.edges[at - 1];
		if (strncmp(other, name, len) == 0 && !other[len])
			return i;
	}
}

int latency_edge(const struct latency *t, const char *name, size_t len)
{
	return t->name_slot[name_slot(t, name, len)] - 1;
}

const char *latency_edge_name(const struct latency *t, unsigned edge)
{
	return t->opts.edges[edge];
}

unsigned latency_edges(const struct latency *t)
{
	return (unsigned)t->opts.n_edges;
}

const struct latency_opts *latency_options(const struct latency *t)
{
	return &t->opts;
}

static void keep_names(struct latency *t, const struct latency_opts *opts)
{
	const char **names = arena_alloc(&t->names, opts->n_edges * sizeof *names);

	t->opts.edges = names;
	for (t->name_slots = SLOTS_FIRST; t->name_slots < opts->n_edges * 2;)
		t->name_slots *= 2;
	t->name_slot = memory_zeroed(t->name_slots, sizeof *t->name_slot);
	for (size_t i = 0; i < opts->n_edges; i++) {
		names[i] = arena_strdup(&t->names, opts->edges[i]);
		t->name_slot[name_slot(t, names[i], strlen(names[i]))] = (uint16_t)(i + 1);
	}
}

/* --- rows --------------------------------------------------------------------------------- */

/* For a scope. */
static void let_go(void *t)
{
	latency_drop(t);
}

struct latency *latency_of(struct latency *t, enum latency_kind kind)
{
	return t->of[kind] ? t->of[kind] : t;
}

const struct latency *latency_kind_of(const struct latency *t, enum latency_kind kind)
{
	return t->of[kind] ? t->of[kind] : t;
}

static const char *const kind_names[] = { [LATENCY_RTT] = "rtt", [LATENCY_TTFB] = "ttfb", [LATENCY_TRANSFER] = "throughput" };

const char *latency_kind_text(enum latency_kind kind)
{
	return kind_names[kind];
}

int latency_kind_named(const char *word, size_t len)
{
	for (int i = 0; i < LATENCY_KINDS; i++)
		if (strlen(kind_names[i]) == len && memcmp(kind_names[i], word, len) == 0)
			return i;
	return -1;
}

static struct latency *new_one(const struct latency_opts *opts)
{
	struct latency *t = memory_zeroed(1, sizeof *t);

	t->refs = 1;
	t->opts = *opts;
	keep_names(t, opts);
	t->round = 1;
	t->slots = SLOTS_FIRST;
	t->slot = memory_zeroed(t->slots, sizeof *t->slot);
	t->mesh = memory_zeroed(opts->n_edges, sizeof *t->mesh);
	t->came = memory_zeroed(opts->n_edges, sizeof *t->came);
	return t;
}

struct latency *latency_new(const struct latency_opts *opts)
{
	struct latency *t = new_one(opts);
	struct latency_opts less = *opts;

	scope_hold(t, let_go);
	less.memory /= KIND_SHARE;
	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++)
		t->of[i] = new_one(&less);
	return t;
}

static bool copy_cells(struct latency_row *to, const struct latency_row *from)
{
	*to = *from;
	to->room = from->n;
	to->cell = from->n ? malloc(from->n * sizeof *to->cell) : NULL;
	if (from->n && !to->cell)
		return false;
	if (from->n)
		memcpy(to->cell, from->cell, from->n * sizeof *to->cell);
	return true;
}

/* Of one kind, into a new table. */
static bool copy_one(struct latency *t, const struct latency *from)
{
	bool ok = true;

	t->slots = from->slots;
	t->slot = memory_grow(t->slot, t->slots * sizeof *t->slot);
	memcpy(t->slot, from->slot, t->slots * sizeof *t->slot);
	t->room = from->n > SLOTS_FIRST ? from->n : SLOTS_FIRST;
	t->row = malloc(t->room * sizeof *t->row);
	ok = t->row != NULL;
	for (; ok && t->n < from->n; t->n += ok) {
		ok = copy_cells(&t->row[t->n], &from->row[t->n]);
		t->cell_room += ok ? t->row[t->n].room : 0;
	}
	for (size_t i = 0; ok && i < from->opts.n_edges; i++) {
		ok = copy_cells(&t->mesh[i], &from->mesh[i]);
		t->cell_room += ok ? t->mesh[i].room : 0;
	}
	memcpy(t->lengths, from->lengths, sizeof t->lengths);
	memcpy(t->came, from->came, from->opts.n_edges * sizeof *t->came);
	t->cells = from->cells;
	t->mesh_cells = from->mesh_cells;
	t->forgotten = from->forgotten;
	t->impossible = from->impossible;
	t->round = from->round;
	t->dropped = from->dropped;
	t->last = from->last;
	return ok;
}

struct latency *latency_copy(const struct latency *from)
{
	struct latency *t = latency_new(&from->opts);
	bool ok = copy_one(t, from);

	for (unsigned i = LATENCY_RTT + 1; ok && i < LATENCY_KINDS; i++)
		ok = copy_one(t->of[i], from->of[i]);
	latency_set_resolvers(t, from->resolvers);
	if (ok)
		return t;
	latency_drop(t);
	return NULL;
}

struct latency *latency_hold(struct latency *t)
{
	__atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
	scope_hold(t, let_go);
	return t;
}

void latency_set_resolvers(struct latency *t, struct resolver_clients *r)
{
	part_keep(r ? &r->part : NULL);
	part_release(t->resolvers ? &t->resolvers->part : NULL);
	t->resolvers = r;
}

struct resolver_clients *latency_resolvers(const struct latency *t)
{
	return t->resolvers;
}

bool latency_is_held_once(const struct latency *t)
{
	return __atomic_load_n(&t->refs, __ATOMIC_ACQUIRE) == 1;
}

static void free_one(struct latency *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->row[i].cell);
	for (size_t i = 0; i < t->opts.n_edges; i++)
		free(t->mesh[i].cell);
	free(t->row);
	memory_free(t->mesh);
	memory_free(t->came);
	memory_free(t->slot);
	memory_free(t->name_slot);
	arena_fini(&t->names);
	memory_free(t);
}

void latency_drop(struct latency *t)
{
	scope_forget(t, let_go);
	if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
		return;
	latency_set_resolvers(t, NULL);
	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++)
		if (t->of[i])
			free_one(t->of[i]);
	free_one(t);
}

static size_t hash_net(const struct latency *t, const struct prefix *net)
{
	const uint64_t h = hash_bytes(t->opts.key, net->addr.b, sizeof net->addr.b);

	return (size_t)hash_mix(h ^ net->bits, t->opts.key.k1 ^ HASH_STEP);
}

static bool same_net(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && memcmp(&a->addr, &b->addr, sizeof a->addr) == 0;
}

static size_t slot_of(const struct latency *t, const struct prefix *net)
{
	size_t i = hash_net(t, net) & (t->slots - 1);

	while (t->slot[i] && !same_net(&t->row[t->slot[i] - 1].net, net))
		i = (i + 1) & (t->slots - 1);
	return i;
}

static void fill_slots(struct latency *t)
{
	memset(t->slot, 0, t->slots * sizeof *t->slot);
	memset(t->lengths, 0, sizeof t->lengths);
	for (size_t i = 0; i < t->n; i++) {
		const unsigned bits = t->row[i].net.bits;
		t->slot[slot_of(t, &t->row[i].net)] = (uint32_t)(i + 1);
		t->lengths[bits / 64] |= (uint64_t)1 << bits % 64;
	}
}

/* Twice as many. */
static bool more_slots(struct latency *t)
{
	uint32_t *slot = calloc(t->slots * 2, sizeof *slot);

	if (!slot)
		return false;
	memory_free(t->slot);
	t->slot = slot;
	t->slots *= 2;
	fill_slots(t);
	return true;
}

static size_t bytes(const struct latency *t)
{
	/* 16 bytes a row are the heap's own. */
	return t->room * sizeof *t->row + t->n * 16 + t->slots * sizeof *t->slot +
		t->cell_room * sizeof(struct latency_cell);
}

static size_t more_room(const struct latency *t)
{
	return t->room ? t->room + t->room / 2 : SLOTS_FIRST;
}

static bool has_room(const struct latency *t, size_t prefixes)
{
	const size_t n = t->n + prefixes, each = 16 + CELLS_STEP * sizeof(struct latency_cell),
		     rows = n > t->room ? more_room(t) - t->room : 0;

	return n <= SMALL ||
		(n * 2 <= t->slots && bytes(t) + rows * sizeof *t->row + prefixes * each <= t->opts.memory);
}

bool latency_has_room(const struct latency *t, size_t prefixes)
{
	bool has = has_room(t, prefixes);

	for (unsigned i = LATENCY_RTT + 1; has && i < LATENCY_KINDS; i++)
		has = has_room(t->of[i], prefixes);
	return has;
}

/* Takes rows out that have no cells any more. */
static void compact(struct latency *t)
{
	size_t k = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->row[i].n) {
			t->row[k++] = t->row[i];
			continue;
		}
		t->cell_room -= t->row[i].room;
		free(t->row[i].cell);
	}
	t->n = k;
	t->last = 0;
	t->dropped = t->round;
	fill_slots(t);
}

/* How useful a row is: when it was last measured, then how often. */
struct use {
	uint64_t worth;
	size_t row;
};

static int by_worth(const void *va, const void *vb)
{
	const struct use *a = va, *b = vb;

	return a->worth != b->worth ? (a->worth < b->worth ? -1 : 1)
				    : (a->row < b->row ? -1 : a->row > b->row);
}

/* Forgets the least useful eighth. */
static bool make_room(struct latency *t)
{
	struct use *use = calloc(t->n, sizeof *use);

	if (!use)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		const struct latency_row *r = &t->row[i];
		uint32_t at = 0, n = 0;
		for (unsigned k = 0; k < r->n; k++) {
			at = r->cell[k].at_s > at ? r->cell[k].at_s : at;
			n += r->cell[k].n;
		}
		use[i] = (struct use){ (uint64_t)at << 32 | n, i };
	}
	qsort(use, t->n, sizeof *use, by_worth);
	for (size_t i = 0; i < t->n / 8 + 1; i++) {
		struct latency_row *r = &t->row[use[i].row];
		t->cells -= r->n;
		r->n = 0;
		t->forgotten++;
	}
	free(use);
	compact(t);
	return true;
}

static bool more_rows(struct latency *t)
{
	const size_t room = more_room(t);
	struct latency_row *row = realloc(t->row, room * sizeof *row);

	if (!row)
		return false;
	t->row = row;
	t->room = room;
	return true;
}

/* A row with room for its first cells, so that it is never one without; NULL: no memory. */
static struct latency_row *add_row(struct latency *t, const struct prefix *net)
{
	if ((bytes(t) > t->opts.memory && t->n > 8 && !make_room(t)) ||
		(t->n == t->room && !more_rows(t)) ||
		((t->n + 1) * 2 > t->slots && !more_slots(t)))
		return NULL;
	struct latency_cell *cell = malloc(CELLS_FIRST * sizeof *cell);
	if (!cell)
		return NULL;
	t->row[t->n] = (struct latency_row){ .net = *net, .room = CELLS_FIRST, .cell = cell };
	t->cell_room += CELLS_FIRST;
	t->slot[slot_of(t, net)] = (uint32_t)(t->n + 1);
	t->lengths[net->bits / 64] |= (uint64_t)1 << net->bits % 64;
	return &t->row[t->n++];
}

/* NULL: no memory for one that is not there yet. */
static struct latency_row *row_of(struct latency *t, const struct prefix *net)
{
	if (t->last < t->n && same_net(&t->row[t->last].net, net))
		return &t->row[t->last];
	const uint32_t at = t->slot[slot_of(t, net)];
	struct latency_row *r = at ? &t->row[at - 1] : add_row(t, net);
	if (r)
		t->last = (uint32_t)(r - t->row);
	return r;
}

/* The cell of an edge, made when there is none (`n` is 0 then); NULL: no memory for one. */
static struct latency_cell *cell_of(
	struct latency *t, struct latency_row *r, unsigned edge, size_t *count)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->cell[i].edge == edge)
			return &r->cell[i];
	if (r->n == r->room) {
		const unsigned room = r->room == 0 ? (unsigned)CELLS_FIRST
			: r->room < CELLS_STEP     ? r->room * 2u
						   : r->room + (unsigned)CELLS_STEP;
		struct latency_cell *more = realloc(r->cell, room * sizeof *more);
		if (!more)
			return NULL;
		r->cell = more;
		t->cell_room += room - r->room;
		r->room = (uint16_t)room;
	}
	++*count;
	r->cell[r->n] = (struct latency_cell){ .edge = (uint16_t)edge };
	return &r->cell[r->n++];
}

/* --- samples ------------------------------------------------------------------------------ */

static unsigned count_samples(unsigned a, unsigned b)
{
	return a + b < LATENCY_SAMPLES_MOST ? a + b : LATENCY_SAMPLES_MOST;
}

static void set(struct latency_cell *c, const struct latency_sample *s)
{
	*c = (struct latency_cell){ .rtt_ms = (float)s->rtt_ms,
		.at_s = s->at_s,
		.edge = c->edge,
		.n = (uint16_t)(count_samples(s->n, 0) & LATENCY_SAMPLES_MOST),
		.filed = s->filed };
}

/* Exponential smoothing where the older of the two counts less, by what it is older. */
static void smooth(
	const struct latency *t, struct latency_cell *c, const struct latency_sample *s)
{
	const double share = t->opts.smoothing;
	const unsigned half = t->opts.half_life_s;

	if (!c->n) {
		set(c, s);
		return;
	}
	const double known = (1 - share) * latency_weight(half, c->at_s, s->at_s),
		     fresh = share * latency_weight(half, s->at_s, c->at_s);
	c->rtt_ms += (float)(fresh / (fresh + known) * (s->rtt_ms - (double)c->rtt_ms));
	c->n = (uint16_t)(count_samples(c->n, s->n) & LATENCY_SAMPLES_MOST);
	c->at_s = s->at_s > c->at_s ? s->at_s : c->at_s;
	c->filed = s->filed;
}

static void put(struct latency_cell *c, const struct latency_sample *s)
{
	if (!c->n || c->at_s <= s->at_s)
		set(c, s);
}

/* Where a sample goes; NULL: no memory. The row has changed then, if it is not an edge's. */
static struct latency_cell *cell_at(struct latency *t, const struct prefix *net, unsigned edge)
{
	struct latency_row *r = row_of(t, net);
	struct latency_cell *c = r ? cell_of(t, r, edge, &t->cells) : NULL;

	if (c)
		r->round = t->round;
	return c;
}

bool latency_add(struct latency *t, const struct prefix *net, unsigned edge,
	const struct latency_sample *s)
{
	struct latency_cell *c = cell_at(t, net, edge);

	if (c)
		smooth(t, c, s);
	return c;
}

bool latency_add_mesh(
	struct latency *t, unsigned src, unsigned dst, const struct latency_sample *s)
{
	struct latency_cell *c = cell_of(t, &t->mesh[src], dst, &t->mesh_cells);

	if (c)
		smooth(t, c, s);
	return c;
}

bool latency_put(struct latency *t, const struct prefix *net, unsigned edge,
	const struct latency_sample *s)
{
	struct latency_cell *c = cell_at(t, net, edge);

	if (c)
		put(c, s);
	return c;
}

bool latency_put_mesh(
	struct latency *t, unsigned src, unsigned dst, const struct latency_sample *s)
{
	struct latency_cell *c = cell_of(t, &t->mesh[src], dst, &t->mesh_cells);

	if (c)
		put(c, s);
	return c;
}

static void add_came(struct latency *t, unsigned edge, struct latency_source more, uint32_t at_s)
{
	struct came *c = &t->came[edge];
	const unsigned half_life_s = t->opts.half_life_s;

	if (at_s > c->at_s) {
		const double left = latency_weight(half_life_s, c->at_s, at_s);
		*c = (struct came){ c->taken * left, c->impossible * left, at_s };
	}
	const double counts = latency_weight(half_life_s, at_s, c->at_s);
	c->taken += more.taken * counts;
	c->impossible += more.impossible * counts;
}

void latency_count_source(struct latency *t, unsigned edge, bool possible, uint32_t at_s)
{
	add_came(t, edge, (struct latency_source){ possible, !possible }, at_s);
}

void latency_add_source(struct latency *t, unsigned edge, const struct latency *from, unsigned there)
{
	const struct came *c = &from->came[there];

	add_came(t, edge, (struct latency_source){ c->taken, c->impossible }, c->at_s);
}

void latency_set_source(struct latency *t, unsigned edge, const struct latency_source *source, uint32_t now_s)
{
	t->came[edge] = (struct came){ source->taken, source->impossible, now_s };
}

struct latency_source latency_source(const struct latency *t, unsigned edge, uint32_t now_s)
{
	const struct came *c = &t->came[edge];
	const double left = latency_weight(t->opts.half_life_s, c->at_s, now_s);

	return (struct latency_source){ c->taken * left, c->impossible * left };
}

void latency_count_impossible(struct latency *t, size_t rows)
{
	t->impossible += rows;
}

/* --- forgetting --------------------------------------------------------------------------- */

static size_t drop_cell(struct latency_row *r, unsigned edge)
{
	for (unsigned k = 0; k < r->n; k++)
		if (r->cell[k].edge == edge) {
			r->cell[k] = r->cell[--r->n];
			return 1;
		}
	return 0;
}

size_t latency_forget_edge(struct latency *t, unsigned edge)
{
	size_t cells = 0, mesh = t->mesh[edge].n, more = 0;

	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++)
		more += t->of[i] ? latency_forget_edge(t->of[i], edge) : 0;

	for (size_t i = 0; i < t->n; i++)
		cells += drop_cell(&t->row[i], edge);
	t->mesh[edge].n = 0;
	for (size_t i = 0; i < t->opts.n_edges; i++)
		mesh += drop_cell(&t->mesh[i], edge);
	t->cells -= cells;
	t->mesh_cells -= mesh;
	compact(t);
	return cells + mesh + more;
}

size_t latency_forget_net(struct latency *t, const struct prefix *net)
{
	size_t cells = 0, more = 0;

	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++)
		more += t->of[i] ? latency_forget_net(t->of[i], net) : 0;

	for (size_t i = 0; i < t->n; i++) {
		struct latency_row *r = &t->row[i];
		if (r->net.bits < net->bits || !prefix_has(net, &r->net.addr))
			continue;
		cells += r->n;
		r->n = 0;
	}
	t->cells -= cells;
	compact(t);
	return cells + more;
}

/* --- reading ------------------------------------------------------------------------------ */

const struct latency_row *latency_rows(const struct latency *t, size_t *n)
{
	*n = t->n;
	return t->row;
}

const struct latency_row *latency_find(const struct latency *t, const struct prefix *net)
{
	const uint32_t at = t->slot[slot_of(t, net)];

	return at ? &t->row[at - 1] : NULL;
}

const struct latency_row *latency_around(
	const struct latency *t, const struct addr *a, unsigned bits)
{
	while (bits-- > 0) {
		if (!(t->lengths[bits / 64] >> bits % 64 & 1))
			continue;
		const struct prefix net = addr_prefix(a, bits);
		const struct latency_row *r = latency_find(t, &net);
		if (r)
			return r;
	}
	return NULL;
}

const struct latency_row *latency_mesh(const struct latency *t, unsigned src)
{
	return &t->mesh[src];
}

const struct latency_cell *latency_cell(const struct latency_row *row, unsigned edge)
{
	for (unsigned i = 0; i < row->n; i++)
		if (row->cell[i].edge == edge)
			return &row->cell[i];
	return NULL;
}

/* --- rounds ------------------------------------------------------------------------------- */

uint16_t latency_round(const struct latency *t)
{
	return t->round;
}

void latency_next_round(struct latency *t)
{
	for (unsigned i = LATENCY_RTT; i < LATENCY_KINDS; i++)
		latency_of(t, i)->round++;
}

uint16_t latency_dropped(const struct latency *t)
{
	uint16_t last = t->dropped;

	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++)
		last = t->of[i] && latency_is_later(t->of[i]->dropped, last) ? t->of[i]->dropped : last;
	return last;
}

static bool same_row(const struct latency_row *a, const struct latency_row *b, uint32_t slack_s)
{
	bool same = a->n == b->n;

	for (unsigned i = 0; same && i < a->n; i++) {
		const struct latency_cell *x = &a->cell[i], *y = latency_cell(b, x->edge);
		same = y && x->rtt_ms == y->rtt_ms &&
			(x->at_s > y->at_s ? x->at_s - y->at_s : y->at_s - x->at_s) <= slack_s;
	}
	return same;
}

static bool same_edges(const struct latency *a, const struct latency *b)
{
	bool same = a->opts.n_edges == b->opts.n_edges;

	for (size_t i = 0; same && i < a->opts.n_edges; i++)
		same = strcmp(a->opts.edges[i], b->opts.edges[i]) == 0;
	return same;
}

void latency_follow(struct latency *t, const struct latency *before, uint32_t slack_s)
{
	const bool same = same_edges(t, before);
	size_t kept = 0;

	t->round = before->round;
	t->dropped = before->dropped;
	for (size_t i = 0; i < t->n; i++) {
		const struct latency_row *old = latency_find(before, &t->row[i].net);
		kept += old != NULL;
		t->row[i].round = same && old && same_row(&t->row[i], old, slack_s) ? old->round
										    : t->round;
	}
	if (!same || kept < before->n)
		t->dropped = t->round;
	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++)
		if (t->of[i])
			latency_follow(t->of[i], before->of[i], slack_s);
}

struct latency_size latency_size(const struct latency *t)
{
	struct latency_size size = { t->n, t->cells, t->mesh_cells, bytes(t), t->forgotten, t->impossible, { t->cells } };

	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++)
		if (t->of[i] && t->of[i]->n) {
			size.kinds[i] = t->of[i]->cells;
			size.bytes += bytes(t->of[i]);
		}
	return size;
}
