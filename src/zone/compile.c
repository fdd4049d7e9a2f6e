#include "zone/compile.h"

#include "dns/rrtype.h"
#include "zone/denial_build.h"
#include "zone/names.h"
#include "zone/verify.h"

#include <stdlib.h>
#include <string.h>

enum { RR_FIXED = 12 }; /* owner pointer, type, class, TTL, RDLENGTH */

/* All that zone_compile() knows on its way. */
struct compile {
	const struct records *r;
	const struct compile_opts *opts;
	struct faults *f;
	struct names names;
	struct denial_plan plan;
	struct zone *zone;
	uint8_t *image;
	uint32_t len;
	uint32_t *set;   /* records of the node at work, sorted; room for the largest */
	uint16_t *patch; /* of the RRset at work */
	unsigned patches;
};

static const struct record *record(const struct compile *c, uint32_t i)
{
	return &c->r->rr[i];
}

/* Sorts the types of a node; an RRSIG goes behind what it covers. */
static uint32_t type_key(const struct compile *c, const struct record *rr)
{
	if (rr->type == RRTYPE_RRSIG && rr->rdlen >= 2)
		return (uint32_t)be16_get(c->r->bytes + rr->rdata) << 1 | 1;
	return (uint32_t)rr->type << 1;
}

static int compare_records(const void *va, const void *vb, void *ctx)
{
	const struct compile *c = ctx;
	const uint32_t a = *(const uint32_t *)va, b = *(const uint32_t *)vb;
	const uint32_t ka = type_key(c, record(c, a)), kb = type_key(c, record(c, b));

	if (ka != kb)
		return ka < kb ? -1 : 1;
	return a < b ? -1 : a > b; /* as written */
}

/* Puts the records of a name into c->set, by type. Returns how many. */
static uint32_t gather(struct compile *c, const struct names_entry *e)
{
	uint32_t n = 0;
	bool sorted = true;

	for (uint32_t i = e->first; i != NAMES_NONE; i = c->names.next[i]) {
		c->set[n] = i;
		sorted = sorted &&
			(n == 0 || compare_records(&c->set[n - 1], &c->set[n], c) <= 0);
		n++;
	}
	if (!sorted)
		qsort_r(c->set, n, sizeof *c->set, compare_records, c);
	return n;
}

/* --- RRsets as they go on the wire -------------------------------------------------------- */

/* How many names lead the RDATA of a type whose names may be compressed (RFC 3597 section 4
 * allows it for RFC 1035's), and behind how many bytes. */
static unsigned compressible_names(uint16_t type, unsigned *skip)
{
	*skip = type == RRTYPE_MX ? 2 : 0;
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_CNAME:
	case RRTYPE_PTR:
	case RRTYPE_MX: return 1;
	case RRTYPE_SOA: return 2;
	default: return 0;
	}
}

/* Appends a name of RDATA, its apex part as a pointer where it has one. Returns its length as
 * read. */
static size_t put_name(struct compile *c, const struct zone_rrset *set, const uint8_t *name)
{
	const size_t len = name_len(name), apex = c->zone->apex_len;

	if (apex < 3 || !name_is_under(name, c->zone->apex)) {
		memcpy(c->image + c->len, name, len);
		c->len += (uint32_t)len;
		return len;
	}
	memcpy(c->image + c->len, name, len - apex);
	c->len += (uint32_t)(len - apex);
	c->patch[c->patches++] = (uint16_t)(c->len - (uint32_t)(set->wire - c->image));
	be16_put(c->image + c->len, 0xc000);
	c->len += 2;
	return len;
}

static void put_rdata(struct compile *c, const struct zone_rrset *set, const struct record *rr)
{
	const uint8_t *rdata = c->r->bytes + rr->rdata;
	unsigned skip;
	size_t from = 0;

	unsigned names = compressible_names(rr->type, &skip);
	memcpy(c->image + c->len, rdata, skip);
	if (names) {
		c->len += skip;
		from = skip;
	}
	while (names--)
		from += put_name(c, set, rdata + from);
	memcpy(c->image + c->len, rdata + from, rr->rdlen - from);
	c->len += (uint32_t)(rr->rdlen - from);
}

static void put_rr(struct compile *c, const struct zone_rrset *set, const struct record *rr,
	uint32_t ttl_s)
{
	uint8_t *p = c->image + c->len;

	be16_put(p, 0xc00c);
	be16_put(p + 2, rr->type);
	be16_put(p + 4, RRCLASS_IN);
	be32_put(p + 6, ttl_s);
	c->len += RR_FIXED;
	const uint32_t rdata = c->len;
	put_rdata(c, set, rr);
	be16_put(p + 10, c->len - rdata);
}

static void align(struct compile *c, unsigned to)
{
	while (c->len % to)
		c->image[c->len++] = 0;
}

