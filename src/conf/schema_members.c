/* schema_members.c - edges: what a pool has in it: edges, other pools, and how much of it is
 * theirs.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <string.h>

/* --- one member --------------------------------------------------------------------------- */

/* What a mapping says. */
struct said {
	struct schema_member m;
	bool named, wrong;
};

static void take_named(struct reader *r, const struct schema_names *names, const struct node *value,
	struct said *to)
{
	unsigned number;

	if (to->named) {
		parse_error(r->src, value, "a member is one edge or one pool; make two of them");
		to->wrong = true;
		return;
	}
	to->named = true;
	to->m.m.is_pool = names->known == &r->pools;
	if (schema_find(r, names, value, &number))
		to->m.m.number = (uint16_t)number;
	else
		to->wrong = true;
}

static void take_member_edge(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take_named(r, &(struct schema_names){ key, &r->edges, "edge", "edges" }, value, to);
}

static void take_member_pool(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take_named(r, &(struct schema_names){ key, &r->pools, "pool", "pools" }, value, to);
}

/* "3", or "5%". */
static void take_weight(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct said *s = to;
	const char *text = option_scalar(r, key, value), *unit;
	uint64_t whole;
	double v;

	if (!text)
		return;
	if (option_whole(text, &whole) && whole <= EDGE_WEIGHT_MOST) {
		s->m.m.weight = (uint16_t)whole;
		s->m.weighed = value;
	} else if (option_decimal(text, false, &v, &unit) && strcmp(unit, "%") == 0 &&
		v >= 100.0 / POOL_SHARE && v <= 100) {
		s->m.m.share = (uint32_t)(v / 100 * POOL_SHARE + 0.5);
	} else {
		option_wrong(r, key, value);
	}
}

const struct key schema_member_keys[] = {
	{ "edge", take_member_edge, .say = "the name of an edge", .about = "The member is an edge." },
	{ "pool", take_member_pool, .say = "the name of a pool",
		.about = "The member is a pool, which chooses among its own." },
	{ "weight", take_weight, .say = "a number from 0 to 65535, or a share such as 5%",
		.about = "A share of all, whatever the policy: so many go to this member, and the "
			 "policy has the rest. Or, in weighted pools, the member's part of what "
			 "the shares leave.",
		.otherwise = "an edge's own weight; 1 of a pool" },
	{ 0 },
};

/* A name alone: an edge before a pool. */
static bool find_named(struct reader *r, const struct key *key, const struct node *item,
	struct pool_member *m)
{
	unsigned number;

	if (!known_find(&r->edges, item->text, &number) &&
		(known_find(&r->pools, item->text, &number) ||
			(!known_nearest(&r->edges, item->text) &&
				known_nearest(&r->pools, item->text)))) {
		m->is_pool = true;
		if (!schema_find(r, &(struct schema_names){ key, &r->pools, "pool", "pools" }, item,
			    &number))
			return false;
	} else if (!schema_edge_find(r, key, item, &number)) {
		return false;
	}
	m->number = (uint16_t)number;
	if (!m->is_pool)
		m->weight = (uint16_t)r->conf->edges[number].weight;
	return true;
}

static bool read_member(struct reader *r, const struct key *key, const struct node *item,
	struct schema_member *to)
{
	struct said s = { .m = { .m.weight = 1, .node = item } };

	*to = s.m;
	if (item->kind != NODE_MAP)
		return find_named(r, key, item, &to->m);
	const struct node *edge = parse_get(item, "edge");
	unsigned number;
	if (edge && edge->kind == NODE_SCALAR && known_find(&r->edges, edge->text, &number))
		s.m.m.weight = (uint16_t)r->conf->edges[number].weight;
	keys_read(r, schema_member_keys, item, "this member", &s);
	if (!s.named && !edge && !parse_get(item, "pool"))
		return parse_error(r->src, item,
			"a member is an edge or a pool; write { edge: NAME } or { pool: NAME }");
	*to = s.m;
	return s.named && !s.wrong;
}

/* --- all of a pool ------------------------------------------------------------------------ */

static bool is_twin(const struct schema_pool *p, const struct pool_member *m)
{
	for (size_t i = 0; i < p->opts.n_members; i++)
		if (p->members[i].m.is_pool == m->is_pool && p->members[i].m.number == m->number)
			return true;
	return false;
}

static bool take_member(struct reader *r, const struct key *key, const struct node *item,
	struct schema_pool *p)
{
	struct schema_member *m = &p->members[p->opts.n_members];
	char shown[OPTION_SHOWN];

	if (item->kind == NODE_BAD || !read_member(r, key, item, m))
		return false;
	const char *name = m->m.is_pool ? r->pools_by_number[m->m.number]
					: r->conf->edges[m->m.number].name;
	if (is_twin(p, &m->m))
		return parse_error(r->src, item, "%s %s is here twice; take one out",
			m->m.is_pool ? "pool" : "edge", option_shown(shown, name));
	p->opts.n_members++;
	return true;
}

