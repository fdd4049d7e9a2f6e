/* from_route53.c - Route 53: what "aws route53 list-resource-record-sets" and its like tell, as JSON.
 *
 * A name may have several sets of one type, of which the policy chooses. Sets of several types with
 * the same identifiers are one choice.
 */
#include "import/from_route53.h"

#include "import/import_run.h"
#include "import/route53_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEEP_MOST = 8, TYPES_MOST = 16 };

/* Names are lower case. */
static const char *name_of(struct route53 *r, const char *name)
{
	return plan_full_name(r->p, plan_lower(r->p, route53_decimals(r->p, name)), ".");
}

static const char *value_of(struct route53 *r, const struct node *record)
{
	const char *value = node_get_string(record, "Value");

	return value ? route53_decimals(r->p, value) : NULL;
}

static const char *get(const struct set *s, const char *key)
{
	return node_get_string(s->n, key);
}

/* --- what a set is answered with ---------------------------------------------------------- */

static const char *pool_of_name(struct route53 *r, const char *name);
static bool is_steered(struct route53 *r, const char *name);

static bool has_name(const struct route53 *r, const char *name)
{
	for (const struct set *s = r->sets; s; s = s->next)
		if (strcmp(s->name, name) == 0)
			return true;
	return false;
}

static void add_data(struct route53 *r, const struct set *s, struct answer *a)
{
	const struct node *records = parse_get(s->n, "ResourceRecords"), *alias = parse_get(s->n, "AliasTarget");
	const char *target = alias ? node_get_string(alias, "DNSName") : NULL;

	for (const struct node *v = records && records->kind == NODE_LIST ? records->first : NULL; v; v = v->next)
		if (value_of(r, v))
			plan_answer(r->p, a, s->type, strcmp(s->type, "CNAME") == 0 ? plan_full_name(r->p, value_of(r, v), ".") : value_of(r, v));
	if (!target)
		return;
	const char *name = name_of(r, target);
	if (!has_name(r, name)) {
		a->flatten = plan_textf(r->p, "%.*s", (int)strlen(name) - 1, name);
		return;
	}
	for (const struct set *o = r->sets; o && !is_steered(r, name) && r->deep < DEEP_MOST; o = o->next)
		if (strcmp(o->name, name) == 0 && strcmp(o->type, s->type) == 0) {
			r->deep++;
			add_data(r, o, a);
			r->deep--;
		}
}

/* An edge, or the pool of the name that an alias leads to. `mates`: sets of other types with this identifier. */
static struct variant target_of(struct route53 *r, const struct set *s, const char *at)
{
	const struct node *alias = parse_get(s->n, "AliasTarget");
	const char *to = alias ? node_get_string(alias, "DNSName") : NULL, *id = get(s, "SetIdentifier");
	struct answer a = { .at = at };

	if (to && is_steered(r, name_of(r, to))) {
		const char *pool = r->deep < DEEP_MOST ? pool_of_name(r, name_of(r, to)) : NULL;
		return (struct variant){ .edge = pool, .is_pool = true };
	}
	for (const struct set *o = r->sets; o; o = o->next) {
		const char *other = get(o, "SetIdentifier");
		if (strcmp(o->name, s->name) == 0 && (o == s || (id && other && strcmp(id, other) == 0)))
			add_data(r, o, &a);
	}
	a.probe = route53_probe(r, s, &a.probe_address);
	return (struct variant){ .edge = plan_edge(r->p, plan_textf(r->p, "%.*s-%s", (int)strcspn(s->name, "."), s->name, id ? id : "all"), &a) };
}

/* --- policies ----------------------------------------------------------------------------- */

static void member(struct out *pool, struct variant v, const char *key, const char *value)
{
	if (!key) {
		plan_member(pool, v.edge, v.is_pool);
		return;
	}
	struct out *m = out_add_map(out_list(pool, "edges"));
	out_set(m, v.is_pool ? "pool" : "edge", v.edge);
	out_set(m, key, value);
}

struct choice {
	struct route53 *r;
	const char *name, *hint;
	const struct set *of[1024];
	size_t n;
};

