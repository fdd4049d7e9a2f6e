#include "import/import_zone.h"

#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/master.h"
#include "zone/zone_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool wire_name(uint8_t to[static NAME_MOST], const char *text)
{
	static const uint8_t root[1] = { 0 };
	size_t len;

	if (name_parse(to, &len, text, strlen(text), root) != NAME_OK)
		return false;
	name_lower(to, to, len);
	return true;
}

static void tell_faults(struct plan *p, const struct faults *f, const char *path)
{
	struct fault_view one;

	for (const char *at = NULL; (at = faults_view(f, at, &one));)
		if (!one.warning)
			plan_note(p, NOTE_LOST, path, one.line, "%.*s", (int)one.say_len, one.say);
}

/* "TYPE data" in two. */
static void split(struct plan *p, struct rr *rr, const char *text)
{
	const char *blank = strchr(text, ' ');

	rr->type = blank ? plan_textf(p, "%.*s", (int)(blank - text), text) : plan_textf(p, "%s", text);
	rr->data = blank ? plan_textf(p, "%s", blank + 1) : "";
}

static void take(struct plan *p, struct rrs *to, const struct records *r)
{
	struct records_walk walk = records_all(r);
	char name[NAME_TEXT];
	uint8_t full[255];

	to->of = arena_alloc(&p->mem, (r->n + 1) * sizeof *to->of);
	while (records_walk_next(&walk) && to->n < r->n) {
		struct rr *rr = &to->of[to->n++];
		struct text text = { 0 };
		rdata_write(&text, walk.rr.type, walk.rr.rdata, walk.rr.rdlen, RDATA_FOR_US);
		*rr = (struct rr){ .ttl_s = walk.rr.ttl_s, .number = walk.rr.type, .line = walk.rr.line };
		name_text(name, records_full_name(r, walk.rr.owner, full));
		rr->owner = plan_textf(p, "%s", name);
		split(p, rr, text_get(&text));
		text_fini(&text);
	}
}

bool rrs_read(struct plan *p, struct rrs *to, const char *path, const char *zone, struct named_at from)
{
	struct records r;
	struct faults f;
	struct file_stamp stamp;
	uint8_t id[NAME_MOST];

	*to = (struct rrs){ .path = plan_textf(p, "%s", path) };
	if (!wire_name(id, zone)) {
		plan_note(p, NOTE_LOST, from.file, from.line, "\"%s\" is no name of a zone", zone);
		return false;
	}
	if (!file_stamp(path, &stamp)) {
		plan_note(p, NOTE_LOST, from.file, from.line, "the zone %s: there is no file %s", zone, path);
		return false;
	}
	faults_init(&f);
	records_init(&r, id);
	const bool ok = master_read(&r, path, NULL, &f);
	tell_faults(p, &f, path);
	if (ok)
		take(p, to, &r);
	else
		plan_note(p, NOTE_LOST, from.file, from.line,
			"the zone %s: its file %s is no text that can be read (raw ones: named-compilezone -f raw -F text)", zone, path);
	records_fini(&r);
	faults_fini(&f);
	return ok;
}

static bool has_include(const struct file *f)
{
	for (const char *at = f->text; (at = strchr(at, '$')); at++)
		if (strncasecmp(at, "$INCLUDE", 8) == 0)
			return true;
	return false;
}

bool rrs_copy_zone(struct plan *p, struct plan_zone *z, const char *path, struct named_at from)
{
	struct rrs all;

	if (!rrs_read(p, &all, path, z->name, from))
		return false;
	const struct file *f = plan_read(p, path, from.file, from.line);
	if (!f)
		return false;
	if (!has_include(f)) {
		text_add_bytes(&z->text, f->text, f->len);
		return true;
	}
	for (size_t i = 0; i < all.n; i++)
		plan_record(z, all.of[i].owner, all.of[i].ttl_s, all.of[i].type, all.of[i].data);
	return true;
}

