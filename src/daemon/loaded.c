#include "daemon/loaded.h"

#include "base/crew.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "daemon/measured.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- which zones -------------------------------------------------------------------------- */

static struct fault_at at_entry(const struct loaded *l, const struct conf_zone *z)
{
	return (struct fault_at){ l->conf.path, l->conf.text, l->conf.text_end, z->line,
		z->column };
}

static void add_zone(
	struct loaded *l, const struct conf_zone *at, const uint8_t *origin, const char *path)
{
	if ((l->n_zones & (l->n_zones - 1)) ==
		0) /* a power of two, or none yet: time to double */
		l->zones = memory_grow(
			l->zones, (l->n_zones ? l->n_zones * 2 : 1) * sizeof *l->zones);
	struct loaded_zone *z = &l->zones[l->n_zones++];
	*z = (struct loaded_zone){ .at = at, .path = memory_strdup(path) };
	const size_t len = name_len(origin);
	z->origin = memory_grow(NULL, len);
	name_lower(z->origin, origin, len);
}

static int is_zone_entry(const struct dirent *d)
{
	return d->d_name[0] != '.' && d->d_name[strlen(d->d_name) - 1] != '~' &&
		d->d_type != DT_DIR;
}

/* One file of a folder; its name, less ".zone", is the origin. */
static bool add_file(
	struct loaded *l, const struct conf_zone *entry, const char *file, struct faults *f)
{
	static const uint8_t root[1];
	const struct fault_at at = at_entry(l, entry);
	uint8_t origin[NAME_MOST];
	struct text path = { 0 };
	struct stat st;
	size_t len = strlen(file);

	scope_hold(&path, text_let_go);
	text_addf(&path, "%s/%s", entry->dir, file);
	if (path.lost)
		memory_ends(strlen(entry->dir) + len);
	const bool folder = stat(text_get(&path), &st) == 0 && S_ISDIR(st.st_mode);
	if (len > 5 && strcmp(file + len - 5, ".zone") == 0)
		len -= 5;
	const enum name_result r = folder ? NAME_OK : name_parse(origin, NULL, file, len, root);
	if (r == NAME_OK && !folder)
		add_zone(l, entry, origin, text_get(&path));
	scope_forget(&path, text_let_go);
	text_fini(&path);
	return r == NAME_OK ||
		faults_error(f, &at, "%s/%s: as the name of a zone this %s", entry->dir, file,
			name_result_text(r));
}

struct folder {
	struct dirent **list;
	int n;
};

static void folder_fini(void *ctx)
{
	struct folder *d = ctx;

	for (int i = 0; i < d->n; i++)
		free(d->list[i]);
	free(d->list);
}

static bool add_dir(struct loaded *l, const struct conf_zone *entry, struct faults *f)
{
	const struct fault_at at = at_entry(l, entry);
	struct folder d = { 0 };
	bool ok = true;

	d.n = scandir(entry->dir, &d.list, is_zone_entry, alphasort);
	if (d.n < 0)
		return faults_error(f, &at, "%s: %s", entry->dir, strerror(errno));
	scope_hold(&d, folder_fini);
	for (int i = 0; i < d.n; i++)
		ok = add_file(l, entry, d.list[i]->d_name, f) && ok;
	scope_forget(&d, folder_fini);
	folder_fini(&d);
	return ok;
}

static int compare_zones(const void *va, const void *vb)
{
	const struct loaded_zone *a = va, *b = vb;
	const size_t la = name_len(a->origin), lb = name_len(b->origin);
	const int d = memcmp(a->origin, b->origin, la < lb ? la : lb);

	return d ? d : la < lb ? -1 : la > lb;
}

