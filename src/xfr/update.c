#include "xfr/update.h"

#include "dns/message.h"
#include "dns/rrtype.h"
#include "xfr/update_rules.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/rdata.h"
#include "zone/serial.h"
#include "zone/sign_types.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SOA_NUMBERS = 20, RECORDS_MOST = 65536 };

/* A record of a name that the update looks at. */
struct record_now {
	const uint8_t *owner; /* of `names` */
	uint8_t *rdata;       /* own */
	uint32_t ttl_s, was_ttl_s;
	uint16_t type, rdlen;
	bool was, is; /* in the zone; after the update */
};

/* The names that it touches, with all that they have. */
struct working {
	const struct update_opts *o;
	struct message m;
	struct fault *why;
	unsigned rcode;
	uint8_t **names;
	size_t n_names;
	struct record_now *records;
	size_t n, room;
	uint8_t rdata[MESSAGE_RDATA_MOST];
};

static bool stop(struct working *w, unsigned rcode, const char *what)
{
	w->rcode = rcode;
	return fault(w->why, "%s", what);
}

/* --- what is there ------------------------------------------------------------------------ */

static struct record_now *add_row(struct working *w)
{
	if (w->n == RECORDS_MOST) {
		stop(w, RCODE_REFUSED, "it touches too many records");
		return NULL;
	}
	if (w->n == w->room) {
		const size_t room = w->room ? 2 * w->room : 32;
		struct record_now *records = realloc(w->records, room * sizeof *records);
		if (!records) {
			stop(w, RCODE_SERVFAIL, "out of memory");
			return NULL;
		}
		w->records = records;
		w->room = room;
	}
	w->records[w->n] = (struct record_now){ .owner = NULL };
	return &w->records[w->n];
}

static bool put_row(struct working *w, const struct record_now *like, const uint8_t *rdata)
{
	struct record_now *r = add_row(w);

	if (!r)
		return false;
	*r = *like;
	r->rdata = malloc(like->rdlen + 1u);
	if (!r->rdata)
		return stop(w, RCODE_SERVFAIL, "out of memory");
	memcpy(r->rdata, rdata, like->rdlen);
	w->n++;
	return true;
}

static bool load_node(struct working *w, const uint8_t *owner)
{
	const struct zone *z = w->o->zone;
	struct zone_name name;
	uint8_t *rdata = malloc(MESSAGE_RDATA_MOST);
	bool ok = rdata != NULL;

	zone_name_set(&name, w->o->key, owner);
	const struct zone_node *n = zone_find_node(z, &name, 0);
	const struct zone_rrset *set = n ? zone_first_rrset(n) : NULL;
	for (unsigned i = 0; ok && n && i < n->rrsets; i++, set = zone_next_rrset(set))
		for (size_t at = 0; ok && at < set->len;
			at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
			const uint32_t ttl_s = be32_get(set->wire + at + 6);
			ok = put_row(w,
				&(struct record_now){ .owner = owner,
					.type = set->type,
					.ttl_s = ttl_s,
					.was_ttl_s = ttl_s,
					.rdlen = (uint16_t)image_rdata(z, n, set, at, rdata),
					.was = true,
					.is = true },
				rdata);
		}
	free(rdata);
	return ok || (w->rcode ? false : stop(w, RCODE_SERVFAIL, "out of memory"));
}

/* The name as this keeps it, with all of its records; NULL after a fault. */
static const uint8_t *touch(struct working *w, const uint8_t *owner)
{
	const size_t len = name_len(owner);

	for (size_t i = 0; i < w->n_names; i++)
		if (name_equal(w->names[i], owner))
			return w->names[i];
	uint8_t **names = realloc(w->names, (w->n_names + 1) * sizeof *names);
	if (names)
		w->names = names;
	uint8_t *name = names ? malloc(len) : NULL;
	if (!name) {
		stop(w, RCODE_SERVFAIL, "out of memory");
		return NULL;
	}
	memcpy(name, owner, len);
	w->names[w->n_names++] = name;
	return load_node(w, name) ? name : NULL;
}

/* What signing makes is nobody's but the signer's. */
static bool is_made(const struct working *w, const uint8_t *owner, unsigned type)
{
	return w->o->is_signed &&
		sign_makes((uint16_t)type, name_equal(owner, w->o->zone->apex));
}

