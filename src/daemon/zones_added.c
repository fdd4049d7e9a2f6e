#include "daemon/zones_added.h"

#include "base/memory.h"
#include "daemon/confine.h"
#include "daemon/parts_read.h"
#include "daemon/shared_file.h"
#include "daemon/versions.h"
#include "daemon/zone_begin.h"
#include "daemon/zone_pools.h"
#include "daemon/zones_read.h"
#include "xfr/stored.h"
#include "zone/serial.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct zones_added {
	struct zones_added_opts opts;
};

/* Of a job. */
struct zones_added_work {
	struct versions v;
	const struct zones_added_ask *ask; /* borrowed until the end */
	const struct zones_added_opts *opts;
	struct registry_zone **entries; /* [n] held until they are in the registries; NULL: it goes, or not at all */
};

static bool refuse(struct zones_added_item *it, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(struct zones_added_item *it, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_addv(&it->told, fmt, ap);
	va_end(ap);
	text_add(&it->told, "\n");
	return false;
}

/* --- one that comes ----------------------------------------------------------------------- */

/* Of one that is there already. */
static bool is_there(
	const struct zones_added_work *w, struct zones_added_item *it, const struct registry_zone *z)
{
	char name[NAME_TEXT], catalog[NAME_TEXT];

	view_text(name, it->apex);
	if (it->promotes && z->added && z->added->catalog)
		return refuse(it, "zone %s is a member of the catalog %s, which says where it comes from",
			name, name_text(catalog, z->added->catalog));
	if (it->promotes)
		return z->source == REGISTRY_PRIMARY ||
			refuse(it, "zone %s is no secondary", name);
	if (!z->added)
		return refuse(it, "zone %s is there already: the configuration %s names it", name,
			parts_conf(&w->v.live)->path);
	if (it->replaces)
		return true;
	if (z->added->catalog)
		return refuse(it, "zone %s is there already: as a member of the catalog %s", name,
			name_text(catalog, z->added->catalog));
	return refuse(it, "zone %s is there already: it was added before", name);
}

/* A secondary as it is served, which may be ahead of what is stored of it. NULL: what is stored is newer. */
static struct zone *served_data(
	const struct zones_added_work *w, struct zones_added_item *it, bool has, uint32_t stored)
{
	const struct registry_zone *is = registry_find(w->v.live.zones, it->apex);
	const struct zone *z = is && is->plain ? is->plain : is ? is->load.zone : NULL;

	if (!z || !zone_is_ready(z) ||
		(has && z->serial != stored && !serial_is_newer(z->serial, stored)))
		return NULL;
	it->resumes = has && z->serial == stored;
	zone_hold(z);
	return (struct zone *)(uintptr_t)z;
}

/* What it has in the store, or what its file says, or nothing but SOA and NS. */
static struct zone *first_data(const struct zones_added_work *w, struct zones_added_item *it,
	const struct conf_rule *rule, struct faults *f)
{
	const struct compile_opts opts =
		zone_pools_compile_opts(parts_conf(&w->v.live), w->opts->key);
	struct store_timers timers;
	struct file_stamp stamp;
	struct load load;
	struct fault why;
	uint32_t serial;
	char name[NAME_TEXT];

	view_text(name, it->apex);
	const bool has = store_has(w->opts->store, it->apex, &serial, &why);
	struct zone *served = it->promotes ? served_data(w, it, has, serial) : NULL;
	if (served)
		return served;
	if (it->resumes) {
		struct zone *z = has ? stored_zone(w->opts->store, it->apex, NULL, &opts,
					  &timers, &why)
				     : NULL;
		if (!z && !*why.text)
			fault(&why, "zone %s: nothing is stored of it", name);
		if (!z)
			faults_take(f, &why);
		return z;
	}
	if (has || *why.text) {
		if (has)
			fault(&why,
				"zone %s: the store still has it with serial %u: \"zone add %s ... "
				"--stored\" serves that again, \"zone remove %s --purge\" drops "
				"it", name, serial, name, name);
		faults_take(f, &why);
		return NULL;
	}
	/* One that is written anyway need not be there. */
	if (*it->added->file &&
		!(rule->synced && rule->n_nameservers && !file_stamp(it->added->file, &stamp))) {
		if (!load_zone(&load, it->added->file, it->apex, &opts, f))
			return NULL;
		zone_hold(load.zone);
		struct zone *z = load.zone;
		load_fini(&load);
		return z;
	}
	if (rule->n_nameservers)
		return zone_begin(it->apex, rule, &opts, f);
	faults_error(f, &(struct fault_at){ 0 },
		"zone %s has nothing to begin with: name a file, or write \"nameservers\" into the "
		"template",
		name);
	return NULL;
}

/* One that we own: the store has it from the first moment on. */
static struct registry_zone *own_entry(const struct zones_added_work *w,
	struct zones_added_item *it, const struct conf_rule *rule, struct faults *f)
{
	const int64_t now_s = time(NULL);
	struct zone *z = first_data(w, it, rule, f);

	return z ? registry_zone_new(&(struct registry_zone){ .origin = it->apex,
			   .added = it->added,
			   .source = REGISTRY_STORE,
			   .path = rule->synced ? it->added->file : "",
			   .load = { .zone = z },
			   .state = REGISTRY_READY,
			   .since_s = now_s,
			   .loaded_s = now_s })
		 : NULL;
}

static struct zone *stored_before(void *ctx, const uint8_t *apex, const char *path,
	const struct compile_opts *opts, int64_t *checked_s, uint32_t *expire_s, struct fault *why)
{
	struct store_timers timers = { 0 };
	struct zone *z = stored_zone(ctx, apex, path, opts, &timers, why);

	*checked_s = timers.checked_s;
	*expire_s = timers.expire_s;
	return z;
}

static struct registry_zone *other_entry(
	const struct zones_added_work *w, struct zones_added_item *it, struct faults *f)
{
	return zones_read_one(&(struct zones_read_opts){ .conf = parts_conf(&w->v.live),
				      .staged = w->v.staged.conf ? parts_conf(&w->v.staged) : NULL,
				      .key = w->opts->key,
				      .stored = stored_before,
				      .stored_ctx = w->opts->store,
				      .store = w->opts->store,
				      .ring = w->opts->ring },
		&(struct zones_read_added){ it->apex, it->added }, f);
}

/* Has a view of that name another policy of signing? They have one DS at the parent. False: told. */
static bool fits_views(
	const struct zones_added_work *w, struct zones_added_item *it, const struct conf_rule *rule)
{
	const struct conf *c = parts_conf(&w->v.live);
	const struct zone_set *set = w->v.live.zones->set;
	struct zone_name at;
	char name[NAME_TEXT], other[NAME_TEXT];
	size_t i;

	zone_name_set(&at, w->opts->key, it->apex);
	const struct zone *first = zone_set_find(set, &at, at.labels, &i);
	if (!first || !first->view_len || first->apex_labels != at.labels ||
		c->rules[zone_set_rule(set, i)].dnssec == rule->dnssec)
		return true;
	return refuse(it,
		"zone %s: its template has another \"dnssec\" than zone %s: sign all views of a zone by "
		"one policy, or none", name_text(name, it->apex), view_text(other, zone_id(first)));
}

/* The rule of a template; NULL: told. */
static const struct conf_rule *rule_of(
	const struct zones_added_work *w, struct zones_added_item *it)
{
	const struct conf *c = parts_conf(&w->v.live);
	char name[NAME_TEXT];

	if (*it->added->template && conf_template(c, it->added->template) < 0) {
		refuse(it, "there is no template \"%s\" in the configuration%s",
			it->added->template, c->n_templates ? "; these are:" : "");
		for (size_t i = 0; i < c->n_templates && i < 20; i++)
			text_addf(&it->told, "    %s\n", c->templates[i]);
		return NULL;
	}
	const struct conf_rule *rule = &c->rules[zones_read_rule(c, it->added)];
	view_text(name, it->apex);
	if (rule->n_primaries && *it->added->file) {
		refuse(it, "zone %s: with the template \"%s\" it comes from a primary, and has no "
			   "file", name, it->added->template);
		return NULL;
	}
	if (it->promotes && (rule->n_primaries || !rule->stored)) {
		refuse(it,
			"zone %s: the template \"%s\" is not one of a primary that keeps its zones: it needs "
			"\"write-back: store\", and no \"primary\"", name, it->added->template);
		return NULL;
	}
	if (it->resumes && *it->added->file && !rule->synced) {
		refuse(it, "zone %s: with --stored what is stored is served; name no file", name);
		return NULL;
	}
	if (!rule->n_primaries && rule->synced && !it->promotes &&
		!*it->added->file) {
		refuse(it, "zone %s: with \"write-back: sync\" it is written to a file: name one", name);
		return NULL;
	}
	struct fault why;
	if (*it->added->file && !confine_file(it->added->file, rule->synced, &why)) {
		refuse(it, "%s", why.text);
		return NULL;
	}
	if (!rule->n_primaries && !rule->stored && !*it->added->file) {
		refuse(it,
			"zone %s has nothing to begin with: name a file, or a template with "
			"\"primary\", or with \"write-back: store\" and \"nameservers\"", name);
		return NULL;
	}
	return fits_views(w, it, rule) ? rule : NULL;
}

/* False: told. */
static bool has_file_alone(const struct zones_added_work *w, struct zones_added_item *it, bool synced)
{
	const char *path = it->added->file;
	const struct registry_zone *other =
		*path ? shared_file_owner(w->v.live.zones, parts_conf(&w->v.live), it->apex, path, synced) : NULL;
	char name[NAME_TEXT], its[NAME_TEXT];

	return !other ||
		refuse(it, "zone %s has the file of zone %s, and \"write-back: sync\" would have one written over the other: give it another",
			view_text(name, it->apex), view_text(its, other->origin));
}

static bool come(struct zones_added_work *w, size_t i)
{
	struct zones_added_item *it = &w->ask->items[i];
	const struct registry_zone *z = registry_find(w->v.live.zones, it->apex);
	struct faults f;

	if (z && !is_there(w, it, z))
		return false;
	if (!z && it->promotes) {
		char name[NAME_TEXT];
		return refuse(it, "there is no zone %s (\"waymarkctl zones\" lists them)",
			view_text(name, it->apex));
	}
	const struct conf_rule *rule = rule_of(w, it);
	if (!rule || !has_file_alone(w, it, rule->synced))
		return false;
	faults_init(&f);
	w->entries[i] = rule->stored && !rule->n_primaries ? own_entry(w, it, rule, &f)
							   : other_entry(w, it, &f);
	text_add(&it->told, text_get(&f.text));
	faults_fini(&f);
	if (!w->entries[i])
		return false;
	it->source = w->entries[i]->source;
	it->serial = zone_is_ready(w->entries[i]->load.zone) ? w->entries[i]->load.zone->serial : 0;
	return true;
}

/* --- one that goes ------------------------------------------------------------------------ */

/* One that the configuration names, too, is only forgotten; and of one that went before its data may go. */
static bool go(struct zones_added_work *w, size_t i)
{
	struct zones_added_item *it = &w->ask->items[i];
	const struct registry_zone *z = registry_find(w->v.live.zones, it->apex);
	char name[NAME_TEXT], catalog[NAME_TEXT];
	struct fault why;

	view_text(name, it->apex);
	if (z && z->added && z->added->promoted != it->demotes)
		return refuse(it, z->added->promoted
				? "zone %s was promoted: \"zone demote %s\" gives it back to its primary"
				: "zone %s was not promoted: \"zone remove %s\" takes it out", name, name);
	if (it->demotes)
		return (z && z->added) ||
			refuse(it, z ? "zone %s was not promoted"
				     : "there is no zone %s (\"waymarkctl zones\" lists them)", name);
	if (z && z->added) {
		const uint8_t *is = z->added->catalog, *by = it->added ? it->added->catalog : NULL;
		if (!is != !by || (is && !name_equal(is, by)))
			return refuse(it, is ? "zone %s is a member of the catalog %s: it goes when "
					       "it is taken out there"
					     : "zone %s was added by an operator",
				name, is ? name_text(catalog, is) : "");
		it->source = z->source;
		it->purges = it->purges || z->source == REGISTRY_PRIMARY;
		return true;
	}
	struct registry_added *was = store_added_find(w->opts->store, it->apex, &why);
	const bool shadowed = was != NULL;
	registry_added_drop(was);
	if (shadowed)
		return true;
	uint32_t serial;
	if (!z && !*why.text && it->purges &&
		store_has(w->opts->store, it->apex, &serial, &why))
		return true;
	if (*why.text)
		return refuse(it, "%s", why.text);
	return z ? refuse(it, "zone %s is named by the configuration %s: take it out there, and "
			      "reload", name, parts_conf(&w->v.live)->path)
		 : refuse(it, "there is no zone %s (\"waymarkctl zones\" lists them)", name);
}

/* --- all of them -------------------------------------------------------------------------- */

static bool store_all(struct zones_added_work *w, struct fault *why)
{
	const size_t n = w->ask->n;
	struct store_addition *list = memory_zeroed(n, sizeof *list);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		const struct zones_added_item *it = &w->ask->items[i];
		if (!it->ok)
			continue;
		list[k++] = (struct store_addition){ .apex = it->apex,
			.added = it->goes ? NULL : it->added,
			.zone = !it->goes && it->source == REGISTRY_STORE && !it->resumes
				? w->entries[i]->load.zone
				: NULL,
			.forgets = it->goes && it->purges };
	}
	const bool ok = store_add_zones(w->opts->store, list, k, why);
	memory_free(list);
	return ok;
}

