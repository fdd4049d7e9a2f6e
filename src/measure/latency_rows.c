/* latency_rows.c - the rows of a table of times: found by their net, made, and let go when there are too many.
 */
#include "measure/latency_inner.h"

#include "base/memory.h"

#include <stdlib.h>

enum {
	CELLS_FIRST = 2,
	CELLS_STEP = 8,
	SMALL = 1 << 14 /* rows that may be looked at within a turn of a loop */
};

static size_t hash_net(const struct latency *t, const struct prefix *net)
{
	const uint64_t h = hash_bytes(t->opts.key, net->addr.b, sizeof net->addr.b);

	return (size_t)hash_mix(h ^ net->bits, t->opts.key.k1 ^ HASH_STEP);
}

static bool same_net(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && memcmp(&a->addr, &b->addr, sizeof a->addr) == 0;
}

size_t latency_slot_of(const struct latency *t, const struct prefix *net)
{
	size_t i = hash_net(t, net) & (t->slots - 1);

	while (t->slot[i] && !same_net(&t->row[t->slot[i] - 1].net, net))
		i = (i + 1) & (t->slots - 1);
	return i;
}

void latency_fill_slots(struct latency *t)
{
	memset(t->slot, 0, t->slots * sizeof *t->slot);
	memset(t->lengths, 0, sizeof t->lengths);
	for (size_t i = 0; i < t->n; i++) {
		const unsigned bits = t->row[i].net.bits;
		t->slot[latency_slot_of(t, &t->row[i].net)] = (uint32_t)(i + 1);
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
	latency_fill_slots(t);
	return true;
}

size_t latency_bytes(const struct latency *t)
{
	/* 16 bytes a row are the heap's own. */
	return t->room * sizeof *t->row + t->n * 16 + t->slots * sizeof *t->slot +
		t->cell_room * sizeof(struct latency_cell);
}

static size_t more_room(const struct latency *t)
{
	return t->room ? t->room + t->room / 2 : LATENCY_SLOTS_FIRST;
}

static bool has_room(const struct latency *t, size_t prefixes)
{
	const size_t n = t->n + prefixes, each = 16 + CELLS_STEP * sizeof(struct latency_cell),
		     rows = n > t->room ? more_room(t) - t->room : 0;

	return n <= SMALL ||
		(n * 2 <= t->slots && latency_bytes(t) + rows * sizeof *t->row + prefixes * each <= t->opts.memory);
}

bool latency_has_room(const struct latency *t, size_t prefixes)
{
	bool has = has_room(t, prefixes);

	for (unsigned i = LATENCY_RTT + 1; has && i < LATENCY_KINDS; i++)
		has = has_room(t->of[i], prefixes);
	return has;
}

/* Takes rows out that have no cells any more. */
void latency_compact(struct latency *t)
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
	latency_fill_slots(t);
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
	latency_compact(t);
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
	if ((latency_bytes(t) > t->opts.memory && t->n > 8 && !make_room(t)) ||
		(t->n == t->room && !more_rows(t)) ||
		((t->n + 1) * 2 > t->slots && !more_slots(t)))
		return NULL;
	struct latency_cell *cell = malloc(CELLS_FIRST * sizeof *cell);
	if (!cell)
		return NULL;
	t->row[t->n] = (struct latency_row){ .net = *net, .room = CELLS_FIRST, .cell = cell };
	t->cell_room += CELLS_FIRST;
	t->slot[latency_slot_of(t, net)] = (uint32_t)(t->n + 1);
	t->lengths[net->bits / 64] |= (uint64_t)1 << net->bits % 64;
	return &t->row[t->n++];
}

/* NULL: no memory for one that is not there yet. */
struct latency_row *latency_row_of(struct latency *t, const struct prefix *net)
{
	if (t->last < t->n && same_net(&t->row[t->last].net, net))
		return &t->row[t->last];
	const uint32_t at = t->slot[latency_slot_of(t, net)];
	struct latency_row *r = at ? &t->row[at - 1] : add_row(t, net);
	if (r)
		t->last = (uint32_t)(r - t->row);
	return r;
}

/* The cell of an edge, made when there is none (`n` is 0 then); NULL: no memory for one. */
struct latency_cell *latency_cell_of(
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
	r->cell[r->n] = (struct latency_cell){ .edge = edge & (LATENCY_EDGES_MOST - 1) };
	return &r->cell[r->n++];
}
