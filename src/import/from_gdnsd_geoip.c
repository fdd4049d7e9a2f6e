/* from_gdnsd_geoip.c - gdnsd's geoip plugin: maps of places, and of nets, to lists of datacenters.
 *
 * Each list of datacenters that is named becomes a pool; the resource is a pool with a rule for
 * each place. A place inside another goes before it.
 */
#include "import/from_gdnsd.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 8 };

/* A list that has its pool already. */
struct listed {
	const char *key, *name;
	bool is_pool;
	struct listed *next;
};

struct gdnsd_place {
	struct variant v;
	unsigned special; /* more goes first */
	size_t order;
};

struct geo {
	struct gdnsd *g;
	const struct node *res, *map;
	const struct gdnsd_inherit *in;
	const char *hint;
	struct listed *lists;
	struct gdnsd_place *places;
	size_t n, room;
};

static const char *coords(struct geo *o, const char *dc)
{
	const struct node *all = parse_get(o->map, "auto_dc_coords"), *at = all && all->kind == NODE_MAP ? parse_get(all, dc) : NULL;
	const char *lat = node_string(node_at(at, 0)), *lon = node_string(node_at(at, 1));

	return lat && lon ? plan_textf(o->g->p, "%s,%s", lat, lon) : NULL;
}

static bool datacenter(struct geo *o, const char *dc, struct gdnsd_target *to)
{
	const struct node *map = parse_get(o->res, "dcmap"), *value = map && map->kind == NODE_MAP ? parse_get(map, dc) : NULL;

	return value && gdnsd_datacenter(o->g, value, o->in, plan_textf(o->g->p, "%s-%s", o->hint, dc), coords(o, dc), to);
}

/* Of all those that have a place. */
static struct variant nearest(struct geo *o, const struct node *all)
{
	const char *name;
	struct out *pool = plan_pool(o->g->p, plan_textf(o->g->p, "%s-nearest", o->hint), &name);

	out_list(pool, "edges");
	out_set(pool, "policy", "nearest");
	gdnsd_choose_families(o->g, pool);
	for (const struct node *dc = all->kind == NODE_LIST ? all->first : NULL; dc; dc = dc->next) {
		struct gdnsd_target t;
		if (node_string(dc) && coords(o, dc->text) && datacenter(o, dc->text, &t))
			plan_member(pool, t.name, t.is_pool);
	}
	if (!out_count(out_get(pool, "edges")))
		return (struct variant){ .edge = NULL };
	plan_geoip(o->g->p, "city", NULL);
	return (struct variant){ .edge = name, .is_pool = true };
}

/* What a list of datacenters, or "auto", is answered with. */
static struct variant list_of(struct geo *o, const struct node *list)
{
	struct plan *p = o->g->p;
	const bool is_auto = node_string(list) && strcmp(list->text, "auto") == 0;
	struct text key = { 0 };
	struct variant v = { .edge = NULL };

	if (node_string(list))
		text_add(&key, list->text);
	for (const struct node *dc = list->kind == NODE_LIST ? list->first : NULL; dc; dc = dc->next)
		text_addf(&key, "%s ", node_string(dc) ? dc->text : "");
	for (struct listed *l = o->lists; l; l = l->next)
		if (strcmp(l->key, text_get(&key)) == 0) {
			text_fini(&key);
			return (struct variant){ .edge = l->name, .is_pool = l->is_pool };
		}
	if (is_auto) {
		v = nearest(o, parse_get(o->map, "datacenters"));
	} else {
		const char *name;
		const size_t n = list->kind == NODE_LIST ? list->n : 1;
		struct out *pool = NULL;
		const bool skip = node_is_true(gdnsd_said(o->in, "skip_first")) && n > 1;
		for (size_t i = skip; i < n; i++) {
			const char *dc = list->kind == NODE_LIST ? node_string(node_at(list, i)) : list->text;
			struct gdnsd_target t;
			if (!dc || !datacenter(o, dc, &t))
				continue;
			if (!pool) {
				pool = plan_pool(p, plan_textf(p, "%s-to-%s", o->hint, dc), &name);
				out_list(pool, "edges");
				out_set(pool, "policy", "ordered");
				out_set(pool, "all-down", "first");
				gdnsd_choose_families(o->g, pool);
				v = (struct variant){ .edge = name, .is_pool = true };
			}
			plan_member(pool, t.name, t.is_pool);
		}
	}
	struct listed *l = arena_zalloc(&p->mem, sizeof *l);
	*l = (struct listed){ plan_textf(p, "%s", text_get(&key)), v.edge, v.is_pool, o->lists };
	o->lists = l;
	text_fini(&key);
	return v;
}

static void add_place(struct geo *o, struct out *when, unsigned special, const struct node *list)
{
	struct plan *p = o->g->p;

	if (o->n == o->room) {
		const size_t room = o->room ? 2 * o->room : 16;
		struct gdnsd_place *wider = arena_zalloc(&p->mem, room * sizeof *wider);
		if (o->n)
			memcpy(wider, o->places, o->n * sizeof *wider);
		o->places = wider;
		o->room = room;
	}
	struct variant v = list_of(o, list);
	v.when = when;
	o->places[o->n] = (struct gdnsd_place){ v, special, o->n };
	o->n++;
}

/* Codes of subdivisions are up to three capitals and digits; all else is a city. */
static bool is_code(const char *s)
{
	const size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (!isupper((unsigned char)s[i]) && !isdigit((unsigned char)s[i]))
			return false;
	return len > 0 && len <= 3;
}