static size_t count(const struct working *w, const uint8_t *owner, unsigned type)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct record_now *r = &w->records[i];
		n += r->is && r->owner == owner &&
			(type == RRTYPE_ANY ? !is_made(w, owner, r->type) : r->type == type);
	}
	return n;
}

/* Names in RDATA are the same whatever their case: of the types that most updates are about. */
static bool same_rdata(unsigned type, const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t from = 0, to = len;

	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_CNAME:
	case RRTYPE_DNAME:
	case RRTYPE_PTR: break;
	case RRTYPE_MX: from = 2; break;
	case RRTYPE_SRV: from = 6; break;
	case RRTYPE_SOA: to = len - SOA_NUMBERS; break;
	default: from = len; break;
	}
	if (memcmp(a, b, from) != 0 || memcmp(a + to, b + to, len - to) != 0)
		return false;
	for (size_t i = from; i < to; i++) {
		const bool letter = (a[i] | 0x20) >= 'a' && (a[i] | 0x20) <= 'z';
		if (a[i] != b[i] && (!letter || (a[i] | 0x20) != (b[i] | 0x20)))
			return false;
	}
	return true;
}

/* The record with that data. */
static struct record_now *find(
	struct working *w, const uint8_t *owner, unsigned type, const uint8_t *rdata, size_t len)
{
	for (size_t i = 0; i < w->n; i++) {
		struct record_now *r = &w->records[i];
		if (r->owner == owner && r->type == type && r->rdlen == len &&
			same_rdata(type, r->rdata, rdata, len))
			return r;
	}
	return NULL;
}

/* --- prerequisites ------------------------------------------------------------------------ */

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

static bool want(struct working *w, struct wants *all, const uint8_t *owner,
	const struct message_rr *rr, size_t rdlen)
{
	struct wanted *one = NULL;

	if (!find(w, owner, rr->type, w->rdata, rdlen))
		return stop(w, RCODE_NXRRSET, "a record that must be there is not");
	for (size_t i = 0; i < all->n && !one; i++)
		if (all->list[i].owner == owner && all->list[i].type == rr->type)
			one = &all->list[i];
	if (!one) {
		struct wanted *list = realloc(all->list, (all->n + 1) * sizeof *list);
		if (!list)
			return stop(w, RCODE_SERVFAIL, "out of memory");
		all->list = list;
		one = &list[all->n++];
		*one = (struct wanted){ owner, rr->type, 0 };
	}
	one->n++;
	return true;
}

static bool check_one(struct working *w, struct wants *all, const struct message_rr *rr)
{
	if (rr->ttl_s)
		return stop(w, RCODE_FORMERR, "a prerequisite has a TTL");
	if (!name_is_under(rr->owner, w->o->zone->apex))
		return stop(w, RCODE_NOTZONE, "a prerequisite is about a name of another zone");
	const uint8_t *owner = touch(w, rr->owner);
	if (!owner)
		return false;
	const bool there = count(w, owner, rr->type) != 0, any = rr->type == RRTYPE_ANY;
	if (rr->class == RRCLASS_IN) {
		if (rrtype_is_meta(rr->type))
			return stop(w, RCODE_FORMERR, "a prerequisite has no type of data");
		const int rdlen = message_rdata(&w->m, rr, w->rdata);
		if (rdlen < 0)
			return stop(w, RCODE_FORMERR, w->m.wrong);
		return want(w, all, owner, rr, (size_t)rdlen);
	}
	if (rr->rdlen || (!any && rrtype_is_meta(rr->type)))
		return stop(w, RCODE_FORMERR, "a prerequisite has data where none may be");
	if (rr->class == RRCLASS_ANY)
		return there ||
			stop(w, any ? RCODE_NXDOMAIN : RCODE_NXRRSET,
				"what must be there is not");
	if (rr->class == RRCLASS_NONE)
		return !there ||
			stop(w, any ? RCODE_YXDOMAIN : RCODE_YXRRSET,
				"what must not be there is");
	return stop(w, RCODE_FORMERR, "a prerequisite has an unknown class");
}

