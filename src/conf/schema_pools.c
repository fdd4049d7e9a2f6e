#include "conf/schema.h"

#include "conf/option.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/* --- lists of edges ----------------------------------------------------------------------- */

static bool has_edge(const uint16_t *edges, size_t n, unsigned edge)
{
	for (size_t i = 0; i < n; i++)
		if (edges[i] == edge)
			return true;
	return false;
}

static bool is_skipped(const struct schema_pool *p, unsigned edge)
{
	for (size_t i = 0; i < p->opts.n_skipped; i++)
		if (!p->skipped[i].is_pool && p->skipped[i].number == edge)
			return true;
	return false;
}

bool schema_not_of_pool(
	const struct reader *r, const struct node *at, unsigned edge, const char *pool)
{
	const char *name = r->conf->edges[edge].name;
	char shown[OPTION_SHOWN];
	unsigned number;

	option_shown(shown, name);
	if (known_find(&r->pools, name, &number))
		return parse_error(r->src, at,
			"edge %s is not one of pool %s; for the pool of that name write { pool: "
			"%s }", shown, pool, shown);
	return parse_error(r->src, at,
		"edge %s is not one of pool %s; add it to the pool's \"edges\", or take it "
		"out here", shown, pool);
}

static bool take_edge(struct reader *r, const struct key *key, const struct node *item,
	struct schema_edges *to)
{
	char shown[OPTION_SHOWN], pool_shown[OPTION_SHOWN];
	const struct schema_pool *pool = to->pool;
	unsigned edge;

	if (!schema_edge_find(r, key, item, &edge))
		return false;
	option_shown(shown, item->text);
	edge = pool ? schema_edge_in(r, pool, edge) : edge;
	if (has_edge(to->edges, to->n, edge))
		return parse_error(r->src, item, "edge %s is here twice; take one out", shown);
	if (pool && is_skipped(pool, edge)) {
		to->skipped++;
		return true;
	}
	if (pool && pool->edges_whole && !pool->has_pools && !has_edge(pool->opts.edges, pool->opts.n, edge))
		return schema_not_of_pool(r, item, edge,
			option_shown(pool_shown, pool->opts.name));
	to->edges[to->n++] = (uint16_t)edge;
	return true;
}

struct schema_edges schema_edge_list(struct reader *r, const struct key *key,
	const struct node *value, const struct schema_pool *pool)
{
	struct schema_edges list = { .pool = pool, .whole = true };

	if (!option_is_list(r, key, value, POOL_EDGES_MOST))
		return (struct schema_edges){ 0 };
	list.edges = arena_alloc(r->mem, option_count(value) * sizeof *list.edges);
	for (const struct node *i = option_first(value); i; i = option_next(value, i))
		list.whole = take_edge(r, key, i, &list) && list.whole;
	return list;
}

static void take_default(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct schema_pool *p = to;
	const struct schema_edges list = schema_edge_list(r, key, value, p);

	p->opts.fallback = list.edges;
	p->opts.n_fallback = list.n;
}

/* --- all-down ----------------------------------------------------------------------------- */

static void take_other(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct schema_pool *p = to;
	unsigned number;

	if (!schema_find(r, &(struct schema_names){ key, &r->pools, "pool", "pools" }, value,
		    &number))
		return;
	p->opts.all_down = POOL_OTHER;
	p->opts.other = (uint16_t)number;
	p->other = value;
}

static const struct key all_down_keys[] = {
	{ "pool", take_other, .say = "the name of a pool", .needed = "{ pool: NAME }",
		.about = "The pool that stands in." },
	{ 0 },
};

static void take_all_down(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "all", "first", "empty", NULL };
	static const enum pool_all_down is[] = { POOL_ALL, POOL_FIRST, POOL_EMPTY };
	struct schema_pool *p = to;

	if (value->kind == NODE_MAP) {
		keys_read(r, all_down_keys, value, key->name, to);
		return;
	}
	const int word = option_word(r, key, value, words);
	if (word >= 0)
		p->opts.all_down = is[word];
}