static struct out *place_of(struct geo *o, const char *const path[], unsigned deep)
{
	struct plan *p = o->g->p;

	if (deep == 1)
		return plan_when(p, NULL, "continent", path[0]);
	if (deep == 2)
		return plan_when(p, NULL, "country", path[1]);
	const char *last = path[deep - 1];
	if (is_code(last))
		return plan_when(p, NULL, "region", plan_textf(p, "%s-%s", path[1], last));
	return plan_when(p, plan_when(p, NULL, "country", path[1]), "city", last);
}

/* The default of a level is that of the place that it is in. */
static void level(struct geo *o, const struct node *map, const char *path[LEVELS], unsigned deep)
{
	for (const struct node *n = map->first; n; n = n->next) {
		if (strcmp(n->key->text, "default") == 0) {
			if (deep)
				add_place(o, place_of(o, path, deep), deep, n);
			continue;
		}
		if (deep == LEVELS) {
			plan_note(o->g->p, NOTE_LOST, o->g->file, n->line, "map: %s is too deep", n->key->text);
			continue;
		}
		path[deep] = n->key->text;
		if (n->kind == NODE_MAP)
			level(o, n, path, deep + 1);
		else
			add_place(o, place_of(o, path, deep + 1), deep + 1, n);
	}
}

static void nets(struct geo *o, const struct node *all)
{
	if (node_string(all)) {
		const char *path = *all->text == '/' ? all->text : plan_textf(o->g->p, "%s/geoip/%s", o->g->folder, all->text);
		const struct file *f = plan_read(o->g->p, path, o->g->file, all->line);
		if (!f)
			return;
		struct reading r = { path, f->text, f->text + f->len, 1, &o->g->p->mem, o->g->why, 0, 0 };
		all = node_read_vscf(&r);
		if (!all)
			plan_note(o->g->p, NOTE_LOST, path, 0, "%s", o->g->why->text);
	}
	for (const struct node *n = all && all->kind == NODE_MAP ? all->first : NULL; n; n = n->next) {
		const char *slash = strchr(n->key->text, '/');
		const unsigned bits = slash ? (unsigned)atoi(slash + 1) + (strchr(n->key->text, ':') ? 0 : 96) : 128;
		add_place(o, plan_when(o->g->p, NULL, "net", n->key->text), 1000 + bits, n);
	}
}

static int by_special(const void *va, const void *vb)
{
	const struct gdnsd_place *a = va, *b = vb;

	if (a->special != b->special)
		return a->special < b->special ? 1 : -1;
	return (a->order > b->order) - (a->order < b->order);
}

static void database(struct geo *o)
{
	const char *db = node_get_string(o->map, "geoip2_db");
	struct out *geo = out_get(o->g->p->conf, "geoip"), *city = geo ? out_get(geo, "city") : NULL;

	if (!db)
		return;
	const char *path = *db == '/' ? db : plan_textf(o->g->p, "%s/geoip/%s", o->g->folder, db);
	if (city && strcmp(out_text(out_get(city, "file")), path) != 0)
		plan_note(o->g->p, NOTE_LOST, o->g->file, o->map->line, "geoip2_db: one database is for all pools, and this is another: %s", path);
	else
		plan_geoip(o->g->p, "city", path);
}

bool gdnsd_geoip(struct gdnsd *g, const struct node *res, const struct gdnsd_inherit *in, struct gdnsd_target *to)
{
	const struct node *plugins = parse_get(g->top, "plugins"), *all = plugins ? parse_get(plugins, "geoip") : NULL;
	const struct node *maps = all && all->kind == NODE_MAP ? parse_get(all, "maps") : NULL;
	const char *name = node_string(gdnsd_said(in, "map")), *path[LEVELS];
	const struct node *map = name && maps && maps->kind == NODE_MAP ? parse_get(maps, name) : NULL;
	struct geo o = { .g = g, .res = res, .map = map, .in = in, .hint = res->key ? res->key->text : "geoip" };

	if (!map || map->kind != NODE_MAP || !parse_get(map, "datacenters")) {
		plan_note(g->p, NOTE_LOST, g->file, res->line, "there is no map %s", name ? name : "(none)");
		return false;
	}
	database(&o);
	const struct node *places = parse_get(map, "map"), *fallback = places && places->kind == NODE_MAP ? parse_get(places, "default") : NULL;
	static const struct node is_auto = { .kind = NODE_SCALAR, .text = "auto" };
	struct variant other = list_of(&o, fallback ? fallback : parse_get(map, "auto_dc_coords") ? &is_auto : parse_get(map, "datacenters"));
	if (places && places->kind == NODE_MAP)
		level(&o, places, path, 0);
	if (parse_get(map, "nets"))
		nets(&o, parse_get(map, "nets"));
	if (o.n)
		qsort(o.places, o.n, sizeof *o.places, by_special);
	struct variant *rules = arena_zalloc(&g->p->mem, (o.n + 1) * sizeof *rules);
	for (size_t i = 0; i < o.n; i++)
		rules[i] = o.places[i].v;
	to->is_pool = true;
	to->name = o.n ? plan_rules(g->p, o.hint, rules, o.n, &other) : other.edge;
	if (o.n && to->name)
		gdnsd_choose_families(g, out_get(out_get(g->p->conf, "pools"), to->name));
	return to->name != NULL;
}
