#include "daemon/zone_signing.h"

#include "base/log.h"
#include "base/memory.h"
#include "xfr/stored.h"
#include "xfr/update.h"
#include "zone/history.h"
#include "zone/serial.h"
#include "zone/zone_with.h"

#include <string.h>

enum { EXPIRED_MOST = 4096 };

static struct sign_opts sign_opts(const struct zone_signing *s, const struct keyset *keys)
{
	return (struct sign_opts){ .keys = keys,
		.compile = s->compile,
		.now_s = s->now_s,
		.politely = s->politely,
		.goes_on = s->goes_on,
		.ctx = s->ctx };
}

static bool fail(struct faults *f, const struct fault *why)
{
	return faults_error(f, &(struct fault_at){ 0 }, "%s", why->text);
}

/* --- the disk ----------------------------------------------------------------------------- */

/* `of`: the version that it was made of. */
static bool put(const struct zone_signing *s, enum store_which which, const struct zone *of,
	const struct zone *z, struct faults *f)
{
	static const struct store_timers never;
	struct fault why;

	if (!s->store)
		return true;
	if (s->late && which == STORE_ZONE) {
		const struct store_mark upon = { .none = true, .there = true, .serial = of->serial };
		const enum store_result result = store_put_upon(s->store, z, &never, &upon, &why);
		*s->late = *s->late || result == STORE_APART;
		return result != STORE_FAILED || fail(f, &why);
	}
	if (s->soon)
		return store_put_soon(s->store, z, which, &why) || fail(f, &why);
	return (which == STORE_SIGNED ? store_put_signed(s->store, z, &why)
				      : store_put(s->store, z, &never, &why)) ||
		fail(f, &why);
}

/* `z` is what the change makes of `of`. */
static bool add(const struct zone_signing *s, enum store_which which, const struct change *c,
	const struct zone *of, const struct zone *z, struct faults *f)
{
	const struct store_step step = { .change = c, .which = which };
	struct fault why;

	if (!s->store)
		return true;
	const enum store_result result = store_add(s->store, &step, 1, &why);
	if (result == STORE_APART)
		return put(s, which, of, z, f);
	return result == STORE_DONE || fail(f, &why);
}

/* --- versions ----------------------------------------------------------------------------- */

/* The version after `before`, stored. Takes the change. Count 1. */
static struct zone *step_on(const struct zone_signing *s, const struct zone_signing_of *of,
	const struct zone *before, struct change *c, struct faults *f)
{
	const struct zone_with_opts with = { .compile = *s->compile };
	struct zone *z = zone_with(before, c, &with, f);

	if (z && !add(s, of->which, c, before, z, f)) {
		zone_drop(z);
		z = NULL;
	}
	if (z)
		history_give(z, before, c);
	else
		change_free(c);
	return z;
}

static void grow(void *ctx, const struct zone *z, uint32_t until)
{
	store_grow_to(ctx, z, until);
}

/* `z`, which may be NULL, was given to `g` as it was signed. */
static bool grown(const struct zone_signing *s, const struct zone *z, bool upon,
	struct store_growing *g, struct faults *f)
{
	struct fault why;

	if (!z) {
		store_grow_not(g);
		return true;
	}
	const enum store_result result = store_grown(g, &why);
	if (upon && result == STORE_APART)
		*s->late = true;
	return result == STORE_DONE || (upon && result == STORE_APART) || fail(f, &why);
}

static struct zone *sign_whole(const struct zone_signing *s, const struct zone_signing_of *of,
	const struct zone *plain, uint32_t serial, struct faults *f)
{
	const struct store_mark mark = { .none = true, .there = true, .serial = plain->serial };
	const bool upon = s->late && of->which == STORE_ZONE;
	/* Its digest changes what was signed. */
	const bool grows = s->store && !of->keys->policy.zonemd;
	struct sign_opts o = sign_opts(s, of->keys);
	char name[NAME_TEXT];
	struct zone *clean = sign_strip(plain, s->compile, f);

	if (!clean)
		return NULL;
	struct store_growing *g =
		grows ? store_grow(s->store, of->which, upon ? &mark : NULL, s->soon && !upon) : NULL;
	if (g) {
		o.written = grow;
		o.written_ctx = g;
	}
	struct zone *z = sign_zone(clean, &o, serial, f);
	zone_drop(clean);
	const bool ok = g ? grown(s, z, upon, g, f) : !z || put(s, of->which, plain, z, f);
	if (!ok) {
		zone_drop(z);
		return NULL;
	}
	if (z)
		log_line(LOG_NOTICE, "zone %s: signed as a whole, %u names, serial %u",
			view_text(name, zone_id(z)), z->nodes, z->serial);
	return z;
}

