#include "daemon/updates_inner.h"

#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/update_reply.h"
#include "daemon/zone_pools.h"
#include "daemon/zone_signing.h"
#include "net/request.h"
#include "xfr/update.h"
#include "zone/zone_with.h"
#include "zone/zonemd_make.h"

#include <string.h>
#include <time.h>

struct zone *updates_newest(const struct updates *u, size_t before, const uint8_t *apex)
{
	while (before--) {
		const struct asked *a = &u->made.list[before];
		if (a->is && name_equal(zone_id(a->is), apex))
			return a->is;
	}
	for (size_t i = u->made.n_pulled; i-- > 0;)
		if (name_equal(zone_id(u->made.pulled[i].is), apex))
			return u->made.pulled[i].is;
	const struct registry_zone *z = registry_find(u->made.v.live.zones, apex);
	return z && z->source == REGISTRY_STORE ? z->load.zone : NULL;
}

static bool fail(struct asked *a, unsigned rcode, const char *what)
{
	a->rcode = rcode;
	return fault(&a->why, "%s", what);
}

static bool refuse(struct asked *a, const struct faults *f)
{
	const char *text = text_get(&f->text) + (f->errors ? f->error_at[0] : 0);

	a->rcode = RCODE_REFUSED;
	return fault(&a->why, "%.*s", (int)strcspn(text, "\n"), text);
}

static uint32_t rule_of(const struct updates *u, const uint8_t *apex)
{
	return zone_set_rule(u->made.v.live.zones->set, registry_index(u->made.v.live.zones, apex));
}

/* Of what is served, and of the stage where one is on; borrowed from the batch. */
static struct zone_pools pools_of(const struct updates *u)
{
	return (struct zone_pools){ parts_conf(&u->made.v.live), u->made.v.staged.conf ? parts_conf(&u->made.v.staged) : NULL };
}

/* In a zone that has a digest of itself, and no signatures of ours, the change gets what that is then. */
static bool follow_digest(struct updates *u, struct asked *a, const struct zone *was)
{
	const struct conf *c = parts_conf(&u->made.v.live);
	const enum zonemd_hash hash = c->rules[rule_of(u, zone_id(was))].zonemd;
	const struct zone_pools pools = pools_of(u);
	struct faults f;

	if (!hash || updates_keys(u, was))
		return true;
	faults_init(&f);
	a->change = zonemd_follow(was, a->change,
		&(struct zonemd_opts){ .hash = hash,
			.with = { .compile = zone_pools_change_opts(&pools, u->opts.key),
				.tolerant = !a->own } },
		&f);
	if (!a->change && a->own)
		text_add(&a->own->told, text_get(&f.text));
	if (!a->change)
		refuse(a, &f);
	faults_fini(&f);
	return a->change != NULL;
}

/* In a zone that is signed here the change gets what follows from it. */
static bool sign_change(struct updates *u, struct asked *a, const struct zone *was)
{
	const struct zone_pools pools = pools_of(u);
	const struct compile_opts opts = zone_pools_both_opts(&pools, u->opts.key);
	const struct zone_signing how = { .compile = &opts, .now_s = time(NULL) };
	const struct keyset *keys = updates_keys(u, was);
	struct faults f;

	if (!keys || (a->own && a->own->signs))
		return true;
	faults_init(&f);
	a->change = zone_signing_follow(&how, keys, was, a->change, &f);
	if (a->own)
		text_add(&a->own->told, text_get(&f.text));
	if (!a->change)
		refuse(a, &f);
	faults_fini(&f);
	return a->change != NULL;
}

static bool make_zone(struct updates *u, struct asked *a, struct zone *was)
{
	const struct zone_pools pools = pools_of(u);
	struct faults f;

	if (!sign_change(u, a, was) || !follow_digest(u, a, was))
		return false;
	zone_hold(was);
	faults_init(&f);
	a->is = zone_with(was, a->change,
		&(struct zone_with_opts){ .compile = zone_pools_change_opts(&pools, u->opts.key), .tolerant = !a->own }, &f);
	if (a->own)
		text_add(&a->own->told, text_get(&f.text));
	if (!a->is) {
		refuse(a, &f);
		change_free(a->change);
		a->change = NULL;
		zone_drop(was);
	} else {
		a->was = was;
	}
	faults_fini(&f);
	return a->is != NULL;
}