/* The configuration goes before what was added. */
static bool is_configured(const struct parts *of, const struct zones_added_item *it)
{
	const struct registry_zone *z = registry_find(of->zones, it->apex);

	return z && !z->added && !it->promotes;
}

static bool change_registry(struct zones_added_work *w, const struct parts *of,
	const struct registry *served, struct registry **zones, struct pool_numbers **numbers, struct fault *why)
{
	struct registry_change *list = memory_zeroed(w->ask->n, sizeof *list);
	size_t k = 0;

	for (size_t i = 0; i < w->ask->n; i++) {
		const struct zones_added_item *it = &w->ask->items[i];
		if (!it->ok || it->demotes || is_configured(of, it))
			continue;
		list[k] = (struct registry_change){ .apex = it->apex, .zone = w->entries[i] };
		if (!it->goes) {
			part_hold(&w->entries[i]->part);
			list[k].rule = zones_read_rule(parts_conf(of), it->added);
		}
		k++;
	}
	const bool ok = versions_change(of, served, list, k, zones, numbers, why);
	memory_free(list);
	return ok;
}

static int compare_items(const void *va, const void *vb)
{
	struct zones_added_item *const *a = va, *const *b = vb;
	const int d = registry_compare((*a)->apex, (*b)->apex);

	return d ? d : (*a > *b) - (*a < *b);
}

