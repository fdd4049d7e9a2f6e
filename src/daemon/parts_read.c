#include "daemon/parts_read.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/near.h"
#include "daemon/confine.h"
#include "daemon/kept_images.h"
#include "daemon/key_ring.h"
#include "daemon/latency_read.h"
#include "daemon/zone_pools.h"
#include "daemon/zones_read.h"
#include "geo/atlas_kept.h"
#include "jobs/jobs.h"
#include "steer/rules.h"
#include "steer/steer_kept.h"
#include "steer/template.h"
#include "store/store.h"
#include "xfr/stored.h"

#include <sodium.h>
#include <string.h>

struct hash_key parts_key(void)
{
	struct hash_key key;

	if (sodium_init() < 0)
		die("no source of random numbers");
	randombytes_buf(&key, sizeof key);
	return key;
}

/* --- GeoIP -------------------------------------------------------------------------------- */

static struct stamps *geo_stamps(const struct conf *c)
{
	const size_t n = c->n_city_files + c->n_asn_files;
	const char **paths = memory_zeroed(n, sizeof *paths);

	for (size_t i = 0; i < n; i++)
		paths[i] = i < c->n_city_files ? c->city_files[i]
					       : c->asn_files[i - c->n_city_files];
	struct stamps *s = stamps_take(paths, n);
	memory_free(paths);
	return s;
}

/* `kept`: its versions, where those of the last run are of use; NULL. */
static struct atlas *read_atlas(const struct conf *c, const struct stamps *kept, struct fault *why)
{
	const struct atlas_opts opts = { c->city_files, c->n_city_files, c->asn_files, c->n_asn_files };
	char path[KEPT_PATH];
	struct atlas *a = NULL;

	if (kept && c->images_dir && kept_images_geo(path, c->images_dir))
		a = atlas_kept_read(path, &opts, kept);
	if (a)
		log_line(LOG_NOTICE, "GeoIP files: as they were kept, since they have not changed");
	return a ? a : atlas_read(&opts, why);
}

/* Does any pool ask how far clients are? */
static bool by_distance(const struct conf *c)
{
	for (size_t i = 0; i < c->n_pools; i++) {
		const struct pool_opts *p = &c->pools[i];
		bool asks = p->policy == POOL_NEAREST;
		for (size_t k = 0; k < p->n_links; k++)
			asks = asks || p->links[k].policy == POOL_NEAREST;
		if (asks)
			return true;
	}
	return false;
}

void parts_warn_of_geo(const struct parts *p, struct faults *f)
{
	atlas_warn(p->atlas, by_distance(parts_conf(p)), f);
}

static bool same_paths(const struct stamps *a, const struct stamps *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->paths[i], b->paths[i]) != 0)
			return false;
	return true;
}

/* What is wrong with each file; `why`, if it is wrong with none alone. */
static void tell_geo(const struct conf *c, const struct fault *why, struct faults *f)
{
	const unsigned before = f->errors;

	for (size_t i = 0; i < c->n_city_files + c->n_asn_files; i++) {
		const bool city = i < c->n_city_files;
		struct fault one;
		struct atlas *a = atlas_read(city ? &(struct atlas_opts){ c->city_files + i, 1, NULL, 0 }
						  : &(struct atlas_opts){ NULL, 0, c->asn_files + (i - c->n_city_files), 1 },
			&one);
		if (a)
			atlas_drop(a);
		else
			conf_path_fault(c, &one, f);
	}
	if (f->errors == before)
		conf_path_fault(c, why, f);
}

/* A database that has become wrong is told, and what was read of it before stays. */
static bool read_geo(struct parts *to, const struct parts_read_opts *o, struct faults *f)
{
	const struct parts *before = o->before;
	const struct conf *c = parts_conf(to);
	struct fault why;

	to->geo_files = geo_stamps(c);
	if (before && !before->geo_files->faulty &&
		stamps_same(to->geo_files, before->geo_files)) {
		to->atlas = atlas_hold(before->atlas);
		return true;
	}
	to->atlas = read_atlas(c, o->kept ? to->geo_files : NULL, &why);
	if (to->atlas) {
		parts_warn_of_geo(to, f);
		return true;
	}
	tell_geo(c, &why, f);
	if (o->lacking)
		to->atlas = atlas_read(&(struct atlas_opts){ NULL, 0, NULL, 0 }, &why);
	if (o->lacking || !before || !same_paths(to->geo_files, before->geo_files))
		return to->atlas != NULL;
	to->geo_files->faulty = true;
	to->atlas = atlas_hold(before->atlas);
	return true;
}

