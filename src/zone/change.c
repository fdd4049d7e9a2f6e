#include "zone/change.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/scope.h"
#include "dns/rrtype.h"
#include "zone/rdata.h"
#include "zone/view.h"

#include <string.h>

/* The run of bytes, numbers in network order:
 *     "WCS1"
 *     the serials from which and to which      4 bytes each
 *     how many records go, and come            4 bytes each
 *     how many bytes those have that go        4 bytes
 *     the apex
 *     what goes, and then what comes
 * and a record is its owner (or SAME: that of the record in front of it), type, TTL, RDLENGTH
 * and RDATA.
 */
enum { FROM = 4, TO = 8, GOES = 12, COMES = 16, GOES_LEN = 20, APEX = 24 };
enum { SAME = 0x80, RR_FIXED = 8, TTL_MOST = 0x7fffffff };

static const uint8_t magic[4] = "WCS1";

/* Records on their way into it. */
struct run {
	uint8_t *bytes;
	size_t len, room;
	size_t owner; /* where the last one stands; only when there is a record */
	uint32_t n;
};

struct change {
	uint8_t *bytes; /* NULL: not sealed yet */
	size_t len;
	struct run soa[2], rest[2]; /* [0] of what goes, [1] of what comes */
	uint32_t serial[2];
	size_t apex_len;
	uint8_t apex[NAME_MOST];
};

/* For a scope. */
static void let_go(void *c)
{
	change_free(c);
}

struct change *change_new(const uint8_t *apex)
{
	struct change *c = memory_beside(NULL, sizeof *c);

	if (!c)
		return NULL;
	*c = (struct change){ .apex_len = name_len(apex) };
	name_lower(c->apex, apex, c->apex_len);
	scope_hold(c, let_go);
	return c;
}

static void free_runs(struct change *c)
{
	for (unsigned i = 0; i < 2; i++) {
		memory_free(c->soa[i].bytes);
		memory_free(c->rest[i].bytes);
		c->soa[i] = c->rest[i] = (struct run){ 0 };
	}
}

void change_free(struct change *c)
{
	if (!c)
		return;
	scope_forget(c, let_go);
	free_runs(c);
	memory_free(c->bytes);
	memory_free(c);
}

void change_keep(struct change *c)
{
	scope_forget(c, let_go);
}

/* --- making one --------------------------------------------------------------------------- */

static bool no_memory(struct fault *why)
{
	return fault(why, "out of memory");
}

static bool run_room(struct run *r, size_t more)
{
	if (r->len + more <= r->room)
		return true;
	const size_t room = r->room + r->room / 2 + more + 64;
	uint8_t *bytes = room > UINT32_MAX ? NULL : memory_beside(r->bytes, room);
	if (!bytes)
		return false;
	r->bytes = bytes;
	r->room = room;
	return true;
}

static bool run_put(struct run *r, const struct change_record *rr, size_t owner_len)
{
	uint8_t lower[NAME_MOST];

	if (!run_room(r, owner_len + RR_FIXED + rr->rdlen))
		return false;
	name_lower(lower, rr->owner, owner_len);
	uint8_t *p = r->bytes + r->len;
	if (r->n && memcmp(r->bytes + r->owner, lower, owner_len) == 0) {
		*p++ = SAME;
	} else {
		r->owner = r->len;
		memcpy(p, lower, owner_len);
		p += owner_len;
	}
	be16_put(p, rr->type);
	be32_put(p + 2, rr->ttl_s > TTL_MOST ? 0 : rr->ttl_s); /* RFC 2181 section 8 */
	be16_put(p + 6, rr->rdlen);
	memcpy(p + RR_FIXED, rr->rdata, rr->rdlen);
	r->len = (size_t)(p - r->bytes) + RR_FIXED + rr->rdlen;
	r->n++;
	return true;
}