/* --- sets --------------------------------------------------------------------------------- */

static int compare(const void *va, const void *vb)
{
	const struct rr *a = va, *b = vb;
	int by = strcmp(a->owner, b->owner);

	if (by == 0)
		by = (a->number > b->number) - (a->number < b->number);
	return by ? by : strcmp(a->data, b->data);
}

void rrs_sort(struct rrs *r)
{
	if (r->n)
		qsort(r->of, r->n, sizeof *r->of, compare);
}

struct rrs rrs_of(const struct rrs *all, const char *owner)
{
	size_t low = 0, high = all->n;

	while (low < high) {
		const size_t mid = (low + high) / 2;
		if (strcmp(all->of[mid].owner, owner) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (high = low; high < all->n && strcmp(all->of[high].owner, owner) == 0;)
		high++;
	return (struct rrs){ all->path, all->of ? all->of + low : NULL, high - low };
}

bool rrs_same(const struct rrs *a, const struct rrs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->of[i].number != b->of[i].number || strcmp(a->of[i].data, b->of[i].data) != 0)
			return false;
	return true;
}

/* --- views -------------------------------------------------------------------------------- */

struct merge {
	struct plan *p;
	struct plan_zone *z;
	struct rrs_view *views;
	size_t n;
	const struct rrs_view *base; /* whose SOA and nameservers the zone has */
	struct named_at from;
};

static struct rrs of_type(const struct rrs *own, uint16_t type)
{
	size_t low = 0, high;

