/* A change of a signed zone becomes one with all that follows from it: first it is made by
 * itself; then all names that it may have touched get what they should have, and those next to
 * them in the chain. */
#include "zone/sign_follow.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/denial.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/order.h"
#include "zone/zone_with.h"
#include "zone/zonemd_make.h"

#include <stdlib.h>
#include <string.h>

enum { COVERS = NODE_CUT | NODE_DNAME };

/* --- NSEC --------------------------------------------------------------------------------- */

static bool is_before(const struct zone_node *a, const struct zone_node *b)
{
	return order_names(a->name, a->name_len, b->name, b->name_len) < 0;
}

/* What is known of the chain so far: none between the two has an NSEC, or should have one. Many names that go
 * stand one behind the other: none is walked over twice. */
struct followed {
	const struct zone_node *link; /* that was fixed last; NULL: none */
	const struct zone_node *seen; /* it, or one behind it */
};

/* The last name before `n` that has an NSEC, or should have one. */
static const struct zone_node *link_before(
	const struct zone *z, const struct zone_node *n, const struct followed *known)
{
	const struct zone_node *seen = known->seen;
	const struct zone_node *p = denial_nsec(z, n->name, n->name_len, true), *from;

	while (p && !sign_has_nsec(p) && !(seen && !is_before(seen, p)))
		p = denial_nsec(z, p->name, p->name_len, true);
	if (!p)
		p = image_first(z);
	from = p;
	if (seen && !is_before(seen, p)) {
		p = known->link;
		from = seen;
	}
	/* Names that are new have none yet. */
	for (const struct zone_node *q = image_next(z, from); q && is_before(q, n);
		q = image_next(z, q))
		if (sign_has_nsec(q))
			p = q;
	return p;
}

static const struct zone_node *link_after(const struct zone *z, const struct zone_node *n)
{
	for (n = image_next(z, n); n; n = image_next(z, n))
		if (sign_has_nsec(n))
			return n;
	return image_first(z);
}

/* A name next to those that are touched. */
static bool fix_near(struct sign_fix *x, const struct zone_node *n)
{
	uint8_t owner[NAME_MOST];

	image_owner(x->now, n, owner);
	struct sign_name name = sign_follow_name(x, owner);
	name.next = link_after(x->now, n);
	return sign_fix_name(x, &name);
}

bool sign_follow_nsec(struct sign_following *w)
{
	struct sign_fix *x = &w->fix;
	struct followed known = { NULL, NULL };

	for (size_t i = 0; i < w->names.n; i++) {
		struct sign_name name = sign_follow_name(x, sign_names_get(&w->names, i));
		if (!name.now)
			continue;
		const bool has = sign_has_nsec(name.now),
			   had = zone_find_rrset(name.now, RRTYPE_NSEC) != NULL;
		if (has != had && name.now->name_len) {
			const struct zone_node *before = link_before(x->now, name.now, &known);
			if (before != known.link && !fix_near(x, before))
				return false;
			known = (struct followed){ before, name.now };
		}
		if (has) {
			name.next = link_after(x->now, name.now);
			known = (struct followed){ name.now, name.now };
		}
		if (!sign_fix_name(x, &name))
			return false;
	}
	return true;
}

/* --- which names -------------------------------------------------------------------------- */

struct sign_name sign_follow_name(const struct sign_fix *x, const uint8_t *owner)
{
	struct zone_name name;

	zone_name_set(&name, x->o->compile->key, owner);
	return (struct sign_name){ .owner = owner,
		.now = zone_find_node(x->now, &name, 0),
		.was = zone_find_node(x->z, &name, 0) };
}

static bool is_below(const struct zone *z, const struct zone_node *n, const uint8_t *name)
{
	uint8_t owner[NAME_MOST];

	image_owner(z, n, owner);
	return name_is_under(owner, name);
}

static bool add_node(struct sign_following *w, const struct zone_node *n)
{
	uint8_t owner[NAME_MOST];

	image_owner(w->fix.now, n, owner);
	return (n->flags & NODE_NSEC3) || sign_names_add(&w->names, owner);
}

/* What a cut or DNAME hides that was not there before, or shows that is there no more. */
static bool add_below(struct sign_following *w, const struct sign_name *name)
{
	const unsigned was = name->was ? name->was->flags & COVERS : 0,
		       now = name->now ? name->now->flags & COVERS : 0;

	if (!was == !now || !name->now)
		return true;
	for (const struct zone_node *n = image_next(w->fix.now, name->now);
		n && is_below(w->fix.now, n, name->owner); n = image_next(w->fix.now, n))
		if (!add_node(w, n))
			return false;
	return true;
}

/* Hashes of names that are there for others alone stand in the chain of NSEC3, too. */
static bool add_above(struct sign_following *w, const uint8_t *name)
{
	while (!name_equal(name, w->fix.z->apex)) {
		name += *name + 1u;
		if (!sign_names_add(&w->names, name))
			return false;
	}
	return true;
}

static bool add_touched(struct sign_following *w, const uint8_t *owner)
{
	const struct sign_name name = sign_follow_name(&w->fix, owner);

	return sign_names_add(&w->names, owner) && add_below(w, &name) &&
		(w->fix.o->keys->policy.denial == KEYSET_NSEC || add_above(w, owner));
}