/* What no zone with that apex has. */
static bool check_record(const uint8_t *apex, const struct change_record *rr, struct fault *why)
{
	char name[NAME_TEXT], type[RRTYPE_TEXT];
	struct fault inner;

	if (!name_is_under(rr->owner, apex))
		return fault(why, "%s is not in the zone", name_text(name, rr->owner));
	if (rrtype_is_meta(rr->type))
		return fault(why, "%s %s is no data", name_text(name, rr->owner),
			rrtype_text(type, rr->type));
	if (!rdata_check(rr->type, rr->rdata, rr->rdlen, &inner))
		return fault(why, "%s %s: these bytes are none: %s", name_text(name, rr->owner),
			rrtype_text(type, rr->type), inner.text);
	if (rr->type == RRTYPE_SOA && !name_equal(rr->owner, apex))
		return fault(why, "%s SOA is not at the top of the zone",
			name_text(name, rr->owner));
	return true;
}

static bool put_record(
	struct change *c, const struct change_record *rr, unsigned side, struct fault *why)
{
	struct run *r = &c->rest[side];

	if (!check_record(view_apex(c->apex), rr, why))
		return false;
	if (rr->type == RRTYPE_SOA) {
		r = &c->soa[side];
		if (r->n)
			return fault(why, "a second SOA %s", side ? "comes" : "goes");
		c->serial[side] = be32_get(rr->rdata + rr->rdlen - 20);
	}
	return run_put(r, rr, name_len(rr->owner)) || no_memory(why);
}

bool change_remove(struct change *c, const struct change_record *rr, struct fault *why)
{
	return put_record(c, rr, 0, why);
}

bool change_add(struct change *c, const struct change_record *rr, struct fault *why)
{
	return put_record(c, rr, 1, why);
}

static uint8_t *append(uint8_t *to, const struct run *r)
{
	if (r->len)
		memcpy(to, r->bytes, r->len);
	return to + r->len;
}

bool change_seal(struct change *c, struct fault *why)
{
	const size_t goes = c->soa[0].len + c->rest[0].len;
	const size_t len = APEX + c->apex_len + goes + c->soa[1].len + c->rest[1].len;

	if (!c->soa[0].n || !c->soa[1].n)
		return fault(why, "no SOA %s", c->soa[0].n ? "comes" : "goes");
	uint8_t *p = len > UINT32_MAX ? NULL : memory_beside(NULL, len);
	if (!p)
		return no_memory(why);
	c->bytes = p;
	c->len = len;
	memcpy(p, magic, sizeof magic);
	be32_put(p + FROM, c->serial[0]);
	be32_put(p + TO, c->serial[1]);
	be32_put(p + GOES, 1 + c->rest[0].n);
	be32_put(p + COMES, 1 + c->rest[1].n);
	be32_put(p + GOES_LEN, (uint32_t)goes);
	memcpy(p + APEX, c->apex, c->apex_len);
	p = append(append(p + APEX + c->apex_len, &c->soa[0]), &c->rest[0]);
	append(append(p, &c->soa[1]), &c->rest[1]);
	free_runs(c);
	return true;
}

/* --- of a sealed one ---------------------------------------------------------------------- */

const uint8_t *change_bytes(const struct change *c, size_t *len)
{
	*len = c->len;
	return c->bytes;
}

const uint8_t *change_id(const struct change *c)
{
	return c->apex;
}

uint32_t change_from(const struct change *c)
{
	return be32_get(c->bytes + FROM);
}

uint32_t change_to(const struct change *c)
{
	return be32_get(c->bytes + TO);
}

uint32_t change_goes(const struct change *c)
{
	return be32_get(c->bytes + GOES);
}

uint32_t change_comes(const struct change *c)
{
	return be32_get(c->bytes + COMES);
}

static struct change_walk walk_bytes(const uint8_t *bytes, size_t len, size_t apex_len)
{
	const uint8_t *at = bytes + APEX + apex_len;

	return (struct change_walk){
		.at = at, .comes = at + be32_get(bytes + GOES_LEN), .end = bytes + len
	};
}

struct change_walk change_each(const struct change *c)
{
	return walk_bytes(c->bytes, c->len, c->apex_len);
}

bool change_next(struct change_walk *walk)
{
	struct change_record *rr = &walk->rr;
	const uint8_t *p = walk->at;

	if (p == walk->end)
		return false;
	rr->comes = p >= walk->comes;
	if (*p == SAME) {
		p++;
	} else {
		rr->owner = p;
		p += name_len(p);
	}
	rr->type = be16_get(p);
	rr->ttl_s = be32_get(p + 2);
	rr->rdlen = be16_get(p + 6);
	rr->rdata = p + RR_FIXED;
	walk->at = rr->rdata + rr->rdlen;
	return true;
}