/* The newest that others may have: signed, or as it was served unsigned. */
static uint32_t last_serial(
	const struct zone_signing_of *of, const struct zone *before, const struct zone *plain)
{
	const uint32_t last = before ? before->serial
		: of->served         ? of->served->serial
				     : plain->serial;

	return of->served && serial_is_newer(of->served->serial, last) ? of->served->serial : last;
}

/* What `plain` has that `before` has not. */
static struct zone *follow_plain(const struct zone_signing *s, const struct zone_signing_of *of,
	const struct zone *before, const struct zone *plain, struct faults *f)
{
	const struct sign_opts o = sign_opts(s, of->keys);
	const uint32_t last = last_serial(of, before, plain);
	const uint32_t next = update_serial(last, of->serial, s->now_s);
	const bool ascends = serial_is_newer(plain->serial, last);
	struct fault why;
	struct change *c = change_between_data(
		before, plain, ascends ? plain->serial : next, &why);

	if (!c) {
		fail(f, &why);
		return NULL;
	}
	/* Nothing but the serial. */
	if (!ascends && last == before->serial &&
		!(of->served && of->served->serial == last) && change_same_but_serial(c)) {
		change_free(c);
		zone_hold(before);
		return (struct zone *)(uintptr_t)before;
	}
	struct change *all = sign_follow(before, c, &o, f);
	change_free(c);
	return all ? step_on(s, of, before, all, f) : NULL;
}

/* A zone whose signatures have ended, since nobody was there to make them anew: not one more of
 * them is served than can be avoided. Takes `z`. */
static struct zone *without_ended(const struct zone_signing *s, const struct zone_signing_of *of,
	struct zone *z, struct faults *f)
{
	struct zone_signing_part part = { .until_s = s->now_s, .most = EXPIRED_MOST };
	struct zone_signing_of all = *of;

	if (z->signatures_end_s > s->now_s)
		return z;
	all.before = z;
	struct zone *next = zone_signing_renew(s, &all, &part, f);
	if (next && part.more) {
		/* On all processors is sooner. */
		zone_drop(next);
		next = sign_whole(s, of, z, update_serial(z->serial, of->serial, s->now_s), f);
	}
	zone_drop(z);
	return next;
}

/* Is something of it not as the keys want it? */
static bool is_due(
	const struct zone_signing *s, const struct zone_signing_of *of, const struct zone *z)
{
	struct zone_signing_part part = { .until_s = s->now_s, .most = 1 };
	struct zone_signing_of all = *of;
	struct faults none;

	all.before = z;
	faults_init(&none);
	change_free(zone_signing_prepare(s, &all, &part, &none));
	const bool due = part.n || none.errors;
	faults_fini(&none);
	return due;
}

static struct zone *from_store(
	const struct zone_signing *s, const struct zone_signing_of *of, const uint8_t *apex)
{
	struct fault why = { 0 };
	char name[NAME_TEXT];

	if (!s->store || of->which != STORE_SIGNED)
		return NULL;
	struct zone *z = stored_signed_zone(s->store, apex, s->compile, &why);
	if (!z && *why.text)
		log_line(LOG_ERROR, "zone %s: %s; it is signed anew", view_text(name, apex),
			why.text);
	return z;
}

