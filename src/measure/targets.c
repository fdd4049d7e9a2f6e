#include "measure/targets.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { BUCKETS = 2 * TARGETS_MOST, V4_NET = ADDR_V4_BITS + 24, V6_NET = 48 };

struct targets {
	struct hash_key key;
	size_t n;
	uint32_t halved_s;           /* 0: never yet */
	uint32_t bucket[BUCKETS];    /* number + 1 */
	uint32_t heap[TARGETS_MOST]; /* numbers; the least count first */
	struct target all[TARGETS_MOST];
};

struct targets *targets_new(struct hash_key key)
{
	struct targets *t = memory_zeroed(1, sizeof *t);

	t->key = key;
	return t;
}

void targets_free(struct targets *t)
{
	memory_free(t);
}

/* --- the hash table ----------------------------------------------------------------------- */

static uint32_t *bucket_of(struct targets *t, const struct prefix *net)
{
	return &t->bucket[hash_bytes(t->key, net->addr.b, sizeof net->addr.b) % BUCKETS];
}

static bool same_net(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && memcmp(&a->addr, &b->addr, sizeof a->addr) == 0;
}

static struct target *find(struct targets *t, const struct prefix *net)
{
	for (uint32_t i = *bucket_of(t, net); i; i = t->all[i - 1].next)
		if (same_net(&t->all[i - 1].net, net))
			return &t->all[i - 1];
	return NULL;
}

static void link_target(struct targets *t, uint32_t i)
{
	uint32_t *b = bucket_of(t, &t->all[i].net);

	t->all[i].next = *b;
	*b = i + 1;
}

static void unlink_target(struct targets *t, uint32_t i)
{
	uint32_t *at = bucket_of(t, &t->all[i].net);

	while (*at != i + 1)
		at = &t->all[*at - 1].next;
	*at = t->all[i].next;
}

/* --- the heap ----------------------------------------------------------------------------- */

static void put_at(struct targets *t, uint32_t at, uint32_t i)
{
	t->heap[at] = i;
	t->all[i].heap_at = at;
}

static double count_at(const struct targets *t, uint32_t at)
{
	return t->all[t->heap[at]].count;
}

/* A count has grown: down the heap, past lesser ones. */
static void sink(struct targets *t, uint32_t at)
{
	const uint32_t i = t->heap[at];

	for (uint32_t child = 2 * at + 1; child < t->n; child = 2 * at + 1) {
		if (child + 1 < t->n && count_at(t, child + 1) < count_at(t, child))
			child++;
		if (count_at(t, child) >= t->all[i].count)
			break;
		put_at(t, at, t->heap[child]);
		at = child;
	}
	put_at(t, at, i);
}

static void rise(struct targets *t, uint32_t at)
{
	const uint32_t i = t->heap[at];

	for (; at && count_at(t, (at - 1) / 2) > t->all[i].count; at = (at - 1) / 2)
		put_at(t, at, t->heap[(at - 1) / 2]);
	put_at(t, at, i);
}

/* --- counting ----------------------------------------------------------------------------- */

/* A new one, in the place of the least when there is no room. */
static struct target *add(struct targets *t, const struct prefix *net)
{
	uint32_t i = (uint32_t)t->n;
	double count = 0;

	if (t->n < TARGETS_MOST) {
		put_at(t, i, i);
		t->n++;
	} else {
		i = t->heap[0];
		count = t->all[i].count;
		unlink_target(t, i);
	}
	t->all[i] = (struct target){
		.net = *net, .count = count, .heap_at = t->all[i].heap_at
	};
	link_target(t, i);
	rise(t, t->all[i].heap_at);
	return &t->all[i];
}

/* Of a network that nobody has come from: its first address, which is often a router's. */
static struct addr first_host(const struct prefix *net)
{
	struct addr a = net->addr;

	a.b[15] |= 1;
	return a;
}

void targets_saw(struct targets *t, const struct addr *client, bool is_host, uint16_t pool)
{
	const struct prefix net = addr_prefix(client, addr_is_v4(client) ? V4_NET : V6_NET);

	if (!addr_is_global(client, NULL))
		return;
	struct target *x = find(t, &net);
	if (!x) {
		x = add(t, &net);
		x->host = first_host(&net);
	}
	if (is_host)
		x->host = *client;
	x->pool = pool;
	x->count++;
	sink(t, x->heap_at);
}

