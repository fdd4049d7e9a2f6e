#include "daemon/fleet_signing.h"

#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/zone_pools.h"
#include "daemon/zone_signing.h"

#include <string.h>

struct fleet_signing {
	struct updates_own own;       /* first */
	struct part *conf, *staged;   /* held; staged: NULL */
	const struct registry_zone *of; /* borrowed from the look that made it, which lasts longer */
	struct keyset *keys;          /* held; NULL: it is to be unsigned */
	enum policy_serial serial;
	struct hash_key key;
	struct zone_signing_part part;
	int64_t now_s;
	struct change *change; /* of of->load.zone; NULL: it is given away */
	fleet_signing_done *done;
	void *ctx;
};

static bool told(struct faults *f, struct fault *why)
{
	const char *text = text_get(&f->text) + (f->errors ? f->error_at[0] : 0);

	return !f->errors || fault(why, "%.*s", (int)strcspn(text, "\n"), text);
}

/* From one to the other, whose hold is given back. */
static struct change *between(const struct zone *now, struct zone *then, struct faults *f)
{
	struct fault why;
	struct change *c = then && then != now ? change_between(now, then, &why) : NULL;

	if (then && then != now && !c)
		faults_take(f, &why);
	if (then)
		zone_drop(then);
	return c;
}

/* NULL: there is nothing to do, or after a fault. */
static struct change *make_change(const struct fleet_signing *s, const struct zone *now,
	struct zone_signing *how, struct zone_signing_part *part, struct faults *f)
{
	struct zone_signing_of of = { .keys = s->keys, .before = now, .which = STORE_ZONE, .serial = s->serial };
	bool due;

	part->more = false;
	if (!s->keys)
		return now->denial ? between(now, zone_signing_undo(how, &of, f), f) : NULL;
	if (now->denial && sign_chain_fits(now, s->keys))
		return zone_signing_prepare(how, &of, part, f);
	part->n = now->nodes;
	if (now->denial)
		return between(now, zone_signing_renew(how, &of, part, f), f);
	of.before = NULL;
	of.served = now;
	return between(now, zone_signing_make(how, &of, now, &due, f), f);
}

static struct change *compute(const struct fleet_signing *s, const struct zone *now, const struct fleet_signing_of *by,
	struct zone_signing_part *part, struct faults *f)
{
	const struct zone_pools pools = { (const struct conf *)s->conf, (const struct conf *)s->staged };
	const struct compile_opts opts = zone_pools_both_opts(&pools, s->key);
	struct zone_signing how = { .compile = &opts,
		.now_s = s->now_s,
		.politely = true,
		.goes_on = by ? by->goes_on : NULL,
		.ctx = by ? by->ctx : NULL };

	return make_change(s, now, &how, part, f);
}

static struct change *make(void *ctx, const struct zone *now, uint32_t next_serial, struct fault *why)
{
	struct fleet_signing *s = ctx;
	struct zone_signing_part part = s->part;
	struct change *c = s->change;
	struct faults f;

	(void)next_serial;
	/* They have become others: that is seen at the next look. */
	if (!keyset_same(s->own.keys, s->keys))
		return NULL;
	s->change = NULL;
	if (c && now == s->of->load.zone)
		return c;
	change_free(c);
	faults_init(&f);
	c = compute(s, now, NULL, &part, &f);
	told(&f, why);
	faults_fini(&f);
	return c;
}

void fleet_signing_free(struct fleet_signing *s)
{
	change_free(s->change);
	part_drop(s->conf);
	part_drop(s->staged);
	keyset_drop(s->keys);
	text_fini(&s->own.told);
	memory_free(s);
}

struct fleet_signing *fleet_signing_new(const struct fleet_signing_of *of, size_t *n, struct faults *f)
{
	struct fleet_signing *s = memory_zeroed(1, sizeof *s);
	const struct conf *c = parts_conf(of->live);

	*n = 0;
	s->conf = part_hold(of->live->conf);
	s->staged = of->staged->conf ? part_hold(of->staged->conf) : NULL;
	s->of = of->live->zones->zones[of->zone];
	s->keys = keyset_hold(of->keys);
	s->serial = c->rules[zone_set_rule(of->live->zones->set, of->zone)].access.serial;
	s->key = of->key;
	s->now_s = of->now_s;
	s->part = (struct zone_signing_part){ .until_s = of->until_s, .most = of->most };
	struct zone_signing_part part = s->part;
	s->change = compute(s, s->of->load.zone, of, &part, f);
	if (!s->change) {
		fleet_signing_free(s);
		return NULL;
	}
	*n = part.n;
	return s;
}

static void end(struct updates_own *own)
{
	struct fleet_signing *s = (struct fleet_signing *)own; /* its first member */

	const struct updates_own was = *own;
	fleet_signing_done *const done = s->done;
	void *const ctx = s->ctx;

	fleet_signing_free(s); /* the last hold of the configuration is not ours */
	/* Where the fleet has nothing of it yet it is looked at again when it has. */
	done(ctx, was.apex, was.changed, was.ok || was.none ? NULL : &was.why);
}

void fleet_signing_commit(struct fleet_signing *s, struct updates *u, fleet_signing_done *done, void *ctx)
{
	s->done = done;
	s->ctx = ctx;
	memcpy(s->own.apex, s->of->origin, name_len(s->of->origin));
	s->own.of_frozen = true;
	s->own.signs = true;
	s->own.in_step = s->own.none = false;
	s->own.ctx = s;
	s->own.make = make;
	s->own.done = end;
	updates_change(u, &s->own);
}
