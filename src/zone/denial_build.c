#include "zone/denial_build.h"

#include "dns/rrtype.h"
#include "zone/denial_link.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- which chain -------------------------------------------------------------------------- */

/* Hash algorithm, flags, iterations and salt lead both NSEC3 and NSEC3PARAM. */
static struct nsec3_params read_params(const uint8_t *rdata)
{
	struct nsec3_params p = { .iterations = be16_get(rdata + 2), .salt_len = rdata[4] };

	memcpy(p.salt, rdata + 5, p.salt_len);
	return p;
}

static bool check_nsec3(const struct records *r, const struct record *rr, struct faults *f)
{
	const uint8_t *owner = rr->owner, *rdata = rr->rdata;
	uint8_t hash[NSEC3_HASH];

	if (be16_get(rdata + 2) > NSEC3_ITERATIONS_MOST)
		return records_error(r, rr, f,
			"%u iterations of NSEC3; more than %d are not served, since resolvers "
			"take such a zone for unsigned or fail (RFC 9276 section 3.2): sign it "
			"with 0",
			be16_get(rdata + 2), NSEC3_ITERATIONS_MOST);
	if (rr->type == RRTYPE_NSEC3 && rdata[0] == NSEC3_SHA1 &&
		(!nsec3_label(hash, owner) || owner[1 + NSEC3_LABEL]))
		return records_error(r, rr, f,
			"the owner of an NSEC3 record is a hash, 32 characters of base32hex "
			"right below the apex (RFC 5155 section 3)");
	return true;
}

/* What tells how a zone denies: the first of each kind. `type` 0: there is none. */
struct signs {
	struct record nsec3, params;
	bool nsec;
};

/* False when a record cannot be served. */
static bool find_signs(const struct records *r, struct signs *s, struct faults *f)
{
	struct records_walk walk = records_all(r);
	const struct record *rr = &walk.rr;
	bool ok = true;

	*s = (struct signs){ 0 };
	while (records_walk_next(&walk)) {
		const bool apex = rr->owner[0] == 0;
		if (rr->type == RRTYPE_NSEC3 || (apex && rr->type == RRTYPE_NSEC3PARAM))
			ok = check_nsec3(r, rr, f) && ok;
		if (rr->type == RRTYPE_NSEC3 && !s->nsec3.type)
			s->nsec3 = *rr;
		s->nsec = s->nsec || (apex && rr->type == RRTYPE_NSEC);
		/* Flags other than 0: not for us to use (RFC 5155 section 4.1.2). */
		if (apex && rr->type == RRTYPE_NSEC3PARAM && !s->params.type &&
			rr->rdata[0] == NSEC3_SHA1 && rr->rdata[1] == 0)
			s->params = *rr;
	}
	return ok;
}

static bool has_link(const struct records *r, const struct nsec3_params *params)
{
	struct records_walk walk = records_all(r);

	while (records_walk_next(&walk))
		if (walk.rr.type == RRTYPE_NSEC3 && denial_in_chain(params, walk.rr.rdata))
			return true;
	return false;
}

bool denial_plan(const struct records *r, struct denial_plan *plan, struct faults *f)
{
	struct signs s;
	bool linked = false;

	*plan = (struct denial_plan){ .kind = DENIAL_NONE };
	if (!r->denials)
		return true;
	if (!find_signs(r, &s, f))
		return false;
	plan->signatures = rrsig_end_find(r, (int64_t)time(NULL), f);
	if (s.params.type && s.nsec3.type) {
		plan->params = read_params(s.params.rdata);
		linked = has_link(r, &plan->params);
	}
	if (linked)
		plan->kind = DENIAL_NSEC3;
	else if (s.nsec)
		plan->kind = DENIAL_NSEC;
	if (!linked && (s.params.type || s.nsec3.type))
		records_warning(r, s.params.type ? &s.params : &s.nsec3, f,
			"%s, so NSEC3 proves nothing here; sign the zone anew",
			s.params.type ? "no NSEC3 record has these parameters"
				      : "there is no NSEC3PARAM record at the apex with "
					"NSEC3's parameters");
	return true;
}

/* --- the chain ---------------------------------------------------------------------------- */

/* The NSEC or NSEC3 record that makes an entry a link. */
static bool link_record(const struct names *names, const struct names_entry *e,
	const struct denial_plan *plan, struct record *link)
{
	struct records_walk walk = records_each(names->r, e->group);

	while (records_walk_next(&walk)) {
		const struct record *rr = &walk.rr;
		if (plan->kind == DENIAL_NSEC ? rr->type != RRTYPE_NSEC
					      : rr->type != RRTYPE_NSEC3 ||
					!denial_in_chain(&plan->params, rr->rdata))
			continue;
		*link = *rr;
		return true;
	}
	return false;
}

static bool is_link(const struct zone *z, const struct names *names,
	const struct denial_plan *plan, uint32_t i)
{
	return denial_is_link(zone_node_at(z, names->entry[i].node),
		plan->kind == DENIAL_NSEC3 ? &plan->params : NULL);
}

/* Does the record lead to the owner `name` (relative)? */
static bool leads_to(const struct records *r, const struct record *rr, const uint8_t *name)
{
	const uint8_t *rdata = rr->rdata;
	uint8_t hash[NSEC3_HASH], full[NAME_MOST];

	if (rr->type == RRTYPE_NSEC)
		return name_equal(rdata, records_full_name(r, name, full));
	rdata += 5 + rdata[4];
	return nsec3_label(hash, name) && *rdata == NSEC3_HASH &&
		memcmp(rdata + 1, hash, NSEC3_HASH) == 0;
}

/* A chain with a hole or a loose end proves less than it should; told once. */
static void check_chain(const struct zone *z, const struct names *names,
	const struct denial_plan *plan, struct faults *f)
{
	const uint8_t *first = NULL; /* the name */
	struct record before;
	uint8_t full[NAME_MOST];
	char text[NAME_TEXT];

	for (uint32_t i = 0; i <= names->n; i++) {
		const bool around = i == names->n;
		if (!around && !is_link(z, names, plan, i))
			continue;
		const uint8_t *name = around ? first : names_wire(names, i);
		if (first && !leads_to(names->r, &before, name)) {
			records_warning(names->r, &before, f,
				"the chain of %s is broken: the next owner in the zone is %s, "
				"and this record names another; sign the zone anew",
				plan->kind == DENIAL_NSEC ? "NSEC" : "NSEC3",
				name_text(text, records_full_name(names->r, name, full)));
			return;
		}
		if (around || !link_record(names, &names->entry[i], plan, &before))
			return;
		first = first ? first : name;
	}
}

bool denial_build(struct zone *z, const struct names *names, const struct denial_plan *plan,
	struct faults *f)
{
	if (!denial_link(z, plan->kind == DENIAL_NSEC3 ? &plan->params : NULL))
		return false;
	check_chain(z, names, plan, f);
	return true;
}
