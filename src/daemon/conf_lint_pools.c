/* conf_lint_pools.c - pools in which something never answers, or for too long, or alone.
 */
#include "base/memory.h"
#include "base/text.h"
#include "daemon/conf_lint_inner.h"
#include "steer/hours.h"

#include <string.h>

enum { LONG_S = 600, SHORT_S = 5 };

static const struct node *value_or_key(const struct node *map, const char *key)
{
	const struct node *n = map ? parse_get(map, key) : NULL;

	return n ? n : map ? map->key : NULL;
}

/* The member of that name in the pool's list. */
static const struct node *find_member(
	const struct node *pool, const char *kind, const char *name)
{
	const struct node *list = parse_get(pool, "edges");

	for (const struct node *i = list && list->kind == NODE_LIST ? list->first : list; i;
		i = list->kind == NODE_LIST ? i->next : NULL) {
		const struct node *n = i->kind == NODE_MAP ? parse_get(i, kind)
			: strcmp(kind, "edge") == 0        ? i
							   : NULL;
		if (n && n->kind == NODE_SCALAR && strcmp(n->text, name) == 0)
			return n;
	}
	return list;
}

/* --- weights ------------------------------------------------------------------------------ */

static void look_at_weights(
	const struct linting *l, const struct pool_opts *p, const struct node *n)
{
	bool any = false;

	if (!pool_policy_weighs(p->policy))
		return;
	for (size_t i = 0; i < p->n_members; i++)
		any = any || p->members[i].weight;
	for (size_t i = 0; !p->members && i < p->n; i++)
		any = any || l->conf->edges[p->edges[i]].weight;
	for (size_t i = 0; any && i < p->n_members; i++) {
		const struct pool_member *m = &p->members[i];
		const char *name = m->is_pool ? l->conf->pools[m->number].name
					      : l->conf->edges[m->number].name;
		if (!m->weight && !m->share)
			lint_doubt(l, LINT_NO_WEIGHT,
				find_member(n, m->is_pool ? "pool" : "edge", name),
				"%s weighs 0 and is not chosen while another member can be",
				name);
	}
	for (size_t i = 0; any && !p->members && i < p->n; i++) {
		const struct edge_opts *e = &l->conf->edges[p->edges[i]];
		if (!e->weight)
			lint_doubt(l, LINT_NO_WEIGHT, find_member(n, "edge", e->name),
				"%s weighs 0 and is not chosen while another edge can be",
				e->name);
	}
}

/* --- what is there ------------------------------------------------------------------------ */

/* The edges that may be answered with, those of pools in it, too. */
static void mark_up(
	const struct linting *l, const struct pool_opts *p, bool *up, unsigned depth)
{
	for (size_t i = 0; i < p->n; i++)
		if (l->conf->edges[p->edges[i]].state == EDGE_UP)
			up[p->edges[i]] = true;
	for (size_t i = 0; i < p->n_members && depth; i++)
		if (p->members[i].is_pool)
			mark_up(l, &l->conf->pools[p->members[i].number], up, depth - 1);
}

/* What is a CNAME, or flattened, has both. */
static bool has_type(const struct edge_opts *e, bool v6)
{
	return (v6 ? e->n_aaaa : e->n_a) > 0 || (!e->n_a && !e->n_aaaa);
}

static void look_at_number(
	const struct linting *l, const struct pool_opts *p, const struct node *n)
{
	bool *up = memory_zeroed(l->conf->n_edges, sizeof *up);
	unsigned all = 0, a = 0, aaaa = 0;

	mark_up(l, p, up, 32);
	for (size_t i = 0; i < l->conf->n_edges; i++) {
		all += up[i];
		a += up[i] && has_type(&l->conf->edges[i], false);
		aaaa += up[i] && has_type(&l->conf->edges[i], true);
	}
	memory_free(up);
	if (all == 1 && p->all_down != POOL_OTHER && lint_is_named(l, p->name))
		lint_doubt(l, LINT_ONE_EDGE, n->key,
			"pool %s has one edge that may be up: nothing is left for its names "
			"when that fails",
			p->name);
	if (p->least_up > all)
		lint_doubt(l, LINT_NEVER_UP, value_or_key(n, "least-up"),
			"pool %s is up with %u of its edges, and has %u that may be up: in other pools it "
			"never is",
			p->name, p->least_up, all);
	if (p->least_a > a || p->least_aaaa > aaaa)
		lint_doubt(l, LINT_NEVER_UP, value_or_key(n, "least-up"),
			"pool %s is up with %u edges with an %s address, and has %u that may be up: in other pools it "
			"never is",
			p->name, p->least_a > a ? p->least_a : p->least_aaaa, p->least_a > a ? "IPv4" : "IPv6",
			p->least_a > a ? a : aaaa);
}

enum { KIND_ADDRESSES = 1, KIND_CNAMES = 2, KIND_BOTH = 3 };

