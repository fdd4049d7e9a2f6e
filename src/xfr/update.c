#include "xfr/update_inner.h"

#include "dns/rrtype.h"
#include "xfr/update_rules.h"
#include "zone/rdata.h"
#include "zone/serial.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- who may ------------------------------------------------------------------------------ */

static bool may(struct update_work *w, const struct message_rr *rr)
{
	const struct update_opts *o = w->o;
	char name[NAME_TEXT], type[RRTYPE_TEXT];

	if (!o->rules)
		return true;
	for (size_t i = 0; i < o->n_rules; i++)
		if (o->is_for[i] && update_rules_allow(
				&o->rules[i], rr->owner, rr->type, o->zone->apex))
			return true;
	w->rcode = RCODE_REFUSED;
	return fault(w->why, "%s %s may not be changed by who asks", name_text(name, rr->owner),
		rrtype_text(type, rr->type));
}

/* --- changes ------------------------------------------------------------------------------ */

static bool is_apex(const struct update_work *w, const uint8_t *owner)
{
	return name_equal(owner, w->o->zone->apex);
}

/* RFC 2136 section 3.4.2.3: all of a name, or one RRset; of the apex neither SOA nor NS. */
static void remove_sets(struct update_work *w, const uint8_t *owner, unsigned type)
{
	const bool apex = is_apex(w, owner);

	for (size_t i = 0; i < w->n; i++) {
		struct update_record *r = &w->records[i];
		if (r->owner != owner || (type != RRTYPE_ANY && r->type != type) ||
			(apex && (r->type == RRTYPE_SOA || r->type == RRTYPE_NS)) ||
			update_is_made(w, owner, r->type))
			continue;
		r->is = false;
	}
}

/* Section 3.4.2.4. */
static void remove_one(struct update_work *w, const uint8_t *owner, unsigned type, size_t rdlen)
{
	struct update_record *r = update_find(w, owner, type, w->rdata, rdlen);

	if (!r || !r->is || type == RRTYPE_SOA ||
		(type == RRTYPE_NS && is_apex(w, owner) && update_count(w, owner, RRTYPE_NS) == 1))
		return;
	r->is = false;
}

/* Only a newer one at the apex; else it is passed over. */
static bool takes_soa(struct update_work *w, const uint8_t *owner, size_t rdlen)
{
	for (size_t i = 0; i < w->n; i++) {
		struct update_record *r = &w->records[i];
		if (r->owner != owner || r->type != RRTYPE_SOA || !r->is)
			continue;
		if (!serial_is_newer(be32_get(w->rdata + rdlen - UPDATE_SOA_NUMBERS),
			    be32_get(r->rdata + r->rdlen - UPDATE_SOA_NUMBERS)))
			return false;
		r->is = false;
		return true;
	}
	return false;
}

/* Section 3.4.2.2: a CNAME does not come beside others, nor others beside it. */
static bool add_one(struct update_work *w, const uint8_t *owner, const struct message_rr *rr,
	size_t rdlen)
{
	const size_t cnames = update_count(w, owner, RRTYPE_CNAME), all = update_count(w, owner, RRTYPE_ANY);

	if (rr->type == RRTYPE_SOA && (!is_apex(w, owner) || !takes_soa(w, owner, rdlen)))
		return true;
	if (rr->type == RRTYPE_CNAME ? all > cnames : cnames > 0)
		return true;
	if (rr->type == RRTYPE_CNAME)
		remove_sets(w, owner, RRTYPE_CNAME);
	struct update_record *r = update_find(w, owner, rr->type, w->rdata, rdlen);
	if (r)
		r->is = true;
	else if (!update_put_row(w,
			 &(struct update_record){ .owner = owner,
				 .type = rr->type,
				 .rdlen = (uint16_t)rdlen,
				 .is = true },
			 w->rdata))
		return false;
	/* All records of an RRset have one TTL (RFC 2181 section 5.2). */
	for (size_t i = 0; i < w->n; i++)
		if (w->records[i].owner == owner && w->records[i].type == rr->type)
			w->records[i].ttl_s = rr->ttl_s;
	return true;
}

/* Section 3.4.1. */
static bool is_well_put(struct update_work *w, const struct message_rr *rr)
{
	const bool meta = rrtype_is_meta(rr->type), any = rr->type == RRTYPE_ANY;

	if (!name_is_under(rr->owner, w->o->zone->apex))
		return update_stop(w, RCODE_NOTZONE, "a record is of another zone");
	switch (rr->class) {
	case RRCLASS_IN:
		return (!meta && rr->ttl_s <= INT32_MAX) ||
			update_stop(w, RCODE_FORMERR, "a record that is to come has no type of data");
	case RRCLASS_ANY:
		return (rr->ttl_s == 0 && rr->rdlen == 0 && (any || !meta)) ||
			update_stop(w, RCODE_FORMERR, "what is to go has a TTL or data");
	case RRCLASS_NONE:
		return (rr->ttl_s == 0 && !meta) ||
			update_stop(w, RCODE_FORMERR, "what is to go has a TTL, or no type of data");
	default: return update_stop(w, RCODE_FORMERR, "a record has an unknown class");
	}
}

/* BIND refuses these, too, but for DNSKEY, by which its keys are changed. */
static bool is_data(struct update_work *w, const struct message_rr *rr)
{
	char name[NAME_TEXT], type[RRTYPE_TEXT];

	if (!update_is_made(w, rr->owner, rr->type))
		return true;
	w->rcode = RCODE_REFUSED;
	return fault(w->why, "%s %s is made where the zone is signed, which is here",
		name_text(name, rr->owner), rrtype_text(type, rr->type));
}

