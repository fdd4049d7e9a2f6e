#include "daemon/groups.h"

#include "base/memory.h"
#include "steer/demand.h"

#include <string.h>

enum { GROUPS_MOST = 32768, SLOTS = 2 * GROUPS_MOST };
#define SMOOTHING  0.3   /* share of the newest interval */
#define LEAST_RATE 0.002 /* queries a second; who asks less is forgotten */

struct group {
	uint64_t key; /* demand_key(); 0: free */
	double rate, now;
};

struct groups {
	struct group *slots; /* [SLOTS] */
	struct group *spare; /* [SLOTS] for the next table: whoever counts takes no memory */
	size_t n;
	double lost; /* of groups_add() */
};

struct groups *groups_new(void)
{
	struct groups *g = memory_zeroed(1, sizeof *g);

	g->slots = memory_zeroed(SLOTS, sizeof *g->slots);
	g->spare = memory_zeroed(SLOTS, sizeof *g->spare);
	return g;
}

void groups_free(struct groups *g)
{
	memory_free(g->slots);
	memory_free(g->spare);
	memory_free(g);
}

/* False: it finds no room. */
static bool add(struct groups *g, uint64_t key, double rate, double now)
{
	size_t i = (size_t)hash_mix(key, HASH_STEP) & (SLOTS - 1);

	while (g->slots[i].key && g->slots[i].key != key)
		i = (i + 1) & (SLOTS - 1);
	if (!g->slots[i].key && g->n == GROUPS_MOST)
		return false;
	g->n += !g->slots[i].key;
	g->slots[i].key = key;
	g->slots[i].rate += rate;
	g->slots[i].now += now;
	return true;
}

void groups_add(struct groups *g, uint64_t key, double rate)
{
	if (rate > 0 && !add(g, key, rate, 0))
		g->lost += rate;
}

void groups_clear(struct groups *g)
{
	memset(g->slots, 0, SLOTS * sizeof *g->slots);
	g->n = 0;
	g->lost = 0;
}

void groups_count(struct groups *g, const struct tally *t, uint32_t tick, double seconds)
{
	for (size_t i = 0; i < (size_t)t->lines * TALLY_LINE; i++) {
		const uint64_t n = tally_count(&t->cells[i], tick),
			       key = __atomic_load_n(&t->cells[i].key, __ATOMIC_RELAXED);
		if (n && key)
			add(g, key, 0, (double)n / seconds);
	}
}

/* Into a new table, without who asks too little. */
static void rebuild(struct groups *g, const int *numbers, unsigned n)
{
	struct group *before = g->slots;

	g->slots = memset(g->spare, 0, SLOTS * sizeof *g->spare);
	g->spare = before;
	g->n = 0;
	for (size_t i = 0; i < SLOTS; i++) {
		struct addr a;
		uint16_t pool;
		bool v6;
		if (!before[i].key || before[i].rate < LEAST_RATE)
			continue;
		demand_parts(before[i].key, &pool, &v6, &a);
		if (!numbers)
			add(g, before[i].key, before[i].rate, 0);
		else if (pool < n && numbers[pool] >= 0)
			add(g, demand_key((uint16_t)numbers[pool], v6, &a), before[i].rate, 0);
	}
}

void groups_settle(struct groups *g)
{
	size_t idle = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		struct group *one = &g->slots[i];
		/* A group's first interval is all there is to go by. */
		one->rate = one->rate > 0 ? one->rate + SMOOTHING * (one->now - one->rate)
					  : one->now;
		one->now = 0;
		idle += one->key && one->rate < LEAST_RATE;
	}
	if (idle > g->n / 4)
		rebuild(g, NULL, 0);
}

void groups_renumber(struct groups *g, const int *numbers, unsigned n)
{
	rebuild(g, numbers, n);
}

struct shed_demand *groups_list(const struct groups *g, size_t *n)
{
	struct shed_demand *list = memory_zeroed(g->n, sizeof *list);

	double sum = 0;

	*n = 0;
	for (size_t i = 0; i < SLOTS; i++) {
		struct shed_demand *d = &list[*n];
		if (!g->slots[i].key || g->slots[i].rate < LEAST_RATE)
			continue;
		demand_parts(g->slots[i].key, &d->pool, &d->v6, &d->addr);
		sum += d->rate = g->slots[i].rate;
		++*n;
	}
	for (size_t i = 0; g->lost > 0 && sum > 0 && i < *n; i++)
		list[i].rate *= 1 + g->lost / sum;
	return list;
}

size_t groups_size(const struct groups *g)
{
	return g->n;
}
