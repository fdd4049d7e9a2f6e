/* to_octodns_pools.c - a pool as a dynamic record of octoDNS: pools of values with weights, a fallback for each, and
 * rules by nets and places that lead to them.
 */
#include "import/to_octodns.h"

#include "dns/rrtype.h"

#include <ctype.h>
#include <string.h>

enum { WEIGHT_MOST = 100, EDGES_IN_ONE_MOST = 256, DEEP_MOST = 8 };

/* One dynamic record: of one type. */
struct dynamic {
	struct to_octodns *o;
	uint16_t type;
	struct out *pools, *rules;
	const struct export_pool *of;
};

/* What an edge has of a type. */
static struct words values_of(const struct dynamic *d, const struct edge_opts *e)
{
	struct words w = { .n = 0 };
	char text[NAME_TEXT];

	if (d->type != RRTYPE_CNAME)
		return export_addresses(d->o->p, e, d->type == RRTYPE_AAAA);
	if (!e->n_a && !e->n_aaaa && (e->cname || e->flatten))
		plan_word(d->o->p, &w, name_text(text, e->cname ? e->cname : e->flatten));
	return w;
}

static char *pool_name(struct dynamic *d, const char *hint, const char *more)
{
	char *base = plan_textf(d->o->p, "%.60s%s%.60s", hint, *more ? "-" : "", more), *name = base;

	for (char *c = base; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			*c = '-';
	for (unsigned i = 2; out_get(d->pools, name); i++)
		name = plan_textf(d->o->p, "%s-%u", base, i);
	return name;
}

/* --- pools -------------------------------------------------------------------------------- */

static void add_values(const struct dynamic *d, struct out *values, const struct edge_opts *e, unsigned weight)
{
	const struct words w = values_of(d, e);

	for (size_t i = 0; i < w.n; i++) {
		struct out *one = out_add_map(values);
		out_set(one, "value", w.of[i]);
		if (weight != 1)
			out_setf(one, "weight", "%u", weight);
	}
}

/* All edges of these members, by weight; a pool among them is all its edges. NULL: none has this type. */
static const char *put_weighted(struct dynamic *d, const struct pool_opts *pool, const struct export_members *m)
{
	unsigned *weights = arena_zalloc(&d->o->p->mem, (m->n + 1) * sizeof *weights);
	const struct edge_opts **edges = arena_alloc(&d->o->p->mem, EDGES_IN_ONE_MOST * sizeof *edges);
	struct out *one = out_new(&d->o->p->mem), *values = out_list(one, "values");

	if (export_weights(m, WEIGHT_MOST, weights))
		export_notef(d->o->p, NOTE_DIFFERS, d->o->from, pool, "weights are rounded to 1 to %d", WEIGHT_MOST);
	for (size_t i = 0; i < m->n; i++) {
		if (!weights[i])
			export_notef(d->o->p, NOTE_LOST, d->o->from, pool, "members of weight 0 are left out");
		else if (m->of[i].edge)
			add_values(d, values, m->of[i].edge, weights[i]);
		else
			export_notef(d->o->p, NOTE_DIFFERS, d->o->from, pool, "the pool %s in it: its edges stand for it, each with its weight",
				m->of[i].pool->name);
		const size_t n = m->of[i].edge || !weights[i] ? 0 : export_edges(d->o->from->conf, m->of[i].pool, edges, EDGES_IN_ONE_MOST);
		for (size_t k = 0; k < n; k++)
			add_values(d, values, edges[k], weights[i]);
	}
	if (!out_count(values))
		return NULL;
	const char *name = pool_name(d, m->n == 1 && m->of[0].edge ? m->of[0].edge->name : pool->name, "");
	struct out *put = out_map(d->pools, name), *list = out_list(put, "values");
	for (size_t i = 0; i < out_count(values); i++) {
		struct out *from = out_at(values, i, NULL), *to = out_add_map(list);
		out_set(to, "value", out_text(out_get(from, "value")));
		if (out_get(from, "weight"))
			out_set(to, "weight", out_text(out_get(from, "weight")));
	}
	return name;
}

static const char *put_members(struct dynamic *d, const struct export_pool *pool, unsigned deep);

/* One behind the other: each falls back to the next. */
static const char *put_ordered(struct dynamic *d, const struct pool_opts *pool, const struct export_members *m, unsigned deep)
{
	const char *first = NULL, *last = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const struct export_members one = { &m->of[i], 1 };
		const char *name;
		if (m->of[i].edge || deep == DEEP_MOST) {
			name = put_weighted(d, pool, &one);
		} else {
			const struct export_pool inner = export_pool_of(d->o->p, d->o->from, m->of[i].pool);
			name = put_members(d, &inner, deep + 1);
		}
		if (!name)
			continue;
		/* A pool in order has its own at its end. */
		for (const char *next; last && (next = out_text(out_get(out_get(d->pools, last), "fallback")));)
			last = next;
		if (last)
			out_set(out_get(d->pools, last), "fallback", name);
		first = first ? first : name;
		last = name;
	}
	return first;
}

