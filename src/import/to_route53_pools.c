/* to_route53_pools.c - a pool as sets that Route 53 chooses among.
 *
 * A name there has one policy. What needs another one inside (a pool in a pool, the third of an order, who is in no
 * net) stands at a name of its own, and an alias leads to it.
 */
#include "import/to_route53.h"

#include "dns/rrtype.h"
#include "zone/rdata_write.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

enum { WEIGHT_MOST = 255, MULTI_ANSWERS = 8, NET_MOST = 24, NET6_MOST = 48 };

/* What a set leads to. */
struct target {
	const struct export_member *edge; /* NULL: the alias */
	const char *alias;
	struct route53_types types;
};

static void add_type(struct route53_types *t, uint16_t type)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->of[i] == type)
			return;
	if (t->n < ROUTE53_TYPES_MOST)
		t->of[t->n++] = type;
}

/* --- edges -------------------------------------------------------------------------------- */

#define CLOUDFRONT ".cloudfront.net."
#define CLOUDFRONT_ZONE "Z2FDTNDATAQYW2"

static bool is_cloudfront(const char *name)
{
	const size_t len = strlen(name), tail = strlen(CLOUDFRONT);

	return len > tail && strcasecmp(name + len - tail, CLOUDFRONT) == 0;
}

static const char *wire_text(struct to_route53 *r, const uint8_t *name)
{
	char text[NAME_TEXT];

	return arena_strdup(&r->p->mem, name_text(text, name));
}

static struct route53_types types_of_edge(struct to_route53 *r, const struct edge_opts *e)
{
	struct route53_types t = { .n = 0 };

	if (e->n_a)
		add_type(&t, RRTYPE_A);
	if (e->n_aaaa)
		add_type(&t, RRTYPE_AAAA);
	if (!t.n && e->cname)
		add_type(&t, RRTYPE_CNAME);
	if (e->flatten && is_cloudfront(wire_text(r, e->flatten))) {
		add_type(&t, RRTYPE_A);
		add_type(&t, RRTYPE_AAAA);
	} else if (e->flatten) {
		add_type(&t, RRTYPE_CNAME);
	}
	for (size_t i = 0; i < e->n_records; i++)
		if (route53_type(e->records[i].type))
			add_type(&t, e->records[i].type);
		else
			plan_note(r->p, NOTE_LOST, r->from->conf->path, 0, "edge %s: its records of types that Route 53 has not", e->name);
	return t;
}

static json_t *value_list(struct to_route53 *r, const struct words *w)
{
	json_t *list = json_array();

	for (size_t i = 0; i < w->n; i++)
		json_array_append_new(list, json_pack("{s:s}", "Value", route53_octals(r->p, w->of[i])));
	return list;
}

static void add_records(struct to_route53 *r, const struct edge_opts *e, uint16_t type, struct words *w)
{
	for (size_t i = 0; i < e->n_records; i++) {
		struct text line = { 0 };
		if (e->records[i].type != type)
			continue;
		rdata_write(&line, type, e->records[i].rdata, e->records[i].len, RDATA_FOR_US);
		const char *data = text_get(&line);
		plan_word(r->p, w, data + strcspn(data, " ") + 1);
		text_fini(&line);
	}
}

/* Of one type. `checked`: by its health check, where a choice is made. */
static json_t *edge_set(struct to_route53 *r, const struct export_member *m, uint16_t type, bool checked)
{
	const struct edge_opts *e = m->edge;
	const bool v6 = type == RRTYPE_AAAA, address = v6 || type == RRTYPE_A;
	struct words w = { .n = 0 };

	if (address && e->flatten)
		return json_pack("{s:{s:s, s:s, s:b}}", "AliasTarget", "HostedZoneId", CLOUDFRONT_ZONE, "DNSName", wire_text(r, e->flatten),
			"EvaluateTargetHealth", 0);
	if (address)
		w = export_addresses(r->p, e, v6);
	else if (type == RRTYPE_CNAME)
		plan_word(r->p, &w, wire_text(r, e->cname ? e->cname : e->flatten));
	else
		add_records(r, e, type, &w);
	json_t *set = json_pack("{s:I, s:o}", "TTL", (json_int_t)r->ttl_s, "ResourceRecords", value_list(r, &w));
	const struct addr *at = e->n_points ? (e->points->name ? NULL : &e->points->addr)
		: v6 || !e->n_a             ? (e->n_aaaa ? e->aaaa : NULL)
					    : e->a;
	const char *check = checked && m->probe ? route53_check(r, m->probe, at) : NULL;
	if (check)
		json_object_set_new(set, "HealthCheckId", json_string(check));
	return set;
}