static const char *by_weight(struct choice *c)
{
	const char *name;
	struct out *pool = plan_pool(c->r->p, c->hint, &name);
	bool any = false;

	out_list(pool, "edges");
	out_set(pool, "policy", "weighted");
	for (size_t i = 0; i < c->n; i++)
		any = any || (get(c->of[i], "Weight") && strcmp(get(c->of[i], "Weight"), "0") != 0);
	for (size_t i = 0; i < c->n; i++) {
		const struct variant v = target_of(c->r, c->of[i], NULL);
		if (v.edge)
			member(pool, v, "weight", any && get(c->of[i], "Weight") ? get(c->of[i], "Weight") : "1");
	}
	if (get(c->of[0], "MultiValueAnswer"))
		out_set(pool, "answers", "8");
	return name;
}

static const char *by_failover(struct choice *c)
{
	static const char *const order[] = { "PRIMARY", "SECONDARY" };
	const char *name;
	struct out *pool = plan_pool(c->r->p, c->hint, &name);

	out_list(pool, "edges");
	out_set(pool, "policy", "ordered");
	out_set(pool, "all-down", "first");
	for (size_t o = 0; o < 2; o++)
		for (size_t i = 0; i < c->n; i++) {
			if (!get(c->of[i], "Failover") || strcmp(get(c->of[i], "Failover"), order[o]) != 0)
				continue;
			const struct variant v = target_of(c->r, c->of[i], NULL);
			if (v.edge)
				plan_member(pool, v.edge, v.is_pool);
		}
	return name;
}

/* Latency, and geoproximity with its bias. */
static const char *by_place(struct choice *c)
{
	const char *name;
	struct out *pool = plan_pool(c->r->p, c->hint, &name);

	out_list(pool, "edges");
	out_set(pool, "policy", "nearest");
	plan_geoip(c->r->p, "city", NULL);
	for (size_t i = 0; i < c->n; i++) {
		const struct node *near = parse_get(c->of[i]->n, "GeoProximityLocation");
		const struct node *point = near && near->kind == NODE_MAP ? parse_get(near, "Coordinates") : NULL;
		const char *region = get(c->of[i], "Region") ? get(c->of[i], "Region") : near ? node_get_string(near, "AWSRegion") : NULL;
		const char *bias = near ? node_get_string(near, "Bias") : NULL, *at = region ? route53_region(c->r, c->of[i], region) : NULL;
		if (point && node_get_string(point, "Latitude") && node_get_string(point, "Longitude"))
			at = plan_textf(c->r->p, "%s,%s", node_get_string(point, "Latitude"), node_get_string(point, "Longitude"));
		else if (near && !at)
			plan_note(c->r->p, NOTE_LOST, c->of[i]->path, c->of[i]->n->line, "%s: where %s is", c->name,
				node_get_string(near, "LocalZoneGroup") ? node_get_string(near, "LocalZoneGroup") : "it");
		const struct variant v = target_of(c->r, c->of[i], at);
		if (!v.edge)
			continue;
		if (v.is_pool && bias && strcmp(bias, "0") != 0)
			plan_note(c->r->p, NOTE_LOST, c->of[i]->path, c->of[i]->n->line, "%s: a bias of an alias: write it at its edges", c->name);
		member(pool, v, bias && !v.is_pool && strcmp(bias, "0") != 0 ? "bias" : NULL, bias);
		if (v.is_pool && at)
			plan_place_pool(c->r->p, v.edge, at, 0);
	}
	return name;
}

static struct out *cidr_nets(struct route53 *r, const char *location)
{
	struct out *when = NULL;

	for (size_t i = 0; i < r->n_cidrs; i++)
		for (const struct node *b = r->cidrs[i]->first; b; b = b->next) {
			const char *is = node_get_string(b, "LocationName"), *net = node_get_string(b, "CidrBlock");
			if (is && net && strcmp(is, location) == 0)
				when = plan_when(r->p, when, "net", net);
		}
	return when;
}