/* Of one that is asked for twice, the first. */
static void refuse_doubles(struct zones_added_work *w)
{
	const size_t n = w->ask->n;
	struct zones_added_item **list = memory_zeroed(n, sizeof(*list));
	char name[NAME_TEXT];

	for (size_t i = 0; i < n; i++)
		list[i] = &w->ask->items[i];
	if (n)
		qsort(list, n, sizeof(*list), compare_items);
	for (size_t i = 1; i < n; i++)
		if (name_equal(list[i - 1]->apex, list[i]->apex))
			refuse(list[i], "zone %s is asked for twice",
				view_text(name, list[i]->apex));
	memory_free(list);
}

static void fail_all(struct zones_added_work *w, const struct fault *why)
{
	for (size_t i = 0; i < w->ask->n; i++) {
		struct zones_added_item *it = &w->ask->items[i];
		if (it->ok)
			it->ok = refuse(it, "%s", why->text);
	}
}

static void work(void *ctx, struct job *job)
{
	struct zones_added_ask *ask = ctx;
	struct zones_added_work *w = ask->work;
	struct fault why;

	w->entries = memory_zeroed(ask->n, sizeof(*w->entries));
	refuse_doubles(w);
	for (size_t i = 0; i < ask->n && !job_is_cancelled(job); i++) {
		struct zones_added_item *it = &ask->items[i];
		it->ok = !it->told.len && (it->goes ? go(w, i) : come(w, i));
		job_progress(job, i, ask->n);
	}
	size_t n = 0;
	for (size_t i = 0; i < ask->n; i++)
		n += ask->items[i].ok;
	if (!n)
		return;
	bool ok = change_registry(w, &w->v.live, NULL, &w->v.zones, &w->v.numbers, &why);
	if (ok && !store_all(w, &why)) {
		versions_drop_made(&w->v);
		ok = false;
	}
	if (!ok)
		fail_all(w, &why);
	else if (w->v.staged.conf)
		change_registry(w, &w->v.staged, w->v.zones, &w->v.staged_zones, &w->v.staged_numbers,
			&why);
}