static bool add_names(
	struct sign_following *w, const struct change *plain, const struct sign_more *more)
{
	struct change_walk walk = change_each(plain);
	bool ok = true;

	while (ok && change_next(&walk))
		ok = add_touched(w, walk.rr.owner);
	for (size_t i = 0; ok && more->names && i < more->names->n; i++)
		ok = sign_names_add(&w->names, sign_names_get(more->names, i));
	/* The TTL of the chain is that of negative answers. */
	const bool all = w->fix.ttl_s != be32_get(w->fix.z->soa_negative->wire + 6);
	for (const struct zone_node *n = image_first(w->fix.now); all && ok && n;
		n = image_next(w->fix.now, n))
		ok = add_node(w, n);
	if (ok)
		sign_names_sort(&w->names);
	return ok || fault(w->fix.why, "out of memory");
}

/* --- all of it ---------------------------------------------------------------------------- */

static bool copy_change(struct change *to, const struct change *from, struct fault *why)
{
	struct change_walk walk = change_each(from);

	while (change_next(&walk))
		if (!(walk.rr.comes ? change_add(to, &walk.rr, why)
				    : change_remove(to, &walk.rr, why)))
			return false;
	return true;
}

static bool follow(
	struct sign_following *w, const struct change *plain, const struct sign_more *more)
{
	struct sign_fix *x = &w->fix;

	sign_fix_init(x);
	w->hashes = more->hashes;
	w->n_hashes = more->n_hashes;
	x->to = change_new(zone_id(x->z));
	if (!x->to)
		return fault(x->why, "out of memory");
	return copy_change(x->to, plain, x->why) && add_names(w, plain, more) &&
		(x->o->keys->policy.denial == KEYSET_NSEC ? sign_follow_nsec(w)
							  : sign_follow_nsec3(w)) &&
		change_seal(x->to, x->why);
}

struct change *sign_follow_more(const struct zone *z, const struct change *plain,
	const struct sign_opts *o, const struct sign_more *more, struct faults *f)
{
	const struct zone_with_opts with = { .compile = *o->compile, .tolerant = true };
	struct fault why = { 0 };
	struct sign_following w = { .fix = { .z = z,
					    .now = zone_with(z, plain, &with, f),
					    .o = o,
					    .until_s = more->until_s,
					    .why = &why } };

	if (!w.fix.now)
		return NULL;
	const bool ok = follow(&w, plain, more);
	if (!ok) {
		change_free(w.fix.to);
		w.fix.to = NULL;
		faults_error(f, &(struct fault_at){ 0 }, "%s", why.text);
	}
	sign_fix_fini(&w.fix);
	sign_names_fini(&w.names);
	zone_drop(w.fix.now);
	if (!ok || !o->keys->policy.zonemd)
		return w.fix.to;
	return zonemd_follow(z, w.fix.to,
		&(struct zonemd_opts){ o->keys->policy.zonemd, with, o->keys, o->now_s }, f);
}

size_t sign_soa(const struct zone *z, uint32_t serial, uint8_t to[static 2 * NAME_MOST + 20])
{
	const struct zone_rrset *soa = zone_find_rrset(z->apex_node, RRTYPE_SOA);
	const size_t len = image_rdata(z, z->apex_node, soa, 0, to);

	be32_put(to + len - 20, serial);
	return len;
}

/* `c` without what signing makes, from the SOA that is there. */
static struct change *plain_change(
	const struct zone *z, const struct change *c, struct fault *why)
{
	struct change *to = change_new(zone_id(z));
	struct change_walk walk = change_each(c);
	uint8_t rdata[2 * NAME_MOST + 20];
	struct change_record soa = { .owner = z->apex,
		.rdata = rdata,
		.type = RRTYPE_SOA,
		.ttl_s = be32_get(zone_find_rrset(z->apex_node, RRTYPE_SOA)->wire + 6) };
	bool ok = to != NULL;

	soa.rdlen = (uint16_t)sign_soa(z, z->serial, rdata);
	ok = ok && change_remove(to, &soa, why);
	while (ok && change_next(&walk)) {
		const struct change_record *rr = &walk.rr;
		if (sign_makes(rr->type, name_equal(rr->owner, z->apex)) ||
			(rr->type == RRTYPE_SOA && !rr->comes))
			continue;
		ok = rr->comes ? change_add(to, rr, why) : change_remove(to, rr, why);
	}
	ok = ok && change_seal(to, why);
	if (ok)
		return to;
	if (!to)
		fault(why, "out of memory");
	change_free(to);
	return NULL;
}

struct change *sign_follow(const struct zone *z, const struct change *c,
	const struct sign_opts *o, struct faults *f)
{
	struct fault why;
	struct change *plain = plain_change(z, c, &why);

	if (!plain) {
		faults_error(f, &(struct fault_at){ 0 }, "%s", why.text);
		return NULL;
	}
	struct change *to = sign_follow_more(
		z, plain, o, &(struct sign_more){ .until_s = o->now_s }, f);
	change_free(plain);
	return to;
}
