#include "net/xdp_tables.h"

#include "net/xdp_clients.h"
#include "net/xdp_index.h"

#include <string.h>

/* There is more room when one client for so many lines has had to go: at some one client a line, so that hardly anybody is looked for in
 * vain while they become more. */
enum { LINES_PER_DISPLACED = 256 };

static unsigned bits_of(const struct xdp_tables *t, unsigned i)
{
	return XDP_LINES_BITS_LEAST + t->spread[i];
}

void xdp_tables_add(struct xdp_tables *t, const struct xdp_maps *maps)
{
	if (t->n == XDP_TABLES_MOST)
		return;
	t->of[t->n++] = *maps;
	maps->state->seed = t->of[0].state->seed;
	maps->state->lines_bits = (__u16)bits_of(t, t->n - 1);
}

void xdp_tables_begin(struct xdp_tables *t)
{
	if (!++t->generation)
		t->generation = 2; /* as odd as 0 is */
}

void xdp_tables_give(const struct xdp_tables *t, bool on)
{
	for (unsigned i = 0; i < t->n; i++)
		__atomic_store_n(&t->of[i].state->generation, on ? t->generation : 0, __ATOMIC_SEQ_CST);
}

static size_t entry_of(const struct xdp_tables *t, unsigned at)
{
	return (t->generation & 1) * XDP_SLOTS + at;
}

static void put(struct xdp_held *to, struct xdp_held_long *more, const struct xdp_answer *h)
{
	to->sum = h->sum;
	to->len = h->len;
	to->subnet_at = h->subnet_at;
	to->flags = h->flags;
	memcpy(to->counts, h->counts, sizeof to->counts);
	to->rest = h->q.rest;
	memcpy(to->words, h->q.name, XDP_NAME_SHORT);
	if (h->q.len > XDP_NAME_SHORT)
		memcpy(more->words, h->q.name + XDP_NAME_SHORT, sizeof more->words);
	memcpy(h->len > XDP_SHORT ? more->bytes : to->bytes, h->bytes, h->len);
}

/* The seal is broken first, and set last: it is what the program takes, and leaves, the rest by. The fence is for machines that may
 * do a store before one that stands before it. */
void xdp_tables_put(const struct xdp_tables *t, unsigned at, const struct xdp_answer *h)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct xdp_held *to = &t->of[i].held[entry_of(t, at)];
		const struct xdp_held seal = { .generation = t->generation, .put = (__u16)(to->put + 1), .set = h->set };
		__atomic_store_n(&to->seal, (struct xdp_held){ .put = to->put }.seal, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		put(to, &t->of[i].held_long[entry_of(t, at)], h);
		__atomic_store_n(&to->seal, seal.seal, __ATOMIC_RELEASE);
	}
}

bool xdp_tables_holds(const struct xdp_tables *t, unsigned at, const struct xdp_answer *h)
{
	const struct xdp_held *had = &t->of[0].held[entry_of(t, at)];
	const uint8_t *bytes = h->len > XDP_SHORT ? t->of[0].held_long[entry_of(t, at)].bytes : had->bytes;

	return had->len == h->len && had->subnet_at == h->subnet_at && had->flags == h->flags &&
		memcmp(had->counts, h->counts, sizeof h->counts) == 0 && memcmp(bytes, h->bytes, h->len) == 0;
}

uint64_t xdp_tables_hash(const struct xdp_tables *t, const struct xdp_question *q)
{
	return xdp_question_hash(q, t->n ? t->of[0].state->seed : 0);
}

bool xdp_tables_ask(const struct xdp_tables *t, const struct xdp_question *q, unsigned at)
{
	const uint64_t hash = xdp_tables_hash(t, q);
	bool ok = true;

	for (unsigned i = 0; i < t->n; i++)
		ok = xdp_index_put(t->of[i].questions, hash, at) && ok;
	return ok;
}

void xdp_tables_forget(const struct xdp_tables *t, unsigned at)
{
	for (unsigned i = 0; i < t->n; i++)
		xdp_index_forget(t->of[i].questions, at);
}

static void tell_bits(const struct xdp_tables *t, unsigned i)
{
	__atomic_store_n(&t->of[i].state->lines_bits, (__u16)bits_of(t, i), __ATOMIC_RELEASE);
}

static bool wants_room(const struct xdp_tables *t, unsigned i)
{
	return t->displaced[i] > (1u << bits_of(t, i)) / LINES_PER_DISPLACED && bits_of(t, i) < XDP_LINES_BITS;
}

void xdp_tables_steer(struct xdp_tables *t, uint64_t is, const bool *alive)
{
	unsigned wants = t->n;

	for (unsigned i = 0; i < t->n; i++) {
		t->displaced[i] += !xdp_clients_put(t->of[i].clients, bits_of(t, i), is, alive);
		if (wants_room(t, i))
			wants = i;
	}
	/* One at a time: the last doubling takes milliseconds. */
	if (wants == t->n)
		return;
	xdp_clients_spread(t->of[wants].clients, bits_of(t, wants), alive);
	t->spread[wants]++;
	t->displaced[wants] = 0;
	tell_bits(t, wants);
}

bool xdp_tables_steers(const struct xdp_tables *t, uint64_t client)
{
	return xdp_clients_has(t->of[0].clients, bits_of(t, 0), client);
}

void xdp_tables_forget_clients(struct xdp_tables *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		memset(t->of[i].clients, 0, sizeof *t->of[i].clients << bits_of(t, i));
		t->spread[i] = t->displaced[i] = 0;
		tell_bits(t, i);
	}
}

struct xdp_given xdp_tables_given(const struct xdp_tables *t, unsigned at)
{
	struct xdp_given sum = { 0 };

	for (unsigned i = 0; i < t->n; i++)
		for (unsigned cpu = 0; cpu < t->of[i].cpus; cpu++) {
			const struct xdp_given *g = &t->of[i].given[(size_t)cpu * XDP_SLOTS + at];
			for (unsigned v6 = 0; v6 < 2; v6++)
				sum.n[v6] += __atomic_load_n(&g->n[v6], __ATOMIC_RELAXED);
		}
	return sum;
}