static bool begin(void *ctx)
{
	struct zones_added_ask *ask = ctx;

	*ask->work = (struct zones_added_work){ .ask = ask, .opts = &ask->owner->opts };
	versions_begin(&ask->work->v, ask->owner->opts.publisher);
	return true;
}

static void end(void *ctx, enum job_end end)
{
	struct zones_added_ask *ask = ctx;
	struct zones_added_work *w = ask->work;
	struct publisher *p = ask->owner->opts.publisher;

	if (end == JOB_DONE && versions_serve(&w->v, p))
		publisher_now(p);
	for (size_t i = 0; end == JOB_DONE && i < ask->n; i++)
		registry_zone_drop(w->entries[i]);
	if (end == JOB_DONE)
		memory_free(w->entries);
	versions_end(&w->v, p);
	free(w);
	ask->work = NULL;
	ask->done(ask->ctx, ask, end);
}

void zones_added_ask(struct zones_added *z, struct zones_added_ask *ask)
{
	ask->owner = z;
	ask->work = calloc(1, sizeof *ask->work);
	if (!ask->work) {
		ask->done(ask->ctx, ask, JOB_NO_MEMORY);
		return;
	}
	ask->build = (struct build){
		.name = "zone", .ctx = ask, .begin = begin, .work = work, .end = end
	};
	builder_ask(z->opts.builder, &ask->build);
}

struct zones_added *zones_added_new(const struct zones_added_opts *opts)
{
	struct zones_added *z = memory_zeroed(1, sizeof *z);

	z->opts = *opts;
	return z;
}

void zones_added_free(struct zones_added *z)
{
	memory_free(z);
}