/* --- fail-back ---------------------------------------------------------------------------- */

enum { FAIL_BACK_MOST_MS = 7 * 86400000 };

static void take_fail_back(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct pool_opts *p = &((struct schema_pool *)to)->opts;
	const char *text = option_scalar(r, key, value);
	uint64_t ms;

	if (!text)
		return;
	if (strcmp(text, "auto") == 0) {
		p->fail_back = POOL_BACK_AUTO;
	} else if (strcmp(text, "manual") == 0) {
		p->fail_back = POOL_BACK_MANUAL;
	} else if (strncmp(text, "after ", 6) == 0 &&
		option_duration(text + 6, text + strlen(text), &ms) && ms >= 1000 &&
		ms <= FAIL_BACK_MOST_MS) {
		p->fail_back = POOL_BACK_AFTER;
		p->fail_back_ms = (uint32_t)ms;
	} else {
		option_wrong(r, key, value);
	}
}

static bool has_priorities(const struct schema_pool *p)
{
	for (size_t i = 1; i < p->n_all; i++)
		if (p->members[i].priority != p->members[0].priority)
			return true;
	return false;
}

static void check_fail_back(const struct reader *r, const struct schema_pool *p)
{
	const struct node *at = parse_get(p->node, "fail-back");

	if (at && !p->policy_wrong && p->edges_whole && !has_priorities(p) &&
		(p->opts.policy != POOL_ORDERED || p->opts.n_links))
		parse_error(r->src, at->key,
			"only what is ordered fails back; write \"policy: ordered\", or give members a "
			"\"priority\"");
}

/* --- a pool ------------------------------------------------------------------------------- */

#define AT(field) .at = offsetof(struct schema_pool, field)
#define EDGE_LIST "the name of an edge, or a list of them"

