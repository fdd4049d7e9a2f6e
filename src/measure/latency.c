#include "measure/latency_inner.h"

#include "base/memory.h"
#include "base/scope.h"
#include "measure/resolver_clients.h"

#include <math.h>
#include <stdlib.h>

enum { KIND_SHARE = 8 }; /* of the memory */

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
	for (t->name_slots = LATENCY_SLOTS_FIRST; t->name_slots < opts->n_edges * 2;)
		t->name_slots *= 2;
	t->name_slot = memory_zeroed(t->name_slots, sizeof *t->name_slot);
	for (size_t i = 0; i < opts->n_edges; i++) {
		names[i] = arena_strdup(&t->names, opts->edges[i]);
		t->name_slot[name_slot(t, names[i], strlen(names[i]))] = (uint16_t)(i + 1);
	}
}

/* --- tables ------------------------------------------------------------------------------- */

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

static const char *const kind_names[] = { [LATENCY_RTT] = "rtt", [LATENCY_TTFB] = "ttfb", [LATENCY_TRANSFER] = "throughput", [LATENCY_LOSS] = "loss" };

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
	t->slots = LATENCY_SLOTS_FIRST;
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
	t->room = from->n > LATENCY_SLOTS_FIRST ? from->n : LATENCY_SLOTS_FIRST;
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

/* --- reading ------------------------------------------------------------------------------ */

const struct latency_row *latency_rows(const struct latency *t, size_t *n)
{
	*n = t->n;
	return t->row;
}

const struct latency_row *latency_find(const struct latency *t, const struct prefix *net)
{
	const uint32_t at = t->slot[latency_slot_of(t, net)];

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
	struct latency_size size = { t->n, t->cells, t->mesh_cells, latency_bytes(t), t->forgotten, t->impossible, { t->cells } };

	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++)
		if (t->of[i] && t->of[i]->n) {
			size.kinds[i] = t->of[i]->cells;
			size.bytes += latency_bytes(t->of[i]);
		}
	return size;
}