/* Rules, the smaller places first; a place that is down is answered by the larger one around it. */
static const char *by_rules(struct choice *c)
{
	struct plan *p = c->r->p;
	struct variant *rules = arena_zalloc(&p->mem, (c->n + 1) * sizeof *rules), fallback = { .edge = NULL };
	size_t n = 0;

	for (unsigned level = 0; level < 4; level++)
		for (size_t i = 0; i < c->n; i++) {
			const struct node *geo = parse_get(c->of[i]->n, "GeoLocation"), *cidr = parse_get(c->of[i]->n, "CidrRoutingConfig");
			const char *continent = node_get_string(geo, "ContinentCode"), *country = node_get_string(geo, "CountryCode");
			const char *part = node_get_string(geo, "SubdivisionCode"), *location = node_get_string(cidr, "LocationName");
			const bool all = (country && strcmp(country, "*") == 0) || (location && strcmp(location, "*") == 0);
			const unsigned mine = all ? 3 : cidr || part ? 0 : country ? 1 : 2;
			struct out *when = NULL;
			if (mine != level)
				continue;
			if (location && !all && !(when = cidr_nets(c->r, location))) {
				plan_note(p, NOTE_LOST, c->of[i]->path, c->of[i]->n->line, "%s: the nets of %s are in none of the files (aws route53 list-cidr-blocks)",
					c->name, location);
				continue;
			}
			struct variant v = target_of(c->r, c->of[i], NULL);
			v.falls = true;
			v.when = when ? when : part ? plan_when(p, NULL, "region", plan_textf(p, "%s-%s", country ? country : "US", part))
				: country && !all ? plan_when(p, NULL, "country", country)
				: continent ? plan_when(p, NULL, "continent", continent) : NULL;
			if (all)
				fallback = v;
			else if (v.when && v.edge)
				rules[n++] = v;
		}
	return plan_rules(p, c->hint, rules, n, &fallback);
}

static const char *pool_of_sets(struct choice *c)
{
	const struct set *s = c->of[0];

	if (get(s, "Weight") || get(s, "MultiValueAnswer"))
		return by_weight(c);
	if (get(s, "Failover"))
		return by_failover(c);
	if (get(s, "Region") || parse_get(s->n, "GeoProximityLocation"))
		return by_place(c);
	if (parse_get(s->n, "GeoLocation") || parse_get(s->n, "CidrRoutingConfig"))
		return by_rules(c);
	const char *name;
	const struct variant v = target_of(c->r, s, NULL);
	if (!v.edge || v.is_pool)
		return v.edge;
	struct out *pool = plan_pool(c->r->p, c->hint, &name);
	plan_member(pool, v.edge, false);
	out_set(pool, "policy", "ordered");
	return name;
}

static bool outside_alias(struct route53 *r, const struct set *s)
{
	const struct node *alias = parse_get(s->n, "AliasTarget");
	const char *to = alias ? node_get_string(alias, "DNSName") : NULL;

	return to && !has_name(r, name_of(r, to));
}

/* Each set is looked at once: aliases may lead to each other in a circle. */
static bool leads_to_choice(struct route53 *r, const char *name)
{
	for (struct set *s = r->sets; s; s = s->next) {
		if (s->asked == r->asking || strcmp(s->name, name) != 0)
			continue;
		s->asked = r->asking;
		if (get(s, "SetIdentifier") || outside_alias(r, s))
			return true;
		const struct node *alias = parse_get(s->n, "AliasTarget");
		const char *to = alias ? node_get_string(alias, "DNSName") : NULL;
		if (to && leads_to_choice(r, name_of(r, to)))
			return true;
	}
	return false;
}

/* Several sets to choose from, or an alias to what is chosen elsewhere. */
static bool is_steered(struct route53 *r, const char *name)
{
	r->asking++;
	return leads_to_choice(r, name);
}

/* Is there a set of each identifier for each type? */
static bool are_parallel(const struct choice *c, const char *const types[], size_t n_types)
{
	for (size_t i = 0; i < c->n; i++)
		for (size_t t = 0; t < n_types; t++) {
			const char *id = get(c->of[i], "SetIdentifier");
			bool found = false;
			for (size_t k = 0; k < c->n; k++) {
				const char *other = get(c->of[k], "SetIdentifier");
				found = found || (strcmp(c->of[k]->type, types[t]) == 0 && (id ? other && strcmp(id, other) == 0 : !other));
			}
			if (!found)
				return false;
		}
	return true;
}

static void keep_type(struct choice *to, const struct choice *from, const char *type)
{
	to->r = from->r;
	to->name = from->name;
	to->hint = from->hint;
	to->n = 0;
	for (size_t i = 0; i < from->n; i++)
		if (strcmp(from->of[i]->type, type) == 0)
			to->of[to->n++] = from->of[i];
}