bool change_same_but_serial(const struct change *c)
{
	struct change_walk goes = change_each(c), comes = goes;

	comes.at = comes.comes;
	return change_goes(c) == 1 && change_comes(c) == 1 && change_next(&goes) &&
		change_next(&comes) && goes.rr.ttl_s == comes.rr.ttl_s &&
		goes.rr.rdlen == comes.rr.rdlen &&
		memcmp(goes.rr.rdata, comes.rr.rdata, goes.rr.rdlen - 20u) == 0 &&
		memcmp(goes.rr.rdata + goes.rr.rdlen - 16, comes.rr.rdata + comes.rr.rdlen - 16, 16) == 0;
}

/* --- foreign bytes ------------------------------------------------------------------------ */

static bool is_lower(const uint8_t *name, size_t len)
{
	uint8_t lower[NAME_MOST];

	name_lower(lower, name, len);
	return memcmp(lower, name, len) == 0;
}

/* The bytes of the record at `p`; 0: it is not whole before `end`. The first of a run tells its
 * owner. */
static size_t record_len(const uint8_t *p, const uint8_t *end, bool first)
{
	const size_t owner = *p == SAME && !first ? 1 : name_check(p, end);

	if (!owner || (size_t)(end - p) - owner < RR_FIXED)
		return 0;
	const size_t len = owner + RR_FIXED + be16_get(p + owner + 6);
	return len <= (size_t)(end - p) ? len : 0;
}

/* The records of one run, before change_next() may read them. */
static bool check_run(const uint8_t *p, const uint8_t *end, uint32_t n)
{
	uint32_t seen = 0;

	for (; p < end; seen++) {
		const size_t len = record_len(p, end, seen == 0);
		if (!len)
			return false;
		p += len;
	}
	return n > 0 && seen == n;
}

static bool check_records(const uint8_t *bytes, size_t len, size_t apex_len, struct fault *why)
{
	struct change_walk walk = walk_bytes(bytes, len, apex_len);
	const uint8_t *const goes = walk.at;

	if (!check_run(walk.at, walk.comes, be32_get(bytes + GOES)) ||
		!check_run(walk.comes, walk.end, be32_get(bytes + COMES)))
		return fault(why, "its records are not as many or as long as it says");
	while (walk.at < walk.end) {
		const bool first = walk.at == goes || walk.at == walk.comes;
		change_next(&walk);
		const struct change_record *rr = &walk.rr;
		if (!check_record(view_apex(bytes + APEX), rr, why))
			return false;
		if (rr->ttl_s > TTL_MOST || !is_lower(rr->owner, name_len(rr->owner)))
			return fault(why, "a TTL or an owner is not as it stores them");
		if (first != (rr->type == RRTYPE_SOA))
			return fault(why, "a SOA is missing or too many");
		if (first &&
			be32_get(rr->rdata + rr->rdlen - 20) !=
				be32_get(bytes + (rr->comes ? TO : FROM)))
			return fault(why, "its serials are not those of its SOAs");
	}
	return true;
}

static bool check_bytes(const uint8_t *bytes, size_t len, struct fault *why)
{
	if (len < APEX || len > UINT32_MAX || memcmp(bytes, magic, sizeof magic) != 0)
		return fault(why, "these bytes are no change set");
	const size_t apex = name_check(bytes + APEX, bytes + len);
	if (!apex || !is_lower(bytes + APEX, apex))
		return fault(why, "it names no zone");
	if (be32_get(bytes + GOES_LEN) > len - APEX - apex)
		return fault(why, "it is cut short");
	return check_records(bytes, len, apex, why);
}

struct change *change_open(const uint8_t *bytes, size_t len, struct fault *why)
{
	if (!check_bytes(bytes, len, why))
		return NULL;
	struct change *c = change_new(bytes + APEX);
	uint8_t *copy = c ? memory_beside(NULL, len) : NULL;
	if (!copy) {
		change_free(c);
		no_memory(why);
		return NULL;
	}
	c->bytes = memcpy(copy, bytes, len);
	c->len = len;
	return c;
}