static bool check_prerequisites(struct working *w)
{
	struct wants all = { 0 };
	struct message_rr rr;
	unsigned section;
	bool ok = true;

	while (ok && w->m.left[0] && message_next(&w->m, &rr, &section))
		ok = check_one(w, &all, &rr);
	if (ok && w->m.wrong)
		ok = stop(w, RCODE_FORMERR, w->m.wrong);
	for (size_t i = 0; ok && i < all.n; i++)
		if (count(w, all.list[i].owner, all.list[i].type) != all.list[i].n)
			ok = stop(w, RCODE_NXRRSET, "an RRset has more than it must have");
	free(all.list);
	return ok;
}

/* --- who may ------------------------------------------------------------------------------ */

static bool may(struct working *w, const struct message_rr *rr)
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

static bool is_apex(const struct working *w, const uint8_t *owner)
{
	return name_equal(owner, w->o->zone->apex);
}

/* RFC 2136 section 3.4.2.3: all of a name, or one RRset; of the apex neither SOA nor NS. */
static void remove_sets(struct working *w, const uint8_t *owner, unsigned type)
{
	const bool apex = is_apex(w, owner);

	for (size_t i = 0; i < w->n; i++) {
		struct record_now *r = &w->records[i];
		if (r->owner != owner || (type != RRTYPE_ANY && r->type != type) ||
			(apex && (r->type == RRTYPE_SOA || r->type == RRTYPE_NS)) ||
			is_made(w, owner, r->type))
			continue;
		r->is = false;
	}
}

/* Section 3.4.2.4. */
static void remove_one(struct working *w, const uint8_t *owner, unsigned type, size_t rdlen)
{
	struct record_now *r = find(w, owner, type, w->rdata, rdlen);

	if (!r || !r->is || type == RRTYPE_SOA ||
		(type == RRTYPE_NS && is_apex(w, owner) && count(w, owner, RRTYPE_NS) == 1))
		return;
	r->is = false;
}

/* Only a newer one at the apex; else it is passed over. */
static bool takes_soa(struct working *w, const uint8_t *owner, size_t rdlen)
{
	for (size_t i = 0; i < w->n; i++) {
		struct record_now *r = &w->records[i];
		if (r->owner != owner || r->type != RRTYPE_SOA || !r->is)
			continue;
		if (!serial_is_newer(be32_get(w->rdata + rdlen - SOA_NUMBERS),
			    be32_get(r->rdata + r->rdlen - SOA_NUMBERS)))
			return false;
		r->is = false;
		return true;
	}
	return false;
}

