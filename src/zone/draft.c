#include "zone/draft.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/same_data.h"
#include "zone/sign_types.h"

#include <stdlib.h>
#include <string.h>

enum { SOA_NUMBERS = 20, RDATA_ROOM = 65535 };

/* A record of a name that the draft touches. */
struct drafted {
	size_t name;    /* in `names` */
	uint8_t *rdata; /* own */
	uint32_t ttl_s, was_ttl_s;
	uint16_t type, rdlen;
	bool was, is; /* in the base; in the draft */
};

struct draft {
	const struct zone *base; /* held */
	struct hash_key key;
	uint8_t (*names)[NAME_MOST];
	size_t n_names;
	struct drafted *records;
	size_t n, room;
};

static bool no_memory(struct fault *why)
{
	return fault(why, "out of memory");
}

struct draft *draft_new(const struct zone *base, struct hash_key key)
{
	struct draft *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->base = base;
	d->key = key;
	zone_hold(base);
	return d;
}

void draft_free(struct draft *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++)
		free(d->records[i].rdata);
	free(d->records);
	free(d->names);
	zone_drop(d->base);
	free(d);
}

const struct zone *draft_base(const struct draft *d)
{
	return d->base;
}

/* A chain in a zone that is changed says that it is signed here: what signing makes follows by
 * itself. */
static bool is_made(const struct draft *d, const uint8_t *owner, uint16_t type)
{
	return d->base->denial && sign_makes(type, name_equal(owner, d->base->apex));
}

/* --- the names that it touches ------------------------------------------------------------ */

static bool put_record(
	struct draft *d, const struct drafted *like, const uint8_t *rdata, struct fault *why)
{
	if (d->n == DRAFT_RECORDS_MOST)
		return fault(why, "the names that this draft touches have over %d records",
			DRAFT_RECORDS_MOST);
	if (d->n == d->room) {
		const size_t room = d->room ? 2 * d->room : 16;
		struct drafted *records = realloc(d->records, room * sizeof *records);
		if (!records)
			return no_memory(why);
		d->records = records;
		d->room = room;
	}
	struct drafted *r = &d->records[d->n];
	*r = *like;
	r->rdata = malloc(like->rdlen + 1u);
	if (!r->rdata)
		return no_memory(why);
	memcpy(r->rdata, rdata, like->rdlen);
	d->n++;
	return true;
}

static bool load_name(struct draft *d, size_t name, struct fault *why)
{
	struct zone_name found;
	uint8_t *rdata = malloc(RDATA_ROOM);
	bool ok = rdata || no_memory(why);

	zone_name_set(&found, d->key, d->names[name]);
	const struct zone_node *n = zone_find_node(d->base, &found, 0);
	const struct zone_rrset *set = n ? zone_first_rrset(n) : NULL;
	for (unsigned i = 0; ok && n && i < n->rrsets; i++, set = zone_next_rrset(set))
		for (size_t at = is_made(d, d->names[name], set->type) ? set->len : 0;
			ok && at < set->len;
			at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
			const uint32_t ttl_s = be32_get(set->wire + at + 6);
			ok = put_record(d,
				&(struct drafted){ .name = name,
					.type = set->type,
					.ttl_s = ttl_s,
					.was_ttl_s = ttl_s,
					.rdlen = (uint16_t)image_rdata(
						d->base, n, set, at, rdata),
					.was = true,
					.is = true },
				rdata, why);
		}
	free(rdata);
	return ok;
}

/* Its number; SIZE_MAX after a fault. */
static size_t touch(struct draft *d, const uint8_t *owner, struct fault *why)
{
	char text[NAME_TEXT], zone[NAME_TEXT];

	for (size_t i = 0; i < d->n_names; i++)
		if (name_equal(d->names[i], owner))
			return i;
	if (!name_is_under(owner, d->base->apex)) {
		fault(why, "%s is not in the zone %s", name_text(text, owner),
			name_text(zone, d->base->apex));
		return SIZE_MAX;
	}
	uint8_t(*names)[NAME_MOST] = realloc(d->names, (d->n_names + 1) * sizeof *names);
	if (!names) {
		no_memory(why);
		return SIZE_MAX;
	}
	d->names = names;
	name_lower(names[d->n_names], owner, name_len(owner));
	if (!load_name(d, d->n_names, why)) {
		/* As if it had not been asked for. */
		while (d->n && d->records[d->n - 1].name == d->n_names)
			free(d->records[--d->n].rdata);
		return SIZE_MAX;
	}
	return d->n_names++;
}

static bool same_data(const struct drafted *r, uint16_t type, const uint8_t *rdata, size_t len)
{
	return r->type == type && same_data_compare(type, r->rdata, r->rdlen, rdata, len) == 0;
}

/* --- set and unset ------------------------------------------------------------------------ */

static bool is_single(uint16_t type)
{
	return type == RRTYPE_SOA || type == RRTYPE_CNAME || type == RRTYPE_DNAME ||
		type == RRTYPE_EDGE;
}

