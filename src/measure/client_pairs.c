#include "measure/client_pairs.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 1 << 18, /* a power of 2, over twice CLIENT_PAIRS_MOST */
	V4_CLIENT = ADDR_V4_BITS + 24,
	V6_CLIENT = 48,
	V6_RESOLVER = 64,
	LOOKS = 16 /* at so many, for one that counts little */
};
#define FADED 0.05 /* with less than that a pair is gone */

struct pair {
	struct prefix resolver, client;
	double weight; /* at `at_s` */
	int64_t at_s;
};

struct client_pairs {
	struct hash_key key;
	struct pair *of;         /* [n] */
	size_t n, room;
	size_t hand; /* where the next one that counts little is looked for */
	uint32_t *slot; /* [SLOTS] number of a pair + 1; 0: free */
};

struct client_pairs *client_pairs_new(struct hash_key key)
{
	struct client_pairs *p = memory_zeroed(1, sizeof *p);

	p->key = key;
	p->slot = memory_zeroed(SLOTS, sizeof *p->slot);
	return p;
}

struct client_pairs *client_pairs_copy(const struct client_pairs *from)
{
	struct client_pairs *p = malloc(sizeof *p);
	struct pair *of = malloc((from->n + !from->n) * sizeof *of);

	if (!p || !of) {
		free(p);
		free(of);
		return NULL;
	}
	if (from->n)
		memcpy(of, from->of, from->n * sizeof *of);
	*p = (struct client_pairs){ .key = from->key, .of = of, .n = from->n, .room = from->n };
	return p;
}

void client_pairs_free(struct client_pairs *p)
{
	if (!p)
		return;
	memory_free(p->of);
	memory_free(p->slot);
	memory_free(p);
}

struct prefix client_pairs_resolver(const struct addr *a)
{
	return addr_prefix(a, addr_is_v4(a) ? 128 : V6_RESOLVER);
}

struct prefix client_pairs_client(const struct addr *a)
{
	return addr_prefix(a, addr_is_v4(a) ? V4_CLIENT : V6_CLIENT);
}

size_t client_pairs_count(const struct client_pairs *p)
{
	return p->n;
}

static bool same_net(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && memcmp(&a->addr, &b->addr, sizeof a->addr) == 0;
}

static uint32_t home(const struct client_pairs *p, const struct prefix *resolver, const struct prefix *client)
{
	return (uint32_t)hash_pair(hash_bytes(p->key, resolver->addr.b, 16), hash_bytes(p->key, client->addr.b, 16)) % SLOTS;
}

/* The pair's slot, or the free one where it belongs. */
static uint32_t *find(struct client_pairs *p, const struct prefix *resolver, const struct prefix *client)
{
	for (uint32_t at = home(p, resolver, client);; at++) {
		uint32_t *s = &p->slot[at % SLOTS];
		if (!*s || (same_net(&p->of[*s - 1].resolver, resolver) && same_net(&p->of[*s - 1].client, client)))
			return s;
	}
}

static double faded(const struct pair *x, int64_t now_s)
{
	return now_s > x->at_s ? x->weight * exp2(-(double)(now_s - x->at_s) / CLIENT_PAIRS_HALF_LIFE_S) : x->weight;
}

/* What stands behind its slot and could stand there moves up (Knuth's algorithm 6.4R). */
static void drop(struct client_pairs *p, uint32_t i)
{
	const struct pair *last = &p->of[p->n - 1];
	uint32_t at = (uint32_t)(find(p, &p->of[i].resolver, &p->of[i].client) - p->slot);

	for (uint32_t next = (at + 1) % SLOTS; p->slot[next]; next = (next + 1) % SLOTS) {
		const struct pair *x = &p->of[p->slot[next] - 1];
		if ((next - home(p, &x->resolver, &x->client)) % SLOTS < (next - at) % SLOTS)
			continue;
		p->slot[at] = p->slot[next];
		at = next;
	}
	p->slot[at] = 0;
	if (i != p->n - 1) {
		*find(p, &last->resolver, &last->client) = i + 1;
		p->of[i] = *last;
	}
	p->n--;
}

static void drop_a_light_one(struct client_pairs *p, int64_t now_s)
{
	size_t least = p->hand % p->n;

	for (unsigned k = 0; k < LOOKS; k++) {
		const size_t i = p->hand++ % p->n;
		if (faded(&p->of[i], now_s) < faded(&p->of[least], now_s))
			least = i;
	}
	drop(p, (uint32_t)least);
}

static bool make_room(struct client_pairs *p, int64_t now_s)
{
	if (p->n == CLIENT_PAIRS_MOST)
		drop_a_light_one(p, now_s);
	if (p->n < p->room)
		return true;
	const size_t room = p->room ? 2 * p->room : 256;
	struct pair *of = memory_beside(p->of, room * sizeof *of);
	if (!of)
		return false;
	p->of = of;
	p->room = room;
	return true;
}

bool client_pairs_add(struct client_pairs *p, const struct prefix *resolver, const struct prefix *client,
	double weight, int64_t at_s)
{
	const uint32_t *s = find(p, resolver, client);

	if (*s) {
		struct pair *x = &p->of[*s - 1];
		x->weight = faded(x, at_s) + weight;
		x->at_s = at_s > x->at_s ? at_s : x->at_s;
		return true;
	}
	if (!make_room(p, at_s))
		return false;
	p->of[p->n++] = (struct pair){ *resolver, *client, weight, at_s };
	*find(p, resolver, client) = (uint32_t)p->n;
	return true;
}

void client_pairs_recall(struct client_pairs *p, const struct resolver_clients *r, int64_t written_s)
{
	for (uint32_t i = 0; i < r->n; i++)
		for (uint32_t k = r->of[i].first; k < r->of[i].first + r->of[i].n; k++)
			client_pairs_add(p, &r->of[i].net, &r->client[k].net, r->client[k].weight, written_s);
}

bool client_pairs_join(struct client_pairs *p, const struct client_pairs *from, int64_t now_s)
{
	bool ok = true;

	for (size_t i = 0; i < from->n; i++) {
		const struct pair *x = &from->of[i];
		const uint32_t *s = find(p, &x->resolver, &x->client);
		const double has = *s ? faded(&p->of[*s - 1], now_s) : 0, more = faded(x, now_s) - has;
		ok = (more <= 0 || client_pairs_add(p, &x->resolver, &x->client, more, now_s)) && ok;
	}
	return ok;
}

/* --- to a file ---------------------------------------------------------------------------- */

static int compare(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;
	const int by = memcmp(&a->resolver.addr, &b->resolver.addr, sizeof a->resolver.addr);

	return by ? by : (a->weight < b->weight) - (a->weight > b->weight);
}

void client_pairs_write(const struct client_pairs *p, int64_t now_s, struct text *out)
{
	struct pair *left = memory_zeroed(p->n, sizeof *left);
	char resolver[ADDR_TEXT], client[ADDR_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		left[n] = p->of[i];
		left[n].weight = faded(&p->of[i], now_s);
		n += left[n].weight >= FADED;
	}
	if (n)
		qsort(left, n, sizeof *left, compare);
	text_add(out, "# written by waymarkd: pairs that were seen, as they count now\nresolver,client,weight\n");
	for (size_t i = 0; i < n; i++)
		text_addf(out, "%s,%s,%.4f\n", prefix_text(resolver, &left[i].resolver),
			prefix_text(client, &left[i].client), left[i].weight);
	memory_free(left);
}
