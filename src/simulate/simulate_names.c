#include "simulate/simulate_names.h"

#include "base/memory.h"
#include "base/numbers.h"
#include "dns/rrtype.h"
#include "steer/rules.h"
#include "zone/image.h"

#include <stdio.h>
#include <string.h>

/* Of each pool what is known so far: pools lead to others by many ways, and each is asked once. */
enum { NOT_ASKED, NO, YES };

struct asking {
	const struct steer *s;
	uint8_t *known; /* [pool] */
};

static bool matter_in(const struct asking *a, int pool);

/* Does a pool in it ask, or one that it pins clients to? */
static bool matter_below(const struct asking *a, const struct pool *p)
{
	for (unsigned i = 0; p->tree && i < p->tree->n; i++)
		if (p->tree->members[i].is_pool && matter_in(a, p->tree->members[i].number))
			return true;
	for (unsigned i = 0; i < p->n_pins; i++)
		if (p->pins[i].from->to_pool && matter_in(a, p->pins[i].from->pool))
			return true;
	for (unsigned i = 0; p->rules && i < p->rules->n; i++)
		if (p->rules->rule[i].from->to.to_pool &&
			matter_in(a, p->rules->rule[i].from->to.pool))
			return true;
	return false;
}

static bool matter_in(const struct asking *a, int pool)
{
	const int first = pool;
	bool yes = false;

	for (; pool >= 0 && !yes && !a->known[pool];
		pool = a->s->pools[pool].all_down == POOL_OTHER ? a->s->pools[pool].other : -1)
		yes = a->s->pools[pool].affinity & AFFINITY_NAME ||
			matter_below(a, &a->s->pools[pool]);
	yes = yes || (pool >= 0 && a->known[pool] == YES);
	a->known[first] = yes ? YES : NO;
	return yes;
}

bool *simulate_names_matter(const struct steer *s)
{
	const struct asking a = { s, memory_zeroed(s->n_pools, sizeof *a.known) };
	bool *matter = memory_zeroed(s->n_pools, sizeof *matter);

	for (unsigned i = 0; i < s->n_pools; i++)
		matter[i] = matter_in(&a, (int)i);
	memory_free(a.known);
	return matter;
}

static void take(struct simulate_names *to, const struct zone *z, const struct zone_node *n,
	struct arena *mem)
{
	uint8_t name[NAME_MOST];
	const size_t len = image_owner(z, n, name);
	uint8_t *own = arena_alloc(mem, len);

	memcpy(own, name, len);
	if (to->n == to->room) {
		to->room = to->room ? 2 * to->room : 16;
		to->of = memory_grow(to->of, to->room * sizeof *to->of);
	}
	to->of[to->n++] = own;
}

/* Who asks for a name of one edge gets that. */
static bool is_of_one(const struct zone_rrset *edge)
{
	struct edge_rr rr;

	image_edge(edge, &rr);
	return rr.edge_len != 0;
}

/* `lists` [pool of the zone]: NULL where names do not matter. */
static void take_zone(
	const struct zone *z, struct simulate_names *const *lists, struct arena *mem)
{
	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		if (!(n->flags & NODE_EDGE) || n->flags & NODE_HIDDEN)
			continue;
		const struct zone_rrset *set = zone_first_rrset(n);
		for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set))
			if (set->type == RRTYPE_EDGE && lists[set->aux] && !is_of_one(set))
				take(lists[set->aux], z, n, mem);
	}
}

struct simulate_names *simulate_names_new(const struct world *w, const char *const *names,
	const bool *matter, size_t n, struct arena *mem)
{
	struct simulate_names *to = memory_zeroed(n, sizeof *to);
	const struct numbers numbers = numbers_new(mem, names, sizeof *names, n);

	for (size_t i = 0; i < zone_set_count(w->zones); i++) {
		const struct zone *z = zone_set_get(w->zones, i);
		struct simulate_names **lists = memory_zeroed(z->pools_n, sizeof(void *));
		bool any = false;
		for (unsigned k = 0; k < z->pools_n; k++) {
			const int at = numbers_find(&numbers, z->pools[k]);
			lists[k] = at >= 0 && matter[at] ? &to[at] : NULL;
			any = any || lists[k];
		}
		if (any && zone_is_ready(z))
			take_zone(z, lists, mem);
		memory_free(lists);
	}
	return to;
}

void simulate_names_free(struct simulate_names *names, size_t n)
{
	for (size_t i = 0; names && i < n; i++)
		memory_free(names[i].of);
	memory_free(names);
}

const uint8_t *simulate_names_get(
	const struct simulate_names *names, size_t turn, uint8_t to[static NAME_MOST])
{
	const uint8_t *name = names->of[turn % names->n];
	const size_t len = name_len(name);
	char label[16];

	if (!name_is_wildcard(name))
		return name;
	const size_t n = (size_t)snprintf(label, sizeof label, "%zx", turn & 0xffffff);
	if (len - 1 + n > NAME_MOST)
		return name;
	to[0] = (uint8_t)n;
	memcpy(to + 1, label, n);
	memcpy(to + 1 + n, name + 2, len - 2);
	return to;
}
