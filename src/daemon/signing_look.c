/* Which zones are not as their keys want them, and what is made of them: in a job. */
#include "daemon/signing_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/zone_pools.h"
#include "zone/zone_with.h"

#include <string.h>

enum {
	NAMES_MOST = 2048, /* of all zones at once, and so in one version of one */
	LOOK_S = 2,        /* so long parts are made before they are served */
	TELL_S = 900       /* a fault is told again */
};

static const struct conf_rule *rule_of(const struct parts *p, size_t zone)
{
	return &parts_conf(p)->rules[zone_set_rule(p->zones->set, zone)];
}

static const struct key_policy *policy_of(const struct parts *p, size_t zone)
{
	const unsigned number = rule_of(p, zone)->dnssec;

	return number ? &parts_conf(p)->dnssec[number - 1].keys : NULL;
}

/* What there is to sign: what other nameservers have told, or what is served. */
static const struct zone *source_of(const struct registry_zone *z)
{
	return z->plain ? z->plain : z->load.zone;
}

/* When the first of its signatures is made anew. */
static int64_t renews_s(const struct registry_zone *z)
{
	return z->load.zone->signatures_end_s - z->keys->policy.refresh_s;
}

/* Signatures of a part end within a share of the time by which they are spread: so that parts
 * are neither many nor large. */
static int64_t until_s(const struct signing *s, const struct keyset *keys)
{
	return s->made.now_s + keys->policy.refresh_s + keys->policy.jitter_s / 64;
}

bool signing_fail(struct signing *s, const struct registry_zone *z, const struct fault *why)
{
	const struct hash_key key = { 1, 2 };
	const uint64_t hash = hash_pair(hash_bytes(key, z->origin, name_len(z->origin)),
		hash_bytes(key, (const uint8_t *)why->text, strlen(why->text)));
	struct signing_told *last = &s->told[0];
	char name[NAME_TEXT];

	for (size_t i = 0; i < SIGNING_TOLD; i++) {
		struct signing_told *t = &s->told[i];
		if (t->hash == hash && s->made.now_s - t->at_s < TELL_S)
			return false;
		last = t->at_s < last->at_s ? t : last;
	}
	*last = (struct signing_told){ hash, s->made.now_s };
	log_line(LOG_ERROR, "zone %s: it cannot be signed anew, and is served as it is: %s",
		view_text(name, z->origin), why->text);
	return false;
}

static bool fail_faults(
	struct signing *s, const struct registry_zone *z, const struct faults *f)
{
	const char *text = text_get(&f->text) + (f->errors ? f->error_at[0] : 0);
	struct fault why;

	fault(&why, "%.*s", (int)strcspn(text, "\n"), text);
	return signing_fail(s, z, &why);
}

/* --- one zone ----------------------------------------------------------------------------- */

/* A part of what is to be made in a zone that is signed, or its merge. */
static bool make_part(struct signing *s, struct signing_piece *p, const struct zone_signing *how,
	struct faults *f)
{
	const struct zone *z = p->of->load.zone;
	struct zone_signing_part part = { .until_s = until_s(s, p->keys),
		.most = (size_t)(NAMES_MOST - s->made.names) };

	p->how.before = z;
	if (!sign_chain_fits(z, p->keys)) {
		p->made = zone_signing_renew(how, &p->how, &part, f);
		return p->made != NULL;
	}
	p->change = zone_signing_prepare(how, &p->how, &part, f);
	p->due = part.more;
	p->names = part.n;
	if (p->change)
		p->made = zone_with(z, p->change,
			&(struct zone_with_opts){ .compile = *how->compile }, f);
	if (p->change || f->errors)
		return !f->errors;
	if (zone_wants_merge(z) && (p->of->load.n || p->of->source == REGISTRY_PRIMARY))
		p->made = zone_merge(z, s->opts.key, f);
	return !f->errors;
}

/* Makes what is to be made of it. False: told. */
static bool make_piece(struct signing *s, struct signing_piece *p, const struct zone_signing *how)
{
	const struct registry_zone *z = p->of;
	struct faults f;
	bool ok;

	faults_init(&f);
	if (!p->keys) {
		p->how.before = z->load.zone;
		p->made = z->plain ? (struct zone *)(uintptr_t)z->plain
				   : zone_signing_undo(how, &p->how, &f);
		if (z->plain)
			zone_hold(z->plain);
		ok = p->made != NULL;
	} else if (!z->keys || z->plain_due) {
		p->how.before = z->keys ? z->load.zone : NULL;
		p->how.served = z->keys || !zone_is_ready(z->load.zone) ? NULL : z->load.zone;
		p->made = zone_signing_make(how, &p->how, source_of(z), &p->due, &f);
		p->names = p->made ? p->made->nodes : 0;
		ok = p->made != NULL;
	} else {
		ok = make_part(s, p, how, &f);
	}
	if (!ok)
		fail_faults(s, z, &f);
	faults_fini(&f);
	return ok;
}

/* Is it to be looked at? */
static bool is_due(struct signing *s, const struct registry_zone *z, const struct keyset *keys)
{
	if (!zone_is_ready(source_of(z)))
		return false;
	if (!z->keys || !keys)
		return z->keys || keys;
	if (z->keys_due || z->plain_due || !keyset_same(z->keys, keys))
		return true;
	if (s->made.all && z->load.zone->pools_n &&
		registry_compare(z->origin, s->made.all_from) >= 0)
		return true;
	if (zone_wants_merge(z->load.zone) && (z->load.n || z->source == REGISTRY_PRIMARY))
		return true;
	return renews_s(z) <= s->made.now_s;
}