/* The zone as it is now, and who may do what with it; NULL: told. */
static struct zone *zone_to_change(struct updates *u, size_t at, const uint8_t *apex,
	const struct policy_zone **rules)
{
	struct asked *a = &u->made.list[at];
	const bool signs = a->own && a->own->signs;
	struct zone *z = updates_newest(u, at, apex);
	const size_t index = registry_index(u->made.v.live.zones, apex);

	if (z && !zone_is_ready(z) && index < u->made.v.live.zones->n && parts_conf(&u->made.v.live)->rules[rule_of(u, apex)].fleet) {
		fail(a, RCODE_SERVFAIL, "what the fleet has of the zone is not here yet");
		return NULL;
	}
	if (!z || !zone_is_ready(z) || index == u->made.v.live.zones->n) {
		fail(a, RCODE_NOTAUTH, "it is no zone that can be changed");
		return NULL;
	}
	if (frozen_find(u->opts.frozen, apex) && !(a->own && a->own->of_frozen)) {
		fail(a, RCODE_REFUSED, "the zone is frozen (\"zone thaw\" ends that)");
		return NULL;
	}
	if (z->denial && updates_of_fleet(u, apex) && !updates_keys(u, z) && updates_signer(u, apex)->keys && !signs) {
		fail(a, RCODE_SERVFAIL, "the zone is about to be signed anew as a whole");
		return NULL;
	}
	if (z->denial && !updates_keys(u, z) && !signs) {
		fail(a, RCODE_REFUSED,
			"the zone is signed elsewhere: change it where its keys are");
		return NULL;
	}
	*rules = &parts_conf(&u->made.v.live)
			  ->policy.zones[zone_set_rule(u->made.v.live.zones->set, index)];
	return z;
}

bool updates_make_own(struct updates *u, size_t at)
{
	struct asked *a = &u->made.list[at];
	const struct policy_zone *rules;

	if (a->own->follows)
		return true;
	struct zone *z = zone_to_change(u, at, a->own->apex, &rules);

	if (!z)
		return false;
	a->own->serial = z->serial;
	if (a->own->signs)
		a->own->keys = updates_signer(u, a->own->apex)->keys;
	a->change = a->own->make(a->own->ctx, z,
		update_serial(z->serial, rules->serial, time(NULL)), &a->why);
	if (!a->change && *a->why.text)
		a->rcode = RCODE_REFUSED;
	return a->change && make_zone(u, a, z);
}

bool updates_make_one(struct updates *u, size_t at)
{
	struct asked *a = &u->made.list[at];
	const struct request *r = a->request;
	const struct conf *c = parts_conf(&u->made.v.live);
	const struct policy_zone *rules;

	struct zone *z = zone_to_change(u, at, r->zone, &rules);
	if (!z)
		return false;
	const struct tsig_key *key = update_reply_key(c, r);
	const struct policy_asker asker = { r->source, key, r->names, r->secret };
	bool *is_for = memory_zeroed(rules->n_update, sizeof *is_for);
	for (size_t i = 0; i < rules->n_update; i++)
		is_for[i] = policy_allows(&rules->update[i].who, &asker);
	a->rcode = update_make(&(struct update_opts){ .zone = z,
				       .key = u->opts.key,
				       .packet = r->packet,
				       .len = r->len,
				       .rules = rules->update,
				       .n_rules = rules->n_update,
				       .is_for = is_for,
				       .serial = rules->serial,
				       .now_s = time(NULL),
				       .is_signed = updates_keys(u, z) != NULL },
		&a->change, &a->why);
	memory_free(is_for);
	return a->change && make_zone(u, a, z);
}
