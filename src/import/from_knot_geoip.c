/* from_knot_geoip.c - mod-geoip: what clients of a place, or of a net, are answered with.
 *
 * The module goes by type: what an entry does not have is answered by the zone. So each edge has
 * what its entry says, and of the other types that are steered at that name what the zone has.
 */
#include "import/from_knot.h"

#include "dns/rrtype.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { KEYS_MOST = 8, TYPES_MOST = 32 };

/* A module of that kind. */
struct geo {
	struct knot *k;
	const char *path; /* its own file */
	const char *mode;
	const char *keys[KEYS_MOST]; /* ours, such as "country"; NULL: not to be said */
	size_t n_keys;
	const char *ttl;
	struct plan_zone *z;
	struct rrs *all;
};

struct entry {
	const struct node *node;
	unsigned special; /* how much it says: more goes first */
	size_t order;
	struct out *when; /* NULL: everybody, or nobody where it is `special` */
};

/* Types that some entry of a name has. */
struct types {
	uint16_t of[TYPES_MOST];
	size_t n;
};

static bool has_type(const struct types *t, uint16_t type)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->of[i] == type)
			return true;
	return false;
}

static bool type_of(const struct node *n, uint16_t *type)
{
	const char *key = n->key->text;

	return strcasecmp(key, "geo") != 0 && strcasecmp(key, "net") != 0 && strcasecmp(key, "weight") != 0 &&
		rrtype_parse(type, key, strlen(key));
}

static struct types types_of(struct geo *g, const struct node *entries)
{
	struct types t = { .n = 0 };
	uint16_t type;

	for (const struct node *e = entries->first; e; e = e->next)
		for (const struct node *v = e->kind == NODE_MAP ? e->first : NULL; v; v = v->next) {
			if (type_of(v, &type) && !has_type(&t, type) && t.n < TYPES_MOST)
				t.of[t.n++] = type;
			else if (!type_of(v, &type) && strcasecmp(v->key->text, "geo") && strcasecmp(v->key->text, "net") &&
				strcasecmp(v->key->text, "weight"))
				plan_note(g->k->p, NOTE_LOST, g->path, v->line, "%s is no type of records", v->key->text);
		}
	return t;
}

/* Names in data are relative to the zone. */
static const char *data_of(struct geo *g, uint16_t type, const char *data)
{
	struct plan *p = g->k->p;
	const char *blank = strrchr(data, ' ');

	switch (type) {
	case RRTYPE_CNAME:
	case RRTYPE_NS:
	case RRTYPE_PTR: return plan_full_name(p, data, g->z->name);
	case RRTYPE_MX:
	case RRTYPE_SRV:
		return blank ? plan_textf(p, "%.*s %s", (int)(blank - data), data, plan_full_name(p, blank + 1, g->z->name)) : data;
	default: return data;
	}
}

static void add_values(struct geo *g, struct answer *a, const struct node *value, uint16_t type)
{
	char name[RRTYPE_TEXT];

	rrtype_text(name, type);
	if (node_string(value))
		plan_answer(g->k->p, a, name, data_of(g, type, value->text));
	for (const struct node *one = value->kind == NODE_LIST ? value->first : NULL; one; one = one->next)
		plan_answer(g->k->p, a, name, data_of(g, type, one->text));
}

/* What the zone has of the steered types that the entry (NULL: none) does not have. */
static void add_rest(struct geo *g, struct answer *a, const char *owner, const struct node *e, const struct types *t)
{
	const struct rrs own = rrs_of(g->all, owner);
	struct types has = { .n = 0 };
	uint16_t type;

	for (const struct node *v = e ? e->first : NULL; v; v = v->next)
		if (type_of(v, &type) && has.n < TYPES_MOST)
			has.of[has.n++] = type;
	if (a->cname)
		return;
	for (size_t i = 0; i < own.n; i++)
		if (has_type(t, own.of[i].number) && !has_type(&has, own.of[i].number) && !(e && own.of[i].number == RRTYPE_CNAME))
			plan_answer(g->k->p, a, own.of[i].type, own.of[i].data);
}

static const char *edge_of(struct geo *g, const char *owner, const struct node *e, const struct types *t, const char *hint)
{
	struct answer a = { .cname = NULL };
	uint16_t type;

	for (const struct node *v = e ? e->first : NULL; v; v = v->next)
		if (type_of(v, &type))
			add_values(g, &a, v, type);
	add_rest(g, &a, owner, e, t);
	return plan_edge(g->k->p, hint, &a);
}