/* All zones in the order of their wire names, which makes those of two loads easy to match. */
static bool list_zones(struct loaded *l, struct faults *f)
{
	bool ok = true;
	char name[NAME_TEXT];

	for (size_t i = 0; i < l->conf.n_zones; i++) {
		const struct conf_zone *z = &l->conf.zones[i];
		if (z->dir)
			ok = add_dir(l, z, f) && ok;
		else
			add_zone(l, z, z->name, z->file);
	}
	if (l->n_zones)
		qsort(l->zones, l->n_zones, sizeof *l->zones, compare_zones);
	for (size_t i = 1; i < l->n_zones; i++) {
		if (compare_zones(&l->zones[i - 1], &l->zones[i]) != 0)
			continue;
		const struct fault_at at = at_entry(l, l->zones[i].at);
		ok = faults_error(f, &at, "zone %s is there twice: as %s and as %s (keep one)",
			name_text(name, l->zones[i].origin), l->zones[i - 1].path,
			l->zones[i].path);
	}
	return ok;
}

/* --- loading ------------------------------------------------------------------------------ */

static bool pool_known(void *ctx, const char *name)
{
	return conf_pool(ctx, name) >= 0;
}

/* The same zone as it is served now, when its files are the same and the pools it names are
 * still there. */
static bool take_over(struct loaded_zone *z, const struct loaded *before, struct conf *conf)
{
	if (!before || !before->n_zones)
		return false;
	const struct loaded_zone *old = bsearch(
		z, before->zones, before->n_zones, sizeof *z, compare_zones);
	if (!old || strcmp(old->path, z->path) != 0 || !load_is_fresh(&old->load))
		return false;
	for (unsigned i = 0; i < old->load.zone->pools_n; i++)
		if (!pool_known(conf, old->load.zone->pools[i]))
			return false;
	z->load.zone = old->load.zone;
	zone_hold(z->load.zone);
	z->load.n = old->load.n;
	z->load.sources = memory_zeroed(z->load.n, sizeof *z->load.sources);
	for (size_t i = 0; i < z->load.n; i++)
		z->load.sources[i] = (struct load_source){
			memory_strdup(old->load.sources[i].path), old->load.sources[i].stamp
		};
	return true;
}

static void make_set(struct loaded *l)
{
	const struct zone **zones = memory_zeroed(l->n_zones + 1, sizeof *zones);

	for (size_t i = 0; i < l->n_zones; i++)
		zones[i] = l->zones[i].load.zone;
	l->set = zone_set_new(l->key, zones, l->n_zones);
	memory_free(zones);
}

/* --- GeoIP -------------------------------------------------------------------------------- */

size_t loaded_geo_count(const struct loaded *l)
{
	return l->conf.n_city_files + l->conf.n_asn_files;
}

const char *loaded_geo_path(const struct loaded *l, size_t i)
{
	return i < l->conf.n_city_files ? l->conf.city_files[i]
					: l->conf.asn_files[i - l->conf.n_city_files];
}

static struct file_stamp *geo_stamps(const struct loaded *l)
{
	struct file_stamp *stamps = memory_zeroed(loaded_geo_count(l) + 1, sizeof *stamps);

	for (size_t i = 0; i < loaded_geo_count(l); i++)
		file_stamp(loaded_geo_path(l, i), &stamps[i]);
	return stamps;
}

static bool same_geo(const struct loaded *a, const struct loaded *b)
{
	if (a->conf.n_city_files != b->conf.n_city_files ||
		a->conf.n_asn_files != b->conf.n_asn_files)
		return false;
	for (size_t i = 0; i < loaded_geo_count(a); i++)
		if (strcmp(loaded_geo_path(a, i), loaded_geo_path(b, i)) != 0 ||
			!file_stamp_same(&a->geo_stamps[i], &b->geo_stamps[i]))
			return false;
	return true;
}

static struct atlas *read_atlas(const struct loaded *l, struct fault *why)
{
	return atlas_read(&(struct atlas_opts){ l->conf.city_files, l->conf.n_city_files,
				  l->conf.asn_files, l->conf.n_asn_files },
		why);
}