/* EDGE's aux: the number of the pool's name in the zone's list. */
static bool pool_number(struct compile *c, const struct record *rr, uint16_t *number)
{
	struct zone *z = c->zone;
	const uint8_t *rdata = c->r->bytes + rr->rdata;
	char name[256];

	memcpy(name, rdata + 1, rdata[0]);
	name[rdata[0]] = 0;
	if (c->opts->pool_known && !c->opts->pool_known(c->opts->ctx, name)) {
		const struct fault_at at = records_at(c->r, rr);
		return faults_error(c->f, &at,
			"the configuration has no pool named \"%s\" (add it under pools:, or "
			"correct the name)",
			name);
	}
	for (*number = 0; *number < z->pools_n; ++*number)
		if (strcmp(z->pools[*number], name) == 0)
			return true;
	char **pools = z->pools_n == UINT16_MAX
		? NULL
		: realloc(z->pools, (z->pools_n + 1u) * sizeof *pools);
	if (!pools || !(pools[z->pools_n] = strdup(name))) {
		z->pools = pools ? pools : z->pools;
		return faults_error(c->f, &(struct fault_at){ 0 }, "out of memory");
	}
	z->pools = pools;
	z->pools_n++;
	return true;
}

/* Writes the RRset of records c->set[from..to), which are of one type and have no duplicates.
 */
static bool put_rrset(struct compile *c, uint32_t from, uint32_t to, uint32_t ttl_s)
{
	const struct record *first = record(c, c->set[from]);
	struct zone_rrset *set = (struct zone_rrset *)(void *)(c->image + c->len);
	uint16_t aux = 0;

	if (first->type == RRTYPE_RRSIG)
		aux = be16_get(c->r->bytes + first->rdata);
	if (first->type == RRTYPE_EDGE && !pool_number(c, first, &aux))
		return false;
	*set = (struct zone_rrset){ .type = first->type, .aux = aux };
	c->len += sizeof *set;
	const uint32_t wire = c->len;
	c->patches = 0;
	for (uint32_t i = from; i < to; i++) {
		put_rr(c, set, record(c, c->set[i]), ttl_s);
		if (c->len - wire > VERIFY_RRSET_MOST) {
			const struct fault_at at = records_at(c->r, record(c, c->set[i]));
			return faults_error(c->f, &at,
				"the RRset is too large for a DNS message (64 KiB); take "
				"records out");
		}
	}
	set->count = (uint16_t)(to - from);
	set->len = (uint16_t)(c->len - wire);
	set->patches = (uint16_t)c->patches;
	align(c, 2);
	memcpy(c->image + c->len, c->patch, c->patches * sizeof *c->patch);
	c->len += c->patches * (uint32_t)sizeof *c->patch;
	align(c, 4);
	return true;
}

/* Lets the TTL of an RRset in the image be no larger. */
static void limit_ttl(struct zone_rrset *set, uint32_t most_s)
{
	for (size_t at = 0; at < set->len; at += RR_FIXED + be16_get(set->wire + at + 10))
		if (be32_get(set->wire + at + 6) > most_s)
			be32_put(set->wire + at + 6, most_s);
}

/* The SOA as it stands in negative answers, with its signatures: its TTL is the smaller of its
 * own and its MINIMUM (RFC 2308 section 5). */
static void put_negative_soa(struct compile *c)
{
	struct zone *z = c->zone;
	const struct zone_node *apex = (const void *)(c->image + z->apex_node);
	const struct zone_rrset *soa = zone_find_rrset(apex, RRTYPE_SOA);
	const struct zone_rrset *end = zone_next_rrset(soa);
	struct zone_rrset *copy = (struct zone_rrset *)(void *)(c->image + c->len);

	if (soa->is_signed)
		end = zone_next_rrset(end);
	const size_t len = (size_t)((const uint8_t *)end - (const uint8_t *)soa);
	z->soa_negative = c->len;
	memcpy(copy, soa, len);
	c->len += (uint32_t)len;
	const uint8_t *numbers = copy->wire + copy->len - 20;
	z->serial = be32_get(numbers);
	const uint32_t ttl_s = be32_get(copy->wire + 6), minimum_s = be32_get(numbers + 16);
	const uint32_t least_s = minimum_s < ttl_s ? minimum_s : ttl_s;
	limit_ttl(copy, least_s);
	if (copy->is_signed)
		limit_ttl((struct zone_rrset *)(uintptr_t)zone_next_rrset(copy), least_s);
}

/* --- nodes -------------------------------------------------------------------------------- */

static uint8_t flag_of(uint16_t type, bool apex)
{
	switch (type) {
	case RRTYPE_NS: return apex ? 0 : NODE_CUT;
	case RRTYPE_DNAME: return NODE_DNAME;
	case RRTYPE_CNAME: return NODE_CNAME;
	case RRTYPE_EDGE: return NODE_EDGE;
	default: return 0;
	}
}