/* Returns its first pool; NULL: nothing of it has this type. */
static const char *put_members(struct dynamic *d, const struct export_pool *pool, unsigned deep)
{
	if (pool->n_pins && deep)
		export_note(d->o->p, NOTE_LOST, d->o->from, pool->opts, "its pins, as it is in another pool");
	if (pool->policy == POOL_ORDERED)
		return put_ordered(d, pool->opts, &pool->members, deep);
	if (pool->policy == POOL_NEAREST && pool->members.n > 1)
		export_note(d->o->p, NOTE_LOST, d->o->from, pool->opts, "policy nearest: octoDNS knows no distance, and its edges take turns");
	return put_weighted(d, pool->opts, &pool->members);
}

/* --- rules -------------------------------------------------------------------------------- */

/* "EU-NO", "NA-US-CA"; NULL: there is no such, told. */
static const char *geo_of(struct dynamic *d, enum export_place place, const char *code)
{
	const char *country = plan_textf(d->o->p, "%.2s", code), *continent = export_continent(country);
	const bool known = strncmp(code, "US-", 3) == 0 || strncmp(code, "CA-", 3) == 0;

	if (place == EXPORT_CONTINENT)
		return code;
	if (!continent || (place == EXPORT_REGION && (!known || strlen(code) != 5))) {
		export_notef(d->o->p, NOTE_LOST, d->o->from, d->of->opts, "the place %s: octoDNS knows continents, countries, and regions of US and CA", code);
		return NULL;
	}
	return plan_textf(d->o->p, "%s-%s", continent, code);
}

static void put_pin(struct dynamic *d, const struct export_pin *pin)
{
	const char *name = put_ordered(d, d->of->opts, &pin->to, 1);
	struct out *rule = out_new(&d->o->p->mem), *places;

	if (!name)
		return;
	places = out_list(rule, pin->place == EXPORT_NET ? "subnets" : "geos");
	for (size_t i = 0; i < pin->of.n; i++) {
		const char *is = pin->place == EXPORT_NET ? pin->of.of[i] : geo_of(d, pin->place, pin->of.of[i]);
		if (is)
			out_add(places, is);
	}
	if (!out_count(places))
		return;
	struct out *put = out_add_map(d->rules), *list = out_list(put, pin->place == EXPORT_NET ? "subnets" : "geos");
	for (size_t i = 0; i < out_count(places); i++)
		out_add(list, out_text(out_at(places, i, NULL)));
	out_set(put, "pool", name);
}

/* The last rule is for all. */
static bool put_rules(struct dynamic *d)
{
	const struct export_pin *all = NULL;

	for (size_t i = 0; i < d->of->n_pins; i++)
		if (d->of->pins[i].place == EXPORT_ALL)
			all = &d->of->pins[i];
		else
			put_pin(d, &d->of->pins[i]);
	const char *name = all ? put_ordered(d, d->of->opts, &all->to, 0) : put_members(d, d->of, 0);
	if (name)
		out_set(out_add_map(d->rules), "pool", name);
	return name != NULL;
}

/* --- the record --------------------------------------------------------------------------- */

