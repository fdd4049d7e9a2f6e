#include "daemon/zone_pools.h"

#include "conf/conf.h"
#include "dns/rrtype.h"
#include "zone/edge_rr.h"
#include "zone/image.h"
#include "zone/view.h"

#include <string.h>

static bool pool_known(void *ctx, const char *name)
{
	return conf_pool(ctx, name) >= 0;
}

static bool is_cname(const struct edge_opts *e)
{
	return e->cname && !e->n_a && !e->n_aaaa;
}

static bool leads_to_cname(const struct conf *c, const struct pool_opts *p);

/* Has a pool in that one, or one that it pins clients to, such an edge? */
static bool has_cname_below(const struct conf *c, const struct pool_opts *p)
{
	for (size_t i = 0; i < p->n_members; i++)
		if (p->members[i].is_pool && leads_to_cname(c, &c->pools[p->members[i].number]))
			return true;
	for (size_t i = 0; i < p->n_pins; i++)
		if (p->pins[i].to_pool && leads_to_cname(c, &c->pools[p->pins[i].pool]))
			return true;
	for (size_t i = 0; i < p->n_rules; i++)
		if (p->rules[i].to.to_pool && leads_to_cname(c, &c->pools[p->rules[i].to.pool]))
			return true;
	return false;
}

/* Has the pool, or one that stands in for it, an edge with only a cname? */
static bool leads_to_cname(const struct conf *c, const struct pool_opts *p)
{
	for (size_t hops = 0; hops < c->n_pools; hops++, p = &c->pools[p->other]) {
		for (size_t i = 0; i < p->n; i++)
			if (is_cname(&c->edges[p->edges[i]]))
				return true;
		if (has_cname_below(c, p))
			return true;
		if (p->all_down != POOL_OTHER)
			break;
	}
	return false;
}

static int pool_of(const struct conf *c, const struct edge_rr *rr)
{
	char name[UINT8_MAX + 1];

	memcpy(name, rr->pool, rr->pool_len);
	name[rr->pool_len] = 0;
	return conf_pool(c, name);
}

static bool is_named(const struct edge_opts *e, const struct edge_rr *rr)
{
	return strlen(e->name) == rr->edge_len && memcmp(e->name, rr->edge, rr->edge_len) == 0;
}

/* The edge that a record names, among those of the pool and of the pools in it; NULL: there is none such. */
static const struct edge_opts *find_edge(
	const struct conf *c, const struct pool_opts *p, const struct edge_rr *rr)
{
	const struct edge_opts *found = NULL;

	for (size_t i = 0; i < p->n && !found; i++)
		if (is_named(&c->edges[p->edges[i]], rr))
			found = &c->edges[p->edges[i]];
	for (size_t i = 0; i < p->n_members && !found; i++)
		if (p->members[i].is_pool)
			found = find_edge(c, &c->pools[p->members[i].number], rr);
	return found;
}

/* Of the pool itself, and of its priorities. */
static const struct edge_opts *find_own_role(
	const struct conf *c, const struct pool_opts *p, const struct edge_rr *rr)
{
	const struct edge_opts *found = NULL;

	for (size_t i = 0; i < p->n && !found; i++) {
		const struct edge_opts *e = &c->edges[p->edges[i]];
		if (e->role_of && is_named(&c->edges[e->role_of - 1], rr))
			found = e;
	}
	for (size_t i = 0; i < p->n_members && !found; i++)
		if (p->members[i].is_pool && c->pools[p->members[i].number].part)
			found = find_own_role(c, &c->pools[p->members[i].number], rr);
	return found;
}

/* As steer_edge_in() has it. */
static const struct edge_opts *edge_of(
	const struct conf *c, const struct pool_opts *p, const struct edge_rr *rr)
{
	const struct edge_opts *found = find_own_role(c, p, rr);

	if (!found)
		found = find_edge(c, p, rr);
	for (size_t i = 0; i < p->n_members && !found; i++)
		if (p->members[i].is_pool)
			found = edge_of(c, &c->pools[p->members[i].number], rr);
	return found;
}

static bool pool_edge(void *ctx, const struct edge_rr *rr)
{
	const struct conf *c = ctx;
	const int pool = pool_of(c, rr);

	return pool >= 0 && edge_of(c, &c->pools[pool], rr);
}

/* Those below the pool, each once; a role is known by its edge's name. */
static size_t list_edges(const struct conf *c, const struct pool_opts *p, const char **to, size_t n, size_t most)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct edge_opts *e = &c->edges[p->edges[i]];
		const char *name = e->role_of ? c->edges[e->role_of - 1].name : e->name;
		size_t k = 0;
		while (k < n && strcmp(to[k], name) != 0)
			k++;
		if (k == n && n < most)
			to[n++] = name;
	}
	for (size_t i = 0; i < p->n_members; i++)
		if (p->members[i].is_pool)
			n = list_edges(c, &c->pools[p->members[i].number], to, n, most);
	return n;
}