/* "*": whoever the database knows. */
static struct out *anywhere(struct plan *p)
{
	static const char *const continents[] = { "AF", "AN", "AS", "EU", "NA", "OC", "SA" };
	struct out *when = NULL;

	for (size_t i = 0; i < sizeof continents / sizeof *continents; i++)
		when = plan_when(p, when, "continent", continents[i]);
	return when;
}

/* "CZ;Prague": NULL where nothing of it can be said. Knot 3.2 looks entries up by all values in their order: what has a
 * value behind a "*" it gives to nobody. */
static struct out *geo_when(struct geo *g, const struct node *e, const char *text, unsigned *special)
{
	struct plan *p = g->k->p;
	struct out *when = NULL;
	const char *country = NULL, *all = text;
	bool any = false;

	for (size_t i = 0; *text && i < KEYS_MOST; i++) {
		const size_t len = strcspn(text, ";");
		const char *value = plan_textf(p, "%.*s", (int)len, text);
		text += len + (text[len] == ';');
		if (!*value || strcmp(value, "*") == 0) {
			any = true;
			continue;
		}
		++*special;
		if (any) {
			plan_note(p, NOTE_SEE, g->path, e->line, "geo: %s: Knot gives this to nobody, for a value stands behind a *; no rule is made of it", all);
			return NULL;
		}
		const char *key = i < g->n_keys ? g->keys[i] : NULL;
		if (!key) {
			plan_note(p, NOTE_LOST, g->path, e->line, "geo: %s: clients are not known by this key", value);
			return NULL;
		}
		if (strcmp(key, "country") == 0)
			country = value;
		else if (strcmp(key, "region") == 0 && country)
			value = plan_textf(p, "%s-%s", country, value);
		when = plan_when(p, when, key, value);
	}
	return when ? when : anywhere(p);
}

static int by_special(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;

	if (a->special != b->special)
		return a->special < b->special ? 1 : -1;
	return (a->order > b->order) - (a->order < b->order);
}

static unsigned prefix_len(const char *net)
{
	const char *slash = strchr(net, '/');

	return slash ? (unsigned)atoi(slash + 1) + (strchr(net, ':') ? 0 : 96) : 128;
}

static struct out *when_of(struct geo *g, const struct node *e, unsigned *special)
{
	const char *geo = node_get_string(e, "geo"), *net = node_get_string(e, "net");

	*special = 0;
	if (net) {
		*special = prefix_len(net);
		return plan_when(g->k->p, NULL, "net", net);
	}
	return geo ? geo_when(g, e, geo, special) : NULL;
}

/* A CNAME stands alone: where an entry has one, all that the zone has at the name goes to the other edges. */
static void add_all_types(struct geo *g, struct types *t, const char *owner)
{
	const struct rrs own = rrs_of(g->all, owner);

	if (!has_type(t, RRTYPE_CNAME))
		return;
	for (size_t i = 0; i < own.n; i++) {
		const uint16_t type = own.of[i].number;
		if (has_type(t, type) || t->n == TYPES_MOST || rrtype_is_of_zone(type))
			continue;
		t->of[t->n++] = type;
	}
}

static const char *by_rules(struct geo *g, const char *owner, const struct node *entries, const struct types *t, const char *hint)
{
	struct plan *p = g->k->p;
	struct entry *sorted = arena_zalloc(&p->mem, (entries->n + 1) * sizeof *sorted);
	struct variant *all = arena_zalloc(&p->mem, (entries->n + 1) * sizeof *all);
	struct variant fallback = { .edge = edge_of(g, owner, NULL, t, hint) };
	size_t n = 0, kept = 0;

	for (const struct node *e = entries->first; e; e = e->next) {
		if (e->kind != NODE_MAP)
			continue;
		sorted[n] = (struct entry){ .node = e, .order = n };
		sorted[n].when = when_of(g, e, &sorted[n].special);
		n++;
	}
	qsort(sorted, n, sizeof *sorted, by_special);
	for (size_t i = 0; i < n; i++) {
		const struct node *e = sorted[i].node;
		struct out *when = sorted[i].when;
		const char *which = node_get_string(e, "geo") ? node_get_string(e, "geo") : node_get_string(e, "net");
		if (!when && sorted[i].special)
			continue;
		const char *edge = edge_of(g, owner, e, t, plan_textf(p, "%s-%s", hint, which ? which : "all"));
		if (when)
			all[kept++] = (struct variant){ .when = when, .edge = edge };
		else
			fallback.edge = edge;
	}
	return plan_rules(p, hint, all, kept, &fallback);
}