static const char *make_pool(struct route53 *r, const char *name)
{
	struct choice *all = arena_zalloc(&r->p->mem, sizeof *all), *one = arena_zalloc(&r->p->mem, sizeof *one);
	const char *types[TYPES_MOST];
	struct variant by_type[2] = { { .edge = NULL } };
	size_t n_types = 0, n = 0;

	*all = (struct choice){ .r = r, .name = name, .hint = plan_textf(r->p, "%.*s", (int)strlen(name) - 1, name) };
	for (const struct set *s = r->sets; s && all->n < sizeof all->of / sizeof *all->of; s = s->next) {
		const struct node *alias = parse_get(s->n, "AliasTarget");
		bool seen = false;
		if (strcmp(s->name, name) != 0 || (!get(s, "SetIdentifier") && !alias))
			continue;
		all->of[all->n++] = s;
		for (size_t t = 0; t < n_types; t++)
			seen = seen || strcmp(types[t], s->type) == 0;
		if (!seen && n_types < TYPES_MOST)
			types[n_types++] = s->type;
	}
	if (!all->n)
		return NULL;
	if (n_types == 1 || are_parallel(all, types, n_types)) {
		keep_type(one, all, types[0]);
		return pool_of_sets(one);
	}
	for (size_t t = 0; t < n_types; t++) {
		const bool address = strcmp(types[t], "A") == 0 || strcmp(types[t], "AAAA") == 0;
		keep_type(one, all, types[t]);
		if (!address || n == 2) {
			plan_note(r->p, NOTE_LOST, one->of[0]->path, one->of[0]->n->line, "%s %s: its sets are not those of the name's other types", name, types[t]);
			continue;
		}
		by_type[n] = (struct variant){ .when = plan_when(r->p, NULL, "type", types[t]), .edge = pool_of_sets(one), .is_pool = true };
		n += by_type[n].edge != NULL;
	}
	return n ? plan_rules(r->p, all->hint, by_type, n, &by_type[0]) : NULL;
}

static const char *pool_of_name(struct route53 *r, const char *name)
{
	for (struct made *m = r->made; m; m = m->next)
		if (strcmp(m->name, name) == 0)
			return m->pool;
	struct made *m = arena_zalloc(&r->p->mem, sizeof *m);
	*m = (struct made){ name, NULL, r->made };
	r->made = m;
	r->deep++;
	m->pool = make_pool(r, name);
	r->deep--;
	struct out *pools = out_map(r->p->conf, "pools");
	if (m->pool && !out_count(out_get(out_get(pools, m->pool), "edges"))) {
		out_drop(pools, m->pool);
		m->pool = NULL;
	}
	return m->pool;
}

/* --- zones -------------------------------------------------------------------------------- */

static void plain_set(struct route53 *r, struct plan_zone *z, const struct set *s)
{
	const char *ttl = get(s, "TTL");
	const struct node *alias = parse_get(s->n, "AliasTarget");
	struct answer a = { .cname = NULL };

	if (!alias) {
		const struct node *records = parse_get(s->n, "ResourceRecords");
		for (const struct node *v = records && records->kind == NODE_LIST ? records->first : NULL; v; v = v->next)
			if (value_of(r, v))
				plan_record(z, s->name, ttl ? (uint32_t)strtoul(ttl, NULL, 10) : 300, s->type, value_of(r, v));
		return;
	}
	add_data(r, s, &a);
	if (plan_answer_is_empty(&a))
		plan_note(r->p, NOTE_LOST, s->path, s->n->line, "%s %s: its alias leads to nothing", s->name, s->type);
	for (size_t i = 0; i < a.a.n; i++)
		plan_record(z, s->name, 60, "A", a.a.of[i]);
	for (size_t i = 0; i < a.aaaa.n; i++)
		plan_record(z, s->name, 60, "AAAA", a.aaaa.of[i]);
	for (size_t i = 0; i < a.records.n; i++)
		text_addf(&z->text, "%s\t60\tIN\t%s\n", s->name, a.records.of[i]);
	if (a.cname)
		plan_record(z, s->name, 60, "CNAME", a.cname);
}

static void steered_name(struct route53 *r, struct plan_zone *z, struct set *first)
{
	uint32_t ttl_s = UINT32_MAX;

	for (struct set *s = first; s; s = s->next) {
		if (strcmp(s->name, first->name) != 0)
			continue;
		const char *ttl = get(s, "TTL");
		const uint32_t own = ttl ? (uint32_t)strtoul(ttl, NULL, 10) : 60;
		if (!get(s, "SetIdentifier") && !parse_get(s->n, "AliasTarget"))
			plain_set(r, z, s);
		else if (own < ttl_s)
			ttl_s = own;
		s->done = true;
	}
	const char *pool = pool_of_name(r, first->name);
	if (pool)
		plan_record(z, first->name, ttl_s, "EDGE", pool);
	else
		plan_note(r->p, NOTE_LOST, first->path, first->n->line, "%s could not be made into a pool", first->name);
}