/* All alike, so that the heap stays one. */
void targets_age(struct targets *t, uint32_t now_s)
{
	if (!t->halved_s)
		t->halved_s = now_s;
	for (; now_s - t->halved_s >= TARGETS_HALVE_S; t->halved_s += TARGETS_HALVE_S)
		for (size_t i = 0; i < t->n; i++)
			t->all[i].count /= 2;
}

const struct target *targets_all(const struct targets *t, size_t *n)
{
	*n = t->n;
	return t->all;
}

/* --- who is asked when -------------------------------------------------------------------- */

bool targets_is_near(const double *km, unsigned n, unsigned i)
{
	unsigned before = 0;

	for (unsigned k = 0; k < n; k++)
		before += km[k] < km[i] || (k < i && km[k] <= km[i]);
	return !isnan(km[i]) && before < TARGETS_NEAREST;
}

static const struct target_asked *asked_of(const struct target *x, unsigned edge)
{
	for (unsigned k = 0; k < TARGETS_ASKED; k++)
		if (x->asked[k].edge == edge + 1)
			return &x->asked[k];
	return NULL;
}

bool targets_may_ask(const struct targets *t, size_t i, unsigned edge, uint32_t now_s)
{
	const struct target_asked *a = asked_of(&t->all[i], edge);

	return !a || now_s >= a->again_s;
}

static bool goes_before(const struct target_asked *a, const struct target_asked *b)
{
	return b->edge && (!a->edge || a->again_s < b->again_s);
}

/* Its own place, else a free one, else that of the edge whose turn comes first. */
static struct target_asked *place_for(struct target *x, unsigned edge)
{
	struct target_asked *best = &x->asked[0];

	for (unsigned k = 0; k < TARGETS_ASKED; k++) {
		if (x->asked[k].edge == edge + 1)
			return &x->asked[k];
		if (goes_before(&x->asked[k], best))
			best = &x->asked[k];
	}
	*best = (struct target_asked){ .edge = (uint16_t)(edge + 1) };
	return best;
}

void targets_ask(struct targets *t, size_t i, unsigned edge, uint32_t now_s, uint32_t every_s)
{
	struct target_asked *a = place_for(&t->all[i], edge);

	a->again_s = now_s + (every_s << a->tries);
	if (a->tries < TARGETS_TRIES_MOST)
		a->tries++;
}

static uint32_t first_s(uint32_t fresh_s)
{
	const uint32_t share_s = fresh_s / TARGETS_FIRST_SHARE;

	return share_s > TARGETS_FIRST_LEAST_S ? share_s : TARGETS_FIRST_LEAST_S;
}

void targets_measured(struct targets *t, const struct prefix *net, unsigned edge, uint32_t now_s, uint32_t fresh_s)
{
	struct target *x = find(t, net);

	for (unsigned k = 0; x && k < TARGETS_ASKED; k++)
		if (x->asked[k].edge == edge + 1) {
			x->asked[k].tries = 0;
			x->asked[k].again_s = now_s + first_s(fresh_s);
		}
}

void targets_jumped(struct targets *t, const struct prefix *net, unsigned edge, uint32_t now_s, uint32_t fresh_s)
{
	struct target *x = find(t, net);
	struct target_asked *a = x ? place_for(x, edge) : NULL;

	if (!a || (a->jumped_s && now_s - a->jumped_s < first_s(fresh_s)))
		return;
	a->noisy = !a->jumped_s || now_s - a->jumped_s >= fresh_s ? 0 : a->noisy < TARGETS_NOISY_MOST ? a->noisy + 1 : TARGETS_NOISY_MOST;
	a->jumped_s = now_s;
	a->again_s = now_s + first_s(fresh_s);
}

void targets_forget_edges(struct targets *t)
{
	for (size_t i = 0; i < t->n; i++)
		memset(t->all[i].asked, 0, sizeof t->all[i].asked);
}

uint32_t targets_fresh_s(const struct targets *t, size_t i, unsigned edge, uint32_t at_s, uint32_t fresh_s)
{
	const struct target_asked *a = asked_of(&t->all[i], edge);

	if (!a || !a->jumped_s)
		return fresh_s;
	const uint32_t least_s = first_s(fresh_s) << a->noisy, half_s = at_s > a->jumped_s ? (at_s - a->jumped_s) / 2 : 0,
		       s = half_s > least_s ? half_s : least_s;
	return s < fresh_s ? s : fresh_s;
}