static bool put_node(struct compile *c, uint32_t entry)
{
	struct names_entry *e = &c->names.entry[entry];
	struct zone_rrset *before = NULL;
	uint32_t n = gather(c, e);

	const bool apex = e->labels == 0 && !(e->flags & NODE_NSEC3);
	if (!verify_node(c->r, c->set, &n, apex, c->f))
		return false;
	if (c->plan.kind != DENIAL_NONE) {
		memset(c->image + c->len, 0, sizeof(struct zone_proof));
		c->len += sizeof(struct zone_proof);
	}
	struct zone_node *node = (struct zone_node *)(void *)(c->image + c->len);
	e->node = c->len;
	*node = (struct zone_node){ .flags = e->flags, .name_len = e->len };
	c->len += sizeof *node;
	memcpy(c->image + c->len, c->r->bytes + e->owner, e->len);
	c->len += e->len;
	align(c, 4);
	bool ok = true;
	for (uint32_t from = 0, to; from < n; from = to) {
		const uint32_t key = type_key(c, record(c, c->set[from]));
		if (node->rrsets == UINT16_MAX) {
			const struct fault_at at = records_at(c->r, record(c, c->set[from]));
			return faults_error(c->f, &at,
				"this name has over %u RRsets (signatures count by the type "
				"that they cover); take some out",
				UINT16_MAX);
		}
		uint32_t ttl_s = UINT32_MAX;
		for (to = from; to < n && type_key(c, record(c, c->set[to])) == key; to++)
			if (record(c, c->set[to])->ttl_s < ttl_s)
				ttl_s = record(c, c->set[to])->ttl_s;
		struct zone_rrset *set = (struct zone_rrset *)(void *)(c->image + c->len);
		ok = put_rrset(c, from, to, ttl_s) && ok;
		if (before && key & 1 && before->type == key >> 1)
			before->is_signed = 1;
		before = set;
		e->flags |= flag_of(record(c, c->set[from])->type, e->labels == 0);
		node->rrsets++;
	}
	node->flags = e->flags;
	c->zone->records += n;
	return ok;
}

/* RFC 6672 section 2.4 forbids what stands below a DNAME; some servers refuse such a zone.
 * Below a cut it is glue, or harmless. */
static void warn_hidden(
	struct compile *c, const struct names_entry *e, const struct names_entry *cover)
{
	if (e->first == NAMES_NONE || !(cover->flags & NODE_DNAME) || cover->flags & NODE_CUT)
		return;
	const struct fault_at at = records_at(c->r, record(c, e->first));
	faults_warning(c->f, &at,
		"this name is below a DNAME, so that nobody can see it (RFC 6672 section 2.4); "
		"take it out");
}

/* The answer's records are made when it is asked for; nobody signs them then. */
static void warn_unsigned(struct compile *c, const struct names_entry *e)
{
	for (uint32_t i = e->first; i != NAMES_NONE; i = c->names.next[i]) {
		if (record(c, i)->type != RRTYPE_EDGE)
			continue;
		const struct fault_at at = records_at(c->r, record(c, i));
		faults_warning(c->f, &at,
			"this zone is signed, and addresses from a pool are not: resolvers "
			"that "
			"validate will refuse them; put the name into an unsigned zone");
	}
}

/* Nodes in canonical order: whatever hides names comes right before them. */
static bool put_nodes(struct compile *c)
{
	const struct names_entry *cover = NULL;
	bool ok = true;

	for (uint32_t i = 0; i < c->names.n; i++) {
		const uint32_t entry = c->names.order[i];
		struct names_entry *e = &c->names.entry[entry];
		const uint8_t *wire = names_wire(&c->names, entry);
		if (e->flags & NODE_NSEC3) {
			ok = put_node(c, entry) && ok;
			continue;
		}
		c->zone->nodes++;
		if (cover && name_is_under(wire, c->r->bytes + cover->owner)) {
			e->flags |= NODE_HIDDEN;
			warn_hidden(c, e, cover);
		} else {
			cover = NULL;
		}
		ok = put_node(c, entry) && ok;
		if (faults_full(c->f))
			return false;
		if (!cover && e->flags & NODE_EDGE && c->plan.kind != DENIAL_NONE)
			warn_unsigned(c, e);
		if (!cover && e->flags & (NODE_CUT | NODE_DNAME))
			cover = e;
		if (e->labels > c->zone->depth)
			c->zone->depth = e->labels;
	}
	c->zone->apex_node = c->names.entry[c->names.order[0]].node;
	return ok;
}