void schema_pool_members(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct schema_pool *p = to;
	bool plain = true;

	if (value->kind == NODE_MAP) {
		option_wrong(r, key, value);
		return;
	}
	if (!option_is_list(r, key, value, POOL_EDGES_MOST))
		return;
	const size_t room = option_count(value);
	struct pool_member *members = arena_alloc(r->mem, room * sizeof *members);
	uint16_t *edges = arena_alloc(r->mem, room * sizeof *edges);
	p->members = arena_zalloc(r->scratch, room * sizeof *p->members);
	p->edges_whole = true;
	p->opts.n = p->opts.n_members = 0;
	for (const struct node *i = option_first(value); i; i = option_next(value, i))
		p->edges_whole = take_member(r, key, i, p) && p->edges_whole;
	for (size_t i = 0; i < p->opts.n_members; i++) {
		const struct schema_member *m = &p->members[i];
		members[i] = m->m;
		plain = plain && m->node->kind != NODE_MAP && !m->m.is_pool;
		if (!m->m.is_pool)
			edges[p->opts.n++] = m->m.number;
		p->has_pools = p->has_pools || m->m.is_pool;
		p->is_tree = p->is_tree || m->m.is_pool || m->m.share;
	}
	p->n_all = p->opts.n_members;
	p->opts.edges = edges;
	p->opts.members = members;
	if (plain) {
		p->opts.members = NULL;
		p->opts.n_members = 0;
	}
}

/* --- what goes with what ------------------------------------------------------------------ */

static void check_shares(const struct reader *r, const struct schema_pool *p)
{
	const struct node *at = parse_get(p->node, "edges");
	uint64_t shares = 0, weights = 0, step = POOL_SHARE;

	for (size_t i = 0; i < p->opts.n_members; i++) {
		const struct schema_member *m = &p->members[i];
		shares += m->m.share;
		weights += m->m.share ? 0
			: p->opts.policy == POOL_WEIGHTED ? m->m.weight
							  : 1;
		for (uint64_t a = m->m.share; a;) {
			const uint64_t b = step % a;
			step = a;
			a = b;
		}
		if (m->weighed && p->opts.policy != POOL_WEIGHTED)
			parse_warning(r->src, m->weighed,
				"weights count in weighted pools; write \"policy: weighted\", or a "
				"share such as 5%%");
	}
	if (shares > POOL_SHARE)
		parse_error(r->src, at->key, "the shares are %.10g %% together; 100 %% is all",
			(double)shares * 100 / POOL_SHARE);
	else if (shares && weights * (POOL_SHARE / step) > UINT32_MAX)
		parse_error(r->src, at->key,
			"shares so fine go with smaller weights: all weights together at most %llu",
			(unsigned long long)(UINT32_MAX / (POOL_SHARE / step)));
}

static void refuse(const struct reader *r, const struct schema_pool *p, const char *key, const char *say)
{
	const struct node *at = parse_get(p->node, key);

	if (at)
		parse_error(r->src, at->key, "\"%s\" is for pools of edges alone: %s", key, say);
}

void schema_check_members(const struct reader *r, const struct schema_pool *p)
{
	if (!p->opts.n_members)
		return;
	check_shares(r, p);
	if (!p->is_tree)
		return;
	refuse(r, p, "panic", "write it in the pools that this one has in it");
	refuse(r, p, "default", "clients that nobody knows go by the order of the members");
	if (p->opts.n_links)
		parse_error(r->src, parse_get(p->node, "policy"),
			"a chain is for pools of edges alone; write it in the pools that this one has "
			"in it");
	if (p->opts.affinity && schema_is_nearest(&p->opts))
		parse_error(r->src, parse_get(p->node, "affinity")->key,
			"among pools affinity goes with round-robin or weighted; or write it in the "
			"pools that this one has in it");
	if (p->opts.probe && !p->opts.n)
		parse_error(r->src, parse_get(p->node, "probe")->key,
			"this probe asks nobody: all members are pools, which are up by their own "
			"probes; write it in those");
}

/* --- all pools ---------------------------------------------------------------------------- */

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

static void check_pin(
	const struct walk *w, size_t pool, const struct pool_pin *pin, const struct node *at)
{
	char shown[OPTION_SHOWN];

	for (size_t k = 0; k < pin->n; k++)
		if (!leads_to(w->pools, pool, pin->edges[k]))
			parse_error(w->r->src, at,
				"edge %s is not one of pool %s, nor of those in it",
				option_shown(shown, w->r->conf->edges[pin->edges[k]].name),
				w->pools[pool].opts.name);
}

static void check_pins(const struct walk *w, size_t pool)
{
	const struct schema_pool *p = &w->pools[pool];

	for (size_t i = 0; i < p->opts.n_pins; i++)
		check_pin(w, pool, &p->opts.pins[i], p->pin_nodes[i]);
	for (size_t i = 0; i < p->opts.n_rules; i++)
		check_pin(w, pool, &p->opts.rules[i].to, p->rule_nodes[i]);
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

void schema_check_trees(struct reader *r, const struct schema_pool *pools, size_t n)
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