bool parts_refresh_geo(struct parts *p, struct fault *why)
{
	const struct conf *c = parts_conf(p);
	struct stamps *stamps = geo_stamps(c);
	struct atlas *atlas = read_atlas(c, NULL, why);

	if (!atlas) {
		stamps_drop(stamps);
		return false;
	}
	struct steer *steer = parts_steer(c, atlas, p->table, p->steer);
	atlas_drop(p->atlas);
	steer_drop(p->steer);
	stamps_drop(p->geo_files);
	p->atlas = atlas;
	p->steer = steer;
	p->geo_files = stamps;
	return true;
}

/* --- measurements ------------------------------------------------------------------------- */

/* The table goes on as it is while nothing that it is made of has changed. */
static void read_table(struct parts *to, const struct parts *before, struct faults *f)
{
	const struct conf *c = parts_conf(to);
	const struct latency_read_from from = { c, before ? before->table : NULL,
		to->zones ? zone_set_key(to->zones->set) : (struct hash_key){ 0, 0 },
		to->atlas };

	to->table_files = latency_read_stamps(c);
	if (before && to->conf == before->conf && !before->table_files->faulty &&
		stamps_same(to->table_files, before->table_files)) {
		to->table = latency_hold(before->table);
		return;
	}
	const unsigned errors = f->errors;
	to->table = latency_read(&from, f);
	to->table_files->faulty = f->errors > errors || stamps_lack(to->table_files);
}

/* --- edges and pools ---------------------------------------------------------------------- */

struct steer *parts_steer(const struct conf *c, struct atlas *atlas,
	const struct latency *table, const struct steer *before)
{
	return parts_steer_flat(c, atlas, table, before, NULL);
}

struct steer *parts_steer_flat(const struct conf *c, struct atlas *atlas,
	const struct latency *table, const struct steer *before, const struct edge_flat *flats)
{
	const struct steer_measured measured = latency_read_for_steer(c, table);

	return steer_new(
		&(struct steer_opts){ c->edges, c->n_edges, c->pools, c->n_pools, &measured,
			flats },
		atlas, before);
}

struct steer *parts_steer_assumed(const struct conf *c, struct atlas *atlas,
	const struct latency *table, const struct steer *before)
{
	static const uint8_t any[16];
	struct edge_flat *flats = memory_zeroed(c->n_edges, sizeof *flats);

	for (size_t i = 0; i < c->n_edges; i++)
		flats[i] = (struct edge_flat){ true, any, any, 1, 1, UINT32_MAX };
	struct steer *s = parts_steer_flat(c, atlas, table, before, flats);
	memory_free(flats);
	return s;
}

/* What is written often in the place of a country's code. */
static const char *meant_country(const char *code)
{
	static const char *const pairs[][2] = { { "UK", "GB" }, { "EN", "GB" }, { "EL", "GR" },
		{ "SP", "ES" }, { "JA", "JP" }, { "KO", "KR" } };

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (strcmp(code, pairs[i][0]) == 0)
			return pairs[i][1];
	return NULL;
}

/* The nearest of all cities that the database tells. */
static const char *meant_city(const struct places *p, const char *name)
{
	struct near_word near = { .word = name };

	for (uint32_t i = 1; p && i <= places_count(p); i++)
		near_offer(&near, place_text(p, places_get(p, i)->city));
	return near.best;
}

static const char *meant(const struct parts *to, const struct pool_pin *pin)
{
	if (pin->kind == PIN_COUNTRY)
		return meant_country(pin->code);
	return pin->kind == PIN_CITY ? meant_city(to->atlas->cities.places, pin->code) : NULL;
}

/* A pin that no client can match does nothing: a slip of the pen, or a database that does not
 * tell such things. */
