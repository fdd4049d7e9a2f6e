#include "daemon/catalog_plan.h"

#include "base/memory.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

enum {
	LINES_MOST = 20,
	GONE_FEW = 10 /* members that go without a question, whatever their share */
};

/* A catalog of the configuration. */
struct listed {
	const struct conf_zone *at;
	bool known; /* it was read, and is right */
	struct catalog members;
	size_t served, gone; /* its members that are served; of them, it has no more */
};

struct planning {
	struct catalog_plan *to;
	const struct conf *conf;
	const struct registry *zones;
	struct listed *catalogs; /* [n] in the order of the configuration */
	size_t n;
	int64_t now_s;
};

static void tell(struct planning *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct planning *p, const char *fmt, ...)
{
	va_list ap;
	unsigned lines = 0;

	for (const char *s = text_get(&p->to->told); (s = strchr(s, '\n')); s++)
		lines++;
	if (lines == LINES_MOST) {
		p->to->untold++;
		return;
	}
	va_start(ap, fmt);
	text_addv(&p->to->told, fmt, ap);
	va_end(ap);
	text_add(&p->to->told, "\n");
}

/* --- steps -------------------------------------------------------------------------------- */

static struct catalog_step *add_step(struct planning *p, const uint8_t *apex)
{
	struct catalog_plan *to = p->to;

	if (to->n == to->room) {
		to->room = to->room ? 2 * to->room : 64;
		to->steps = memory_grow(to->steps, to->room * sizeof *to->steps);
	}
	struct catalog_step *s = &to->steps[to->n++];
	*s = (struct catalog_step){ .apex = arena_memdup(&to->mem, apex, name_len(apex)) };
	return s;
}

static void leave(struct planning *p, const struct registry_zone *z)
{
	struct catalog_step *s = add_step(p, z->origin);

	part_hold(&z->added->part);
	s->added = z->added;
	s->goes = true;
}

/* NULL: its group is none that is known, and the catalog has no other template. */
static const char *template_of(const struct conf_catalog *c, const struct catalog_member *m)
{
	for (size_t i = 0; i < c->n_groups; i++)
		for (size_t k = 0; k < m->n_groups; k++)
			if (strcmp(c->groups[i].group, m->groups[k]) == 0)
				return c->groups[i].template;
	return c->template;
}

static void come(struct planning *p, const struct listed *l, const struct catalog_member *m,
	const char *template, bool replaces)
{
	struct catalog_step *s = add_step(p, m->apex);

	s->replaces = replaces;
	s->added = registry_added_new(&(struct registry_added){ .template = template,
		.file = "",
		.catalog = l->at->name,
		.label = m->label,
		.at_s = p->now_s });
}

/* --- catalogs ----------------------------------------------------------------------------- */

static void read_catalog(struct planning *p, struct listed *l)
{
	const struct registry_zone *z = registry_find(p->zones, l->at->name);
	char name[NAME_TEXT];
	struct fault why;

	if (!z || !zone_is_ready(z->load.zone))
		return;
	l->known = catalog_read(z->load.zone, l->at->catalog->members_most, &p->to->mem,
		&l->members, &why);
	if (l->known)
		return;
	tell(p, "catalog %s, serial %u, is broken, and its members stay as they were: %s",
		name_text(name, l->at->name), z->load.zone->serial, why.text);
}

static void read_catalogs(struct planning *p)
{
	const struct conf_catalogs *all = &p->conf->consumed;

	p->catalogs = memory_zeroed(all->n, sizeof *p->catalogs);
	for (size_t i = 0; i < all->n; i++) {
		p->catalogs[p->n].at = all->of[i];
		read_catalog(p, &p->catalogs[p->n++]);
	}
}

static struct listed *find_catalog(const struct planning *p, const uint8_t *apex)
{
	for (size_t i = 0; i < p->n; i++)
		if (name_equal(p->catalogs[i].at->name, apex))
			return &p->catalogs[i];
	return NULL;
}

/* An empty catalog may be a mistake somewhere else, as an empty folder may: then what it had stays until somebody says that it
 * is meant. */
static void keep_lost(struct planning *p)
{
	char name[NAME_TEXT];

	for (size_t i = 0; i < p->zones->n; i++) {
		const struct registry_zone *z = p->zones->zones[i];
		struct listed *l = z->added && z->added->catalog ? find_catalog(p, z->added->catalog) : NULL;
		if (l && l->known) {
			l->served++;
			l->gone += !catalog_find(&l->members, z->origin);
		}
	}
	for (struct listed *l = p->catalogs; l < p->catalogs + p->n; l++) {
		if (l->gone < GONE_FEW || (double)l->gone <= p->conf->zones_lost * (double)l->served)
			continue;
		l->known = false;
		tell(p, "catalog %s, serial %u, has %zu of its %zu members no more, and none of them goes: if "
			"that is meant, \"waymarkctl reload --force\" takes it (reload: zones-lost)",
			name_text(name, l->at->name),
			registry_find(p->zones, l->at->name)->load.zone->serial, l->gone, l->served);
	}
}

/* --- zones that are members --------------------------------------------------------------- */

static bool same_label(const struct registry_zone *z, const struct catalog_member *m)
{
	const uint8_t *label = z->added->label;

	return label && *label == *m->label && memcmp(label, m->label, *label + 1u) == 0;
}

/* The catalog that takes a member of `from` over, since `from` allows it (RFC 9432 section 4.4.1). NULL: none. */
static struct listed *new_owner(const struct planning *p, const struct catalog_member *m)
{
	struct listed *l = m->coo ? find_catalog(p, m->coo) : NULL;

