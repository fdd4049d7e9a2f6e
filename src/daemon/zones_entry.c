#include "base/log.h"
#include "daemon/key_ring.h"
#include "daemon/zone_pools.h"
#include "daemon/zones_read_inner.h"
#include "jobs/jobs.h"
#include "store/store.h"
#include "zone/history.h"
#include "zone/serial.h"
#include "zone/zonemd_make.h"

#include <stdio.h>
#include <string.h>

/* Of what has a policy, or keys still. False: it is to be signed, and cannot be. */
bool zones_entry_find_keys(const struct reading *r, struct listed *z, struct fault *why)
{
	const struct conf_rule *rule = &r->o->conf->rules[z->at->rule];
	const unsigned number = rule->dnssec;

	*why = (struct fault){ 0 };
	if (r->o->ring && (number || key_ring_knows(r->o->ring, z->origin)))
		key_ring_share(r->o->ring, z->origin, rule->fleet);
	/* What a fleet signs is signed by changes, and by nobody who reads it. */
	if (!r->o->ring || (rule->fleet && z->before))
		z->keys = z->before ? keyset_hold(z->before->keys) : NULL;
	else if (number || key_ring_knows(r->o->ring, z->origin))
		z->keys = key_ring_get(r->o->ring, z->origin,
			number ? &r->o->conf->dnssec[number - 1].keys : NULL, why);
	return z->keys || !*why->text;
}

/* Is what is served signed here, or not, as it is to be? */
bool zones_entry_same_signing(const struct listed *z)
{
	return !z->before || !z->before->keys == !z->keys;
}

struct zone_signing_of zones_entry_signing_of(const struct reading *r, const struct listed *z)
{
	const struct conf_rule *rule = &r->o->conf->rules[z->at->rule];
	const struct registry_zone *old = z->before;
	const bool is_served = old && zone_is_ready(old->load.zone);

	return (struct zone_signing_of){ .keys = z->keys,
		.before = is_served && old->keys ? old->load.zone : NULL,
		.served = is_served && !old->keys ? old->load.zone : NULL,
		.which = rule->stored && !rule->n_primaries ? STORE_ZONE : STORE_SIGNED,
		.serial = rule->access.serial };
}

static bool goes_on(void *ctx, uint64_t n, uint64_t of)
{
	(void)n;
	(void)of;
	return !job_is_cancelled(ctx);
}

/* `late`: of a zone that is served, which is changed meanwhile: that goes before, and until it is served, too, the entry
 * is the one before. */
struct zone_signing zones_entry_signing(const struct reading *r, const struct listed *z,
	const struct compile_opts *opts, bool *late)
{
	return (struct zone_signing){ .compile = opts,
		.store = r->o->ring ? r->o->store : NULL,
		.now_s = r->now_s,
		.politely = r->o->job != NULL,
		.goes_on = r->o->job ? goes_on : NULL,
		.ctx = r->o->job,
		.late = z->before ? late : NULL,
		.soon = r->settles };
}

/* What `to` serves as it came (`*was`, the caller's, then) becomes what is served signed, where it is signed here;
 * false after a fault. */
static bool sign_entry(const struct reading *r, const struct listed *z,
	struct registry_zone *to, const struct zone **was, bool *late, struct faults *f)
{
	const struct zone_pools pools = { r->o->conf, r->o->staged };
	const struct compile_opts opts = zone_pools_both_opts(&pools, r->o->key);
	const struct zone_signing how = zones_entry_signing(r, z, &opts, late);
	const struct zone_signing_of of = zones_entry_signing_of(r, z);
	struct zone *plain = to->load.zone;

	if (!z->keys || !zone_is_ready(plain))
		return true;
	if (z->is_signed) {
		to->keys = z->keys;
		to->keys_due = true; /* steps since then may be of other keys: who keeps it signed looks */
		return true;
	}
	if (r->o->conf->rules[z->at->rule].fleet) {
		to->keys = plain->denial ? z->keys : NULL;
		to->keys_due = plain->denial != NULL;
		return true;
	}
	to->load.zone = zone_signing_make(&how, &of, plain, &to->keys_due, f);
	to->keys = z->keys;
	if (z->before && !z->before->keys_due && keyset_same(z->before->keys, z->keys))
		to->keys_due = false;
	*was = plain;
	to->plain = to->source == REGISTRY_PRIMARY ? plain : NULL;
	return to->load.zone != NULL;
}

/* The entry of `to`, whose zone is taken, signed where it is signed here. NULL after a fault. */
static struct registry_zone *entry_new(const struct reading *r, const struct listed *z,
	struct registry_zone *to, struct faults *f)
{
	const struct zone *plain = NULL;
	struct registry_zone *made = NULL;
	bool late = false;

	if (sign_entry(r, z, to, &plain, &late, f) && !late)
		made = registry_zone_new(to);
	else
		load_fini(&to->load);
	if (late)
		made = z->before;
	if (plain)
		zone_drop(plain);
	return made;
}

/* Has what is served a digest of itself as it is to have? What is signed here has that of its policy. One of its file's own
 * is not told from one that was made. */
static bool same_digest(const struct reading *r, const struct listed *z)
{
	return z->keys ||
		zonemd_hash_of(z->before->load.zone) == r->o->conf->rules[z->at->rule].zonemd;
}

