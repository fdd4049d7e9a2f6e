#include "zone/lint_between.h"

#include "base/memory.h"
#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/lint.h"

#include <string.h>

enum { CHAIN_MOST = 64 }; /* CNAMEs that are followed in search of a circle */

struct between {
	const struct registry *r;
	struct hash_key key;
	const struct master_pools *pools;
	struct faults *f;
	uint8_t *rdata; /* [UINT16_MAX] */
	unsigned doubts, told;
	bool fresh; /* some doubt of the zone has not been told: its file is read for it */
	struct told {
		uint8_t target[NAME_MOST];
		uint16_t type;
	} *of; /* [FAULTS_MOST] what was told: many zones may lead to one name */
};

/* A record that leads from its zone to another. */
struct link {
	const struct zone *from, *to;
	const uint8_t *owner, *target; /* lower case */
	uint16_t type;
	enum lint_lead lead;
	bool circle;
};

/* Whose zone is it for everybody? NULL: nobody knows, or what it says. */
static const struct zone *zone_of_name(const struct between *b, const struct zone_name *at)
{
	const struct zone_set *set = b->r->set;
	size_t i;
	const struct zone *z = zone_set_find(set, at, at->labels, &i);

	return z && !z->view_len && b->r->zones[i]->state == REGISTRY_READY && zone_is_ready(z) ? z : NULL;
}

/* Where the CNAME of a node leads, in lower case. */
static void follow(const struct between *b, const struct zone *z, const struct lookup *l, uint8_t to[static NAME_MOST])
{
	image_rdata(z, l->node, l->rrset, 0, b->rdata);
	name_lower(to, b->rdata, name_len(b->rdata));
}

/* Does it lead back to its owner? Told once: at the first name, of those from which the circle leads to another zone. */
static bool in_circle(const struct between *b, const struct link *start)
{
	uint8_t name[NAME_MOST], next[NAME_MOST];
	const struct zone *z = start->to;
	struct zone_name at;
	struct lookup l;

	memcpy(name, start->target, name_len(start->target));
	for (unsigned i = 0; z && i < CHAIN_MOST; i++) {
		if (name_equal(name, start->owner))
			return true;
		zone_name_set(&at, b->key, name);
		if (lint_lead(z, b->key, &at, &l) != LINT_ALIAS)
			return false;
		follow(b, z, &l, next);
		zone_name_set(&at, b->key, next);
		const struct zone *then = zone_of_name(b, &at);
		if (then != z && registry_compare(name, start->owner) < 0)
			return false;
		z = then;
		memcpy(name, next, name_len(next));
	}
	return false;
}

/* ... of a name that is to be there, or to have addresses. */
static bool leads_wrong(const struct between *b, struct link *k, const struct lookup *l)
{
	switch (k->type) {
	case RRTYPE_MX:
	case RRTYPE_SRV:
	case RRTYPE_NS: return k->lead == LINT_NONE || k->lead == LINT_ALIAS || k->lead == LINT_OTHER;
	case RRTYPE_DNAME: return l->kind == LOOKUP_NXDOMAIN;
	case RRTYPE_CNAME: k->circle = k->lead == LINT_ALIAS && in_circle(b, k); break;
	default: break;
	}
	return k->circle || k->lead == LINT_NONE;
}

/* Sets what `k` does not have: it has `from`, `owner` and `type`. */
static bool is_doubtful(const struct between *b, struct link *k, const uint8_t *rdata, uint8_t lower[static NAME_MOST])
{
	const uint8_t *target = lint_target(k->type, rdata);
	struct zone_name at;
	struct lookup l;

	if (!target || !*target)
		return false;
	name_lower(lower, target, name_len(target));
	/* What the servers of a delegation have for glue is told of the zone itself. */
	if (k->type == RRTYPE_NS && name_is_under(lower, k->from->apex))
		return false;
	zone_name_set(&at, b->key, lower);
	k->target = lower;
	k->to = zone_of_name(b, &at);
	k->circle = false;
	if (!k->to || k->to == k->from)
		return false;
	k->lead = lint_lead(k->to, b->key, &at, &l);
	return leads_wrong(b, k, &l);
}

static bool is_told(const struct between *b, const struct link *k)
{
	for (unsigned i = 0; i < b->told; i++)
		if (b->of[i].type == k->type && name_equal(b->of[i].target, k->target))
			return true;
	return false;
}

/* --- what is in the image ----------------------------------------------------------------- */