	return l && l->known && catalog_find(&l->members, m->apex) ? l : NULL;
}

/* Is the member one that goes before it comes? So is it where its label is another: all that is known of it is to be
 * forgotten (RFC 9432 section 5.4). */
static void look_at_zone(struct planning *p, const struct registry_zone *z)
{
	const struct listed *l = find_catalog(p, z->added->catalog);
	const struct catalog_member *m = l && l->known ? catalog_find(&l->members, z->origin) : NULL;

	if (l && !l->known)
		return;
	if (!m) {
		p->to->go++;
		leave(p, z);
		return;
	}
	const struct listed *next = new_owner(p, m);
	const struct catalog_member *then = next ? catalog_find(&next->members, z->origin) : m;
	if (!same_label(z, then) && template_of((next ? next : l)->at->catalog, then)) {
		p->to->reset++;
		leave(p, z);
	}
}

/* --- members that are zones --------------------------------------------------------------- */

/* A catalog in front of this that lists it, too. */
static const struct listed *earlier(
	const struct planning *p, const struct listed *l, const uint8_t *apex)
{
	for (const struct listed *k = p->catalogs; k < l; k++)
		if (k->known && catalog_find(&k->members, apex))
			return k;
	return NULL;
}

static void come_new(struct planning *p, const struct listed *l, const struct catalog_member *m,
	const char *template)
{
	const struct listed *first = earlier(p, l, m->apex);
	char zone[NAME_TEXT], catalog[NAME_TEXT], other[NAME_TEXT];

	if (first) {
		tell(p, "catalog %s: zone %s is a member of %s already",
			name_text(catalog, l->at->name), name_text(zone, m->apex),
			name_text(other, first->at->name));
		return;
	}
	p->to->come++;
	come(p, l, m, template, false);
}

/* It is a member of another catalog, which still has it. */
static void take_over(struct planning *p, const struct listed *l, const struct catalog_member *m,
	const struct registry_zone *z, const char *template)
{
	const struct listed *from = find_catalog(p, z->added->catalog);
	const struct catalog_member *was =
		from && from->known ? catalog_find(&from->members, m->apex) : NULL;
	char zone[NAME_TEXT], catalog[NAME_TEXT], other[NAME_TEXT];

	if (!from || (from->known && !was)) { /* it has gone from there */
		come_new(p, l, m, template);
		return;
	}
	if (was && new_owner(p, was) == l) {
		p->to->change += same_label(z, m);
		come(p, l, m, template, same_label(z, m));
		return;
	}
	tell(p, "catalog %s: zone %s is a member of %s, which does not hand it over (coo)",
		name_text(catalog, l->at->name), name_text(zone, m->apex),
		name_text(other, from->at->name));
}

static void look_at_member(
	struct planning *p, const struct listed *l, const struct catalog_member *m)
{
	const char *template = template_of(l->at->catalog, m);
	const struct registry_zone *z = registry_find(p->zones, m->apex);
	char zone[NAME_TEXT], catalog[NAME_TEXT];

	name_text(zone, m->apex);
	name_text(catalog, l->at->name);
	if (z && !z->added) {
		tell(p, "catalog %s: zone %s is named by the configuration, and stays what it is "
			"there", catalog, zone);
		return;
	}
	if (z && !z->added->catalog) {
		tell(p, "catalog %s: zone %s was added by an operator, and stays his (\"zone remove "
			"%s\")", catalog, zone, zone);
		return;
	}
	if (!template) {
		tell(p, "catalog %s: zone %s is in no group that \"groups\" has, and there is no "
			"\"template\" for it", catalog, zone);
		return;
	}
	if (!z) {
		come_new(p, l, m, template);
	} else if (m->coo && name_equal(m->coo, z->added->catalog)) {
		; /* handed over before, and still listed */
	} else if (!name_equal(z->added->catalog, l->at->name)) {
		take_over(p, l, m, z, template);
	} else if (new_owner(p, m)) {
		; /* comes as its new owner's */
	} else if (!same_label(z, m)) {
		come(p, l, m, template, false);
	} else if (strcmp(template, z->added->template) != 0) {
		p->to->change++;
		come(p, l, m, template, true);
	}
}

/* --- all of it ---------------------------------------------------------------------------- */


void catalog_plan_make(struct catalog_plan *to, const struct conf *c, const struct registry *zones,
	bool accepted)
{
	struct planning p = { .to = to, .conf = c, .zones = zones, .now_s = time(NULL) };

	*to = (struct catalog_plan){ .n = 0 };
	arena_init(&to->mem);
	read_catalogs(&p);
	if (!accepted)
		keep_lost(&p);
	for (size_t i = 0; i < zones->n; i++)
		if (zones->zones[i]->added && zones->zones[i]->added->catalog)
			look_at_zone(&p, zones->zones[i]);
	for (size_t i = 0; i < p.n; i++)
		for (size_t k = 0; p.catalogs[i].known && k < p.catalogs[i].members.n; k++)
			look_at_member(&p, &p.catalogs[i], &p.catalogs[i].members.members[k]);
	memory_free(p.catalogs);
}

void catalog_plan_fini(struct catalog_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		registry_added_drop(p->steps[i].added);
	memory_free(p->steps);
	text_fini(&p->told);
	arena_fini(&p->mem);
	*p = (struct catalog_plan){ .n = 0 };
}
