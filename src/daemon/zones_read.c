#include "daemon/zones_read.h"

#include "base/crew.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "daemon/kept_images.h"
#include "daemon/key_ring.h"
#include "daemon/zone_pools.h"
#include "daemon/zone_verify.h"
#include "daemon/zones_read_inner.h"
#include "jobs/jobs.h"
#include "store/store.h"
#include "xfr/stored.h"
#include "zone/sign.h"
#include "zone/zone_kept.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint32_t zones_read_rule(const struct conf *c, const struct registry_added *added)
{
	const int rule = *added->template ? conf_template(c, added->template) : 0;

	return rule < 0 ? 0 : (uint32_t)rule;
}

/* Its template is not there any more: what is known of it is served on, and it is told. NULL: no memory. */
static struct registry_zone *orphan(
	const struct reading *r, const struct listed *z, struct faults *f)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	const struct fault_at at = { .path = r->o->conf->path };
	struct listed as = *z;
	struct registry_zone stored = { .state = REGISTRY_READY };
	struct fault why;
	char name[NAME_TEXT];

	faults_error(f, &at,
		"zone %s was added with the template \"%s\", which is not there any more: write it "
		"anew, or take the zone out (\"zone remove %s\")",
		view_text(name, z->origin), z->added->template, name);
	if (!z->before && r->o->stored) {
		stored.load.zone = r->o->stored(r->o->stored_ctx, z->origin, z->path, &opts,
			&stored.checked_s, &stored.expire_s, &why);
		if (stored.load.zone) {
			stored.loaded_s = r->now_s;
			as.before = &stored;
		}
	}
	struct registry_zone *made = zones_entry_faulty(r, &as, f);
	if (stored.load.zone)
		zone_drop(stored.load.zone);
	return made;
}

/* What is stored of one that is signed here, as it was served; without a zone where there is nothing. */
static struct registry_zone stored_signed(const struct reading *r, const struct listed *z)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	struct registry_zone to = { .source = zones_entry_source(r, z),
		.state = REGISTRY_READY,
		.loaded_s = r->now_s };
	struct zone *own = NULL;
	struct fault why = { 0 };

	if (r->o->stored && (to.source == REGISTRY_STORE || to.source == REGISTRY_PRIMARY))
		own = r->o->stored(r->o->stored_ctx, z->origin, z->path, &opts, &to.checked_s,
			&to.expire_s, &why);
	if (to.source == REGISTRY_STORE) {
		to.load.zone = own;
		return to;
	}
	if (r->o->store)
		to.load.zone = stored_signed_zone(r->o->store, z->origin, &opts, &why);
	if (to.load.zone)
		to.plain = own; /* as its primary has it */
	else if (own)
		zone_drop(own);
	return to;
}

/* Its keys cannot be had: what was signed of it is served on, and it is told. NULL: no memory. */
static struct registry_zone *without_keys(const struct reading *r, const struct listed *z,
	const struct fault *lost, struct faults *f)
{
	struct listed as = *z;
	struct registry_zone stored = { .load = { 0 } };

	faults_take(f, lost);
	if (!z->before)
		stored = stored_signed(r, z);
	if (stored.load.zone)
		as.before = &stored;
	struct registry_zone *made = zones_entry_faulty(r, &as, f);
	if (stored.load.zone)
		zone_drop(stored.load.zone);
	if (stored.plain)
		zone_drop((struct zone *)(uintptr_t)stored.plain);
	return made;
}

/* A file that cannot be opened is told where the configuration names it. */
static bool may_read(const struct reading *r, const struct listed *z, struct faults *f)
{
	const struct fault_at at = zones_list_place(r, z->at);

	return access(z->path, R_OK) == 0 ||
		faults_error(f, &at, "%s: %s", z->path, strerror(errno));
}

/* The faults of a zone stay with it until all have been read. */
static void keep_faults(struct listed *z, struct faults *f)
{
	if (!f->errors && !f->warnings) {
		faults_fini(f);
		return;
	}
	z->faults = memory_zeroed(1, sizeof *z->faults);
	*z->faults = *f;
}

static bool has_template(const struct reading *r, const struct listed *z)
{
	return !z->added || !*z->added->template ||
		conf_template(r->o->conf, z->added->template) >= 0;
}

/* What its file says is right; is it what it must be? */
static bool is_verified(
	const struct reading *r, const struct listed *z, struct load *load, struct faults *f)
{
	const struct fault_at at = { .path = z->path };
	struct fault doubt, why;
	const bool ok = zone_verify(
		&r->o->conf->rules[z->at->rule].verify, load->zone, r->o->job, &doubt, &why);

	if (*doubt.text)
		faults_warning(f, &at, "%s", doubt.text);
	if (ok)
		return true;
	load_fini(load);
	return faults_error(f, &at, "%s", why.text);
}

