#include "measure/rank_front.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/scope.h"

#include <string.h>

/* The rows so far, by what stands in them. */
struct rows {
	struct rank_front *f;
	uint32_t *slot; /* [slots_n] row + 1; 0: free */
	uint32_t slots_n; /* a power of two */
	uint32_t room;
};

static size_t row_bytes(const struct rank_front *f)
{
	return f->k * sizeof *f->edges;
}

static uint32_t *slot_of(const struct rows *s, const uint16_t *row)
{
	static const struct hash_key key = { 0x8cb92ba72f3d8dd7u, 0x9e3779b97f4a7c15u };
	uint32_t at = (uint32_t)(hash_bytes(key, (const uint8_t *)row, row_bytes(s->f)) >> 32);

	for (;; at++) {
		uint32_t *slot = &s->slot[at & (s->slots_n - 1)];
		if (!*slot || memcmp(s->f->edges + (size_t)(*slot - 1) * s->f->k, row, row_bytes(s->f)) == 0)
			return slot;
	}
}

static void grow(struct rows *s)
{
	s->room *= 2;
	s->f->edges = memory_grow(s->f->edges, s->room * row_bytes(s->f));
	memory_free(s->slot);
	s->slots_n *= 2;
	s->slot = memory_zeroed(s->slots_n, sizeof *s->slot);
	for (uint32_t i = 0; i < s->f->rows; i++)
		*slot_of(s, s->f->edges + (size_t)i * s->f->k) = i + 1;
}

static uint32_t row_number(struct rows *s, const uint16_t *row)
{
	if (s->f->rows == s->room)
		grow(s);
	uint32_t *slot = slot_of(s, row);
	if (!*slot) {
		memcpy(s->f->edges + (size_t)s->f->rows * s->f->k, row, row_bytes(s->f));
		*slot = ++s->f->rows;
	}
	return *slot - 1;
}

/* The row of each class. */
static uint32_t *find_rows(struct rank_front *f)
{
	const struct rank *r = f->of;
	struct rows s = { .f = f, .slots_n = 128, .room = 64 };
	uint32_t *row_of = memory_zeroed(r->classes, sizeof *row_of);
	uint16_t *room = memory_zeroed(r->n, sizeof *room);

	s.slot = memory_zeroed(s.slots_n, sizeof *s.slot);
	f->edges = memory_grow(NULL, s.room * row_bytes(f));
	row_number(&s, rank_row(r, &r->order, r->class_of[0], room));
	for (uint32_t c = 0; c < r->classes; c++)
		row_of[c] = row_number(&s, rank_row(r, &r->order, c, room));
	memory_free(room);
	memory_free(s.slot);
	return row_of;
}

struct rank_front *rank_front_new(const struct rank *r, unsigned k)
{
	struct rank_front *f = memory_zeroed(1, sizeof *f);

	f->refs = 1;
	f->of = r;
	f->k = k < r->n ? k : r->n;
	uint32_t *row_of = find_rows(f);
	const uint32_t keys = client_map_keys(r->clients), n = r->view ? r->classes + 1 : keys;
	uint32_t *of_value = memory_zeroed(n, sizeof *of_value);
	for (uint32_t v = 0; v < n; v++) /* a view's values are classes plus 1 */
		of_value[v] = r->view ? (v ? row_of[v - 1] : 0) : row_of[r->class_of[v]];
	f->view = netmap_view(r->view ? r->view : client_map_netmap(r->clients), of_value, n);
	memory_free(of_value);
	memory_free(row_of);
	return f;
}

/* For a scope. */
static void let_go(void *f)
{
	rank_front_drop(f);
}

struct rank_front *rank_front_hold(struct rank_front *f)
{
	__atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
	scope_hold(f, let_go);
	return f;
}

void rank_front_drop(struct rank_front *f)
{
	scope_forget(f, let_go);
	if (!f || __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL))
		return;
	netmap_drop(f->view);
	memory_free(f->edges);
	memory_free(f);
}