struct zone *zone_signing_make(const struct zone_signing *s, const struct zone_signing_of *of,
	const struct zone *plain, bool *due, struct faults *f)
{
	struct zone *before = (struct zone *)(uintptr_t)of->before;
	uint32_t serial = plain->serial;

	if (before)
		zone_hold(before);
	else if (of->which == STORE_SIGNED)
		before = from_store(s, of, zone_id(plain));
	else if (plain->denial)
		zone_hold(before = (struct zone *)(uintptr_t)plain);
	if (before && before->denial && sign_chain_fits(before, of->keys)) {
		struct zone *z = before;
		if (before != plain) {
			z = follow_plain(s, of, before, plain, f);
			zone_drop(before);
		}
		z = z ? without_ended(s, of, z, f) : NULL;
		*due = !z || is_due(s, of, z);
		return z;
	}
	const uint32_t last = last_serial(of, before, plain);
	if (!serial_is_newer(serial, last))
		serial = update_serial(last, of->serial, s->now_s);
	*due = false;
	struct zone *z = sign_whole(s, of, plain, serial, f);
	if (before)
		zone_drop(before);
	return z;
}

struct change *zone_signing_follow(const struct zone_signing *s, const struct keyset *keys,
	const struct zone *z, struct change *c, struct faults *f)
{
	const struct sign_opts o = sign_opts(s, keys);
	struct change *all = sign_follow(z, c, &o, f);

	change_free(c);
	return all;
}

struct zone *zone_signing_undo(const struct zone_signing *s, const struct zone_signing_of *of,
	struct faults *f)
{
	const uint32_t next = update_serial(of->before->serial, of->serial, s->now_s);
	const struct zone_with_opts with = { .compile = *s->compile, .tolerant = true };
	struct zone *plain = sign_strip(of->before, s->compile, f);
	struct fault why;
	struct change *c = plain ? change_between_data(plain, plain, next, &why) : NULL;
	struct zone *z = c ? zone_with(plain, c, &with, f) : NULL;

	if (plain && !c)
		fail(f, &why);
	change_free(c);
	if (plain)
		zone_drop(plain);
	c = z ? change_between(of->before, z, &why) : NULL;
	if (z && !c)
		fail(f, &why);
	if (c && put(s, of->which, of->before, z, f)) {
		history_give(z, of->before, c);
		return z;
	}
	change_free(c);
	if (z)
		zone_drop(z);
	return NULL;
}

struct change *zone_signing_prepare(const struct zone_signing *s,
	const struct zone_signing_of *of, struct zone_signing_part *part, struct faults *f)
{
	const struct sign_opts o = sign_opts(s, of->keys);
	struct sign_renewal r = { .until_s = part->until_s,
		.serial = update_serial(of->before->serial, of->serial, s->now_s),
		.most = part->most };
	struct change *c = sign_renew(of->before, &o, &r, f);

	part->more = r.more;
	part->n = r.n;
	return c;
}

void zone_signing_store(const struct zone_signing *s, const struct zone_signing_step *steps,
	size_t n, struct fault *why)
{
	struct store_step *list = memory_zeroed(n, sizeof *list);
	enum store_result result = STORE_DONE;
	struct faults f;

	for (size_t i = 0; i < n; i++)
		list[i] = (struct store_step){ .change = steps[i].change,
			.which = steps[i].which };
	if (s->store && n)
		result = store_add(s->store, list, n, why);
	memory_free(list);
	faults_init(&f);
	for (size_t i = 0; i < n && result != STORE_DONE; i++)
		*steps[i].ok = result == STORE_APART &&
			add(s, steps[i].which, steps[i].change, NULL, steps[i].zone, &f);
	if (f.errors)
		fault(why, "%s", text_get(&f.text) + f.error_at[0]);
	faults_fini(&f);
}

struct zone *zone_signing_renew(const struct zone_signing *s, const struct zone_signing_of *of,
	struct zone_signing_part *part, struct faults *f)
{
	const unsigned errors = f->errors;

	if (!sign_chain_fits(of->before, of->keys)) {
		part->more = false;
		part->n = of->before->nodes;
		return sign_whole(s, of, of->before,
			update_serial(of->before->serial, of->serial, s->now_s), f);
	}
	struct change *c = zone_signing_prepare(s, of, part, f);
	if (c)
		return step_on(s, of, of->before, c, f);
	if (f->errors != errors)
		return NULL;
	zone_hold(of->before);
	return (struct zone *)(uintptr_t)of->before;
}