static bool below(const char *name, const char *zone)
{
	const size_t len = strlen(name), tail = strlen(zone);

	return len >= tail && strcmp(name + len - tail, zone) == 0 && (len == tail || tail == 1 || name[len - tail - 1] == '.');
}

static void one_zone(struct route53 *r, const struct set *soa)
{
	struct plan_zone *z = plan_zone(r->p, soa->name, NULL);

	for (struct set *s = r->sets; s; s = s->next) {
		bool inner = false;
		if (s->done || !below(s->name, soa->name))
			continue;
		/* It may be of a zone below this one. */
		for (const struct set *o = r->sets; o && !inner; o = o->next)
			inner = strcmp(o->type, "SOA") == 0 && strlen(o->name) > strlen(soa->name) && below(o->name, soa->name) && below(s->name, o->name) &&
				!(strcmp(s->name, o->name) == 0 && strcmp(s->path, o->path) != 0);
		if (inner)
			continue;
		if (is_steered(r, s->name)) {
			steered_name(r, z, s);
		} else {
			plain_set(r, z, s);
			s->done = true;
		}
	}
}

static void take_sets(struct route53 *r, const struct node *list, const char *path)
{
	for (const struct node *n = list && list->kind == NODE_LIST ? list->first : NULL; n; n = n->next) {
		const struct node *inner = n->kind == NODE_MAP ? parse_get(n, "ResourceRecordSet") : NULL;
		const struct node *is = inner ? inner : n;
		const char *name = node_get_string(is, "Name"), *type = node_get_string(is, "Type");
		if (!name || !type) {
			plan_note(r->p, NOTE_LOST, path, n->line, "a set without Name or Type");
			continue;
		}
		struct set *s = arena_zalloc(&r->p->mem, sizeof *s);
		*s = (struct set){ .n = is, .path = path, .name = name_of(r, name), .type = type };
		*(r->last ? &r->last->next : &r->sets) = s;
		r->last = s;
	}
}

static bool one_file(struct route53 *r, const char *path)
{
	const struct file *f = plan_read_asked(r->p, path, r->why);

	if (!f)
		return false;
	struct reading in = { path, f->text, f->text + f->len, 1, &r->p->mem, r->why, 0, 0 };
	const struct node *top = node_read_json(&in);
	if (!top)
		return false;
	static const char *const known[] = { "ResourceRecordSets", "Changes", "HealthChecks", "CidrBlocks" };
	bool any = false;
	for (size_t i = 0; i < sizeof known / sizeof *known && top->kind == NODE_MAP; i++)
		any = any || parse_get(top, known[i]);
	if (!any)
		return fault(r->why, "%s: a file of Route 53 is an object with ResourceRecordSets, Changes, HealthChecks or CidrBlocks", path);
	take_sets(r, parse_get(top, "ResourceRecordSets"), path);
	take_sets(r, parse_get(top, "Changes"), path);
	const struct node *checks = parse_get(top, "HealthChecks"), *cidrs = parse_get(top, "CidrBlocks");
	if (checks && checks->kind == NODE_LIST && r->n_checks < 16)
		r->checks[r->n_checks++] = checks;
	if (cidrs && cidrs->kind == NODE_LIST && r->n_cidrs < 16)
		r->cidrs[r->n_cidrs++] = cidrs;
	return true;
}

bool from_route53(struct plan *p, char **files, size_t n, struct fault *why)
{
	struct route53 r = { .p = p, .why = why };

	out_add(out_list(out_map(p->conf, "server"), "listen"), "0.0.0.0:53");
	out_add(out_list(out_map(p->conf, "server"), "listen"), "[::]:53");
	out_set(out_map(p->conf, "control"), "socket", "control.sock");
	for (size_t i = 0; i < n; i++)
		if (!one_file(&r, files[i]))
			return false;
	bool any = false;
	for (const struct set *s = r.sets; s; s = s->next) {
		if (strcmp(s->type, "SOA") != 0)
			continue;
		one_zone(&r, s);
		any = true;
	}
	if (!any)
		return fault(why, "%s: there is no SOA in it, and so no zone", files[0]);
	return true;
}
