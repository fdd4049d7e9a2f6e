/* Prerequisites of an update. */
#include "xfr/update_inner.h"

#include "dns/rrtype.h"

#include <stdlib.h>

/* Records whose whole RRset must be like that: marked as they come, counted at the end. */
struct wanted {
	const uint8_t *owner;
	uint16_t type;
	size_t n;
};

struct wants {
	struct wanted *list;
	size_t n;
};

static bool want(struct update_work *w, struct wants *all, const uint8_t *owner,
	const struct message_rr *rr, size_t rdlen)
{
	struct wanted *one = NULL;

	if (!update_find(w, owner, rr->type, w->rdata, rdlen))
		return update_stop(w, RCODE_NXRRSET, "a record that must be there is not");
	for (size_t i = 0; i < all->n && !one; i++)
		if (all->list[i].owner == owner && all->list[i].type == rr->type)
			one = &all->list[i];
	if (!one) {
		struct wanted *list = realloc(all->list, (all->n + 1) * sizeof *list);
		if (!list)
			return update_stop(w, RCODE_SERVFAIL, "out of memory");
		all->list = list;
		one = &list[all->n++];
		*one = (struct wanted){ owner, rr->type, 0 };
	}
	one->n++;
	return true;
}

static bool check_one(struct update_work *w, struct wants *all, const struct message_rr *rr)
{
	if (rr->ttl_s)
		return update_stop(w, RCODE_FORMERR, "a prerequisite has a TTL");
	if (!name_is_under(rr->owner, w->o->zone->apex))
		return update_stop(w, RCODE_NOTZONE, "a prerequisite is about a name of another zone");
	const uint8_t *owner = update_touch(w, rr->owner);
	if (!owner)
		return false;
	const bool there = update_count(w, owner, rr->type) != 0, any = rr->type == RRTYPE_ANY;
	if (rr->class == RRCLASS_IN) {
		if (rrtype_is_meta(rr->type))
			return update_stop(w, RCODE_FORMERR, "a prerequisite has no type of data");
		const int rdlen = message_rdata(&w->m, rr, w->rdata);
		if (rdlen < 0)
			return update_stop(w, RCODE_FORMERR, w->m.wrong);
		return want(w, all, owner, rr, (size_t)rdlen);
	}
	if (rr->rdlen || (!any && rrtype_is_meta(rr->type)))
		return update_stop(w, RCODE_FORMERR, "a prerequisite has data where none may be");
	if (rr->class == RRCLASS_ANY)
		return there ||
			update_stop(w, any ? RCODE_NXDOMAIN : RCODE_NXRRSET,
				"what must be there is not");
	if (rr->class == RRCLASS_NONE)
		return !there ||
			update_stop(w, any ? RCODE_YXDOMAIN : RCODE_YXRRSET,
				"what must not be there is");
	return update_stop(w, RCODE_FORMERR, "a prerequisite has an unknown class");
}

bool update_check(struct update_work *w)
{
	struct wants all = { 0 };
	struct message_rr rr;
	unsigned section;
	bool ok = true;

	while (ok && w->m.left[0] && message_next(&w->m, &rr, &section))
		ok = check_one(w, &all, &rr);
	if (ok && w->m.wrong)
		ok = update_stop(w, RCODE_FORMERR, w->m.wrong);
	for (size_t i = 0; ok && i < all.n; i++)
		if (update_count(w, all.list[i].owner, all.list[i].type) != all.list[i].n)
			ok = update_stop(w, RCODE_NXRRSET, "an RRset has more than it must have");
	free(all.list);
	return ok;
}