/* --- sets --------------------------------------------------------------------------------- */

/* Does the name have that itself? */
static bool is_own(const struct to_route53 *r, const char *name, uint16_t type)
{
	for (const uint32_t *t = r->beside; t && *t && strcmp(name, r->owner) == 0; t++)
		if (*t == type)
			return true;
	return false;
}

/* One choice of a name, for all types that it has. `how` NULL: the only one; else with its "SetIdentifier"; taken. */
static void put_choice(struct to_route53 *r, const char *name, const struct target *t, const struct route53_types *all, json_t *how)
{
	for (unsigned i = 0; i < t->types.n; i++) {
		const uint16_t type = t->types.of[i];
		if (is_own(r, name, type))
			continue;
		/* A CNAME stands beside nothing. */
		if (type == RRTYPE_CNAME && (all->n > 1 || (r->beside && *r->beside && strcmp(name, r->owner) == 0) || strcmp(name, r->zone) == 0)) {
			plan_note(r->p, NOTE_LOST, r->from->conf->path, 0, "%s: %s, which is a CNAME where there is something else", name,
				t->edge ? t->edge->edge->name : t->alias);
			continue;
		}
		json_t *set = t->edge ? edge_set(r, t->edge, type, how != NULL)
				      : json_pack("{s:{s:s, s:s, s:b}}", "AliasTarget", "HostedZoneId", "HOSTED-ZONE-ID", "DNSName", t->alias,
						"EvaluateTargetHealth", 1);
		if (how)
			json_object_update(set, how);
		route53_put_set(r, name, type, set);
	}
	json_decref(how);
}

static json_t *identified(struct to_route53 *r, const char *front, const struct export_member *m)
{
	const char *name = m->edge ? m->edge->name : m->pool->name;

	return json_pack("{s:s}", "SetIdentifier", plan_textf(r->p, "%.40s%s%.80s", front, *front ? "-" : "", name));
}

/* --- a policy ----------------------------------------------------------------------------- */

static struct target make_target(struct to_route53 *r, const struct export_pool *pool);

static struct target member_target(struct to_route53 *r, const struct export_member *m)
{
	if (m->edge)
		return (struct target){ .edge = m, .types = types_of_edge(r, m->edge) };
	const struct export_pool inner = export_pool_of(r->p, r->from, m->pool);
	return make_target(r, &inner);
}

/* A list of edges in their order, as a pool. */
static struct export_pool in_order(const struct export_pool *like, struct export_members members)
{
	struct export_pool to = *like;

	to.policy = POOL_ORDERED;
	to.members = members;
	to.n_pins = 0;
	return to;
}

struct choosing {
	struct to_route53 *r;
	const char *name;
	const struct export_pool *pool;
	struct target *to; /* [pool->members.n] */
	struct route53_types all;
};

static void by_order(struct choosing *c)
{
	struct to_route53 *r = c->r;
	const struct export_members *m = &c->pool->members;
	const struct export_pool rest = in_order(c->pool, (struct export_members){ m->of + 1, m->n - 1 });
	const struct target second = make_target(r, &rest);

	if (m->of[0].edge && !m->of[0].probe)
		export_notef(r->p, NOTE_SEE, r->from, c->pool->opts, "%s has no probe: Route 53 wants a health check of all but the last",
			m->of[0].edge->name);
	for (unsigned i = 0; i < second.types.n; i++)
		add_type(&c->all, second.types.of[i]);
	json_t *how = identified(r, "1", &m->of[0]);
	json_object_set_new(how, "Failover", json_string("PRIMARY"));
	put_choice(r, c->name, &c->to[0], &c->all, how);
	how = identified(r, "2", &m->of[1]);
	json_object_set_new(how, "Failover", json_string("SECONDARY"));
	put_choice(r, c->name, &second, &c->all, how);
}

/* Where it stands; a pool is where its first edge is that stands somewhere. */
static const struct edge_opts *place_of(const struct choosing *c, const struct export_member *m)
{
	const struct edge_opts *edges[64];
	size_t n = 0, i;

	if (m->edge)
		return m->edge->placed ? m->edge : NULL;
	n = export_edges(c->r->from->conf, m->pool, edges, sizeof edges / sizeof *edges);
	for (i = 0; i < n && !edges[i]->placed; i++)
		;
	return i < n ? edges[i] : NULL;
}

