#include "base/log.h"
#include "daemon/zone_pools.h"
#include "daemon/zones_read_inner.h"
#include "store/store.h"

#include <errno.h>
#include <unistd.h>

/* Of other nameservers: what there is goes on until they have something newer. */
static struct registry_zone *of_primary(
	const struct reading *r, const struct listed *z, struct fault *lost)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	const struct registry_zone *old = z->before;
	struct registry_zone to = { .origin = z->origin,
		.added = z->added,
		.source = REGISTRY_PRIMARY,
		.path = "",
		.state = REGISTRY_WAITS,
		.since_s = r->now_s };
	struct fault why = { 0 };
	char name[NAME_TEXT];

	if (old && old->source == REGISTRY_PRIMARY && old->state != REGISTRY_FAULTY &&
		zones_entry_same_signing(z) && registry_added_same(old->added, z->added))
		return z->before;
	if (old && old->source == REGISTRY_PRIMARY) {
		part_copy(&to, old, sizeof to); /* it has no files */
		to.added = z->added;
		to.load.zone = old->plain ? (struct zone *)(uintptr_t)old->plain : old->load.zone;
		if (zone_is_ready(to.load.zone) && old->state != REGISTRY_READY) {
			to.state = REGISTRY_READY;
			to.since_s = r->now_s;
			to.fault = NULL;
		}
		to.plain = NULL;
		to.keys = NULL;
		to.keys_due = to.plain_due = false;
		zone_hold(to.load.zone);
	} else if (old && zone_is_ready(old->load.zone)) {
		to.state = REGISTRY_READY;
		to.loaded_s = old->loaded_s;
		to.load.zone = old->load.zone;
		zone_hold(to.load.zone);
	} else if (r->o->stored &&
		(to.load.zone = r->o->stored(r->o->stored_ctx, z->origin, z->path, &opts, &to.checked_s,
			 &to.expire_s, &why))) {
		to.state = REGISTRY_READY;
		to.loaded_s = r->now_s;
	} else {
		if (*why.text)
			log_line(LOG_ERROR, "zone %s: %s; it is fetched anew",
				view_text(name, z->origin), why.text);
		to.load.zone = zone_placeholder(r->o->key, z->origin);
	}
	return zones_entry_signed(r, z, &to, lost);
}

/* What it has in the store is signed, and is to be so no more. */
static struct registry_zone *unsigned_entry(const struct reading *r, const struct listed *z,
	struct registry_zone *to, struct fault *why)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	bool late = false;
	const struct zone_signing how = zones_entry_signing(r, z, &opts, &late);
	const struct zone_signing_of of = zones_entry_signing_of(r, z);
	struct faults f;

	faults_init(&f);
	to->load.zone = zone_signing_undo(&how, &of, &f);
	if (!to->load.zone)
		zones_entry_first_fault(&f, why);
	faults_fini(&f);
	if (late && to->load.zone)
		zone_drop(to->load.zone);
	if (late)
		return z->before;
	return to->load.zone ? registry_zone_new(to) : NULL;
}

/* Until all of it is stored, what is stored is upon a file that may be another by now. What is served has all of it. */
static bool has_more_than_store(const struct reading *r, const struct listed *z)
{
	const struct registry_zone *old = z->before;

	return old && old->source == REGISTRY_STORE && zone_is_ready(old->load.zone) && r->o->store &&
		store_is_of_file(r->o->store, z->origin);
}

/* One of a fleet begins with the file of some server: on the others it need not be there. Who has served what it said goes on with that. */
static bool waits_for_fleet(const struct reading *r, const struct listed *z)
{
	if (!r->o->conf->rules[z->at->rule].fleet)
		return false;
	return !z->path || (!(z->before && zone_is_ready(z->before->load.zone)) && access(z->path, F_OK) != 0 && errno == ENOENT);
}

/* Of the store, once it is there. NULL: the file is where it begins; or `why` says that it is there and cannot be
 * had: then what the file says is older than what was confirmed, and must not be told. */
static struct registry_zone *of_store(
	const struct reading *r, const struct listed *z, struct fault *why)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	const struct registry_zone *old = z->before;
	struct registry_zone to = { .origin = z->origin,
		.added = z->added,
		.source = REGISTRY_STORE,
		.path = z->path ? z->path : "",
		.state = REGISTRY_READY,
		.since_s = r->now_s,
		.loaded_s = r->now_s };

	/* As long as nothing has changed it, it is still its file. */
	if (old && old->source == REGISTRY_STORE &&
		(old->state == REGISTRY_READY || (old->state == REGISTRY_WAITS && waits_for_fleet(r, z))) && zones_entry_same_signing(z) &&
		registry_added_same(old->added, z->added) && (old->load.n == 0 || load_is_fresh(&old->load)))
		return z->before;
	if (old && old->source == REGISTRY_STORE && old->keys && !z->keys)
		return unsigned_entry(r, z, &to, why);
	if (has_more_than_store(r, z))
		zone_hold(to.load.zone = old->load.zone);
	else if (r->o->stored)
		to.load.zone = r->o->stored(
			r->o->stored_ctx, z->origin, z->path, &opts, &to.checked_s, &to.expire_s, why);
	if (!to.load.zone && !*why->text && waits_for_fleet(r, z)) {
		to.state = REGISTRY_WAITS;
		to.loaded_s = 0;
		to.load.zone = zone_placeholder(r->o->key, z->origin);
	}
	return to.load.zone ? zones_entry_signed(r, z, &to, why) : NULL;
}

/* A catalog that is made here: as it was, or as it is stored; what it lists is looked at by others. */
static struct registry_zone *of_making(
	const struct reading *r, const struct listed *z, struct fault *lost)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	const struct registry_zone *old = z->before;
	struct registry_zone to = { .origin = z->origin,
		.source = REGISTRY_MADE,
		.path = "",
		.state = REGISTRY_READY,
		.since_s = r->now_s,
		.loaded_s = r->now_s };

	if (old && old->source == REGISTRY_MADE)
		return z->before;
	if (r->o->stored)
		to.load.zone = r->o->stored(
			r->o->stored_ctx, z->origin, NULL, &opts, &to.checked_s, &to.expire_s, lost);
	if (*lost->text)
		return NULL;
	if (!to.load.zone) {
		to.state = REGISTRY_WAITS;
		to.loaded_s = 0;
		to.load.zone = zone_placeholder(r->o->key, z->origin);
	}
	return registry_zone_new(&to);
}

/* What is not read from a file; or has not changed. NULL: its file is read, or `lost` says why not. */
struct registry_zone *zones_source_entry(
	const struct reading *r, const struct listed *z, struct fault *lost)
{
	const struct conf_rule *rule = &r->o->conf->rules[z->at->rule];
	const struct conf_catalog *catalog = z->at->catalog;
	struct registry_zone *entry = catalog && catalog->produces ? of_making(r, z, lost)
		: rule->n_primaries                             ? of_primary(r, z, lost)
		: rule->stored                          ? of_store(r, z, lost)
							: zones_entry_same(r, z);
	char name[NAME_TEXT];

	if (!entry && !z->path && !*lost->text)
		fault(lost, "zone %s: %s", view_text(name, z->origin),
			rule->stored ? "nothing of it is in the store"
				     : "it was added without a file, and its template has neither "
				       "\"primary\" nor \"write-back: store\"");
	return entry;
}