const struct key schema_pool_keys[] = {
	{ "edges", schema_pool_members, .say = EDGE_LIST ", or of pools", .needed = "edges: [ ams1, iad2 ]",
		.about = "What is in the pool: edges, other pools, or both. A name alone is an "
			 "edge's before it is a pool's; a mapping says which it is, and more. Ties "
			 "go by this order.",
		.keys = schema_member_keys },
	{ "policy", schema_policy, .say = SCHEMA_POLICIES,
		.about = "How edges are ordered. A chain such as [ nearest within 10ms, "
			 "least-load ] narrows the edges link by link, and its last link "
			 "orders what is left. All links but the last are nearest, "
			 "least-latency or least-load with \"within\" a time or a share "
			 "(of a load: a share).",
		.otherwise = "nearest" },
	{ "fail-back", take_fail_back, .say = "auto, manual or \"after TIME\", such as after 10m",
		.about = "Of ordered pools, and of priorities: when a member that may answer again has "
			 "back what went to a later one. auto: at once. after TIME: once it could for so "
			 "long. manual: by \"waymarkctl fail-back\". When the later one may not answer "
			 "either, the first that may does, whatever this says.",
		.otherwise = "auto" },
	{ "affinity", schema_affinity, .say = "name, client or both",
		.about = "What keeps going to the same edge of a location, by rendezvous "
			 "hashing: the name, the client's group, or both.",
		.otherwise = "none; of hash: client" },
	{ "hash-balance", schema_hash_balance, .say = "a share from 110% to 1000%, or off", AT(opts),
		.about = "With affinity: an edge that is answered with more often than so many times its "
			 "part, by weight, of all edges that the keys could go to, keeps fewer of them, and "
			 "the others go to their next edge. Of a name it keeps fewer groups of clients. Not with a chain or "
			 "a \"spread\" that is a share, and not among pools.",
		.otherwise = "200%" },
	{ "answers", option_number, .say = "a number from 1 to 16", AT(opts.answers),
		.least = 1, .most = POOL_ANSWERS_MOST, .about = "How many edges an answer has.",
		.otherwise = "1" },
	{ "resolver-pairs", option_switch, .say = "on or off", AT(opts.pairs),
		.about = "Names that a wildcard of this pool makes are asked for once each: where the query for "
			 "one came from is noted, until an agent tells which client came by it. Goes with "
			 "\"latency: learned-resolvers\".",
		.otherwise = "off" },
	{ "spread", schema_spread, .say = "a time or a share, such as 10ms or 5%", AT(opts),
		.about = "Of several answers: only edges whose estimated time is within "
			 "this of the first one's.",
		.otherwise = "no limit" },
	{ "goal", schema_goal, .say = "rtt, ttfb, throughput or loss", AT(opts.goal),
		.about = "Of nearest pools: what is to be short. rtt: the round trip. ttfb: from a request to the first byte. "
			 "throughput: to the last of 100,000 bytes. These two are measured by pages, through the agents' "
			 "beacons; where nothing is, they are estimated from round trips. loss: the round trip, and a second "
			 "for each packet that is lost, so that 1 % is 10 ms; agents see it in the connections of their edge.",
		.otherwise = "rtt" },
	{ "cost", schema_pool_cost, .say = "a time such as 2ms", AT(opts.cost_ms),
		.about = "Of nearest pools: so much time a unit of an edge's cost counts for, beside the "
			 "time to it.",
		.otherwise = "cost does not count" },
	{ "ttl", schema_ttl,
		.say = "a duration in whole seconds or a range of them, such as 60s or 20s-60s",
		AT(opts),
		.about = "The maximum caps the EDGE record's TTL. Of a range, the TTL is "
			 "as long as the pool has been steady, and the minimum is the "
			 "least while an edge is shaky.",
		.otherwise = "no cap" },
	{ "all-down", take_all_down, .say = "all, first, empty or { pool: NAME }",
		.about = "What to answer when no edge is up. all: as if all were up. "
			 "first: with the first edge of the order. empty: with no "
			 "address. { pool: NAME }: from another pool.",
		.otherwise = "all", .keys = all_down_keys },
	{ "probe", schema_probe, .say = SCHEMA_PROBE_WHICH,
		.about = "The probe that the pool's edges must pass, but for those that have one of "
			 "their own, or as members. A kind alone is a probe of that kind with nothing "
			 "said. Several may be asked together, and lists may have such lists in them.",
		.otherwise = "none", .keys = schema_parts_keys },
	{ "up-when", schema_up_when, .say = "any, all or a number of addresses",
		.about = "An edge is up when so many of its addresses are, A and AAAA "
			 "together.",
		.otherwise = "any" },
	{ "families", schema_families, .say = "together or apart",
		.about = "When all addresses of one type (A or AAAA) are down, and of the other some are up. together: "
			 "that type has no address, for clients with both ask for both. apart: it is answered as "
			 "all-down says.",
		.otherwise = "together" },
	{ "least-up", schema_least_up,
		.say = "a number of edges from 1 on, a share of them such as 50%, or numbers of each type such as { a: 1, aaaa: 1 }",
		.about = "Of a pool in pools: it is passed over with fewer of its edges up, as if none "
			 "were. Names that are handed to it itself get what is up.",
		.otherwise = "any will do", .keys = schema_least_up_keys },
	{ "panic", option_share, .say = "a share of the pool's edges from 0% to 100%",
		AT(opts.panic_share), .most = 100,
		.about = "With a smaller share of the edges up no probe is trusted, and "
			 "all edges answer.",
		.otherwise = "never" },
	{ "https", schema_https, .say = "a mapping of alpn, port and others",
		.about = "The name answers HTTPS questions (type 65, RFC 9460), too: "
			 "with these parameters, and hints that are the addresses that "
			 "the client gets. Empty, it says no more than the hints.",
		.otherwise = "HTTPS is NODATA", .keys = schema_https_keys },
	{ "svcb", schema_svcb, .say = "a mapping of alpn, port and others",
		.about = "The same for SVCB questions (type 64).",
		.otherwise = "SVCB is NODATA", .keys = schema_svcb_keys },
	{ "default", take_default, .late = 1, .say = EDGE_LIST,
		.about = "The order for clients of whom nothing is known. Edges that are "
			 "not here follow.",
		.otherwise = "the order of edges" },
	{ "pin", schema_pins, .late = 1,
		.say = "a mapping of net, asn, city, region, country or continent, or a list of rules",
		.about = "Edges that go before all others for some clients, while one of "
			 "them is up. The strongest pin first: net (the longest prefix), "
			 "asn, city, region, country, continent. Or a list of rules, of which the first whose conditions all hold has the client.",
		.otherwise = "none", .keys = schema_pin_keys },
	{ 0 },
};

