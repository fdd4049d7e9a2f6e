/* from_geodns.c - geodns: a JSON file for each zone, named after it.
 *
 * "www", "www.europe" and "www.no" are what clients get who are anywhere, in Europe, in Norway.
 */
#include "import/import_run.h"
#include "import/import_node.h"

#include "base/addr.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct geodns {
	struct plan *p;
	const char *path;
	struct plan_zone *z;
	const struct node *data, *top;
	uint32_t ttl_s;
};

static const struct { const char *name, *code; } continents[] = { { "africa", "AF" }, { "antarctica", "AN" }, { "asia", "AS" },
	{ "europe", "EU" }, { "north-america", "NA" }, { "oceania", "OC" }, { "south-america", "SA" } };

/* Groups of states, as geodns has them. */
static const struct { const char *name, *states; } groups[] = {
	{ "us-west", "AK AZ CA CO HI ID MT NM NV OR UT WA WY" },
	{ "us-central", "AR IA IL IN KS KY LA MI MN MO MS ND NE OH OK SD TN TX WI AL" },
	{ "us-east", "CT DC DE FL GA MA MD ME NC NH NJ NY PA RI SC VA VT WV" } };

static char *upper(struct plan *p, const char *s)
{
	char *up = plan_textf(p, "%s", s);

	for (char *c = up; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return up;
}

/* Of the last part of a label, and how much it says; NULL: it is no place. */
static struct out *place_of(struct plan *p, const char *part, unsigned *special)
{
	const size_t len = strlen(part);
	struct out *when = NULL;

	for (size_t i = 0; i < sizeof continents / sizeof *continents; i++)
		if (strcasecmp(part, continents[i].name) == 0)
			return *special = 1, plan_when(p, NULL, "continent", continents[i].code);
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (strcasecmp(part, groups[i].name) == 0) {
			for (const char *s = groups[i].states; *s; s += 2 + (s[2] == ' '))
				when = plan_when(p, when, "region", plan_textf(p, "US-%.2s", s));
			return *special = 3, when;
		}
	if (len == 2 && isalpha((unsigned char)part[0]) && isalpha((unsigned char)part[1]))
		return *special = 2, plan_when(p, NULL, "country", upper(p, part));
	if (len > 3 && len < 7 && part[2] == '-' && isalpha((unsigned char)part[0]) && isalpha((unsigned char)part[1]))
		return *special = 4, plan_when(p, NULL, "region", upper(p, part));
	if (len > 2 && strncasecmp(part, "as", 2) == 0 && part[2 + strspn(part + 2, "0123456789")] == 0)
		return *special = 5, plan_when(p, NULL, "asn", part + 2);
	return NULL;
}

/* "www.[192.0.2.0]": a net of 24 bits (48 of IPv6), or an address. */
static struct out *net_of(struct plan *p, const char *label, size_t *base, unsigned *special)
{
	const char *open = strchr(label, '['), *close = open ? strchr(open, ']') : NULL;

	if (!open || !close || close[1] || open == label)
		return NULL;
	*base = (size_t)(open - label - 1);
	const char *address = plan_textf(p, "%.*s", (int)(close - open - 1), open + 1);
	const size_t len = strlen(address);
	*special = 7;
	if (!strchr(address, ':') && len > 2 && strcmp(address + len - 2, ".0") == 0)
		return *special = 6, plan_when(p, NULL, "net", plan_textf(p, "%s/24", address));
	if (len > 2 && strcmp(address + len - 2, "::") == 0)
		return *special = 6, plan_when(p, NULL, "net", plan_textf(p, "%s/48", address));
	return plan_when(p, NULL, "net", address);
}

/* The label without its place, which goes into `when`; the label itself where it has none. */
static const char *base_of(struct geodns *g, const char *label, struct out **when, unsigned *special)
{
	size_t base;

	*special = 0;
	if ((*when = net_of(g->p, label, &base, special)))
		return plan_textf(g->p, "%.*s", (int)base, label);
	const char *dot = strrchr(label, '.');
	if (dot && (*when = place_of(g->p, dot + 1, special)))
		return plan_textf(g->p, "%.*s", (int)(dot - label), label);
	return label;
}

static const char *name_of(struct geodns *g, const char *name)
{
	return plan_full_name(g->p, name, strchr(name, '.') ? "." : g->z->name);
}

/* Labels are texts of JSON: what would end a name in a master file is escaped. */
static const char *own_name(struct geodns *g, const char *label)
{
	struct text t = { 0 };

	for (const char *s = label; *s; s++)
		text_addf(&t, *s > 0 && (*s <= ' ' || *s == 127 || strchr("\"();", *s)) ? "\\%03d" : "%c", *s);
	const char *name = *label ? plan_textf(g->p, "%s.%s", text_get(&t), g->z->name) : g->z->name;
	text_fini(&t);
	return name;
}

/* --- what an entry says ------------------------------------------------------------------- */

static const char *probe_of(struct geodns *g, const struct node *health)
{
	const char *type = health ? node_get_string(health, "type") : NULL, *text;

	if (!type)
		return NULL;
	if (strcmp(type, "tcp") != 0 && strcmp(type, "http") != 0) {
		plan_note(g->p, NOTE_LOST, g->path, health->line, "health: %s", type);
		return NULL;
	}
	const char *port = node_get_string(health, "port");
	const char *name = plan_textf(g->p, "%s-%s", type, port ? port : "80");
	struct out *probe = out_map(out_map(g->p->conf, "probes"), name);
	out_set(probe, "kind", type);
	out_set(probe, "port", port ? port : "80");
	if ((text = node_get_string(health, "frequency")))
		out_setf(probe, "every", "%ss", text);
	if ((text = node_get_string(health, "timeout")))
		out_setf(probe, "timeout", "%ss", text);
	if ((text = node_get_string(health, "retries")))
		out_set(probe, "fall", text);
	return name;
}

static void add_member(struct geodns *g, struct out *pool, const char *hint, const char *type, const struct node *one, const char *probe)
{
	const char *data = node_string(one) ? node_string(one) : node_string(node_at(one, 0)), *weight = node_string(node_at(one, 1));
	struct answer a = { .probe = probe };

	if (!data && one->kind == NODE_MAP) {
		data = node_get_string(one, type);
		weight = node_get_string(one, "weight");
	}
	struct addr addr;
	if (!data || (strcasecmp(type, "cname") != 0 && !addr_parse(&addr, data))) {
		plan_note(g->p, NOTE_LOST, g->path, one->line, "%s: what is answered is not known", type);
		return;
	}
	plan_answer(g->p, &a, type, strcasecmp(type, "cname") == 0 ? name_of(g, data) : data);
	const char *edge = plan_edge(g->p, plan_textf(g->p, "%s-%s", hint, data), &a);
	if (strcmp(out_text(out_get(pool, "policy")), "nearest") == 0) {
		plan_member(pool, edge, false);
		return;
	}
	struct out *member = out_add_map(out_get(pool, "edges"));
	out_set(member, "edge", edge);
	out_set(member, "weight", weight && strcmp(weight, "0") != 0 ? weight : "1");
}

/* NULL also where it is null. */
static const struct node *entry_value(const struct node *entry, const char *key)
{
	const struct node *n = parse_get(entry, key);

	return n && n->kind != NODE_BAD ? n : NULL;
}

static bool is_steered(const struct node *entry)
{
	return entry->kind == NODE_MAP && (entry_value(entry, "a") || entry_value(entry, "aaaa") || entry_value(entry, "cname"));
}

/* A pool of an entry's addresses; NULL: it has none. */
static const char *pool_of(struct geodns *g, const struct node *entry, const char *hint)
{
	static const char *const types[] = { "a", "aaaa", "cname" };
	const char *name, *most = node_get_string(entry, "max_hosts");
	const struct node *health = parse_get(entry, "health");
	struct out *pool;

	if (!is_steered(entry))
		return NULL;
	most = most ? most : node_get_string(g->top, "max_hosts");
	pool = plan_pool(g->p, hint, &name);
	out_list(pool, "edges");
	const bool closest = node_is_true(parse_get(entry, "closest"));
	out_set(pool, "policy", closest ? "nearest" : "weighted");
	if (closest)
		plan_geoip(g->p, "city", NULL);
	out_setf(pool, "answers", "%d", most && atoi(most) > 0 && atoi(most) <= 16 ? atoi(most) : most && atoi(most) > 16 ? 16 : 2);
	const char *probe = probe_of(g, health ? health : parse_get(g->top, "health"));
	for (size_t t = 0; t < 3; t++) {
		const struct node *value = entry_value(entry, types[t]);
		if (!value)
			continue;
		if (t == 2)
			out_set(pool, "answers", "1");
		if (node_string(value) || value->kind == NODE_MAP)
			add_member(g, pool, hint, types[t], value, probe);
		for (const struct node *one = value->kind == NODE_LIST ? value->first : NULL; one; one = one->next)
			add_member(g, pool, hint, types[t], one, probe);
	}
	return name;
}

/* --- other records ------------------------------------------------------------------------ */

static void one_record(struct geodns *g, const char *label, const char *type, const struct node *one, uint32_t ttl_s)
{
	const char *text = node_string(one), *owner = own_name(g, label), *data = NULL;
	struct plan *p = g->p;

	if (!text && one->kind == NODE_LIST)
		text = node_string(node_at(one, 0));
	if (strcmp(type, "mx") == 0) {
		const char *host = text ? text : node_get_string(one, "mx"), *preference = node_get_string(one, "preference");
		data = host ? plan_textf(p, "%s %s", preference ? preference : "0", name_of(g, host)) : NULL;
	} else if (strcmp(type, "srv") == 0 && one->kind == NODE_MAP) {
		const char *priority = node_get_string(one, "priority"), *weight = node_get_string(one, "srv_weight"), *port = node_get_string(one, "port");
		const char *host = node_get_string(one, "target");
		data = host ? plan_textf(p, "%s %s %s %s", priority ? priority : "0", weight ? weight : "0", port ? port : "0", name_of(g, host)) : NULL;
	} else if (strcmp(type, "txt") == 0 || strcmp(type, "spf") == 0) {
		text = text ? text : node_get_string(one, type);
		data = text ? plan_quoted(p, text) : NULL;
	} else if (strcmp(type, "ns") == 0 || strcmp(type, "ptr") == 0) {
		data = text ? name_of(g, text) : NULL;
	} else if (strcmp(type, "caa") == 0) {
		data = text;
	}
	if (data)
		plan_record(g->z, owner, ttl_s, upper(p, type), data);
	else
		plan_note(p, NOTE_LOST, g->path, one->line, "%s %s: not read", owner, type);
}

static void other_records(struct geodns *g, const char *label, const struct node *entry, uint32_t ttl_s)
{
	static const char *const quiet[] = { "a", "aaaa", "cname", "ttl", "max_hosts", "closest", "health", "alias", "weight" };

	for (const struct node *v = entry->first; v; v = v->next) {
		const char *type = v->key->text;
		bool passed = false;
		for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
			passed = passed || strcmp(type, quiet[i]) == 0;
		if (passed || v->kind == NODE_BAD)
			continue;
		const bool map_of_names = v->kind == NODE_MAP && strcmp(type, "ns") == 0;
		if (v->kind == NODE_LIST || map_of_names)
			for (const struct node *one = v->first; one; one = one->next)
				one_record(g, label, type, map_of_names ? one->key : one, ttl_s); /* behind its name is null, or its address */
		else
			one_record(g, label, type, v, ttl_s);
	}
}

/* --- a zone ------------------------------------------------------------------------------- */

struct target {
	struct variant v;
	unsigned special;
	size_t order;
};

static int by_special(const void *va, const void *vb)
{
	const struct target *a = va, *b = vb;

	if (a->special != b->special)
		return a->special < b->special ? 1 : -1;
	return (a->order > b->order) - (a->order < b->order);
}

static const struct node *entry_of(const struct geodns *g, const char *label)
{
	const struct node *e = parse_get(g->data, label);
	const char *alias = e && e->kind == NODE_MAP ? node_get_string(e, "alias") : NULL;

	return alias && parse_get(g->data, alias) ? parse_get(g->data, alias) : e;
}

static uint32_t ttl_of(const struct geodns *g, const struct node *entry)
{
	const char *ttl = entry && entry->kind == NODE_MAP ? node_get_string(entry, "ttl") : NULL;

	return ttl ? (uint32_t)strtoul(ttl, NULL, 10) : g->ttl_s;
}

static size_t count(const struct node *entry, const char *type)
{
	const struct node *value = parse_get(entry, type);

	return !value ? 0 : value->kind == NODE_LIST ? value->n : 1;
}

/* All of it is answered to everybody: no need for a pool. */
static bool put_plainly(struct geodns *g, const char *label, const struct node *entry)
{
	static const char *const types[] = { "a", "aaaa", "cname" };
	const char *own = node_get_string(entry, "max_hosts"), *all = node_get_string(g->top, "max_hosts");
	const size_t most = own ? strtoul(own, NULL, 10) : all ? strtoul(all, NULL, 10) : 2;

	if (count(entry, "a") > most || count(entry, "aaaa") > most || count(entry, "cname") > 1 || parse_get(entry, "health") ||
		parse_get(g->top, "health"))
		return false;
	for (size_t t = 0; t < 3; t++) {
		const struct node *value = entry_value(entry, types[t]);
		const struct node *one = value && value->kind == NODE_LIST ? value->first : value;
		for (; one; one = value->kind == NODE_LIST ? one->next : NULL) {
			const char *data = node_string(one) ? node_string(one) : node_string(node_at(one, 0));
			data = data || one->kind != NODE_MAP ? data : node_get_string(one, types[t]);
			struct addr addr;
			if (!data || (t < 2 && !addr_parse(&addr, data)))
				plan_note(g->p, NOTE_LOST, g->path, one->line, "%s: what is answered is not known", types[t]);
			else
				plan_record(g->z, own_name(g, label), ttl_of(g, entry), upper(g->p, types[t]), t == 2 ? name_of(g, data) : data);
		}
	}
	return true;
}

/* Behind the `n` that are there: of this label, the places that say the most first. Returns how many there are then. */
static size_t add_places(struct geodns *g, const char *label, struct target *all, size_t n)
{
	const size_t from = n;

	for (const struct node *d = g->data->first; d; d = d->next) {
		struct out *when;
		unsigned special;
		if (d->kind != NODE_MAP || strcmp(base_of(g, d->key->text, &when, &special), label) != 0 || !when)
			continue;
		const char *pool = pool_of(g, entry_of(g, d->key->text), d->key->text);
		if (!pool)
			continue;
		all[n] = (struct target){ { .when = when, .edge = pool, .is_pool = true }, special, n };
		n++;
	}
	qsort(all + from, n - from, sizeof *all, by_special);
	return n;
}

/* An alias of an alias has nothing, nor has one of what is not there. */
static void tell_alias(struct geodns *g, const char *label, const struct node *entry)
{
	const char *to = entry && entry->kind == NODE_MAP ? node_get_string(entry, "alias") : NULL;

	if (to)
		plan_note(g->p, NOTE_LOST, g->path, entry->line, "%s: its alias leads to nothing: %s", own_name(g, label), to);
}

/* All labels whose base is this one. An alias is found where no place of its own is, with the places of what it leads to. */
static void one_name(struct geodns *g, const char *label)
{
	struct plan *p = g->p;
	struct target *all = arena_zalloc(&p->mem, (2 * g->data->n + 1) * sizeof *all);
	struct variant fallback = { .edge = NULL };
	const struct node *entry = entry_of(g, label);
	const char *alias = entry != parse_get(g->data, label) ? entry->key->text : NULL;
	const char *hint = *label ? label : g->z->name;
	size_t n = 0;

	n = add_places(g, label, all, 0);
	if (alias)
		n = add_places(g, alias, all, n);
	tell_alias(g, label, entry);
	const struct node *own = parse_get(g->data, label);
	if (own && own->kind == NODE_MAP)
		other_records(g, label, own, ttl_of(g, own));
	if (entry && entry != own && entry->kind == NODE_MAP && *label)
		other_records(g, label, entry, ttl_of(g, entry));
	if (!n && entry && entry->kind == NODE_MAP && put_plainly(g, label, entry))
		return;
	fallback.edge = entry ? pool_of(g, entry, n ? plan_textf(p, "%s-all", hint) : hint) : NULL;
	fallback.is_pool = true;
	if (!n && !fallback.edge)
		return;
	struct variant *rules = arena_zalloc(&p->mem, (n + 1) * sizeof *rules);
	for (size_t i = 0; i < n; i++)
		rules[i] = all[i].v;
	const char *pool = n ? plan_rules(p, hint, rules, n, &fallback) : fallback.edge;
	plan_record(g->z, own_name(g, label), ttl_of(g, entry), "EDGE", pool);
}

static void soa(struct geodns *g)
{
	const char *serial = node_get_string(g->top, "serial"), *contact = node_get_string(g->top, "contact");
	const struct node *apex = parse_get(g->data, ""), *ns = apex && apex->kind == NODE_MAP ? entry_value(apex, "ns") : NULL;
	const struct node *first = ns && ns->kind != NODE_SCALAR ? ns->first : ns;

	first = first && ns->kind == NODE_MAP ? first->key : first;
	const char *server = !first ? NULL : node_string(first) ? node_string(first) : node_string(node_at(first, 0));

	char *mail = plan_textf(g->p, "%s", contact ? contact : plan_textf(g->p, "hostmaster.%s", g->z->name));
	for (char *c = mail; *c; c++)
		if (*c == '@')
			*c = '.';
	plan_record(g->z, g->z->name, g->ttl_s, "SOA", plan_textf(g->p, "%s %s %s 5400 5400 1209600 3600",
		server ? name_of(g, server) : g->z->name, plan_full_name(g->p, mail, "."), serial ? serial : "1"));
	if (!server)
		plan_note(g->p, NOTE_SEE, g->path, 0, "the zone names no nameservers: put NS records into %s", g->z->file);
}

static bool one_zone(struct plan *p, const char *path, struct fault *why)
{
	const struct file *f = plan_read_asked(p, path, why);
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct geodns g = { .p = p, .path = path };

	if (!f)
		return false;
	struct reading r = { path, f->text, f->text + f->len, 1, &p->mem, why, 0, 0 };
	g.top = node_read_json(&r);
	if (!g.top)
		return false;
	g.data = g.top->kind == NODE_MAP ? parse_get(g.top, "data") : NULL;
	if (!g.data || g.data->kind != NODE_MAP)
		return fault(why, "%s: a zone of geodns has \"data\"; this file has none", path);
	const size_t len = strlen(name);
	g.z = plan_zone(p, plan_textf(p, "%.*s", (int)(len > 5 && strcmp(name + len - 5, ".json") == 0 ? len - 5 : len), name), NULL);
	g.ttl_s = node_get_string(g.top, "ttl") ? (uint32_t)strtoul(node_get_string(g.top, "ttl"), NULL, 10) : 120;
	soa(&g);
	struct words seen = { .n = 0 };
	for (const struct node *d = g.data->first; d; d = d->next) {
		struct out *when;
		unsigned special;
		const char *label = base_of(&g, d->key->text, &when, &special);
		if (d->kind != NODE_MAP || plan_has_word(&seen, label))
			continue;
		plan_word(p, &seen, label);
		one_name(&g, label);
	}
	for (const struct node *k = g.top->first; k; k = k->next)
		if (strcmp(k->key->text, "logging") == 0)
			plan_note(p, NOTE_LOST, path, k->line, "logging: see \"log\"");
	return true;
}

bool from_geodns(struct plan *p, char **files, size_t n, struct fault *why)
{
	out_add(out_list(out_map(p->conf, "server"), "listen"), "0.0.0.0:53");
	out_add(out_list(out_map(p->conf, "server"), "listen"), "[::]:53");
	out_set(out_map(p->conf, "control"), "socket", "control.sock");
	for (size_t i = 0; i < n; i++)
		if (!one_zone(p, files[i], why))
			return false;
	return true;
}