static size_t pool_edges(void *ctx, const char *name, const char **to, size_t most)
{
	const struct conf *c = ctx;
	const int pool = conf_pool(c, name);

	return pool < 0 ? 0 : list_edges(c, &c->pools[pool], to, 0, most);
}

static bool pool_cname(void *ctx, const struct edge_rr *rr)
{
	const struct conf *c = ctx;
	const int pool = pool_of(c, rr);

	if (pool < 0 || !rr->edge_len)
		return pool >= 0 && leads_to_cname(c, &c->pools[pool]);
	const struct edge_opts *e = edge_of(c, &c->pools[pool], rr);
	return e && is_cname(e);
}

static void add_type(uint16_t to[], unsigned *n, bool has, uint16_t type)
{
	if (has)
		to[(*n)++] = type;
}

/* What some edge of a pool has. */
struct has {
	bool known, a, aaaa, https, svcb, cname, other;
	uint16_t types[EDGE_RECORD_TYPES_MOST]; /* of records */
	unsigned n;
};

static void look_at_records(const struct edge_opts *e, struct has *has)
{
	for (size_t i = 0; i < e->n_records; i++) {
		unsigned k = 0;
		while (k < has->n && has->types[k] != e->records[i].type)
			k++;
		if (k == has->n && k < EDGE_RECORD_TYPES_MOST)
			has->types[has->n++] = e->records[i].type;
	}
}

static void look_at_edge(const struct edge_opts *e, struct has *has)
{
	const bool alone = is_cname(e);

	look_at_records(e, has);

	has->cname = has->cname || alone;
	has->other = has->other || !alone;
	has->a = has->a || e->n_a || e->flatten || alone;
	has->aaaa = has->aaaa || e->n_aaaa || e->flatten || alone;
}

static void look_at_edges(const struct conf *c, const struct pool_opts *p, struct has *has)
{
	for (size_t i = 0; i < p->n; i++)
		look_at_edge(&c->edges[p->edges[i]], has);
	for (size_t i = 0; i < p->n_members; i++)
		if (p->members[i].is_pool)
			look_at_edges(c, &c->pools[p->members[i].number], has);
}

/* ... and its pool says. */
static void look_at_pool(const struct conf *c, const struct edge_rr *rr, struct has *has)
{
	const int pool = pool_of(c, rr);

	if (pool < 0)
		return;
	const struct pool_opts *p = &c->pools[pool];
	const struct edge_opts *one = rr->edge_len ? edge_of(c, p, rr) : NULL;
	if (one)
		look_at_edge(one, has);
	else
		look_at_edges(c, p, has);
	has->known = true;
	has->https = has->https || p->forms[POOL_HTTPS].front;
	has->svcb = has->svcb || p->forms[POOL_SVCB].front;
}

/* Of a pool that stands in nothing is asked of which this one has nothing. Beside a CNAME nothing
 * else is listed: a pool with other edges, too, is answered for as if it had no CNAME. */
static unsigned list_types(const struct has *has, uint16_t to[static COMPILE_POOL_TYPES_MOST])
{
	unsigned n = 0;

	if (has->cname && !has->other) {
		to[0] = RRTYPE_CNAME;
		return 1;
	}
	add_type(to, &n, has->a || !has->known, RRTYPE_A);
	add_type(to, &n, has->aaaa || !has->known, RRTYPE_AAAA);
	add_type(to, &n, has->https, RRTYPE_HTTPS);
	add_type(to, &n, has->svcb, RRTYPE_SVCB);
	for (unsigned i = 0; i < has->n; i++)
		if (!((has->types[i] == RRTYPE_HTTPS && has->https) ||
			    (has->types[i] == RRTYPE_SVCB && has->svcb)))
			to[n++] = has->types[i];
	return n;
}

static unsigned pool_types(
	void *ctx, const struct edge_rr *rr, uint16_t to[static COMPILE_POOL_TYPES_MOST])
{
	struct has has = { .a = false };

	look_at_pool(ctx, rr, &has);
	return list_types(&has, to);
}

/* --- while a stage is on ------------------------------------------------------------------ */

static bool pool_known_both(void *ctx, const char *name)
{
	const struct zone_pools *of = ctx;

	return pool_known((void *)(uintptr_t)of->conf, name);
}

static bool pool_edge_both(void *ctx, const struct edge_rr *rr)
{
	const struct zone_pools *of = ctx;

	return pool_edge((void *)(uintptr_t)of->conf, rr);
}

static size_t pool_edges_both(void *ctx, const char *name, const char **to, size_t most)
{
	const struct zone_pools *of = ctx;

	return pool_edges((void *)(uintptr_t)of->conf, name, to, most);
}