static uint8_t kinds_of_edges(const struct linting *l, const struct pool_opts *p)
{
	uint8_t kinds = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct edge_opts *e = &l->conf->edges[p->edges[i]];
		kinds |= e->cname && !e->n_a && !e->n_aaaa ? KIND_CNAMES : KIND_ADDRESSES;
	}
	return kinds;
}

/* Of the edges that members lead to. A pool that stands in says what it has for all, at once; and who is pinned to a pool always gets
 * that: neither mixes anything. */
static uint8_t kinds_of(const struct linting *l, const struct pool_opts *p, unsigned depth)
{
	uint8_t kinds = kinds_of_edges(l, p);

	for (size_t i = 0; i < p->n_members && depth; i++)
		if (p->members[i].is_pool)
			kinds |= kinds_of(l, &l->conf->pools[p->members[i].number], depth - 1);
	return kinds;
}

/* With what its priorities have, which are pools of their own. */
static uint8_t own_kinds(const struct linting *l, const struct pool_opts *p)
{
	uint8_t kinds = kinds_of_edges(l, p);

	for (size_t i = 0; p->split && i < p->n_members; i++)
		if (p->members[i].is_pool && l->conf->pools[p->members[i].number].part)
			kinds |= kinds_of_edges(l, &l->conf->pools[p->members[i].number]);
	return kinds;
}

struct mixing {
	uint8_t kinds;
	bool told;                   /* of a pool in it, or of its edges */
	const struct pool_opts *with; /* this came the other kind; NULL */
};

static void add_kinds(const struct linting *l, const struct pool_opts *p, struct mixing *to)
{
	for (size_t i = 0; i < p->n_members; i++) {
		const struct pool_opts *in = p->members[i].is_pool ? &l->conf->pools[p->members[i].number] : NULL;
		if (in && in->part) {
			add_kinds(l, in, to);
			continue;
		}
		const uint8_t kinds = in ? kinds_of(l, in, POOL_DEPTH_MOST) : 0;
		to->told = to->told || kinds == KIND_BOTH;
		to->kinds |= kinds;
		if (to->kinds == KIND_BOTH && !to->with)
			to->with = in;
	}
}

/* A mixture is told where it comes about: not of a pool's own edges, of which it has been told, and not again of who leads to
 * a pool that is mixed. */
static void look_at_kinds(const struct linting *l, const struct pool_opts *p, const struct node *n)
{
	struct mixing m = { .kinds = own_kinds(l, p) };

	m.told = m.kinds == KIND_BOTH;
	if (!m.told)
		add_kinds(l, p, &m);
	if (m.told || !m.with)
		return;
	const struct node *list = parse_get(n, "edges"), *at = find_member(n, "pool", m.with->name);
	lint_doubt(l, LINT_TWO_KINDS, at == list ? find_member(n, "edge", m.with->name) : at,
		"with pool %s, pool %s leads to edges with addresses and to edges with only a cname: a name is either a CNAME or not, and "
		"resolvers take it for one for all types once they have met one (RFC 1034 section 3.6.2); have one stand in for the other "
		"(all-down), or pin clients to it",
		m.with->name, p->name);
}

static void look_at_probe(
	const struct linting *l, const struct pool_opts *p, const struct node *n)
{
	const size_t members = p->members ? p->n_members : p->n;

	if (p->policy == POOL_ORDERED && !p->probe && !p->split && members > 1 &&
		p->answers == 1 && !p->n_links && p->n == members)
		lint_doubt(l, LINT_NEVER_DOWN, value_or_key(n, "policy"),
			"without a probe the first edge is never down, and the others are "
			"answered with "
			"by an operator's command alone");
}

static void look_at_ttl(
	const struct linting *l, const struct pool_opts *p, const struct node *n)
{
	if (p->ttl_max_s != UINT32_MAX && p->ttl_max_s > LONG_S && p->probe)
		lint_doubt(l, LINT_LONG_TTL, value_or_key(n, "ttl"),
			"answers live up to %u s after their edge has failed its probe",
			p->ttl_max_s);
	if (p->ttl_max_s < SHORT_S)
		lint_doubt(l, LINT_SHORT_TTL, value_or_key(n, "ttl"),
			"answers live %u s at most: resolvers ask without end, and some take "
			"no such TTL",
			p->ttl_max_s);
}

/* --- rules -------------------------------------------------------------------------------- */

static bool is_within(const struct prefix *in, const struct prefix *out)
{
	const struct prefix cut = { addr_prefix(&in->addr, out->bits).addr, out->bits };

	return in->bits >= out->bits && memcmp(&cut.addr, &out->addr, sizeof cut.addr) == 0;
}

/* Does whoever meets `b` meet `a`? */
static bool covers(const struct pool_pin *a, const struct pool_pin *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == PIN_NET)
		return is_within(&b->net, &a->net);
	return a->kind == PIN_ASN ? a->asn == b->asn : strcmp(a->code, b->code) == 0;
}

/* Of the kinds of conditions that `a` has: is each that `b` has of that kind covered, and is
 * there one? */