	while (low < own->n && own->of[low].number != type)
		low++;
	for (high = low; high < own->n && own->of[high].number == type;)
		high++;
	return (struct rrs){ own->path, own->of ? own->of + low : NULL, high - low };
}

/* Do all views that have the zone say the same of this type here? A CNAME stands alone: where one view has it, all
 * that the others have is theirs. */
static bool is_one(const struct merge *m, const struct rrs *own, uint16_t type)
{
	for (size_t v = 0; v < m->n && type != RRTYPE_CNAME && !rrtype_is_of_zone(type); v++)
		if (of_type(&own[v], RRTYPE_CNAME).n && !is_one(m, own, RRTYPE_CNAME))
			return false;
	const struct rrs first = of_type(&own[m->base - m->views], type);

	for (size_t v = 0; v < m->n; v++) {
		const struct rrs other = of_type(&own[v], type);
		if (m->views[v].rrs.n && !rrs_same(&first, &other))
			return false;
	}
	return true;
}

static void put_plain(const struct merge *m, const struct rrs *set)
{
	for (size_t i = 0; i < set->n; i++)
		plan_record(m->z, set->of[i].owner, set->of[i].ttl_s, set->of[i].type, set->of[i].data);
}

/* The labels of an owner before its zone, as the beginning of a name. */
static const char *hint_of(const struct merge *m, const char *owner)
{
	const size_t len = strlen(owner), zone = strlen(m->z->name);

	return len > zone ? plan_textf(m->p, "%.*s", (int)(len - zone - 1), owner) : plan_textf(m->p, "%s", m->z->name);
}

static void add_variants(const struct rrs_view *v, const char *edge, struct variant *to, size_t *n)
{
	if (!v->n_when)
		to[(*n)++] = (struct variant){ .fails = v->fails, .edge = edge };
	for (size_t i = 0; i < v->n_when; i++)
		to[(*n)++] = (struct variant){ .when = v->when[i], .fails = v->fails, .edge = edge };
}

/* The types that are not one become edges: one for each view. */
static void steer_owner(const struct merge *m, const char *owner, const struct rrs *own)
{
	struct plan *p = m->p;
	size_t room = 1, n = 0;
	uint32_t ttl_s = UINT32_MAX;
	bool fell = false, ttls = false;
	struct variant fallback = { .edge = NULL };

	for (size_t v = 0; v < m->n; v++)
		room += m->views[v].n_when + 1;
	struct variant *all = arena_zalloc(&p->mem, room * sizeof *all);
	for (size_t v = 0; v < m->n && !fell; v++) {
		struct answer a = { .cname = NULL };
		if (!m->views[v].rrs.n)
			continue;
		for (size_t i = 0; i < own[v].n; i++) {
			const struct rr *rr = &own[v].of[i];
			if (rrtype_is_of_zone(rr->number) || is_one(m, own, rr->number))
				continue;
			plan_answer(p, &a, rr->type, rr->data);
			ttls = ttls || (ttl_s != UINT32_MAX && ttl_s != rr->ttl_s);
			ttl_s = rr->ttl_s < ttl_s ? rr->ttl_s : ttl_s;
		}
		const char *edge = plan_edge(p, plan_textf(p, "%s-%s", hint_of(m, owner), m->views[v].name), &a);
		if (!m->views[v].n_when && !m->views[v].fails) {
			fallback.edge = edge;
			fell = true;
		} else {
			add_variants(&m->views[v], edge, all, &n);
		}
	}
	const char *pool = plan_rules(p, hint_of(m, owner), all, n, &fallback);
	if (pool)
		plan_record(m->z, owner, ttl_s, "EDGE", pool);
	if (ttls)
		plan_note(p, NOTE_DIFFERS, m->from.file, m->from.line, "%s: the TTLs of its views differ; all have the least, %u", owner, ttl_s);
}

static void merge_owner(const struct merge *m, const char *owner)
{
	struct rrs *own = arena_alloc(&m->p->mem, m->n * sizeof *own);
	bool steered = false;

	for (size_t v = 0; v < m->n; v++)
		own[v] = rrs_of(&m->views[v].rrs, owner);
	for (size_t v = 0; v < m->n; v++) {
		for (size_t i = 0; i < own[v].n; i++) {
			const uint16_t type = own[v].of[i].number;
			if (i && own[v].of[i - 1].number == type)
				continue;
			const bool base = &m->views[v] == m->base;
			const struct rrs set = of_type(&own[v], type);
			const bool one = is_one(m, own, type);
			if (base && (one || rrtype_is_of_zone(type)))
				put_plain(m, &set);
			if (!one && type != RRTYPE_SOA && rrtype_is_of_zone(type) && (base || !of_type(&own[m->base - m->views], type).n))
				plan_note(m->p, NOTE_LOST, m->views[v].rrs.path, set.of->line,
					"%s %s: the views differ in it, and all clients get that of view %s", owner, set.of->type, m->base->name);
			steered = steered || (!one && !rrtype_is_of_zone(type));
		}
	}
	if (steered)
		steer_owner(m, owner, own);
}

static int compare_owners(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void rrs_merge(struct plan *p, struct plan_zone *z, struct rrs_view *views, size_t n, struct named_at from)
{
	struct merge m = { p, z, views, n, NULL, from };
	size_t all = 0;

	for (size_t v = 0; v < n; v++) {
		rrs_sort(&views[v].rrs);
		if (views[v].rrs.n && (!m.base || (!views[v].n_when && m.base->n_when)))
			m.base = &views[v];
		if (!views[v].rrs.n)
			plan_note(p, NOTE_DIFFERS, from.file, from.line,
				"the view %s does not have the zone %s; its clients get what the views behind it have", views[v].name, z->name);
		all += views[v].rrs.n;
	}
	if (!m.base)
		return;
	const char **owners = arena_alloc(&p->mem, (all + 1) * sizeof *owners);
	all = 0;
	for (size_t v = 0; v < n; v++)
		for (size_t i = 0; i < views[v].rrs.n; i++)
			owners[all++] = views[v].rrs.of[i].owner;
	qsort(owners, all, sizeof *owners, compare_owners);
	for (size_t i = 0; i < all; i++)
		if (i == 0 || strcmp(owners[i], owners[i - 1]) != 0)
			merge_owner(&m, owners[i]);
}