static void put_check(struct dynamic *d, struct out *one)
{
	const struct probe_opts *p = NULL;

	for (size_t i = 0; i < d->of->members.n && !p; i++)
		p = d->of->members.of[i].probe;
	if (!p)
		return;
	if (p->kind != PROBE_TCP && p->kind != PROBE_HTTP && p->kind != PROBE_HTTPS) {
		export_notef(d->o->p, NOTE_LOST, d->o->from, d->of->opts, "its probe %s, of kind %s", p->name, probe_kind_text(p->kind));
		return;
	}
	struct out *check = out_map(out_map(one, "octodns"), "healthcheck");
	out_set(check, "protocol", p->kind == PROBE_TCP ? "TCP" : p->kind == PROBE_HTTP ? "HTTP" : "HTTPS");
	out_setf(check, "port", "%u", probe_port(p));
	if (p->kind == PROBE_TCP)
		return;
	out_set(check, "path", p->path ? p->path : "/");
	if (p->host)
		out_setf(check, "host", "%.*s", (int)strcspn(p->host, ":"), p->host);
}

static bool is_beside(const struct export_rrset *set, uint16_t type)
{
	for (const uint32_t *t = set->beside; t && *t; t++)
		if (*t == type)
			return true;
	return false;
}

/* What is answered where a provider has no dynamic records: the values of the pool that is for all. */
static void put_values(struct dynamic *d, struct out *one)
{
	const struct out *last = out_at(d->rules, out_count(d->rules) - 1, NULL), *pool = out_get(d->pools, out_text(out_get(last, "pool")));
	struct out *value, *list = out_get(pool, "values");

	if (d->type == RRTYPE_CNAME)
		out_set(one, "value", out_text(out_get(out_at(list, 0, NULL), "value")));
	for (size_t i = 0; d->type != RRTYPE_CNAME && (value = out_at(list, i, NULL)); i++)
		out_add(out_list(one, "values"), out_text(out_get(value, "value")));
}

static void put_type(struct to_octodns *o, const struct export_rrset *set, const struct export_pool *pool, uint16_t type)
{
	static const char *const names[] = { [RRTYPE_A] = "A", [RRTYPE_CNAME] = "CNAME", [RRTYPE_AAAA] = "AAAA" };
	const uint32_t ttl_s = set->ttl_s > pool->ttl_most_s ? pool->ttl_most_s : set->ttl_s < pool->ttl_least_s ? pool->ttl_least_s : set->ttl_s;
	struct out *scratch = out_new(&o->p->mem);
	struct dynamic d = { .o = o, .type = type, .of = pool, .pools = out_map(scratch, "pools"), .rules = out_list(scratch, "rules") };

	/* Once to see whether there is anything, and then where it stands. */
	if (is_beside(set, type) || !put_rules(&d))
		return;
	struct out *one = octodns_record(o, set->owner, names[type], ttl_s);
	put_values(&d, one);
	struct out *dynamic = out_map(one, "dynamic");
	d.pools = out_map(dynamic, "pools");
	d.rules = out_list(dynamic, "rules");
	put_rules(&d);
	put_check(&d, one);
}

void octodns_put_pool(struct to_octodns *o, const struct export_rrset *set, const struct export_pool *pool)
{
	const struct edge_opts **edges = arena_alloc(&o->p->mem, EDGES_IN_ONE_MOST * sizeof *edges);
	const size_t n = export_edges(o->from->conf, pool->opts, edges, EDGES_IN_ONE_MOST);
	bool addresses = false, names = false, records = false;

	for (size_t i = 0; i < n; i++) {
		const bool has = edges[i]->n_a || edges[i]->n_aaaa;
		addresses = addresses || has;
		names = names || (!has && (edges[i]->cname || edges[i]->flatten));
		records = records || edges[i]->n_records;
	}
	if (records)
		export_note(o->p, NOTE_LOST, o->from, pool->opts, "records of its edges beside their addresses");
	if (pool->answers > 1)
		export_notef(o->p, NOTE_DIFFERS, o->from, pool->opts, "answers: %u: there it is one edge", pool->answers);
	if (names && (addresses || *set->beside || strcmp(set->owner, o->zone) == 0))
		plan_note(o->p, NOTE_LOST, o->from->conf->path, 0, "%s: edges of pool %s that are a CNAME where there is something else", set->owner,
			pool->opts->name);
	else if (names)
		put_type(o, set, pool, RRTYPE_CNAME);
	if (addresses) {
		put_type(o, set, pool, RRTYPE_A);
		put_type(o, set, pool, RRTYPE_AAAA);
	}
}