/* What the policy asks of the edges. Keys are looked for in the tree, since a faulty "at" is a
 * fault of its own. */
static void check_policy(const struct reader *r, const struct schema_pool *p)
{
	const struct node *edges = parse_get(p->node, "edges");
	char shown[OPTION_SHOWN], pool_shown[OPTION_SHOWN];
	uint64_t weights = 0;
	size_t cnames = 0;

	option_shown(pool_shown, p->opts.name);
	for (size_t i = 0; i < p->n_all; i++)
		weights += p->members[i].m.weight + p->members[i].m.share;
	for (size_t i = 0; i < p->opts.n; i++) {
		const struct edge_opts *e = &r->conf->edges[p->opts.edges[i]];
		cnames += e->cname && !e->n_a && !e->n_aaaa;
	}
	if (cnames && cnames < p->opts.n && p->edges_whole)
		parse_warning(r->src, edges->key,
			"pool %s has edges with addresses and edges with only a cname: a name "
			"is either a CNAME or not, and resolvers take it for one for all types "
			"once they have met one (RFC 1034 section 3.6.2); make two pools",
			pool_shown);
	if (pool_policy_weighs(p->opts.policy) && p->edges_whole && p->n_all && !weights)
		parse_error(r->src, parse_get(p->node, "policy"),
			"pool %s is %s, and all its edges have weight 0", pool_shown,
			pool_policy_text(p->opts.policy));
	if (!schema_is_nearest(&p->opts) || p->policy_wrong || !p->opts.n)
		return;
	if (r->conf->latency.on)
		return; /* an edge that is measured needs no place */
	for (size_t i = 0; i < p->n_all; i++) {
		const struct schema_member *m = &p->members[i];
		const struct node *edge = m->m.is_pool ? NULL : r->edge_nodes[m->m.number];
		if (edge && edge->kind == NODE_MAP && !parse_get(edge, "at"))
			parse_error(r->src, m->node,
				"edge %s has no \"at\", and pool %s is nearest; give the edge "
				"its place, or the pool another policy",
				option_shown(shown, r->conf->edges[m->m.number].name), pool_shown);
	}
}

static void read_pool(struct reader *r, const struct node *node, struct schema_pool *p)
{
	char shown[OPTION_SHOWN], where[OPTION_SHOWN + 8] = "pool ";
	const char *name = node->key->text;

	*p = (struct schema_pool){ .node = node };
	p->opts.name = arena_strdup(r->mem, name);
	p->opts.answers = 1;
	p->opts.up_when = 1;
	p->opts.spread_ms = p->opts.spread_share = INFINITY;
	p->opts.bound = 2;
	p->opts.ttl_max_s = UINT32_MAX;
	if (!*name || strlen(name) > POOL_NAME_MOST)
		parse_error(r->src, node->key, "the name of a pool has 1 to %d bytes",
			POOL_NAME_MOST);
	else if (!option_scalar(r, &(struct key){ .name = "pools", .say = "pools by their names" }, node->key))
		return;
	strcat(where, option_shown(shown, name));
	if (node->kind == NODE_BAD || !keys_has_value(r, node) || !keys_is_map_as(r, node, where, "edges: [ ams1, iad1 ]"))
		return;
	keys_read(r, schema_pool_keys, node, where, p);
	if (p->opts.policy == POOL_HASH && !p->opts.affinity)
		p->opts.affinity = AFFINITY_CLIENT;
	check_policy(r, p);
	check_fail_back(r, p);
	const struct node *goal = parse_get(p->node, "goal");
	if (goal && !p->policy_wrong && !schema_is_nearest(&p->opts))
		parse_error(r->src, goal->key, "goal says what nearest pools go by; pool %s is %s",
			option_shown(shown, p->opts.name), pool_policy_text(p->opts.policy));
	const struct node *cost = parse_get(p->node, "cost");
	if (cost && !p->policy_wrong && !schema_is_nearest(&p->opts))
		parse_error(r->src, cost->key,
			"cost counts beside time, in nearest pools; pool %s is %s",
			option_shown(shown, p->opts.name), pool_policy_text(p->opts.policy));
	schema_check_policy(r, p);
	schema_check_members(r, p);
	schema_check_standing(r, p);
}