/* Section 3.4.2.2: a CNAME does not come beside others, nor others beside it. */
static bool add_one(struct working *w, const uint8_t *owner, const struct message_rr *rr,
	size_t rdlen)
{
	const size_t cnames = count(w, owner, RRTYPE_CNAME), all = count(w, owner, RRTYPE_ANY);

	if (rr->type == RRTYPE_SOA && (!is_apex(w, owner) || !takes_soa(w, owner, rdlen)))
		return true;
	if (rr->type == RRTYPE_CNAME ? all > cnames : cnames > 0)
		return true;
	if (rr->type == RRTYPE_CNAME)
		remove_sets(w, owner, RRTYPE_CNAME);
	struct record_now *r = find(w, owner, rr->type, w->rdata, rdlen);
	if (r)
		r->is = true;
	else if (!put_row(w,
			 &(struct record_now){ .owner = owner,
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
static bool is_well_put(struct working *w, const struct message_rr *rr)
{
	const bool meta = rrtype_is_meta(rr->type), any = rr->type == RRTYPE_ANY;

	if (!name_is_under(rr->owner, w->o->zone->apex))
		return stop(w, RCODE_NOTZONE, "a record is of another zone");
	switch (rr->class) {
	case RRCLASS_IN:
		return (!meta && rr->ttl_s <= INT32_MAX) ||
			stop(w, RCODE_FORMERR, "a record that is to come has no type of data");
	case RRCLASS_ANY:
		return (rr->ttl_s == 0 && rr->rdlen == 0 && (any || !meta)) ||
			stop(w, RCODE_FORMERR, "what is to go has a TTL or data");
	case RRCLASS_NONE:
		return (rr->ttl_s == 0 && !meta) ||
			stop(w, RCODE_FORMERR, "what is to go has a TTL, or no type of data");
	default: return stop(w, RCODE_FORMERR, "a record has an unknown class");
	}
}

/* BIND refuses these, too, but for DNSKEY, by which its keys are changed. */
static bool is_data(struct working *w, const struct message_rr *rr)
{
	char name[NAME_TEXT], type[RRTYPE_TEXT];

	if (!is_made(w, rr->owner, rr->type))
		return true;
	w->rcode = RCODE_REFUSED;
	return fault(w->why, "%s %s is made where the zone is signed, which is here",
		name_text(name, rr->owner), rrtype_text(type, rr->type));
}

static bool apply(struct working *w, const struct message_rr *rr)
{
	struct fault wrong;

	if (!is_well_put(w, rr) || !may(w, rr) || !is_data(w, rr))
		return false;
	const uint8_t *owner = touch(w, rr->owner);
	if (!owner)
		return false;
	if (rr->class == RRCLASS_ANY) {
		remove_sets(w, owner, rr->type);
		return true;
	}
	const int rdlen = message_rdata(&w->m, rr, w->rdata);
	if (rdlen < 0)
		return stop(w, RCODE_FORMERR, w->m.wrong);
	if (rr->class == RRCLASS_NONE) {
		remove_one(w, owner, rr->type, (size_t)rdlen);
		return true;
	}
	if (!rdata_check(rr->type, w->rdata, (size_t)rdlen, &wrong))
		return stop(w, RCODE_FORMERR, wrong.text);
	return add_one(w, owner, rr, (size_t)rdlen);
}

static bool apply_all(struct working *w)
{
	struct message_rr rr;
	unsigned section;

	while (w->m.left[1] && message_next(&w->m, &rr, &section))
		if (!apply(w, &rr))
			return false;
	return !w->m.wrong || stop(w, RCODE_FORMERR, w->m.wrong);
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

static bool goes_or_comes(const struct record_now *r)
{
	return r->was != r->is || (r->was && r->ttl_s != r->was_ttl_s);
}

static bool put(struct working *w, struct change *c, const struct record_now *r)
{
	struct change_record rr = { .owner = r->owner, .rdata = r->rdata, .type = r->type,
		.rdlen = r->rdlen, .ttl_s = r->was_ttl_s };

	if (r->was && !change_remove(c, &rr, w->why))
		return false;
	rr.ttl_s = r->ttl_s;
	return !r->is || change_add(c, &rr, w->why);
}

/* The SOA goes and comes with every change; when the update has none, it gets the next serial. */
static bool put_soa(struct working *w, struct change *c)
{
	const uint8_t *apex = touch(w, w->o->zone->apex);

	for (size_t i = 0; apex && i < w->n; i++)
		if (w->records[i].type == RRTYPE_SOA && goes_or_comes(&w->records[i]))
			return true; /* it is put with all others */
	for (size_t i = 0; apex && i < w->n; i++) {
		const struct record_now *r = &w->records[i];
		if (r->type != RRTYPE_SOA || r->owner != apex)
			continue;
		uint8_t *serial = r->rdata + r->rdlen - SOA_NUMBERS;
		struct change_record rr = { .owner = r->owner, .rdata = r->rdata,
			.type = r->type, .rdlen = r->rdlen, .ttl_s = r->ttl_s };
		if (!change_remove(c, &rr, w->why))
			return false;
		be32_put(serial, update_serial(be32_get(serial), w->o->serial, w->o->now_s));
		return change_add(c, &rr, w->why);
	}
	return stop(w, RCODE_SERVFAIL, "the zone has no SOA");
}

static bool make_change(struct working *w, struct change **to)
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
	struct working *w = calloc(1, sizeof *w);

	*to = NULL;
	*why = (struct fault){ 0 };
	if (!w) {
		fault(why, "out of memory");
		return RCODE_SERVFAIL;
	}
	w->o = o;
	w->why = why;
	if (!message_open(&w->m, o->packet, o->len))
		stop(w, RCODE_FORMERR, w->m.wrong);
	else if (check_prerequisites(w) && apply_all(w))
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