bool draft_set(struct draft *d, const struct change_record *rr, struct fault *why)
{
	const size_t name = touch(d, rr->owner, why);
	struct drafted *found = NULL;
	char type[RRTYPE_TEXT];

	if (name == SIZE_MAX)
		return false;
	if (rr->type == RRTYPE_SOA && !name_equal(rr->owner, d->base->apex))
		return fault(why, "a SOA stands at the zone's own name alone");
	if (is_made(d, rr->owner, rr->type))
		return fault(why, "%s is made here by signing", rrtype_text(type, rr->type));
	for (size_t i = 0; i < d->n; i++) {
		struct drafted *r = &d->records[i];
		if (r->name != name || r->type != rr->type)
			continue;
		if (same_data(r, rr->type, rr->rdata, rr->rdlen))
			found = r;
		else if (is_single(rr->type))
			r->is = false;
	}
	if (found)
		found->is = true;
	else if (!put_record(d,
			 &(struct drafted){ .name = name,
				 .type = rr->type,
				 .rdlen = rr->rdlen,
				 .is = true },
			 rr->rdata, why))
		return false;
	/* All records of an RRset have one TTL (RFC 2181 section 5.2). */
	for (size_t i = 0; i < d->n; i++)
		if (d->records[i].name == name && d->records[i].type == rr->type)
			d->records[i].ttl_s = rr->ttl_s;
	return true;
}

bool draft_unset(struct draft *d, const struct draft_unset *what, struct fault *why)
{
	const size_t name = touch(d, what->owner, why);
	char text[NAME_TEXT], type[RRTYPE_TEXT];
	size_t n = 0;
	bool stays = false;

	if (name == SIZE_MAX)
		return false;
	for (size_t i = 0; i < d->n; i++) {
		struct drafted *r = &d->records[i];
		if (r->name != name || !r->is || (what->type && r->type != what->type) ||
			(what->rdata && !same_data(r, what->type, what->rdata, what->rdlen)))
			continue;
		if (r->type == RRTYPE_SOA) {
			stays = true;
			continue;
		}
		r->is = false;
		n++;
	}
	if (n)
		return true;
	name_text(text, what->owner);
	if (stays)
		return fault(why, "the SOA stays; \"zone set\" replaces it");
	return what->type ? fault(why, "there is no %s%s at %s", rrtype_text(type, what->type),
				    what->rdata ? " with that data" : "", text)
			  : fault(why, "there is nothing at %s", text);
}

uint32_t draft_ttl(struct draft *d, const uint8_t *owner, uint16_t type)
{
	const size_t name = touch(d, owner, NULL);

	for (size_t i = 0; i < d->n; i++) {
		const struct drafted *r = &d->records[i];
		if (r->name == name && r->type == type && r->is)
			return r->ttl_s;
	}
	return be32_get(zone_find_rrset(image_first(d->base), RRTYPE_SOA)->wire + 6);
}

/* --- the change --------------------------------------------------------------------------- */

static bool goes_or_comes(const struct drafted *r)
{
	return r->was != r->is || (r->was && r->ttl_s != r->was_ttl_s);
}

static bool put(
	const struct draft *d, struct change *c, const struct drafted *r, struct fault *why)
{
	struct change_record rr = { .owner = d->names[r->name],
		.rdata = r->rdata,
		.type = r->type,
		.rdlen = r->rdlen,
		.ttl_s = r->was_ttl_s };

	if (r->was && !change_remove(c, &rr, why))
		return false;
	rr.ttl_s = r->ttl_s;
	return !r->is || change_add(c, &rr, why);
}

bool draft_has_ns(const struct draft *d)
{
	bool had = false, has = false;

	for (size_t i = 0; i < d->n; i++) {
		const struct drafted *r = &d->records[i];
		if (r->type != RRTYPE_NS || !name_equal(d->names[r->name], d->base->apex))
			continue;
		had = had || r->was;
		has = has || r->is;
	}
	return has || !had;
}

/* The SOA goes and comes with every change. */
static bool put_soa(const struct draft *d, struct change *c, struct fault *why)
{
	uint8_t rdata[2 * NAME_MOST + SOA_NUMBERS];
	const struct zone_node *apex = image_first(d->base);
	const struct zone_rrset *set = zone_find_rrset(apex, RRTYPE_SOA);
	struct change_record rr = { .owner = d->base->apex,
		.rdata = rdata,
		.type = RRTYPE_SOA,
		.ttl_s = be32_get(set->wire + 6) };

	rr.rdlen = (uint16_t)image_rdata(d->base, apex, set, 0, rdata);
	if (!change_remove(c, &rr, why))
		return false;
	be32_put(rdata + rr.rdlen - SOA_NUMBERS, d->base->serial + 1);
	return change_add(c, &rr, why);
}

struct change *draft_change(const struct draft *d, struct fault *why)
{
	bool any = false, soa = false, ok;

	*why = (struct fault){ 0 };
	for (size_t i = 0; i < d->n; i++) {
		const bool differs = goes_or_comes(&d->records[i]);
		any = any || differs;
		soa = soa || (differs && d->records[i].type == RRTYPE_SOA);
	}
	if (!any)
		return NULL;
	struct change *c = change_new(zone_id(d->base));
	ok = c && (soa || put_soa(d, c, why));
	for (size_t i = 0; ok && i < d->n; i++)
		ok = !goes_or_comes(&d->records[i]) || put(d, c, &d->records[i], why);
	if (ok && change_seal(c, why))
		return c;
	if (!*why->text)
		no_memory(why);
	change_free(c);
	return NULL;
}
