/* schema_trees.c - pools that lead to each other: no circles, not too deep, and pins that name what
 * is there.
 */
#include "conf/option.h"
#include "conf/schema.h"

/* A walk through what pools lead to. */
struct walk {
	struct reader *r;
	const struct schema_pool *pools;
	size_t n;
	struct step {
		uint32_t pool, next;
	} *stack;
	size_t deep;
	uint8_t *state; /* 0 not met, 1 on the way, 2 done */
	uint16_t *height; /* pools below it, by whatever link */
	uint32_t *leaves;
};

/* Where pool `p` leads by its link `k`: members, pins, then who stands in; -1: no more. */
static int64_t link_of(const struct schema_pool *p, size_t k, const struct node **at)
{
	const size_t members = p->is_tree ? p->opts.n_members : 0;

	for (size_t i = 0, met = 0; i < members; i++)
		if (p->members[i].m.is_pool && met++ == k) {
			*at = p->members[i].node;
			return p->members[i].m.number;
		} else if (i + 1 == members) {
			k -= met;
		}
	for (size_t i = 0; i < p->opts.n_pins; i++)
		if (p->opts.pins[i].to_pool && k-- == 0) {
			*at = p->pin_nodes[i];
			return p->opts.pins[i].pool;
		}
	for (size_t i = 0; i < p->opts.n_rules; i++)
		if (p->opts.rules[i].to.to_pool && k-- == 0) {
			*at = p->rule_nodes[i];
			return p->opts.rules[i].to.pool;
		}
	if (p->opts.all_down == POOL_OTHER && k == 0) {
		*at = p->other;
		return p->opts.other;
	}
	return -1;
}

static void tell_circle(const struct walk *w, uint32_t pool, const struct node *at)
{
	struct text chain = { 0 };
	char shown[OPTION_SHOWN];
	size_t i = w->deep;

	while (i && w->stack[i - 1].pool != pool)
		i--;
	for (i = i ? i - 1 : 0; i < w->deep; i++)
		text_addf(&chain, "%s -> ",
			option_shown(shown, w->pools[w->stack[i].pool].opts.name));
	parse_error(w->r->src, at, "pools that lead to each other in a circle: %s%s",
		text_get(&chain), option_shown(shown, w->pools[pool].opts.name));
	text_fini(&chain);
}

/* Does a choice in it go on in another pool while it may still come back? Who merely stands in is
 * the last that is asked. */
static bool goes_into(const struct schema_pool *p)
{
	bool any = p->is_tree;

	for (size_t i = 0; i < p->opts.n_pins; i++)
		any = any || p->opts.pins[i].to_pool;
	for (size_t i = 0; i < p->opts.n_rules; i++)
		any = any || p->opts.rules[i].to.to_pool;
	return any;
}

/* All that it leads to is known. A choice may go all ways there are: with each level they double,
 * and so they have an end. */
static void settle(struct walk *w, uint32_t pool)
{
	const struct schema_pool *p = &w->pools[pool];
	const struct node *at = NULL;
	uint32_t leaves = p->is_tree ? 0 : (uint32_t)p->opts.n;
	int64_t to;

	for (size_t k = 0; (to = link_of(p, k, &at)) >= 0; k++)
		if (w->height[pool] <= w->height[to])
			w->height[pool] = (uint16_t)(w->height[to] + 1);
	for (size_t i = 0; p->is_tree && i < p->opts.n_members && leaves <= POOL_EDGES_MOST; i++)
		leaves += p->members[i].m.is_pool ? w->leaves[p->members[i].m.number] : 1;
	w->leaves[pool] = leaves;
	w->state[pool] = 2;
	if (goes_into(p) && w->height[pool] > POOL_DEPTH_MOST)
		parse_error(w->r->src, p->node->key,
			"pools are %u deep in each other here; %d are allowed", w->height[pool],
			POOL_DEPTH_MOST);
	if (p->is_tree && leaves > POOL_EDGES_MOST)
		parse_error(w->r->src, p->node->key,
			"this pool and those in it have more than %d edges", POOL_EDGES_MOST);
}

/* True: there is no circle. */
static bool walk_from(struct walk *w, uint32_t pool)
{
	w->stack[w->deep++] = (struct step){ pool, 0 };
	w->state[pool] = 1;
	while (w->deep) {
		struct step *s = &w->stack[w->deep - 1];
		const struct node *at = NULL;
		const int64_t to = link_of(&w->pools[s->pool], s->next++, &at);
		if (to < 0) {
			settle(w, s->pool);
			w->deep--;
		} else if (w->state[to] == 1) {
			tell_circle(w, (uint32_t)to, at);
			return false;
		} else if (!w->state[to]) {
			w->state[to] = 1;
			w->stack[w->deep++] = (struct step){ (uint32_t)to, 0 };
		}
	}
	return true;
}