static void warn_of_idle_pin(
	const struct parts *to, struct faults *f, const struct pool_pin *pin, const char *near)
{
	const struct conf *c = parts_conf(to);
	const struct fault_at at = conf_place(c, pin->source, pin->line, pin->column);

	faults_warning(f, &at,
		"no client matches this pin: the GeoIP files%s know none such%s%s%s",
		pin->kind == PIN_ASN && !c->n_asn_files ? " (there is no geoip: asn: file)"
							: "",
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* The first of its conditions that looks misspelt. */
static const char *meant_by_rule(const struct parts *to, const struct pool_rule *r)
{
	const char *near = NULL;

	for (size_t i = 0; i < r->when.n && !near; i++)
		near = meant(to, &r->when.conds[i]);
	return near;
}

static void warn_of_idle_pins(const struct parts *to, struct faults *f)
{
	for (unsigned i = 0; i < to->steer->n_pools; i++) {
		const struct pool *p = &to->steer->pools[i];
		for (unsigned k = 0; p->rules && k < p->rules->n; k++)
			if (!p->rules->rule[k].matches)
				warn_of_idle_pin(to, f, &p->rules->rule[k].from->to,
					meant_by_rule(to, p->rules->rule[k].from));
		for (unsigned k = 0; k < p->n_pins; k++)
			if (!p->pins[k].matches)
				warn_of_idle_pin(
					to, f, p->pins[k].from, meant(to, p->pins[k].from));
	}
}

/* A name of ours comes back to us: it may be the very one that the edge is of. */
static void warn_of_own_names(const struct parts *to, struct faults *f)
{
	const struct conf *c = parts_conf(to);
	struct conf_places places = { .conf = c };

	for (size_t i = 0; i < c->n_edges; i++) {
		uint8_t wire[NAME_MOST];
		char text[NAME_TEXT], apex[NAME_TEXT];
		struct zone_name name;
		struct fault_at at;
		size_t number;
		if (!c->edges[i].flatten)
			continue;
		name_lower(wire, c->edges[i].flatten, name_len(c->edges[i].flatten));
		zone_name_set(&name, zone_set_key(to->zones->set), wire);
		const struct zone *z = zone_set_find(to->zones->set, &name, name.labels, &number);
		if (!z)
			continue;
		conf_places_at(&places, "edges", c->edges[i].name, &at);
		faults_warning(f, &at,
			"edge %s flattens %s, a name of zone %s, which is served here: a resolver asks "
			"us for it, and where its EDGE leads to this edge, there are never any "
			"addresses",
			c->edges[i].name, name_text(text, wire), name_text(apex, z->apex));
	}
	conf_places_fini(&places);
}

/* Fields that are "unknown" for all: nothing tells what they stand for. */
static void warn_of_unknown_fields(const struct parts *to, struct faults *f)
{
	const struct conf *c = parts_conf(to);
	struct conf_places places = { .conf = c };

	for (size_t i = 0; i < c->n_edges; i++) {
		const struct edge_opts *e = &c->edges[i];
		const bool asn = e->cname && !c->n_asn_files && template_looks_at_asn(e->cname),
			   place = e->cname && !c->n_city_files && template_looks(e->cname);
		struct fault_at at;
		if (!asn && !place)
			continue;
		conf_places_at(&places, "edges", e->name, &at);
		faults_warning(f, &at,
			"edge %s: the fields of its cname are \"unknown\" for all clients: there is no geoip: "
			"%s: file",
			e->name, asn ? "asn" : "city");
	}
	conf_places_fini(&places);
}

/* With the ranks of the last run, where they are of these very files. */
static struct steer *steer_of_kept(const struct parts *to)
{
	const struct conf *c = parts_conf(to);
	const struct steer_measured measured = latency_read_for_steer(c, to->table);
	const struct steer_opts opts = { c->edges, c->n_edges, c->pools, c->n_pools, &measured, NULL };
	struct text files = { 0 };
	char path[KEPT_PATH];
	struct steer_kept kept = { path, &files, 0 };

	atlas_kept_of(&(struct atlas_opts){ .n_city_files = c->n_city_files, .n_asn_files = c->n_asn_files }, to->geo_files, &files);
	const bool may = c->images_dir && atlas_kept_settled(to->geo_files) && kept_images_ranks(path, c->images_dir);
	struct steer *s = steer_kept_new(&opts, to->atlas, may ? &kept : NULL);
	if (kept.n_taken)
		log_line(LOG_NOTICE, "rankings: of %u pools as they were kept, since nothing of theirs has changed", kept.n_taken);
	text_fini(&files);
	return s;
}

static void make_steer(struct parts *to, const struct parts *before, const struct parts_read_opts *o)
{
	const bool same = before && to->conf == before->conf && to->atlas == before->atlas &&
		to->table == before->table && before->steer;

	if (same)
		to->steer = steer_hold(before->steer);
	else if (o->kept && !before)
		to->steer = steer_of_kept(to);
	else
		to->steer = (o->assume ? parts_steer_assumed : parts_steer)(parts_conf(to), to->atlas, to->table,
			before ? before->steer : NULL);
}

static bool make_numbers(struct parts *to, const struct parts *before, struct faults *f)
{
	const struct fault_at at = { .path = parts_conf(to)->path };
	struct fault why;

	if (before && to->zones == before->zones && to->conf == before->conf &&
		before->numbers) {
		to->numbers = pool_numbers_hold(before->numbers);
		return true;
	}
	if (before && !zone_pools_stay_alone(parts_conf(to), parts_conf(before), to->zones->set, f))
		return false;
	to->numbers = pool_numbers_new(to->zones->set, to->steer, &why);
	return to->numbers || faults_error(f, &at, "%s", why.text);
}

/* --- all of it ---------------------------------------------------------------------------- */

static struct part *read_conf(const struct parts_read_opts *o, struct faults *f)
{
	const struct conf *before = o->before ? parts_conf(o->before) : NULL;
	struct conf *c = o->text ? conf_open_text(o->path, o->text, o->text_len, f)
		: o->lacking     ? conf_open_lacking(o->path, f)
				 : conf_open(o->path, before, f);

	return c ? &c->part : NULL;
}

static struct zone *stored_before(void *ctx, const uint8_t *apex, const char *path,
	const struct compile_opts *opts, int64_t *checked_s, uint32_t *expire_s,
	struct fault *why)
{
	struct store_timers timers = { 0 };
	struct zone *z = stored_zone(ctx, apex, path, opts, &timers, why);

	*checked_s = timers.checked_s;
	*expire_s = timers.expire_s;
	return z;
}

static bool open_store(struct parts *to, const struct parts_read_opts *o, struct faults *f)
{
	const struct conf *c = parts_conf(to);
	struct fault why;

	if (!o->store || *o->store || !c->store_file)
		return true;
	*o->store = (o->unreleased ? store_open_unreleased : store_open)(c->store_file, &why);
	return *o->store || faults_take(f, &why);
}

static bool open_ring(struct parts *to, const struct parts_read_opts *o, struct faults *f)
{
	struct fault why;

	if (!o->ring || *o->ring || !o->store || !*o->store)
		return true;
	*o->ring = key_ring_open(*o->store, parts_conf(to)->keys_dir, &why);
	return *o->ring || faults_take(f, &why);
}

/* Zones beyond the configuration. */
struct beyond {
	struct arena mem; /* of the names */
	struct zones_read_added *list;
	size_t n;
};

static void add_beyond(void *ctx, const uint8_t *apex, struct registry_added *added)
{
	struct beyond *b = ctx;

	if ((b->n & (b->n - 1)) == 0)
		b->list = memory_grow(b->list, (b->n ? 2 * b->n : 1) * sizeof *b->list);
	b->list[b->n++] = (struct zones_read_added){
		arena_memdup(&b->mem, apex, name_len(apex)), added
	};
}

static void beyond_fini(struct beyond *b)
{
	for (size_t i = 0; i < b->n; i++)
		registry_added_drop(b->list[i].added);
	memory_free(b->list);
	arena_fini(&b->mem);
}

static bool read_list(struct parts *to, const struct parts_read_opts *o, struct beyond *b,
	struct faults *f)
{
	const struct conf *c = parts_conf(to);
	struct store *store = o->store ? *o->store : NULL;
	struct fault why;

	if (store && !store_added(store, add_beyond, b, &why))
		return faults_take(f, &why);
	to->zones = zones_read(&(struct zones_read_opts){ .conf = parts_conf(to),
				       .before = o->before ? o->before->zones : NULL,
				       .key = o->key,
				       .job = o->job,
				       .lacking = o->lacking,
				       .stored = store ? stored_before : NULL,
				       .stored_ctx = store,
				       .store = store,
				       .ring = o->ring ? *o->ring : NULL,
				       .kept_dir = o->kept ? c->images_dir : NULL,
				       .kept_stays = o->unreleased,
				       .added = b->list,
				       .n_added = b->n },
		f);
	if (to->zones && to->zones->n == 0 && c->n_zones && !(o->lacking && f->errors))
		faults_warning(f, &(struct fault_at){ .path = c->path },
			"no zone was found where \"zones\" looks for them; every query will be "
			"refused");
	return to->zones != NULL;
}

static bool read_zones(struct parts *to, const struct parts_read_opts *o, struct faults *f)
{
	struct beyond b = { .list = NULL };

	if (!open_store(to, o, f) || !open_ring(to, o, f))
		return false;
	arena_init(&b.mem);
	const bool ok = read_list(to, o, &b, f);
	beyond_fini(&b);
	return ok;
}

static bool read_all(struct parts *to, const struct parts_read_opts *o, struct faults *f)
{
	const struct parts *before = o->before;

	bool ok = o->bare || read_zones(to, o, f);
	ok = read_geo(to, o, f) && ok;
	if (o->bare) {
		to->table = latency_read_new(parts_conf(to), o->key);
		return ok;
	}
	if (!ok)
		return false;
	read_table(to, before, f);
	make_steer(to, before, o);
	if (!o->lacking || !f->errors) /* else nobody knows whom they are for */
		warn_of_idle_pins(to, f);
	warn_of_own_names(to, f);
	warn_of_unknown_fields(to, f);
	return make_numbers(to, before, f);
}

bool parts_read(struct parts *to, const struct parts_read_opts *o, struct faults *f)
{
	*to = (struct parts){ .conf = read_conf(o, f) };
	if (!to->conf)
		return false;
	if (confine_check(parts_conf(to), f) && read_all(to, o, f))
		return true;
	parts_drop(to);
	return false;
}

const struct tsig_key *parts_tsig_key(const struct conf *c, const uint8_t *name)
{
	for (size_t i = 0; name && i < c->policy.n_keys; i++)
		if (c->policy.keys[i].name == name)
			return &c->policy.keys[i];
	return NULL;
}
