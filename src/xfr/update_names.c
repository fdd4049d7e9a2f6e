/* The names that an update touches, with the records that they have. */
#include "xfr/update_inner.h"

#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/sign_types.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS_MOST = 65536 };

bool update_stop(struct update_work *w, unsigned rcode, const char *what)
{
	w->rcode = rcode;
	return fault(w->why, "%s", what);
}

static struct update_record *add_row(struct update_work *w)
{
	if (w->n == RECORDS_MOST) {
		update_stop(w, RCODE_REFUSED, "it touches too many records");
		return NULL;
	}
	if (w->n == w->room) {
		const size_t room = w->room ? 2 * w->room : 32;
		struct update_record *records = realloc(w->records, room * sizeof *records);
		if (!records) {
			update_stop(w, RCODE_SERVFAIL, "out of memory");
			return NULL;
		}
		w->records = records;
		w->room = room;
	}
	w->records[w->n] = (struct update_record){ .owner = NULL };
	return &w->records[w->n];
}

bool update_put_row(struct update_work *w, const struct update_record *like, const uint8_t *rdata)
{
	struct update_record *r = add_row(w);

	if (!r)
		return false;
	*r = *like;
	r->rdata = malloc(like->rdlen + 1u);
	if (!r->rdata)
		return update_stop(w, RCODE_SERVFAIL, "out of memory");
	memcpy(r->rdata, rdata, like->rdlen);
	w->n++;
	return true;
}

static bool load_node(struct update_work *w, const uint8_t *owner)
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
			ok = update_put_row(w,
				&(struct update_record){ .owner = owner,
					.type = set->type,
					.ttl_s = ttl_s,
					.was_ttl_s = ttl_s,
					.rdlen = (uint16_t)image_rdata(z, n, set, at, rdata),
					.was = true,
					.is = true },
				rdata);
		}
	free(rdata);
	return ok || (w->rcode ? false : update_stop(w, RCODE_SERVFAIL, "out of memory"));
}

const uint8_t *update_touch(struct update_work *w, const uint8_t *owner)
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
		update_stop(w, RCODE_SERVFAIL, "out of memory");
		return NULL;
	}
	memcpy(name, owner, len);
	w->names[w->n_names++] = name;
	return load_node(w, name) ? name : NULL;
}

bool update_is_made(const struct update_work *w, const uint8_t *owner, unsigned type)
{
	return w->o->is_signed &&
		sign_makes((uint16_t)type, name_equal(owner, w->o->zone->apex));
}

size_t update_count(const struct update_work *w, const uint8_t *owner, unsigned type)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct update_record *r = &w->records[i];
		n += r->is && r->owner == owner &&
			(type == RRTYPE_ANY ? !update_is_made(w, owner, r->type) : r->type == type);
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
	case RRTYPE_SOA: to = len - UPDATE_SOA_NUMBERS; break;
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

struct update_record *update_find(
	struct update_work *w, const uint8_t *owner, unsigned type, const uint8_t *rdata, size_t len)
{
	for (size_t i = 0; i < w->n; i++) {
		struct update_record *r = &w->records[i];
		if (r->owner == owner && r->type == type && r->rdlen == len &&
			same_rdata(type, r->rdata, rdata, len))
			return r;
	}
	return NULL;
}