static bool apply(struct update_work *w, const struct message_rr *rr)
{
	struct fault wrong;

	if (!is_well_put(w, rr) || !may(w, rr) || !is_data(w, rr))
		return false;
	const uint8_t *owner = update_touch(w, rr->owner);
	if (!owner)
		return false;
	if (rr->class == RRCLASS_ANY) {
		remove_sets(w, owner, rr->type);
		return true;
	}
	const int rdlen = message_rdata(&w->m, rr, w->rdata);
	if (rdlen < 0)
		return update_stop(w, RCODE_FORMERR, w->m.wrong);
	if (rr->class == RRCLASS_NONE) {
		remove_one(w, owner, rr->type, (size_t)rdlen);
		return true;
	}
	if (!rdata_check(rr->type, w->rdata, (size_t)rdlen, &wrong))
		return update_stop(w, RCODE_FORMERR, wrong.text);
	return add_one(w, owner, rr, (size_t)rdlen);
}

static bool apply_all(struct update_work *w)
{
	struct message_rr rr;
	unsigned section;

	while (w->m.left[1] && message_next(&w->m, &rr, &section))
		if (!apply(w, &rr))
			return false;
	return !w->m.wrong || update_stop(w, RCODE_FORMERR, w->m.wrong);
}

/* --- the change --------------------------------------------------------------------------- */

uint32_t update_serial(uint32_t now, enum policy_serial how, int64_t now_s)
{
	uint32_t next = now + 1;

	if (how == SERIAL_UNIXTIME) {
		next = (uint32_t)now_s;
	} else if (how == SERIAL_DATE) {
		const time_t t = (time_t)now_s;
		struct tm tm;
		gmtime_r(&t, &tm);
		next = (uint32_t)((((tm.tm_year + 1900) * 100 + tm.tm_mon + 1) * 100 + tm.tm_mday) *
			100);
	}
	return serial_is_newer(next, now) ? next : now + 1;
}

static bool goes_or_comes(const struct update_record *r)
{
	return r->was != r->is || (r->was && r->ttl_s != r->was_ttl_s);
}

static bool put(struct update_work *w, struct change *c, const struct update_record *r)
{
	struct change_record rr = { .owner = r->owner, .rdata = r->rdata, .type = r->type,
		.rdlen = r->rdlen, .ttl_s = r->was_ttl_s };

	if (r->was && !change_remove(c, &rr, w->why))
		return false;
	rr.ttl_s = r->ttl_s;
	return !r->is || change_add(c, &rr, w->why);
}

/* The SOA goes and comes with every change; when the update has none, it gets the next serial. */
static bool put_soa(struct update_work *w, struct change *c)
{
	const uint8_t *apex = update_touch(w, w->o->zone->apex);

	for (size_t i = 0; apex && i < w->n; i++)
		if (w->records[i].type == RRTYPE_SOA && goes_or_comes(&w->records[i]))
			return true; /* it is put with all others */
	for (size_t i = 0; apex && i < w->n; i++) {
		const struct update_record *r = &w->records[i];
		if (r->type != RRTYPE_SOA || r->owner != apex)
			continue;
		uint8_t *serial = r->rdata + r->rdlen - UPDATE_SOA_NUMBERS;
		struct change_record rr = { .owner = r->owner, .rdata = r->rdata,
			.type = r->type, .rdlen = r->rdlen, .ttl_s = r->ttl_s };
		if (!change_remove(c, &rr, w->why))
			return false;
		be32_put(serial, update_serial(be32_get(serial), w->o->serial, w->o->now_s));
		return change_add(c, &rr, w->why);
	}
	return update_stop(w, RCODE_SERVFAIL, "the zone has no SOA");
}

static bool make_change(struct update_work *w, struct change **to)
{
	bool any = false;

	for (size_t i = 0; i < w->n && !any; i++)
		any = goes_or_comes(&w->records[i]);
	if (!any)
		return true;
	struct change *c = change_new(zone_id(w->o->zone));
	bool ok = c && put_soa(w, c);
	for (size_t i = 0; ok && i < w->n; i++)
		ok = !goes_or_comes(&w->records[i]) || put(w, c, &w->records[i]);
	if (ok && change_seal(c, w->why)) {
		*to = c;
		return true;
	}
	change_free(c);
	if (!w->rcode)
		w->rcode = RCODE_SERVFAIL;
	return false;
}

unsigned update_make(const struct update_opts *o, struct change **to, struct fault *why)
{
	struct update_work *w = calloc(1, sizeof *w);

	*to = NULL;
	*why = (struct fault){ 0 };
	if (!w) {
		fault(why, "out of memory");
		return RCODE_SERVFAIL;
	}
	w->o = o;
	w->why = why;
	if (!message_open(&w->m, o->packet, o->len))
		update_stop(w, RCODE_FORMERR, w->m.wrong);
	else if (update_check(w) && apply_all(w))
		make_change(w, to);
	const unsigned rcode = w->rcode;
	for (size_t i = 0; i < w->n; i++)
		free(w->records[i].rdata);
	for (size_t i = 0; i < w->n_names; i++)
		free(w->names[i]);
	free(w->records);
	free(w->names);
	free(w);
	return rcode;
}