struct steer *loaded_steer(const struct loaded *l, struct atlas *atlas,
	const struct latency *table, const struct steer *before)
{
	const struct steer_measured measured = measured_for_steer(&l->conf, table);

	return steer_new(&(struct steer_opts){ l->conf.edges, l->conf.n_edges, l->conf.pools,
				 l->conf.n_pools, &measured },
		atlas, before);
}

/* What is read anew; NULL, all of it, when it cannot be. */
struct refresh {
	const struct loaded *l;
	struct file_stamp *stamps;
	struct atlas *atlas;
	struct steer *steer;
	struct fault *why;
};

static void refresh(void *ctx)
{
	struct refresh *r = ctx;

	r->stamps = geo_stamps(r->l);
	r->atlas = read_atlas(r->l, r->why);
	if (r->atlas)
		r->steer = loaded_steer(r->l, r->atlas, r->l->table, r->l->steer);
}

bool loaded_refresh_geo(struct loaded *l, struct fault *why)
{
	struct refresh r = { .l = l, .why = why };

	if (!scope_run(refresh, &r))
		return fault(why, "out of memory for the GeoIP files and the rankings");
	if (!r.atlas) {
		memory_free(r.stamps);
		return false;
	}
	atlas_drop(l->atlas);
	steer_drop(l->steer);
	memory_free(l->geo_stamps);
	l->atlas = r.atlas;
	l->steer = r.steer;
	l->geo_stamps = r.stamps;
	return true;
}

/* --- many at a time ----------------------------------------------------------------------- */

/* All that the configuration names, each part by itself: part 0 is the GeoIP files, which take
 * longest, part i + 1 zone i. */
struct parts {
	struct loaded *l;
	const struct loaded *before;
	bool forgiving;
	struct faults *faults; /* [part] */
	unsigned errors;       /* atomic: in all, when they are not forgiven */
};

static bool load_geo(struct loaded *l, const struct loaded *before, struct faults *f)
{
	struct fault why;

	l->geo_stamps = geo_stamps(l);
	if (before && same_geo(l, before)) {
		l->atlas = atlas_hold(before->atlas);
		return true;
	}
	l->atlas = read_atlas(l, &why);
	return l->atlas || faults_take(f, &why);
}

static bool load_one_zone(struct parts *p, struct loaded_zone *z, struct faults *f)
{
	const struct compile_opts opts = { p->l->key, pool_known, &p->l->conf };

	if (take_over(z, p->before, &p->l->conf) ||
		load_zone(&z->load, z->path, z->origin, &opts, f))
		return true;
	if (p->forgiving)
		z->load.zone = zone_placeholder(p->l->key, z->origin);
	return p->forgiving;
}

static bool load_part(void *ctx, size_t i)
{
	struct parts *p = ctx;
	struct faults *f = &p->faults[i];

	if (i == 0 ? load_geo(p->l, p->before, f) : load_one_zone(p, &p->l->zones[i - 1], f))
		return true;
	/* As many as are shown: those of the parts before are all among them. */
	return __atomic_add_fetch(&p->errors, f->errors, __ATOMIC_RELAXED) < FAULTS_MOST;
}

/* For a scope: the sentences are not of it. */
static void let_go_faults(void *ctx)
{
	struct parts *p = ctx;

	for (size_t i = 0; i <= p->l->n_zones; i++)
		faults_fini(&p->faults[i]);
}

/* False when something was wrong that is not forgiven. A server without a single zone to serve
 * is not. */
static bool load_parts(struct loaded *l, const struct loaded_opts *opts, struct faults *f)
{
	const size_t n = l->n_zones + 1;
	struct parts p = { .l = l, .before = opts->before, .forgiving = opts->forgiving };

	p.faults = memory_zeroed(n, sizeof *p.faults);
	scope_hold(&p, let_go_faults);
	crew_run(n, opts->before != NULL, load_part, &p);
	scope_forget(&p, let_go_faults);
	/* In the order of the zones, and what was wrong with the databases behind them. */
	for (size_t i = 1; i <= n; i++) {
		faults_add(f, &p.faults[i % n]);
		faults_fini(&p.faults[i % n]);
	}
	memory_free(p.faults);
	for (size_t i = 0; i < l->n_zones; i++)
		l->n_unready += l->zones[i].load.zone && !zone_is_ready(l->zones[i].load.zone);
	return p.errors == 0 && (l->n_unready == 0 || l->n_unready < l->n_zones);
}

