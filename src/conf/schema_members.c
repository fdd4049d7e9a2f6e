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
	int32_t bias;
	struct edge_opts own; /* of a role */
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
	const char *text = option_scalar(r, key, value);
	uint64_t whole;
	double share;

	if (!text)
		return;
	if (option_whole(text, &whole) && whole <= EDGE_WEIGHT_MOST) {
		s->m.m.weight = (uint16_t)whole;
		s->m.weighed = value;
	} else if (option_percent(text, 100.0 / POOL_SHARE, 100, &share)) {
		s->m.m.share = (uint32_t)(share * POOL_SHARE + 0.5);
	} else {
		option_wrong(r, key, value);
	}
}

static void take_skip(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	option_switch(r, key, value, &((struct said *)to)->m.skip);
}

static void take_probe(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct said *s = to;
	unsigned number;

	if (schema_probe_find(r, key, value, &number))
		s->m.m.probe = (uint16_t)(number + 1);
	s->m.probed = value;
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
	{ "bias", schema_bias, .say = "a whole number from -99 to 99",
		.at = offsetof(struct said, bias), .about = "Of an edge: in the place of its own.",
		.otherwise = "the edge's own" },
	{ "priority", option_number, .say = "a number from 0 to 65535",
		.at = offsetof(struct said, m.priority), .least = 0, .most = SCHEMA_PRIORITY_MOST,
		.about = "Members of the least priority answer; those of the next only while none "
			 "of these may. Equal ones go by the policy. Shares go before it.",
		.otherwise = "1" },
	{ "probe", take_probe, .say = SCHEMA_PROBE_WHICH,
		.about = "How the edge is probed as a member of this pool, instead of by its own "
			 "probe or the pool's. none: it is not.",
		.otherwise = "its own, or the pool's" },
	{ "a", schema_a, .say = "an IPv4 address or a list of them", .at = offsetof(struct said, own),
		.about = "Of an edge: what this pool answers with in the place of its addresses, A and "
			 "AAAA together: what is not written here is not answered.",
		.otherwise = "the edge's" },
	{ "aaaa", schema_aaaa, .say = "an IPv6 address or a list of them",
		.at = offsetof(struct said, own), .about = "Of an edge: likewise.", .otherwise = "the edge's" },
	{ "cname", schema_cname, .say = "a domain name, such as edge.example.net",
		.at = offsetof(struct said, own.cname),
		.about = "Of an edge: what this pool answers with in the place of all that it has.",
		.otherwise = "the edge's" },
	{ "records", schema_records, .say = "a record as in a zone file, or a list of them",
		.at = offsetof(struct said, own),
		.about = "Of an edge: in the place of all records that it has.",
		.otherwise = "the edge's" },
	{ "probe-address", schema_points,
		.say = "an address or a name, perhaps with a port, a list of them, or off",
		.at = offsetof(struct said, own),
		.about = "Of an edge: where probes ask for this pool.",
		.otherwise = "the member's own addresses; or as the edge has it" },
	{ "capacity", schema_role_capacity,
		.say = "a share of the edge's capacity such as 30%, or a number over 0",
		.at = offsetof(struct said, own),
		.about = "Of an edge: how much this pool may bring it, of what its capacity is "
			 "counted in. It is part of the edge's load.",
		.otherwise = "no limit" },
	{ "skip", take_skip, .say = "on or off",
		.about = "on: it stays in the configuration, and is not chosen; pins and default "
			 "may go on to name it.",
		.otherwise = "off" },
	{ 0 },
};

/* A name alone: an edge before a pool. */
static bool find_named(struct reader *r, const struct key *key, const struct node *item,
	struct pool_member *m)
{
	unsigned number;
	char shown[OPTION_SHOWN];

	if (item->kind != NODE_SCALAR)
		return parse_error(r->src, item, "a member is the name of an edge or a pool, not a list; take the inner brackets or the second - out");
	const bool is_edge = known_find(&r->edges, item->text, &number), is_pool = !is_edge && known_find(&r->pools, item->text, &number);
	if (!is_edge && !is_pool && strncmp(item->text, "pool:", 5) == 0)
		return parse_error(r->src, item, "a pool stands here by its name alone, or as { pool: %s }",
			option_shown(shown, item->text[5] ? item->text + 5 : "NAME"));
	if (is_pool || (!is_edge && !known_nearest(&r->edges, item->text) && known_nearest(&r->pools, item->text))) {
		m->is_pool = true;
		if (!schema_find(r, &(struct schema_names){ key, &r->pools, "pool", "pools" }, item,
			    &number))
			return false;
	} else if (!schema_edge_find(r, key, item, &number)) {
		return false;
	}
	m->number = (uint16_t)number;
	if (!m->is_pool) {
		m->weight = (uint16_t)r->conf->edges[number].weight;
		m->bias = (int8_t)r->conf->edges[number].bias;
	}
	return true;
}