static bool covers_kinds(
	const struct pool_pin *a, size_t n_a, const struct pool_pin *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++) {
		bool any = false;
		for (size_t k = 0; k < n_b; k++) {
			if (b[k].kind != a[i].kind)
				continue;
			any = true;
			bool is = false;
			for (size_t m = 0; m < n_a && !is; m++)
				is = covers(&a[m], &b[k]);
			if (!is)
				return false;
		}
		if (!any)
			return false;
	}
	return true;
}

static bool is_empty(const struct pool_when *w)
{
	return !w->n && !w->n_resolvers && !w->n_clients && !w->n_during && !w->via &&
		!w->types;
}

/* Is each class that `b` names one of those that `a` names? Of what is in two classes nothing is known here. */
static bool covers_classes(const struct pool_when *a, const struct pool_when *b)
{
	for (size_t i = 0; i < b->n_clients; i++) {
		size_t k = 0;
		while (k < a->n_clients && a->clients[k] != b->clients[i])
			k++;
		if (k == a->n_clients)
			return !a->n_clients;
	}
	return !a->n_clients || b->n_clients;
}

/* Likewise hours, which are the same where they are written alike. */
static bool covers_hours(const struct pool_when *a, const struct pool_when *b)
{
	for (size_t i = 0; i < b->n_during; i++) {
		size_t k = 0;
		while (k < a->n_during && strcmp(a->during[k].text, b->during[i].text) != 0)
			k++;
		if (k == a->n_during)
			return !a->n_during;
	}
	return !a->n_during || b->n_during;
}

/* Of words as bits; none are all. */
static bool covers_bits(uint8_t a, uint8_t b)
{
	return !a || (b && !(b & ~a));
}

/* Does whoever meets `b` meet `a`, as far as can be said without its clients? */
static bool covers_when(const struct pool_when *a, const struct pool_when *b)
{
	return covers_kinds(a->conds, a->n, b->conds, b->n) &&
		covers_kinds(a->resolvers, a->n_resolvers, b->resolvers, b->n_resolvers) &&
		covers_classes(a, b) && covers_hours(a, b) && covers_bits(a->via, b->via) &&
		covers_bits(a->types, b->types);
}

/* Does the first take all clients of the second? Whom the first leaves out the second has to leave out, too. */
static bool takes_all(const struct pool_rule *a, const struct pool_rule *b)
{
	return covers_when(&a->when, &b->when) &&
		(is_empty(&a->unless) || (!is_empty(&b->unless) && covers_when(&b->unless, &a->unless)));
}

/* One whose edges may all be down lets its clients go on to the next: such are no shadow,
 * unless `only`. */
static bool always_says(const struct pool_rule *r)
{
	return r->nobody || r->refused || r->only;
}

/* "line 4", or "line 4 of pools.yaml" where the other is in another file. */
static const char *place_of(const struct linting *l, const struct pool_pin *at, const struct pool_pin *other)
{
	struct text t = { 0 };

	text_addf(&t, "line %u", at->line);
	if (at->source != other->source)
		text_addf(&t, " of %s", conf_place(l->conf, at->source, at->line, at->column).path);
	const char *place = arena_strdup(l->mem, text_get(&t));
	text_fini(&t);
	return place;
}

/* Rules that leave nobody over. */
static void look_at_exceptions(const struct linting *l, const struct pool_opts *p)
{
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct pool_rule *r = &p->rules[i];
		const struct node where = {
			.file = r->to.source, .line = r->to.line, .column = r->to.column
		};
		if (!is_empty(&r->unless) && covers_when(&r->unless, &r->when))
			lint_doubt(l, LINT_EMPTY_RULE, &where,
				"no client matches this rule: its \"not\" leaves out all that it is for");
	}
}

static void look_at_rules(const struct linting *l, const struct pool_opts *p)
{
	for (size_t i = 1; i < p->n_rules && p->n_rules <= 4096; i++)
		for (size_t k = 0; k < i; k++) {
			const struct pool_pin *at = &p->rules[i].to;
			const struct node where = {
				.file = at->source, .line = at->line, .column = at->column
			};
			if (!takes_all(&p->rules[k], &p->rules[i]))
				continue;
			lint_doubt(l, LINT_SHADOWED_RULE, &where,
				"the rule of %s takes all these clients %s",
				place_of(l, &p->rules[k].to, at),
				always_says(&p->rules[k])
					? "before"
					: "before, while an edge of it is up");
			break;
		}
}

void lint_pools(const struct linting *l)
{
	for (size_t i = 0; i < l->conf->n_pools; i++) {
		const struct pool_opts *p = &l->conf->pools[i];
		const struct node *n = p->part ? NULL : lint_entry(l, "pools", p->name);
		if (!n)
			continue;
		look_at_weights(l, p, n);
		look_at_number(l, p, n);
		look_at_kinds(l, p, n);
		look_at_probe(l, p, n);
		look_at_ttl(l, p, n);
		look_at_rules(l, p);
		look_at_exceptions(l, p);
	}
}