static bool load_table(struct loaded *l, const struct loaded_opts *opts, struct faults *f)
{
	l->table_stamps = measured_stamps(&l->conf);
	l->table = measured_read(
		&(struct measured_from){ &l->conf, opts->before ? opts->before->table : NULL,
			l->key, opts->forgiving },
		f);
	return l->table != NULL;
}

/* --- all of it ---------------------------------------------------------------------------- */

/* A pin that no client can match does nothing: a slip of the pen, or a database that does not
 * tell such things. */
static void warn_of_idle_pins(const struct loaded *l, struct faults *f)
{
	for (unsigned i = 0; i < l->steer->n_pools; i++) {
		const struct pool *p = &l->steer->pools[i];
		for (unsigned k = 0; k < p->n_pins; k++) {
			const struct pool_pin *pin = p->pins[k].from;
			const struct fault_at at = { l->conf.path, l->conf.text,
				l->conf.text_end, pin->line, pin->column };
			if (!p->pins[k].matches)
				faults_warning(f, &at,
					"no client matches this pin: the GeoIP files%s know "
					"none such",
					pin->kind == PIN_ASN && !l->conf.n_asn_files
						? " (there is no geoip: asn: file)"
						: "");
		}
	}
}

struct hash_key loaded_key(void)
{
	struct hash_key key;

	if (sodium_init() < 0)
		die("no source of random numbers");
	randombytes_buf(&key, sizeof key);
	return key;
}

static bool read_all(struct loaded *to, const struct loaded_opts *opts, struct faults *f)
{
	const struct loaded *before = opts->before;

	*to = (struct loaded){ .key = opts->key };
	if (!(opts->text ? conf_read_text(&to->conf, opts->path, opts->text, opts->text_len, f)
			 : conf_read(&to->conf, opts->path, f)))
		return false;
	bool ok = (opts->bare || list_zones(to, f)) && load_parts(to, opts, f);
	ok = (opts->bare || load_table(to, opts, f)) && ok;
	if (!ok) {
		loaded_fini(to);
		return false;
	}
	make_set(to);
	if (opts->bare) {
		to->table = measured_new(
			&(struct measured_from){ &to->conf, NULL, to->key, false });
		return true;
	}
	to->steer = loaded_steer(to, to->atlas, to->table, before ? before->steer : NULL);
	warn_of_idle_pins(to, f);
	return true;
}

struct reading {
	struct loaded *to;
	const struct loaded_opts *opts;
	struct faults *f;
	bool ok;
};

static void read_in_scope(void *ctx)
{
	struct reading *r = ctx;

	r->ok = read_all(r->to, r->opts, r->f);
}

bool loaded_read(struct loaded *to, const struct loaded_opts *opts, struct faults *f)
{
	struct reading r = { to, opts, f, false };

	if (scope_run(read_in_scope, &r))
		return r.ok;
	*to = (struct loaded){ 0 };
	return faults_error(f, &(struct fault_at){ .path = opts->path },
		"out of memory for the configuration and what it names");
}

void loaded_fini(struct loaded *l)
{
	for (size_t i = 0; i < l->n_zones; i++) {
		memory_free(l->zones[i].origin);
		memory_free(l->zones[i].path);
		load_fini(&l->zones[i].load);
	}
	memory_free(l->zones);
	zone_set_drop(l->set);
	atlas_drop(l->atlas);
	steer_drop(l->steer);
	memory_free(l->geo_stamps);
	latency_drop(l->table);
	memory_free(l->table_stamps);
	conf_fini(&l->conf);
	*l = (struct loaded){ 0 };
}