static bool read_member(struct reader *r, const struct key *key, const struct node *item,
	struct schema_member *to, struct edge_opts *own)
{
	struct said s = { .m = { .m.weight = 1, .node = item, .priority = SCHEMA_PRIORITY } };

	*to = s.m;
	if (item->kind != NODE_MAP)
		return find_named(r, key, item, &to->m);
	const struct node *edge = parse_get(item, "edge");
	unsigned number;
	if (edge && edge->kind == NODE_SCALAR && known_find(&r->edges, edge->text, &number)) {
		s.m.m.weight = (uint16_t)r->conf->edges[number].weight;
		s.bias = r->conf->edges[number].bias;
	}
	keys_read(r, schema_member_keys, item, "this member", &s);
	if (!s.named && !edge && !parse_get(item, "pool"))
		return parse_error(r->src, item,
			"a member is an edge or a pool; write { edge: NAME } or { pool: NAME }");
	if (s.m.probed && s.m.m.is_pool)
		return parse_error(r->src, s.m.probed->key,
			"\"probe\" is for edges: pools are up by their own probes; write it in that pool");
	const struct node *bias = parse_get(item, "bias");
	if (bias && parse_get(item, "pool"))
		parse_error(r->src, bias->key,
			"a bias is an edge's; write it at the edges of that pool");
	s.m.m.bias = (int8_t)s.bias;
	*to = s.m;
	*own = s.own;
	return s.named && !s.wrong;
}

/* --- all of a pool ------------------------------------------------------------------------ */

static bool same_member(
	const struct reader *r, const struct pool_member *a, const struct pool_member *b)
{
	return a->is_pool == b->is_pool &&
		(a->is_pool ? a->number == b->number
			    : schema_origin(r, a->number) == schema_origin(r, b->number));
}

static bool is_twin(
	const struct reader *r, const struct schema_pool *p, const struct pool_member *m)
{
	for (size_t i = 0; i < p->opts.n_members; i++)
		if (same_member(r, &p->members[i].m, m))
			return true;
	for (size_t i = 0; i < p->opts.n_skipped; i++)
		if (same_member(r, &p->skipped[i], m))
			return true;
	return false;
}

static bool take_member(struct reader *r, const struct key *key, const struct node *item,
	struct schema_pool *p)
{
	struct schema_member *m = &p->members[p->opts.n_members];
	struct edge_opts own = { 0 };
	char shown[OPTION_SHOWN];

	if (item->kind == NODE_BAD || !read_member(r, key, item, m, &own))
		return false;
	const char *name = m->m.is_pool ? r->pools_by_number[m->m.number]
					: r->conf->edges[m->m.number].name;
	if (!m->m.is_pool && !schema_answers(r, m->m.number) && !own.n_a && !own.n_aaaa &&
		!own.cname && !own.n_records)
		return parse_error(r->src, item,
			"edge %s has nothing to answer with: it is there for others to need",
			option_shown(shown, name));
	if (is_twin(r, p, &m->m))
		return parse_error(r->src, item, "%s %s is here twice; take one out",
			m->m.is_pool ? "pool" : "edge", option_shown(shown, name));
	if (schema_is_role(item) && !schema_role_make(r, p, m, &own))
		return false;
	if (m->skip)
		p->skipped[p->opts.n_skipped++] = m->m;
	else
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
	p->skipped = arena_alloc(r->mem, room * sizeof *p->skipped);
	p->opts.skipped = p->skipped;
	p->edges_whole = true;
	p->opts.n = p->opts.n_members = p->opts.n_skipped = 0;
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
	if (!p->opts.n_members && p->opts.n_skipped && p->edges_whole)
		parse_error(r->src, value->key,
			"all of this is skipped, and nothing would ever be answered; take one \"skip\" "
			"out");
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
			: pool_policy_weighs(p->opts.policy) ? m->m.weight
							     : 1;
		for (uint64_t a = m->m.share; a;) {
			const uint64_t b = step % a;
			step = a;
			a = b;
		}
		if (m->weighed && !pool_policy_weighs(p->opts.policy))
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
	refuse(r, p, "hash-balance", "write it in the pools that this one has in it");
	if (p->opts.probe && !p->opts.n)
		parse_error(r->src, parse_get(p->node, "probe")->key,
			"this probe asks nobody: all members are pools, which are up by their own "
			"probes; write it in those");
}