static bool pools_suit(const struct reading *r, const struct zone *z)
{
	for (unsigned i = 0; i < z->pools_n; i++)
		if (!zone_pools_suit(r->o->conf, z, i))
			return false;
	return true;
}

/* What was signed of these files, by the same keys, and is good still; with what has been signed anew since then. */
static bool is_signed_still(const struct reading *r, const struct listed *z, const struct zone_kept_signed *s, struct load *load)
{
	const struct zone_pools pools = { r->o->conf, r->o->staged };
	const struct compile_opts opts = zone_pools_both_opts(&pools, r->o->key);

	if (s->generation != z->keys->generation || !load->zone->denial || !sign_chain_fits(load->zone, z->keys))
		return false;
	load->zone = stored_signed_upon(r->o->store, s->base, load->zone, &opts);
	return load->zone && load->zone->signatures_end_s > r->now_s;
}

/* As it was kept when we last ran, when it would be the same now. */
static bool read_kept(struct reading *r, struct listed *z, struct load *load, struct faults *f)
{
	struct zone_kept_signed s;
	char path[KEPT_PATH];
	const struct zone_kept_from from = { path, z->origin, z->path, z->keys ? &s : NULL };

	if (!r->o->kept_dir || z->before || (z->keys && !(r->o->store && kept_images_signed(&r->o->conf->rules[z->at->rule], z->keys))) ||
		!kept_images_zone(path, r->o->kept_dir, z->origin, z->path) || !zone_kept_read(load, &from, r->o->key, f))
		return false;
	const bool signed_still = !z->keys || is_signed_still(r, z, &s, load);
	if (!signed_still && !r->o->kept_stays)
		unlink(path); /* it is of these files, and would stay for good */
	if (!signed_still || !pools_suit(r, load->zone)) {
		load_fini(load);
		faults_fini(f);
		faults_init(f);
		return false;
	}
	z->is_signed = z->keys != NULL;
	__atomic_add_fetch(&r->kept, 1, __ATOMIC_RELAXED);
	return true;
}

/* What its file says; it is asked whether it may be opened only when something is wrong, or when it was not opened. */
static bool load_file(struct reading *r, struct listed *z, const struct compile_opts *opts, struct load *load, struct faults *f)
{
	if (read_kept(r, z, load, f)) {
		if (may_read(r, z, f))
			return true;
		load_fini(load);
		return false;
	}
	if (load_zone(load, z->path, z->origin, opts, f))
		return true;
	if (access(z->path, R_OK) != 0) {
		faults_fini(f);
		faults_init(f);
		may_read(r, z, f);
	}
	return false;
}

/* Once: not when it waits on. */
static void tell_waiting(const struct reading *r, struct listed *z)
{
	const struct fault_at at = zones_list_place(r, z->at);
	struct faults f;

	if (!z->entry || z->entry == z->before || z->entry->source != REGISTRY_STORE || z->entry->state != REGISTRY_WAITS || !z->path)
		return;
	faults_init(&f);
	faults_warning(&f, &at, "%s is not there: the zone waits for what the fleet has", z->path);
	keep_faults(z, &f);
}

static bool read_zone(void *ctx, size_t i)
{
	struct reading *r = ctx;
	struct listed *z = &r->list[i];
	struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	struct faults f;
	struct load load;
	struct fault lost = { 0 };

	if (r->o->job && job_is_cancelled(r->o->job))
		return false;
	if (!has_template(r, z)) {
		faults_init(&f);
		z->entry = orphan(r, z, &f);
		keep_faults(z, &f);
	} else if (zones_entry_find_keys(r, z, &lost)) {
		z->entry = zones_source_entry(r, z, &lost);
		tell_waiting(r, z);
	} else {
		faults_init(&f);
		z->entry = without_keys(r, z, &lost, &f);
		keep_faults(z, &f);
	}
	/* One that is signed here has a serial of its own. */
	if (z->before && z->before->state != REGISTRY_EMPTY && !z->keys)
		opts.before = z->before->load.zone;
	if (!z->entry) {
		faults_init(&f);
		if (*lost.text)
			faults_take(&f, &lost);
		const bool ok = !f.errors && load_file(r, z, &opts, &load, &f) && is_verified(r, z, &load, &f) && zones_entry_put_digest(r, z, &load, &f);
		z->entry = ok ? zones_entry_ready(r, z, &load, &f) : NULL;
		if (!z->entry)
			z->entry = zones_entry_faulty(r, z, &f);
		keep_faults(z, &f);
	}
	keyset_drop(z->keys);
	const size_t done = __atomic_add_fetch(&r->done, 1, __ATOMIC_RELAXED);
	if (r->o->job && (done & 63) == 0)
		job_progress(r->o->job, done, r->n);
	return z->entry != NULL;
}

/* In the order of the zones: as many as one run shows in full, of all others the first line of
 * what is wrong, and how many doubts there are. */