static const char *by_weights(struct geo *g, const char *owner, const struct node *entries, const struct types *t, const char *hint)
{
	struct plan *p = g->k->p;
	const char *name;
	struct out *pool = plan_pool(p, hint, &name);
	size_t i = 0;

	out_list(pool, "edges");
	out_set(pool, "policy", "weighted");
	for (const struct node *e = entries->first; e; e = e->next) {
		const char *weight = e->kind == NODE_MAP ? node_get_string(e, "weight") : NULL;
		const char *edge = edge_of(g, owner, e, t, plan_textf(p, "%s-%zu", hint, ++i));
		if (!edge)
			continue;
		struct out *member = out_add_map(out_get(pool, "edges"));
		out_set(member, "edge", edge);
		out_set(member, "weight", weight ? weight : "1");
	}
	return name;
}

static bool below(const char *owner, const char *zone)
{
	const size_t len = strlen(owner), tail = strlen(zone);

	return len >= tail && strcmp(owner + len - tail, zone) == 0 && (len == tail || owner[len - tail - 1] == '.');
}

static void one_name(struct geo *g, const struct node *entries)
{
	struct plan *p = g->k->p;
	const char *owner = plan_full_name(p, plan_lower(p, entries->key->text), ".");

	if (!below(owner, g->z->name))
		return;
	struct types t = types_of(g, entries);
	add_all_types(g, &t, owner);
	const char *hint = plan_textf(p, "%.*s", (int)(strlen(owner) - 1), owner);
	const char *pool = strcmp(g->mode, "weighted") == 0 ? by_weights(g, owner, entries, &t, hint) : by_rules(g, owner, entries, &t, hint);
	if (!pool)
		return;
	plan_record(g->z, owner, (uint32_t)strtoul(g->ttl, NULL, 10), "EDGE", pool);
	size_t kept = 0;
	for (size_t i = 0; i < g->all->n; i++)
		if (strcmp(g->all->of[i].owner, owner) != 0 || !has_type(&t, g->all->of[i].number))
			g->all->of[kept++] = g->all->of[i];
	g->all->n = kept;
}

static void take_keys(struct geo *g, const struct node *module)
{
	static const struct { const char *from, *to; } rows[] = { { "country/iso_code", "country" }, { "continent/code", "continent" },
		{ "city/names/en", "city" }, { "subdivisions/0/iso_code", "region" }, { "autonomous_system_number", "asn" } };
	const char *key;

	for (size_t i = 0; i < KEYS_MOST && (key = knot_value(module, "geodb-key", i)); i++, g->n_keys++) {
		key += *key == '(' ? strcspn(key, ")") + (strchr(key, ')') != NULL) : 0;
		for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
			if (strcmp(key, rows[r].from) == 0)
				g->keys[i] = rows[r].to;
	}
	if (!g->n_keys) {
		g->keys[g->n_keys++] = "country";
		g->keys[g->n_keys++] = "city";
	}
}

void knot_geoip(struct knot *k, const char *id, struct plan_zone *z, struct rrs *all)
{
	const struct node *module = knot_item(k, "mod-geoip", id);
	const char *config = module ? knot_value(module, "config-file", 0) : NULL;
	struct geo g = { .k = k, .z = z, .all = all };

	if (!config) {
		plan_note(k->p, NOTE_LOST, module ? knot_file(k, module) : k->file, module ? module->line : 0, "mod-geoip/%s has no config-file", id);
		return;
	}
	g.path = file_beside(&k->p->mem, knot_file(k, module), config);
	g.mode = knot_value(module, "mode", 0) ? knot_value(module, "mode", 0) : "subnet";
	g.ttl = knot_value(module, "ttl", 0) ? knot_value(module, "ttl", 0) : "60";
	take_keys(&g, module);
	const struct file *f = plan_read(k->p, g.path, knot_file(k, module), module->line);
	if (!f)
		return;
	struct reading r = { g.path, f->text, f->text + f->len, 1, &k->p->mem, k->why, 0, 0 };
	const struct node *names = node_read_knot(&r);
	if (!names) {
		plan_note(k->p, NOTE_LOST, knot_file(k, module), module->line, "%s", k->why->text);
		return;
	}
	if (strcmp(g.mode, "geodb") == 0)
		plan_geoip(k->p, "city", knot_value(module, "geodb-file", 0));
	rrs_sort(all);
	for (const struct node *one = names->first; one; one = one->next)
		one_name(&g, one);
}
