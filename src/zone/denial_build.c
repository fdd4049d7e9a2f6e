#include "zone/denial_build.h"

#include "dns/rrtype.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- holding it ---------------------------------------------------------------------- */

void denial_free(struct denial *d)
{
	if (!d)
		return;
	free(d->owner);
	free(d->key);
	free(d->hash);
	free(d->first);
	free(d);
}

size_t denial_bytes(const struct denial *d)
{
	if (!d)
		return 0;
	return sizeof *d +
		d->n * (sizeof *d->owner + (d->nsec3 ? sizeof *d->hash : sizeof *d->key)) +
		(sizeof *d->first << (64 - d->shift)) + sizeof *d->first;
}

/* --- which chain -------------------------------------------------------------------------- */

/* Hash algorithm, flags, iterations and salt lead both NSEC3 and NSEC3PARAM. */
static struct nsec3_params read_params(const uint8_t *rdata)
{
	struct nsec3_params p = { .iterations = be16_get(rdata + 2), .salt_len = rdata[4] };

	memcpy(p.salt, rdata + 5, p.salt_len);
	return p;
}

static bool in_chain(const struct nsec3_params *p, const uint8_t *rdata)
{
	return rdata[0] == NSEC3_SHA1 && be16_get(rdata + 2) == p->iterations &&
		rdata[4] == p->salt_len && memcmp(rdata + 5, p->salt, p->salt_len) == 0;
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
		if (walk.rr.type == RRTYPE_NSEC3 && in_chain(params, walk.rr.rdata))
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

static uint32_t node_of(const struct names *names, uint32_t i)
{
	return names->entry[i].node;
}

/* The NSEC or NSEC3 record that makes an entry a link. */
static bool link_record(const struct names *names, const struct names_entry *e,
	const struct denial_plan *plan, struct record *link)
{
	struct records_walk walk = records_each(names->r, e->group);

	while (records_walk_next(&walk)) {
		const struct record *rr = &walk.rr;
		if (plan->kind == DENIAL_NSEC ? rr->type != RRTYPE_NSEC
					      : rr->type != RRTYPE_NSEC3 ||
					!in_chain(&plan->params, rr->rdata))
			continue;
		*link = *rr;
		return true;
	}
	return false;
}

static bool is_link(const struct zone *z, const struct names *names,
	const struct denial_plan *plan, uint32_t i)
{
	const struct names_entry *e = &names->entry[i];
	struct record link;

	if (plan->kind == DENIAL_NSEC)
		return !(e->flags & (NODE_HIDDEN | NODE_NSEC3)) &&
			zone_find_rrset(zone_node_at(z, e->node), RRTYPE_NSEC) != NULL;
	return e->flags & NODE_NSEC3 && link_record(names, e, plan, &link);
}

static uint64_t hash_of(const struct zone_node *n)
{
	uint8_t hash[NSEC3_HASH];

	return nsec3_label(hash, n->name) ? be64_get(hash) : 0;
}

static uint64_t place_of(const struct denial *d, uint32_t i)
{
	return d->nsec3 ? d->hash[i] : order_spread(&d->key[i]);
}

/* One entry of `first` for every two links or so: a search looks at two. */
static bool index_links(struct denial *d)
{
	unsigned bits = 1;

	while (bits < 31 && 2u << bits < d->n)
		bits++;
	d->shift = 64 - bits;
	d->first = malloc((sizeof *d->first << bits) + sizeof *d->first);
	if (!d->first)
		return false;
	uint32_t i = 0;
	for (uint64_t bucket = 0; bucket < 1ull << bits; bucket++) {
		while (i < d->n && place_of(d, i) >> d->shift < bucket)
			i++;
		d->first[bucket] = i;
	}
	d->first[1ull << bits] = d->n;
	return true;
}

static bool gather(struct zone *z, const struct names *names, const struct denial_plan *plan)
{
	struct denial *d = z->denial;
	uint32_t n = 0;

	for (uint32_t i = 0; i < names->n; i++)
		n += is_link(z, names, plan, i);
	d->owner = malloc((n + 1) * sizeof *d->owner);
	if (d->nsec3)
		d->hash = malloc((n + 1) * sizeof *d->hash);
	else
		d->key = malloc((n + 1) * sizeof *d->key);
	if (!d->owner || !(d->nsec3 ? (void *)d->hash : (void *)d->key))
		return false;
	for (uint32_t i = 0; i < names->n; i++) {
		if (!is_link(z, names, plan, i))
			continue;
		const struct zone_node *node = zone_node_at(z, node_of(names, i));
		d->owner[d->n] = node_of(names, i);
		if (d->nsec3)
			d->hash[d->n++] = hash_of(node);
		else
			d->key[d->n++] = order_key(node->name, node->name_len);
	}
	return d->n && index_links(d);
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

/* --- the proofs of nodes ------------------------------------------------------------------ */

/* The link before the child "*" of entry order[i]. That is mostly the name's own: only a child
 * whose label sorts before "*" can stand between. */
static uint32_t star_nsec(
	const struct zone *z, const struct names *names, uint32_t i, uint32_t self)
{
	const struct names_entry *e = &names->entry[i];
	uint8_t labels[NAME_MOST + 2] = { 1, '*' };

	for (uint32_t k = i + 1; k < names->n; k++) {
		const struct names_entry *next = &names->entry[k];
		if (next->flags & (NODE_HIDDEN | NODE_NSEC3))
			continue;
		const uint8_t *wire = names_wire(names, k);
		if (next->labels != e->labels + 1 || wire[0] == 0 || wire[1] >= '*')
			break;
		memcpy(labels + 2, names_wire(names, i), e->len);
		const int64_t at = denial_before(z, labels, e->len + 2u);
		return at < 0 ? 0 : z->denial->owner[at] | 1;
	}
	return (self & ~1u) | 1;
}

static void prove_nsec(struct zone *z, const struct names *names)
{
	uint32_t last = 0, link = 0;

	for (uint32_t i = 0; i < names->n; i++) {
		const struct names_entry *e = &names->entry[i];
		if (e->flags & (NODE_HIDDEN | NODE_NSEC3))
			continue;
		const bool own = link < z->denial->n && z->denial->owner[link] == e->node;
		if (own)
			last = z->denial->owner[link++];
		struct zone_proof *proof = (struct zone_proof *)(void *)(z->image + e->node) -
			1;
		proof->self = own || !last ? last : last | 1;
		proof->star = star_nsec(z, names, i, proof->self);
	}
}

static uint32_t find_hash(const struct zone *z, const uint8_t *name, size_t len)
{
	uint8_t hash[NSEC3_HASH], theirs[NSEC3_HASH];

	nsec3_hash(hash, &z->denial->params, name, len);
	const uint32_t node = z->denial->owner[denial_hashed(z->denial, be64_get(hash))];
	nsec3_label(theirs, zone_node_at(z, node)->name);
	return memcmp(hash, theirs, NSEC3_HASH) == 0 ? node : node | 1;
}

static void prove_nsec3(struct zone *z, const struct names *names)
{
	uint8_t star[NAME_MOST + 2] = { 1, '*' };

	for (uint32_t i = 0; i < names->n; i++) {
		const struct names_entry *e = &names->entry[i];
		if (e->flags & (NODE_HIDDEN | NODE_NSEC3))
			continue;
		const size_t len = e->len + (size_t)z->apex_len;
		struct zone_proof *proof = (struct zone_proof *)(void *)(z->image + e->node) -
			1;
		records_full_name(names->r, names_wire(names, i), star + 2);
		proof->self = find_hash(z, star + 2, len);
		proof->star = find_hash(z, star, len + 2);
	}
}

bool denial_build(struct zone *z, const struct names *names, const struct denial_plan *plan,
	struct faults *f)
{
	z->denial = calloc(1, sizeof *z->denial);
	if (!z->denial)
		return false;
	z->denial->nsec3 = plan->kind == DENIAL_NSEC3;
	z->denial->params = plan->params;
	if (!gather(z, names, plan))
		return false;
	check_chain(z, names, plan, f);
	if (z->denial->nsec3)
		prove_nsec3(z, names);
	else
		prove_nsec(z, names);
	return true;
}