static void tell_faults(struct reading *r, struct faults *f)
{
	unsigned shown = f->warnings, hidden = 0, zones = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct faults *of = r->list[i].faults;
		if (!of)
			continue;
		if (of->errors || shown < FAULTS_MOST) {
			faults_add_each(f, of);
			shown += of->warnings;
		} else {
			f->warnings += of->warnings;
			hidden += of->warnings;
			zones++;
		}
		faults_fini(of);
		memory_free(of);
	}
	if (hidden)
		text_addf(&f->text, "... and %u more warnings, of %u zones\n", hidden, zones);
}

/* Takes the entries. */
static struct registry *make_registry(struct reading *r)
{
	const struct registry *before = r->o->before;
	bool same = before && before->n == r->n;

	for (size_t i = 0; same && i < r->n; i++)
		same = r->list[i].entry == before->zones[i] &&
			r->list[i].at->rule == zone_set_rule(before->set, i);
	if (same)
		return registry_hold((struct registry *)(uintptr_t)before);
	struct registry_zone **zones = memory_zeroed(r->n, sizeof *zones);
	uint32_t *rules = memory_zeroed(r->n, sizeof *rules);
	for (size_t i = 0; i < r->n; i++) {
		rules[i] = r->list[i].at->rule;
		zones[i] = r->list[i].entry;
		if (zones[i] == r->list[i].before)
			part_hold(&zones[i]->part);
	}
	struct registry *made = registry_new(r->o->key, zones, rules, r->n);
	memory_free(rules);
	return made;
}

static void drop_new(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].entry != r->list[i].before)
			registry_zone_drop(r->list[i].entry);
}

enum { KEYS_MANY = 32 }; /* fewer are made one by one */

/* Zones that are signed here for the first time get their keys, where they are many. */
static void make_keys(const struct reading *r)
{
	struct key_ring_first *list = memory_zeroed(r->n, sizeof *list);
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct conf_rule *rule = &r->o->conf->rules[r->list[i].at->rule];
		const unsigned number = rule->fleet ? 0 : rule->dnssec;
		if (number && !key_ring_knows(r->o->ring, r->list[i].origin))
			list[n++] = (struct key_ring_first){ r->list[i].origin,
				&r->o->conf->dnssec[number - 1].keys };
	}
	if (n >= KEYS_MANY)
		key_ring_get_many(r->o->ring, list, n, r->o->job != NULL);
	memory_free(list);
}

/* For a scope. */
static void end_many(void *store)
{
	store_read_many(store, false);
}

static void read_zones(struct reading *r)
{
	struct store *s = r->o->store;

	if (s) {
		store_read_many(s, true);
		scope_hold(s, end_many);
	}
	crew_run(r->n, r->o->job != NULL, read_zone, r);
	if (s) {
		scope_forget(s, end_many);
		end_many(s);
	}
}

/* What the list has is read, whether it is right or not: one fault hides no other. */
static struct registry *read_list(struct reading *r, bool right, struct faults *f)
{
	struct registry *made = NULL;
	struct fault why = { 0 };
	bool all = true;

	if (r->o->ring)
		make_keys(r);
	r->settles = r->o->ring && r->o->store;
	read_zones(r);
	if (r->kept)
		log_line(LOG_NOTICE, "zones: %zu as they were kept, since their files have not changed", r->kept);
	tell_faults(r, f);
	if (r->settles && !store_settle(r->o->store, &why)) {
		faults_take(f, &why);
		right = false;
	}
	for (size_t i = 0; i < r->n; i++)
		all = all && r->list[i].entry;
	if (all && (right || r->o->lacking))
		made = make_registry(r);
	else
		drop_new(r);
	if (!made && right)
		faults_error(f, &(struct fault_at){ .path = r->o->conf->path },
			r->o->job && job_is_cancelled(r->o->job) ? "given up"
								 : "out of memory");
	return made;
}

struct registry *zones_read(const struct zones_read_opts *o, struct faults *f)
{
	struct reading r = { .o = o, .now_s = time(NULL) };

	arena_init(&r.mem);
	const bool right = zones_list_make(&r, f);
	struct registry *made = read_list(&r, right, f);
	memory_free(r.list);
	arena_fini(&r.mem);
	return made;
}

struct registry_zone *zones_read_one(const struct zones_read_opts *o,
	const struct zones_read_added *of, struct faults *f)
{
	struct reading r = { .o = o, .now_s = time(NULL) };

	arena_init(&r.mem);
	zones_list_add(&r, of);
	const bool made = read_zone(&r, 0);
	struct listed *z = r.list;
	const bool ok = made && (!z->faults || !z->faults->errors) && z->entry->state != REGISTRY_EMPTY;
	struct registry_zone *entry = z->entry;
	tell_faults(&r, f);
	if (!ok) {
		registry_zone_drop(entry);
		entry = NULL;
	}
	memory_free(r.list);
	arena_fini(&r.mem);
	return entry;
}