/* Every name that has a child "*" is told so: only there a wildcard needs to be looked for. */
static void mark_wildcards(struct compile *c)
{
	for (uint32_t i = 0; i < c->names.n; i++) {
		const uint8_t *wire = names_wire(&c->names, i);
		if (c->names.entry[i].labels == 0 || !name_is_wildcard(wire) ||
			c->names.entry[i].flags & NODE_NSEC3)
			continue;
		const uint32_t above = names_find(&c->names, wire + 2);
		c->names.entry[above].flags |= NODE_WILDCARD;
		struct zone_node *node = (struct zone_node *)(void *)(c->image +
			c->names.entry[above].node);
		node->flags |= NODE_WILDCARD;
	}
}

static bool fill_slots(struct compile *c)
{
	struct zone *z = c->zone;

	/* 3 of 4 slots filled: 1.6 slots looked at for a hit, all in one cache line or two. */
	z->slots_n = z->nodes + z->nodes / 3 + 1;
	z->slots = calloc(z->slots_n, sizeof *z->slots);
	if (!z->slots)
		return false;
	for (uint32_t i = 0; i < c->names.n; i++) {
		const struct names_entry *e = &c->names.entry[i];
		if (e->flags & NODE_NSEC3)
			continue;
		uint32_t s = (uint32_t)((e->hash >> 32) * z->slots_n >> 32);
		while (z->slots[s].node)
			s = s + 1 == z->slots_n ? 0 : s + 1;
		z->slots[s] = (struct zone_slot){ (uint32_t)e->hash, e->node };
	}
	return true;
}

/* --- all of it ---------------------------------------------------------------------------- */

/* No image is larger than this: records grow by their fixed part, an RRset header, patches and
 * padding at most. */
static size_t image_most(const struct compile *c, uint32_t *set_most)
{
	size_t most = 4096;
	uint32_t in_node = 0;

	for (uint32_t i = 0; i < c->names.n; i++) {
		uint32_t n = 0;
		most += sizeof(struct zone_proof) + sizeof(struct zone_node) +
			c->names.entry[i].len + 4;
		for (uint32_t k = c->names.entry[i].first; k != NAMES_NONE;
			k = c->names.next[k], n++) {
			const struct record *rr = record(c, k);
			const size_t size = RR_FIXED + rr->rdlen + sizeof(struct zone_rrset) +
				12;
			/* The SOA and its signatures stand there twice. */
			most += type_key(c, rr) >> 1 == RRTYPE_SOA ? 2 * size : size;
		}
		if (n > in_node)
			in_node = n;
	}
	*set_most = in_node;
	return most;
}

static struct zone *start(struct compile *c)
{
	const size_t apex_len = name_len(c->r->origin);
	struct zone *z = calloc(1, sizeof *z + apex_len);
	uint32_t set_most;

	c->zone = z;
	if (z)
		z->refs = 1;
	if (!z || !names_init(&c->names, c->r, c->opts->key))
		return NULL;
	const size_t most = image_most(c, &set_most);
	if (most > UINT32_MAX)
		return NULL;
	z->apex_len = (uint8_t)apex_len;
	z->apex_labels = c->names.apex_labels;
	z->apex_hash = c->names.apex_hash;
	memcpy(z->apex, c->r->origin, apex_len);
	c->image = malloc(most);
	c->set = malloc((set_most + 1) * sizeof *c->set);
	c->patch = malloc((set_most + 1) * 2 * sizeof *c->patch);
	c->len = 4; /* offset 0 is no node */
	if (!c->image || !c->set || !c->patch)
		return NULL;
	memset(c->image, 0, 4);
	return z;
}

struct zone *zone_compile(
	const struct records *r, const struct compile_opts *opts, struct faults *f)
{
	struct compile c = { .r = r, .opts = opts, .f = f };
	bool ok = false;

	if (!verify_soa(r, f) || !denial_plan(r, &c.plan, f))
		return NULL;
	if (!start(&c)) {
		faults_error(f, &(struct fault_at){ 0 }, "out of memory");
		goto done;
	}
	ok = put_nodes(&c);
	verify_names(&c.names, f);
	if (!ok)
		goto done;
	put_negative_soa(&c);
	mark_wildcards(&c);
	uint8_t *trimmed = realloc(c.image, c.len);
	c.zone->image = trimmed ? trimmed : c.image;
	c.zone->image_len = c.len;
	c.image = NULL;
	ok = fill_slots(&c) &&
		(c.plan.kind == DENIAL_NONE || denial_build(c.zone, &c.names, &c.plan, f));
	if (!ok)
		faults_error(f, &(struct fault_at){ 0 }, "out of memory");
done:
	names_fini(&c.names);
	free(c.image);
	free(c.set);
	free(c.patch);
	if (!ok) {
		zone_drop(c.zone);
		return NULL;
	}
	/* What it is made of is not of the scope that may be on: its first count is held there
	 * as any other. */
	c.zone->refs = 0;
	zone_hold(c.zone);
	return c.zone;
}
