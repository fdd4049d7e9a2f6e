/* schema_priority.c - members with priorities: each priority becomes a pool of its own, and the pool
 * has those in order.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The least priority of the pool's plain members that is `from` or more; UINT_MAX: none is. */
static unsigned next_priority(const struct schema_pool *p, unsigned from)
{
	unsigned least = UINT_MAX;

	for (size_t i = 0; i < p->opts.n_members; i++) {
		const struct schema_member *m = &p->members[i];
		if (!m->m.share && m->priority >= from && m->priority < least)
			least = m->priority;
	}
	return least;
}

/* 0: all have the same. */
static size_t count_priorities(const struct schema_pool *p)
{
	size_t n = 0;

	for (unsigned at = next_priority(p, 0); at != UINT_MAX; at = next_priority(p, at + 1))
		n++;
	return n > 1 ? n : 0;
}

/* The pool's members of one priority; `shares`: those that have a share instead. */
struct picked {
	bool shares;
	unsigned priority;
};

static void keep_members(struct reader *r, struct schema_pool *to, const struct schema_pool *from,
	struct picked which)
{
	const size_t n = from->opts.n_members;
	struct pool_member *members = arena_alloc(r->mem, (n + 1) * sizeof *members);
	uint16_t *edges = arena_alloc(r->mem, (n + 1) * sizeof *edges);

	to->members = arena_zalloc(r->scratch, (n + 1) * sizeof *to->members);
	to->has_pools = to->is_tree = false;
	to->opts.n = to->opts.n_members = 0;
	for (size_t i = 0; i < n; i++) {
		const struct schema_member *m = &from->members[i];
		if (which.shares ? !m->m.share : m->m.share || m->priority != which.priority)
			continue;
		to->members[to->opts.n_members] = *m;
		members[to->opts.n_members++] = m->m;
		if (!m->m.is_pool)
			edges[to->opts.n++] = m->m.number;
		to->has_pools = to->has_pools || m->m.is_pool;
		to->is_tree = to->is_tree || m->m.is_pool || m->m.share;
	}
	to->n_all = to->opts.n_members;
	to->opts.edges = edges;
	to->opts.members = members;
}

static bool has(const uint16_t *edges, size_t n, uint16_t edge)
{
	for (size_t i = 0; i < n; i++)
		if (edges[i] == edge)
			return true;
	return false;
}

static const char *name_of(struct reader *r, const struct schema_pool *p, unsigned priority)
{
	char name[POOL_NAME_MOST + 32];
	unsigned number;

	snprintf(name, sizeof name, "%s priority %u", p->opts.name, priority);
	if (strlen(name) > POOL_NAME_MOST)
		parse_error(r->src, p->node->key,
			"with priorities the name of a pool has at most %d bytes",
			POOL_NAME_MOST - (int)strlen(" priority 65535"));
	else if (known_find(&r->pools, name, &number))
		parse_error(r->src, p->node->key,
			"there is a pool \"%s\" already, and that is what the members of that priority "
			"are called; give it another name",
			name);
	return arena_strdup(r->mem, name);
}

/* All that is about choosing among edges is the part's; who is asked before, and what is answered
 * when nothing is up, the whole's. */
static void fill_part(
	struct reader *r, struct schema_pool *to, const struct schema_pool *whole, unsigned priority)
{
	const struct pool_opts *o = &whole->opts;
	uint16_t *fallback = arena_alloc(r->mem, (o->n_fallback + 1) * sizeof *fallback);

	*to = (struct schema_pool){ .node = whole->node, .edges_whole = whole->edges_whole };
	to->opts = *o;
	to->opts.name = name_of(r, whole, priority);
	to->opts.part = true;
	keep_members(r, to, whole, (struct picked){ .priority = priority });
	to->opts.n_fallback = 0;
	for (size_t i = 0; i < o->n_fallback; i++)
		if (has(to->opts.edges, to->opts.n, o->fallback[i]))
			fallback[to->opts.n_fallback++] = o->fallback[i];
	to->opts.fallback = fallback;
	to->opts.all_down = o->all_down == POOL_FIRST ? POOL_FIRST : POOL_ALL;
	to->opts.fail_back = POOL_BACK_AUTO;
	to->opts.ttl_min_s = 0;
	to->opts.ttl_max_s = UINT32_MAX;
	to->opts.least_up = 0;
	to->opts.least_share = 0;
	to->opts.least_a = to->opts.least_aaaa = 0;
	to->opts.n_pins = to->opts.n_rules = to->opts.n_skipped = 0;
	memset(to->opts.forms, 0, sizeof to->opts.forms);
}

static void add_part(struct pool_member *members, struct schema_pool *whole, size_t number)
{
	struct schema_member *m = &whole->members[whole->opts.n_members];

	*m = (struct schema_member){ .m = { .is_pool = true, .number = (uint16_t)number, .weight = 1 },
		.node = parse_get(whole->node, "edges") };
	members[whole->opts.n_members++] = m->m;
	whole->n_all = whole->opts.n_members;
}

/* `number` is that of the first part; returns that behind the last. */
static size_t split(
	struct reader *r, struct schema_pool *pools, struct schema_pool *p, size_t number)
{
	const struct schema_pool before = *p;
	const size_t room = before.opts.n_members + 1;
	struct pool_member *members = arena_alloc(r->mem, room * sizeof *members);

	keep_members(r, p, &before, (struct picked){ .shares = true });
	memcpy(members, p->opts.members, p->opts.n_members * sizeof *members);
	p->opts.members = members;
	for (unsigned at = next_priority(&before, 0); at != UINT_MAX;
		at = next_priority(&before, at + 1)) {
		fill_part(r, &pools[number], &before, at);
		add_part(members, p, number++);
	}
	p->has_pools = p->is_tree = p->opts.split = true;
	p->opts.policy = POOL_ORDERED;
	p->opts.n_links = 0;
	p->opts.answers = 1;
	p->opts.spread_ms = p->opts.spread_share = INFINITY;
	p->opts.panic_share = 0;
	p->opts.n_fallback = 0;
	return number;
}

struct schema_pool *schema_split_priorities(struct reader *r, struct schema_pool *pools, size_t *n)
{
	size_t more = 0, number = *n;

	for (size_t i = 0; i < *n; i++)
		more += count_priorities(&pools[i]);
	if (!more)
		return pools;
	if (*n + more > POOLS_MOST) {
		parse_error(r->src, pools[0].node->key,
			"%zu pools, with one for each priority; %d are allowed", *n + more,
			POOLS_MOST);
		return pools;
	}
	struct schema_pool *all = arena_alloc(r->scratch, (*n + more) * sizeof *all);
	memcpy(all, pools, *n * sizeof *all);
	for (size_t i = 0; i < *n; i++)
		if (count_priorities(&all[i]))
			number = split(r, all, &all[i], number);
	*n = number;
	return all;
}