/* --- all pools ---------------------------------------------------------------------------- */

/* The chain from `from` back to itself, told at its first link. */
static void tell_loop(const struct reader *r, const struct schema_pool *pools, size_t from)
{
	struct text chain = { 0 };
	char shown[OPTION_SHOWN];
	size_t at = from;

	text_add(&chain, option_shown(shown, pools[from].opts.name));
	do {
		at = pools[at].opts.other;
		text_addf(&chain, " -> %s", option_shown(shown, pools[at].opts.name));
	} while (at != from);
	parse_error(r->src, pools[from].other,
		"pools that stand in for each other in a circle: %s", text_get(&chain));
	text_fini(&chain);
}

/* Every pool names at most one other, so a walk that meets itself has found a circle. True: there
 * is none. */
static bool check_loops(const struct reader *r, const struct schema_pool *pools, size_t n)
{
	size_t *met_by = arena_zalloc(r->scratch, n * sizeof *met_by);
	bool ok = true;

	for (size_t walk = 1; walk <= n; walk++) {
		size_t at = walk - 1;
		while (!met_by[at]) {
			met_by[at] = walk;
			if (pools[at].opts.all_down != POOL_OTHER)
				break;
			at = pools[at].opts.other;
		}
		if (met_by[at] == walk && pools[at].opts.all_down == POOL_OTHER) {
			tell_loop(r, pools, at);
			ok = false;
		}
	}
	return ok;
}

void schema_pools(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;
	size_t n = 0, i = 0;

	if (!keys_is_map(r, value, key->name))
		return;
	if (!r->edge_nodes) { /* one fault, not one for every name of an edge */
		if (!r->src->faults->errors)
			parse_error(r->src, value->key,
				"pools need edges; write them under \"edges\"");
		return;
	}
	if (value->n > POOLS_MOST)
		parse_error(
			r->src, value->key, "%zu pools; %d are allowed", value->n, POOLS_MOST);
	const size_t room = value->n < POOLS_MOST ? value->n : POOLS_MOST, n_edges = c->n_edges;
	schema_roles_room(r, value);
	const char **names = arena_alloc(r->scratch, room * sizeof *names);
	struct schema_pool *pools = arena_zalloc(r->scratch, room * sizeof *pools);
	for (const struct node *p = value->first; p && n < room; p = p->next)
		names[n++] = p->key->text;
	r->pools = known_new(r->scratch, names, n);
	r->pools_by_number = names;
	for (const struct node *p = value->first; p && i < n && !faults_full(r->src->faults);
		p = p->next)
		read_pool(r, p, &pools[i++]);
	if (c->n_edges > n_edges && !r->src->faults->errors)
		schema_check_record_types(r);
	/* All of them: one that was read may name one that was not. */
	n = room;
	if (check_loops(r, pools, n)) {
		pools = schema_split_priorities(r, pools, &n);
		schema_check_trees(r, pools, n);
	}
	c->n_pools = i < room ? i : n;
	c->pools = arena_alloc(r->mem, c->n_pools * sizeof *c->pools);
	for (i = 0; i < c->n_pools; i++)
		c->pools[i] = pools[i].opts;
}