static bool all_in_regions(const struct choosing *c)
{
	for (size_t i = 0; i < c->pool->members.n; i++) {
		const struct edge_opts *at = place_of(c, &c->pool->members.of[i]);
		const char *region = at ? route53_region_at(at->lat, at->lon) : NULL;
		if (!region || c->pool->members.of[i].bias)
			return false;
		/* Route 53 has one set a region. */
		for (size_t k = 0; k < i; k++) {
			const struct edge_opts *other = place_of(c, &c->pool->members.of[k]);
			if (strcmp(route53_region_at(other->lat, other->lon), region) == 0)
				return false;
		}
	}
	return true;
}

/* Latency where all stand in regions of AWS, else geoproximity. */
static void by_place(struct choosing *c)
{
	const bool regions = all_in_regions(c);

	for (size_t i = 0; i < c->pool->members.n; i++) {
		const struct export_member *m = &c->pool->members.of[i];
		const struct edge_opts *at = place_of(c, m);
		json_t *how = identified(c->r, "", m);
		if (!at) {
			export_notef(c->r->p, NOTE_LOST, c->r->from, c->pool->opts, "%s, which stands nowhere", m->edge ? m->edge->name : m->pool->name);
			json_decref(how);
			continue;
		}
		if (!m->edge && m->pool->n + m->pool->n_members > 1)
			export_notef(c->r->p, NOTE_DIFFERS, c->r->from, c->pool->opts, "the pool %s in it stands where %s does", m->pool->name, at->name);
		if (regions)
			json_object_set_new(how, "Region", json_string(route53_region_at(at->lat, at->lon)));
		else
			json_object_set_new(how, "GeoProximityLocation",
				json_pack("{s:{s:s, s:s}, s:i}", "Coordinates", "Latitude", plan_textf(c->r->p, "%.2f", at->lat), "Longitude",
					plan_textf(c->r->p, "%.2f", at->lon), "Bias", m->bias));
		put_choice(c->r, c->name, &c->to[i], &c->all, how);
	}
}

static void by_weight(struct choosing *c)
{
	unsigned *weights = arena_zalloc(&c->r->p->mem, c->pool->members.n * sizeof *weights);

	if (export_weights(&c->pool->members, WEIGHT_MOST, weights))
		export_notef(c->r->p, NOTE_DIFFERS, c->r->from, c->pool->opts, "weights are rounded to 0 to %d", WEIGHT_MOST);
	for (size_t i = 0; i < c->pool->members.n; i++) {
		json_t *how = identified(c->r, "", &c->pool->members.of[i]);
		json_object_set_new(how, "Weight", json_integer(weights[i]));
		put_choice(c->r, c->name, &c->to[i], &c->all, how);
	}
}

/* Each address is a set of its own. */
static void by_several(struct choosing *c)
{
	static const struct { uint16_t type; bool v6; } families[] = { { RRTYPE_A, false }, { RRTYPE_AAAA, true } };

	if (c->pool->answers != MULTI_ANSWERS && c->pool->members.n > c->pool->answers)
		export_notef(c->r->p, NOTE_DIFFERS, c->r->from, c->pool->opts, "answers: %u: there it is up to %d", c->pool->answers, MULTI_ANSWERS);
	for (size_t i = 0; i < c->pool->members.n; i++)
		for (size_t f = 0; f < 2; f++) {
			const struct export_member *m = &c->pool->members.of[i];
			const struct words w = export_addresses(c->r->p, m->edge, families[f].v6);
			const struct addr *at = families[f].v6 ? m->edge->aaaa : m->edge->a;
			for (size_t k = 0; k < w.n && !is_own(c->r, c->name, families[f].type); k++) {
				json_t *set = json_pack("{s:s, s:b, s:I, s:[{s:s}]}", "SetIdentifier",
					k ? plan_textf(c->r->p, "%.80s-%zu", m->edge->name, k + 1) : m->edge->name, "MultiValueAnswer", 1, "TTL",
					(json_int_t)c->r->ttl_s, "ResourceRecords", "Value", w.of[k]);
				const char *check = m->probe ? route53_check(c->r, m->probe, &at[k]) : NULL;
				if (check)
					json_object_set_new(set, "HealthCheckId", json_string(check));
				route53_put_set(c->r, c->name, families[f].type, set);
			}
		}
}