/* Does the pool, or one in it, have that edge? */
static bool leads_to(const struct schema_pool *pools, size_t pool, uint16_t edge)
{
	const struct schema_pool *p = &pools[pool];

	for (size_t i = 0; i < p->opts.n; i++)
		if (p->opts.edges[i] == edge)
			return true;
	for (size_t i = 0; p->has_pools && i < p->opts.n_members; i++)
		if (p->members[i].m.is_pool && leads_to(pools, p->members[i].m.number, edge))
			return true;
	return false;
}

/* ... or would, were nothing skipped? */
static bool leads_to_skipped(const struct schema_pool *pools, size_t pool, uint16_t edge)
{
	const struct pool_opts *o = &pools[pool].opts;

	for (size_t i = 0; i < o->n_skipped; i++)
		if (o->skipped[i].is_pool
				? leads_to(pools, o->skipped[i].number, edge) ||
					leads_to_skipped(pools, o->skipped[i].number, edge)
				: o->skipped[i].number == edge)
			return true;
	for (size_t i = 0; i < o->n_members; i++)
		if (o->members[i].is_pool && leads_to_skipped(pools, o->members[i].number, edge))
			return true;
	return false;
}

/* The edge as the pool has it: itself, or the first role of it that a pool below has. */
static uint16_t edge_in(const struct walk *w, size_t pool, uint16_t edge)
{
	const struct schema_pool *p = &w->pools[pool];
	uint16_t found = leads_to(w->pools, pool, edge) ? edge
							: (uint16_t)schema_edge_in(w->r, p, edge);

	for (size_t i = 0; p->has_pools && i < p->opts.n_members && found == edge; i++)
		if (p->members[i].m.is_pool && !leads_to(w->pools, pool, edge))
			found = edge_in(w, p->members[i].m.number, edge);
	return found;
}

/* What is skipped goes out of it. */
static void check_pin(
	const struct walk *w, size_t pool, struct pool_pin *pin, const struct node *at)
{
	uint16_t *left = arena_memdup(w->r->mem, pin->edges, pin->n * sizeof *left);
	char shown[OPTION_SHOWN];
	size_t n = 0;

	for (size_t k = 0; k < pin->n; k++) {
		const uint16_t edge = edge_in(w, pool, pin->edges[k]);
		if (leads_to(w->pools, pool, edge))
			left[n++] = edge;
		else if (!leads_to_skipped(w->pools, pool, edge))
			schema_not_of_pool(w->r, at, edge,
				option_shown(shown, w->pools[pool].opts.name));
	}
	pin->edges = left;
	pin->n = n;
}

static void check_pins(const struct walk *w, size_t pool)
{
	const struct schema_pool *p = &w->pools[pool];

	for (size_t i = 0; i < p->opts.n_pins; i++)
		check_pin(w, pool, &p->pins[i], p->pin_nodes[i]);
	for (size_t i = 0; i < p->opts.n_rules; i++)
		check_pin(w, pool, &p->rules[i].to, p->rule_nodes[i]);
}

/* What the policy asks of edges in pools in it. */
static void check_leaves(const struct walk *w, size_t top, size_t pool, bool *told)
{
	const struct schema_pool *t = &w->pools[top], *p = &w->pools[pool];
	char shown[OPTION_SHOWN], top_shown[OPTION_SHOWN];

	for (size_t i = 0; i < p->opts.n && !*told && pool != top; i++) {
		if (w->r->conf->edges[p->opts.edges[i]].placed ||
			!w->r->edge_nodes[p->opts.edges[i]] ||
			parse_get(w->r->edge_nodes[p->opts.edges[i]], "at"))
			continue;
		*told = true;
		parse_error(w->r->src, parse_get(t->node, "edges")->key,
			"edge %s of pool %s has no \"at\", and pool %s is nearest; give the edge its "
			"place, or the pool another policy",
			option_shown(shown, w->r->conf->edges[p->opts.edges[i]].name),
			p->opts.name, option_shown(top_shown, t->opts.name));
	}
	for (size_t i = 0; p->has_pools && i < p->opts.n_members; i++)
		if (p->members[i].m.is_pool)
			check_leaves(w, top, p->members[i].m.number, told);
}

void schema_check_trees(struct reader *r, struct schema_pool *pools, size_t n)
{
	struct walk w = { .r = r,
		.pools = pools,
		.n = n,
		.stack = arena_alloc(r->scratch, (n + 1) * sizeof *w.stack),
		.state = arena_zalloc(r->scratch, n),
		.height = arena_zalloc(r->scratch, n * sizeof *w.height),
		.leaves = arena_zalloc(r->scratch, n * sizeof *w.leaves) };
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any = any || goes_into(&pools[i]);
	if (!any)
		return;
	for (size_t i = 0; i < n; i++)
		if (!w.state[i] && !walk_from(&w, (uint32_t)i))
			return;
	for (size_t i = 0; i < n && !faults_full(r->src->faults); i++) {
		bool told = false;
		if (pools[i].has_pools)
			check_pins(&w, i);
		if (pools[i].has_pools && schema_is_nearest(&pools[i].opts) && !r->conf->latency.on)
			check_leaves(&w, i, i, &told);
	}
}