/* A zone of the fleet: who holds the lease makes what is to be made, the others go by the same keys. */
static bool make_of_fleet(struct signing *s, struct signing_piece *p, size_t i, bool leads,
	const struct zone_signing *how)
{
	struct faults f;

	p->due = !leads;
	if (!leads)
		return true;
	faults_init(&f);
	p->fleet = fleet_signing_new(&(struct fleet_signing_of){ .live = &s->made.v.live,
					     .staged = &s->made.v.staged,
					     .zone = i,
					     .keys = p->keys,
					     .key = s->opts.key,
					     .now_s = s->made.now_s,
					     .until_s = p->keys ? until_s(s, p->keys) : 0,
					     .most = (size_t)(NAMES_MOST - s->made.names),
					     .goes_on = how->goes_on,
					     .ctx = how->ctx },
		&p->names, &f);
	const bool ok = !f.errors || fail_faults(s, p->of, &f);
	faults_fini(&f);
	p->elsewhere = p->fleet != NULL;
	return ok;
}

static bool goes_on(void *ctx, uint64_t n, uint64_t of)
{
	job_progress(ctx, n, of);
	return !job_is_cancelled(ctx);
}

/* It is the next piece. Takes the keys. */
static void add_piece(struct signing *s, size_t i, struct keyset *keys, bool follows)
{
	struct registry_zone *z = s->made.v.live.zones->zones[i];
	const struct conf_rule *rule = rule_of(&s->made.v.live, i);
	const struct zone_pools pools = { parts_conf(&s->made.v.live),
		s->made.v.staged.conf ? parts_conf(&s->made.v.staged) : NULL };
	const struct compile_opts opts = zone_pools_both_opts(&pools, s->opts.key);

	if (!s->made.list)
		s->made.list = memory_zeroed(SIGNING_PIECES, sizeof *s->made.list);
	struct signing_piece *p = &s->made.list[s->made.n];
	*p = (struct signing_piece){ .of = z, .keys = keys };
	part_hold(&z->part);
	p->how = (struct zone_signing_of){ .keys = keys,
		.which = rule->stored && !rule->n_primaries ? STORE_ZONE : STORE_SIGNED,
		.serial = rule->access.serial };
	const struct zone_signing how = { .compile = &opts,
		.store = s->opts.store,
		.now_s = s->made.now_s,
		.politely = true,
		.goes_on = goes_on,
		.ctx = s->made.job,
		.late = s->made.in_line ? NULL : &p->late };
	const bool ok = rule->fleet ? make_of_fleet(s, p, i, !follows, &how) : make_piece(s, p, &how);
	s->made.failed = s->made.failed || !ok;
	/* It is as it should be, and is known to be. */
	const bool same = ok && !p->made && !p->fleet && !p->change && !p->due && !z->keys_due &&
		keyset_same(z->keys, keys);
	if (!ok || same) {
		registry_zone_drop(p->of);
		keyset_drop(keys);
		return;
	}
	s->made.names += p->names;
	s->made.n++;
}

static void take_zone(struct signing *s, size_t i)
{
	struct registry_zone *z = s->made.v.live.zones->zones[i];
	const struct conf_rule *rule = rule_of(&s->made.v.live, i);
	struct fault why = { 0 };

	if (!rule->dnssec && !z->keys && !key_ring_knows(s->opts.ring, z->origin))
		return;
	if (rule->fleet && s->made.in_line) /* such a one stands in that line itself */
		return;
	struct keyset *keys =
		key_ring_get(s->opts.ring, z->origin, policy_of(&s->made.v.live, i), &why);
	s->made.zones += keys != NULL;
	if (!keys && *why.text) {
		s->made.failed = !signing_fail(s, z, &why) || s->made.failed;
		return;
	}
	const bool follows = rule->fleet && !key_ring_leads(s->opts.ring, z->origin);
	if (follows && !z->load.zone->denial) {
		keyset_drop(keys);
		keys = NULL;
	}
	if (follows ? keyset_same(z->keys, keys) : !is_due(s, z, keys)) {
		if (z->keys && !follows && (!s->made.next_s || renews_s(z) < s->made.next_s))
			s->made.next_s = renews_s(z);
		keyset_drop(keys);
		return;
	}
	s->made.due++;
	if (s->made.n == SIGNING_PIECES || s->made.names >= NAMES_MOST ||
		(s->made.n && clock_seconds() > s->made.until)) {
		if (!s->made.has_next)
			memcpy(s->made.all_next, z->origin, name_len(z->origin));
		s->made.has_next = true;
		keyset_drop(keys);
		return;
	}
	add_piece(s, i, keys, follows);
}

void signing_look(void *ctx, struct job *job)
{
	struct signing *s = ctx;

	s->made.job = job;
	s->made.until = clock_seconds() + (s->made.in_line ? signing_soon_s : LOOK_S);
	for (size_t i = 0; i < s->made.v.live.zones->n && !job_is_cancelled(job); i++)
		take_zone(s, i);
}