/* Only addresses, and all of one weight. */
static bool is_several(const struct choosing *c)
{
	const struct export_members *m = &c->pool->members;

	for (size_t i = 0; i < m->n; i++)
		if (!m->of[i].edge || m->of[i].edge->flatten || !(m->of[i].edge->n_a || m->of[i].edge->n_aaaa) || m->of[i].weight != m->of[0].weight)
			return false;
	return c->pool->answers > 1;
}

static void choose_policy(struct choosing *c)
{
	const bool several = is_several(c);

	if (c->pool->policy == POOL_ORDERED || c->pool->policy == POOL_NEAREST || !several)
		if (c->pool->answers > 1)
			export_notef(c->r->p, NOTE_DIFFERS, c->r->from, c->pool->opts, "answers: %u: there it is one edge", c->pool->answers);
	switch (c->pool->policy) {
	case POOL_ORDERED:
		by_order(c);
		return;
	case POOL_NEAREST:
		by_place(c);
		return;
	case POOL_ROUND_ROBIN:
	case POOL_WEIGHTED:
	case POOL_LEAST_LATENCY:
	case POOL_LEAST_LOAD:
	case POOL_HASH:
		if (several)
			by_several(c);
		else
			by_weight(c);
		return;
	}
}

static struct route53_types put_base(struct to_route53 *r, const char *name, const struct export_pool *pool)
{
	struct choosing c = { .r = r, .name = name, .pool = pool };

	c.to = arena_zalloc(&r->p->mem, (pool->members.n + 1) * sizeof *c.to);
	for (size_t i = 0; i < pool->members.n; i++) {
		c.to[i] = member_target(r, &pool->members.of[i]);
		for (unsigned k = 0; k < c.to[i].types.n; k++)
			add_type(&c.all, c.to[i].types.of[k]);
	}
	if (pool->members.n == 1)
		put_choice(r, name, &c.to[0], &c.all, NULL);
	else if (pool->members.n)
		choose_policy(&c);
	return c.all;
}

/* --- pins --------------------------------------------------------------------------------- */

/* What the pool is without its pins of the first places, or of all. */
static struct export_pool without(const struct export_pool *pool, bool nets_only)
{
	struct export_pool to = *pool;

	while (to.n_pins && (nets_only ? to.pins->place == EXPORT_NET : to.pins->place != EXPORT_ALL)) {
		to.pins++;
		to.n_pins--;
	}
	if (to.n_pins && to.pins->place == EXPORT_ALL) {
		to.policy = POOL_ORDERED;
		to.members = to.pins->to;
		to.n_pins = 0;
	}
	return to;
}

static json_t *in_net(struct to_route53 *r, const struct export_pool *pool, const struct words *nets)
{
	const char *name = plan_textf(r->p, "net%u", ++r->n_nets);

	for (size_t i = 0; i < nets->n; i++) {
		const char *bits = strchr(nets->of[i], '/');
		const unsigned most = strchr(nets->of[i], ':') ? NET6_MOST : NET_MOST;
		if (!bits || (unsigned)strtoul(bits + 1, NULL, 10) > most)
			export_notef(r->p, NOTE_SEE, r->from, pool->opts, "the net %s: Route 53 takes none smaller than /%u", nets->of[i], most);
		json_array_append_new(r->cidrs, json_pack("{s:s, s:s}", "CidrBlock", bits ? nets->of[i] : plan_textf(r->p, "%s/%u", nets->of[i], most == NET_MOST ? 32 : 128), "LocationName", name));
	}
	return json_pack("{s:{s:s, s:s}}", "CidrRoutingConfig", "CollectionId", "CIDR-COLLECTION-ID", "LocationName", name);
}

/* NULL: there is no such place there, told. */
static json_t *in_place(struct to_route53 *r, const struct export_pool *pool, enum export_place place, const char *code)
{
	if (place == EXPORT_CONTINENT)
		return json_pack("{s:{s:s}}", "GeoLocation", "ContinentCode", code);
	if (place == EXPORT_COUNTRY)
		return json_pack("{s:{s:s}}", "GeoLocation", "CountryCode", code);
	if ((strncmp(code, "US-", 3) != 0 && strncmp(code, "UA-", 3) != 0) || strlen(code) > 6) {
		export_notef(r->p, NOTE_LOST, r->from, pool->opts, "the region %s: Route 53 knows those of US and UA, by their codes", code);
		return NULL;
	}
	return json_pack("{s:{s:s, s:s}}", "GeoLocation", "CountryCode", plan_textf(r->p, "%.2s", code), "SubdivisionCode", code + 3);
}