static unsigned count_set(struct between *b, const struct zone *z, const struct zone_node *n, const struct zone_rrset *set)
{
	uint8_t owner[NAME_MOST], target[NAME_MOST];
	struct link k = { .from = z, .owner = owner, .type = set->type };
	unsigned doubts = 0;

	image_owner(z, n, owner);
	for (size_t at = 0; at < set->len; at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
		image_rdata(z, n, set, at, b->rdata);
		const bool doubtful = is_doubtful(b, &k, b->rdata, target);
		doubts += doubtful;
		b->fresh = b->fresh || (doubtful && !is_told(b, &k));
	}
	return doubts;
}

static unsigned count_doubts(struct between *b, const struct zone *z)
{
	unsigned doubts = 0;

	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		const struct zone_rrset *set = zone_first_rrset(n);
		if (n->flags & (NODE_HIDDEN | NODE_NSEC3))
			continue;
		for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set))
			if (lint_target(set->type, set->wire))
				doubts += count_set(b, z, n, set);
	}
	return doubts;
}

/* --- where it is written ------------------------------------------------------------------ */

static void tell_doubt(struct between *b, const struct records *r, const struct record *rr, const struct link *k)
{
	char name[NAME_TEXT], zone[NAME_TEXT], type[RRTYPE_TEXT];

	name_text(name, k->target);
	name_text(zone, k->to->apex);
	rrtype_text(type, rr->type);
	memcpy(b->of[b->told].target, k->target, name_len(k->target));
	b->of[b->told++].type = k->type;
	if (k->circle)
		records_warning(r, rr, b->f, "this CNAME leads back to itself, by way of %s in zone %s: nobody finds anything", name, zone);
	else if (k->lead == LINT_ALIAS)
		records_warning(r, rr, b->f,
			"%s is a CNAME in zone %s, and the target of a record of type %s must not be one (%s); name what it leads to", name, zone,
			type, rr->type == RRTYPE_SRV ? "RFC 2782" : "RFC 2181 section 10.3");
	else if (rr->type == RRTYPE_MX || rr->type == RRTYPE_SRV || rr->type == RRTYPE_NS)
		records_warning(r, rr, b->f, "%s is in zone %s, which has no A or AAAA record there, so that this %s leads nowhere", name, zone, type);
	else
		records_warning(r, rr, b->f, "this %s leads to %s, which zone %s does not have", type, name, zone);
}

static bool is_seen(const struct between *b, const struct zone *z, const uint8_t *owner)
{
	struct zone_name at;

	zone_name_set(&at, b->key, owner);
	const struct zone_node *n = zone_find_node(z, &at, 0);
	return n && !(n->flags & NODE_HIDDEN);
}

static void tell_file(struct between *b, const struct registry_zone *of)
{
	uint8_t owner[NAME_MOST], target[NAME_MOST];
	struct faults heard_before;
	struct records r;

	records_init(&r, of->origin);
	faults_init(&heard_before);
	if (master_read(&r, of->path, b->pools, &heard_before)) {
		struct records_walk walk = records_all(&r);
		while (b->told < FAULTS_MOST && records_walk_next(&walk)) {
			struct link k = { .from = of->load.zone, .owner = owner, .type = walk.rr.type };
			records_full_name(&r, walk.rr.owner, owner);
			if (is_doubtful(b, &k, walk.rr.rdata, target) && is_seen(b, k.from, owner) && !is_told(b, &k))
				tell_doubt(b, &r, &walk.rr, &k);
		}
	}
	faults_fini(&heard_before);
	records_fini(&r);
}

static bool is_of_file(const struct registry_zone *z)
{
	return z->source == REGISTRY_FILE && z->state == REGISTRY_READY && !z->load.zone->view_len;
}

unsigned lint_between(const struct registry *r, const struct master_pools *pools, struct faults *f)
{
	struct between b = { .r = r, .key = zone_set_key(r->set), .pools = pools, .f = f };

	if (r->n < 2)
		return 0;
	b.of = memory_zeroed(FAULTS_MOST, sizeof *b.of);
	b.rdata = memory_zeroed(1, UINT16_MAX);
	for (size_t i = 0; i < r->n; i++) {
		b.fresh = false;
		b.doubts += is_of_file(r->zones[i]) ? count_doubts(&b, r->zones[i]->load.zone) : 0;
		if (b.fresh && b.told < FAULTS_MOST)
			tell_file(&b, r->zones[i]);
	}
	memory_free(b.rdata);
	memory_free(b.of);
	/* A file may be another by now. */
	return b.doubts > b.told ? b.doubts - b.told : 0;
}