/* The same as before, when its files are the same, nothing in them goes through the edges of pools, and the pools it names
 * are still there, and still do for where it names them; not held, since mostly all are. */
struct registry_zone *zones_entry_same(const struct reading *r, const struct listed *z)
{
	struct registry_zone *old = z->before;

	if (!old || old->state != REGISTRY_READY || old->source != REGISTRY_FILE || !z->path ||
		!zones_entry_same_signing(z) ||
		strcmp(old->path, z->path) != 0 || !load_is_fresh(&old->load) || old->load.listed ||
		!registry_added_same(old->added, z->added) || !same_digest(r, z))
		return NULL;
	const struct zone *was = old->load.zone;
	for (unsigned i = 0; i < was->pools_n; i++)
		if (!zone_pools_suit(r->o->conf, was, i))
			return NULL;
	return old;
}

/* Who follows this zone asks for what has changed. */
static void keep_history(const struct reading *r, const struct listed *z, struct zone *now)
{
	const struct zone *was = z->before ? z->before->load.zone : NULL;
	struct fault why;

	if (!was || !zone_is_ready(was) || !serial_is_newer(now->serial, was->serial) ||
		!r->o->conf->rules[z->at->rule].access.transfer.n)
		return;
	struct change *c = change_between(was, now, &why);
	if (c)
		history_give(now, was, c);
}

/* What was made of it when it was signed here is not needed any more. */
static void forget_signed(const struct reading *r, const struct listed *z)
{
	struct fault why;

	if (z->before && z->before->keys && !z->keys && r->o->ring && r->o->store &&
		!store_forget_signed(r->o->store, z->origin, &why))
		log_line(LOG_WARNING, "%s", why.text);
}

enum registry_source zones_entry_source(const struct reading *r, const struct listed *z)
{
	const struct conf_rule *rule = &r->o->conf->rules[z->at->rule];

	if (z->at->catalog && z->at->catalog->produces)
		return REGISTRY_MADE;
	if (rule->n_primaries)
		return REGISTRY_PRIMARY;
	return rule->stored ? REGISTRY_STORE : REGISTRY_FILE;
}

/* The digest that the zone has to have of itself, where it is not signed here. False after a fault. */
bool zones_entry_put_digest(
	const struct reading *r, const struct listed *z, struct load *load, struct faults *f)
{
	const struct conf_rule *rule = &r->o->conf->rules[z->at->rule];

	if (!rule->zonemd || z->keys)
		return true;
	load->zone = zonemd_put(load->zone,
		&(struct zonemd_opts){ .hash = rule->zonemd,
			.with = { .compile = zone_pools_compile_opts(r->o->conf, r->o->key),
				.tolerant = true } },
		f);
	if (!load->zone)
		load_fini(load);
	return load->zone != NULL;
}

/* Takes `load`. NULL after a fault. */
struct registry_zone *zones_entry_ready(const struct reading *r, const struct listed *z,
	const struct load *load, struct faults *f)
{
	const bool was = z->before && z->before->state == REGISTRY_READY;

	if (!z->keys)
		keep_history(r, z, load->zone);
	forget_signed(r, z);
	struct registry_zone to = { .origin = z->origin,
		.added = z->added,
		.source = zones_entry_source(r, z),
		.path = z->path,
		.load = *load,
		.state = REGISTRY_READY,
		.since_s = was ? z->before->since_s : r->now_s,
		.loaded_s = r->now_s };
	return entry_new(r, z, &to, f);
}

/* What it had is served on, and changed on as it was, unless it is to come from elsewhere now; who had nothing answers
 * SERVFAIL. NULL when there is no memory. */
struct registry_zone *zones_entry_faulty(
	const struct reading *r, const struct listed *z, const struct faults *f)
{
	const struct registry_zone *old = z->before;
	const bool has = old && zone_is_ready(old->load.zone);
	struct registry_zone to = { .origin = z->origin,
		.added = z->added,
		.source = old && old->source == zones_entry_source(r, z) ? old->source : REGISTRY_FILE,
		.path = z->path ? z->path : "",
		.state = has ? REGISTRY_FAULTY : REGISTRY_EMPTY,
		.since_s = old && old->state != REGISTRY_READY ? old->since_s : r->now_s };
	const char *first = text_get(&f->text) + (f->errors ? f->error_at[0] : 0);
	char line[512];

	snprintf(line, sizeof line, "%.*s", (int)strcspn(first, "\n"), first);
	to.fault = line;
	if (has)
		registry_zone_goes_on(&to, old);
	else
		to.load.zone = zone_placeholder(r->o->key, z->origin);
	return to.load.zone ? registry_zone_new(&to) : NULL;
}

/* The first fault, as a sentence. */
void zones_entry_first_fault(struct faults *f, struct fault *why)
{
	const char *text = text_get(&f->text) + (f->errors ? f->error_at[0] : 0);

	fault(why, "%.*s", (int)strcspn(text, "\n"), text);
}

/* sign_entry() where there is no file; NULL: `why`. */
struct registry_zone *zones_entry_signed(const struct reading *r, const struct listed *z,
	struct registry_zone *to, struct fault *why)
{
	struct registry_zone *made = NULL;
	struct faults f;

	faults_init(&f);
	forget_signed(r, z);
	made = entry_new(r, z, to, &f);
	if (!made)
		zones_entry_first_fault(&f, why);
	faults_fini(&f);
	return made;
}