/* One pin, which may stand for several places. */
static void put_pin(struct to_route53 *r, const char *name, const struct export_pool *pool, const struct export_pin *pin, const struct target *t,
	const struct route53_types *all)
{
	const bool nets = pin->place == EXPORT_NET;

	for (size_t i = 0; i < (nets ? 1 : pin->of.n); i++) {
		json_t *where = nets ? in_net(r, pool, &pin->of) : in_place(r, pool, pin->place, pin->of.of[i]);
		if (!where)
			continue;
		json_t *how = identified(r, nets ? plan_textf(r->p, "net%u", r->n_nets) : pin->of.of[i], &pin->to.of[0]);
		json_object_update(how, where);
		json_decref(where);
		put_choice(r, name, t, all, how);
	}
}

/* Those of nets, or of places; all others are led on. */
static struct route53_types put_pins(struct to_route53 *r, const char *name, const struct export_pool *pool, bool nets)
{
	const struct export_pool rest = without(pool, nets);
	const struct target others = make_target(r, &rest);
	struct target *to = arena_zalloc(&r->p->mem, (pool->n_pins + 1) * sizeof *to);
	struct route53_types all = others.types;
	size_t n = 0;

	for (; n < pool->n_pins && (nets ? pool->pins[n].place == EXPORT_NET : pool->pins[n].place != EXPORT_ALL); n++) {
		const struct export_pool ordered = in_order(pool, pool->pins[n].to);
		to[n] = make_target(r, &ordered);
		for (unsigned k = 0; k < to[n].types.n; k++)
			add_type(&all, to[n].types.of[k]);
	}
	for (size_t i = 0; i < n; i++)
		put_pin(r, name, pool, &pool->pins[i], &to[i], &all);
	json_t *how = json_pack("{s:s}", "SetIdentifier", "others");
	json_object_set_new(how, nets ? "CidrRoutingConfig" : "GeoLocation",
		nets ? json_pack("{s:s, s:s}", "CollectionId", "CIDR-COLLECTION-ID", "LocationName", "*") : json_pack("{s:s}", "CountryCode", "*"));
	put_choice(r, name, &others, &all, how);
	return all;
}

struct route53_types route53_put_pool(struct to_route53 *r, const char *name, const struct export_pool *pool)
{
	if (!pool->n_pins)
		return put_base(r, name, pool);
	if (pool->pins->place != EXPORT_ALL)
		return put_pins(r, name, pool, pool->pins->place == EXPORT_NET);
	const struct export_pool all = without(pool, true);
	return put_base(r, name, &all);
}

/* --- names of their own ------------------------------------------------------------------- */

static const char *helper_name(struct to_route53 *r, const struct pool_opts *pool)
{
	char *name = plan_textf(r->p, "_%.40s-%u.%s", pool->name, ++r->n_helpers, strcmp(r->zone, ".") == 0 ? "" : r->zone);

	for (char *c = name + 1; *c && c - name < 41 && *c != '.'; c++)
		*c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '-';
	return name;
}

/* The whole pool as it is configured? Then all who need it share a name. */
static bool is_whole(const struct to_route53 *r, const struct export_pool *x)
{
	const struct export_pool like = export_pool_of(r->p, r->from, x->opts);

	return x->policy == like.policy && x->n_pins == like.n_pins && x->members.n == like.members.n;
}

static struct target make_target(struct to_route53 *r, const struct export_pool *pool)
{
	if (!pool->n_pins && pool->members.n == 1)
		return member_target(r, &pool->members.of[0]);
	const bool whole = is_whole(r, pool);
	for (struct route53_helper *h = r->helpers; h && whole; h = h->next)
		if (h->pool == pool->opts && h->ttl_s == r->ttl_s)
			return (struct target){ .alias = h->name, .types = h->types };
	struct route53_helper *h = arena_zalloc(&r->p->mem, sizeof *h);
	h->pool = whole ? pool->opts : NULL;
	h->ttl_s = r->ttl_s;
	h->name = helper_name(r, pool->opts);
	h->types = route53_put_pool(r, h->name, pool);
	h->next = r->helpers;
	r->helpers = h;
	return (struct target){ .alias = h->name, .types = h->types };
}