static bool pool_cname_both(void *ctx, const struct edge_rr *rr)
{
	const struct zone_pools *of = ctx;

	return pool_cname((void *)(uintptr_t)of->conf, rr) || (of->staged && pool_cname((void *)(uintptr_t)of->staged, rr));
}

static unsigned pool_types_live(void *ctx, const struct edge_rr *rr, uint16_t to[static COMPILE_POOL_TYPES_MOST])
{
	const struct zone_pools *of = ctx;

	return pool_types((void *)(uintptr_t)of->conf, rr, to);
}

static unsigned pool_types_both(
	void *ctx, const struct edge_rr *rr, uint16_t to[static COMPILE_POOL_TYPES_MOST])
{
	const struct zone_pools *of = ctx;
	struct has has = { .a = false };

	look_at_pool(of->conf, rr, &has);
	look_at_pool(of->staged, rr, &has);
	return list_types(&has, to);
}

struct compile_opts zone_pools_both_opts(const struct zone_pools *of, struct hash_key key)
{
	if (!of->staged)
		return zone_pools_compile_opts(of->conf, key);
	return (struct compile_opts){ .key = key,
		.pool_known = pool_known_both,
		.pool_edge = pool_edge_both,
		.pool_edges = pool_edges_both,
		.ctx = (void *)(uintptr_t)of,
		.pool_cname = pool_cname_both,
		.pool_types = pool_types_both };
}

struct compile_opts zone_pools_change_opts(const struct zone_pools *of, struct hash_key key)
{
	struct compile_opts opts = zone_pools_both_opts(of, key);

	if (of->staged)
		opts.pool_types = pool_types_live;
	return opts;
}

struct compile_opts zone_pools_compile_opts(const struct conf *c, struct hash_key key)
{
	return (struct compile_opts){ .key = key,
		.pool_known = pool_known,
		.pool_edge = pool_edge,
		.pool_edges = pool_edges,
		.ctx = (void *)(uintptr_t)c,
		.pool_cname = pool_cname,
		.pool_types = pool_types };
}

/* Which edges its records name is not known by number. */
bool zone_pools_suit(const struct conf *c, const struct zone *z, unsigned pool)
{
	const struct edge_rr rr = { .pool = (const uint8_t *)z->pools[pool],
		.pool_len = (uint8_t)strlen(z->pools[pool]) };
	void *ctx = (void *)(uintptr_t)c;

	return pool_known(ctx, z->pools[pool]) && !z->edge_named &&
		!(z->edge_beside && pool_cname(ctx, &rr));
}

/* --- zones that are served on ------------------------------------------------------------- */

/* One that is seen, and is not all that is at its name. */
static bool is_beside(const struct zone_node *n)
{
	const struct zone_rrset *s = zone_first_rrset(n);

	if ((n->flags & (NODE_EDGE | NODE_CUT | NODE_HIDDEN)) != NODE_EDGE)
		return false;
	for (unsigned i = 0; i < n->rrsets; i++, s = zone_next_rrset(s))
		if (s->type != RRTYPE_EDGE && s->type != RRTYPE_RRSIG && s->type != RRTYPE_NSEC)
			return true;
	return false;
}

static bool may_be_cname(const struct conf *c, const struct zone *z)
{
	for (unsigned i = 0; i < z->pools_n; i++)
		if (!zone_pools_suit(c, z, i))
			return true;
	return false;
}

/* The first of them is told. */
static bool stays_alone(const struct conf *c, const struct conf *before, const struct zone *z, struct faults *f)
{
	uint8_t owner[NAME_MOST];
	char name[NAME_TEXT], zone[NAME_TEXT];
	struct edge_rr rr;

	if (!zone_is_ready(z) || !z->edge_beside || !may_be_cname(c, z))
		return true;
	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		if (!is_beside(n))
			continue;
		image_edge(zone_find_rrset(n, RRTYPE_EDGE), &rr);
		if (!pool_cname((void *)(uintptr_t)c, &rr) || pool_cname((void *)(uintptr_t)before, &rr))
			continue;
		image_owner(z, n, owner);
		return faults_error(f, &(struct fault_at){ .path = c->path },
			"pool %.*s may answer with the cname of an edge now, and zone %s as it is served has other data beside it at "
			"%s, which resolvers would lose (RFC 1034 section 3.6.2): give the edge addresses, or change the zone first",
			rr.pool_len, (const char *)rr.pool, view_text(zone, zone_id(z)), name_text(name, owner));
	}
	return true;
}

bool zone_pools_stay_alone(
	const struct conf *c, const struct conf *before, const struct zone_set *set, struct faults *f)
{
	bool ok = true;

	if (c == before)
		return true;
	/* Those that are no more told are looked at, too. */
	for (size_t i = 0; i < zone_set_count(set); i++)
		ok = stays_alone(c, before, zone_set_get(set, i), f) && ok;
	return ok;
}
