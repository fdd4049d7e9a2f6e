#include "zone/compile.h"

#include "base/memory.h"
#include "dns/rrtype.h"
#include "zone/compile_edge.h"
#include "zone/denial_build.h"
#include "zone/lint.h"
#include "zone/names.h"
#include "zone/serial.h"
#include "zone/suffixes.h"
#include "zone/verify.h"

#include <stdlib.h>
#include <string.h>

enum { RR_FIXED = 12 }; /* owner pointer, type, class, TTL, RDLENGTH */

/* All that zone_compile() knows on its way. */
struct compile {
	struct records *r;
	const struct compile_opts *opts;
	struct faults *f;
	struct names names;
	struct denial_plan plan;
	struct zone *zone;
	uint8_t *image;
	uint32_t len;
	struct record *set; /* records of the node at work, sorted */
	uint16_t *patch;    /* of the RRset at work */
	size_t set_room;    /* of both; two patches a record */
	unsigned patches;
	struct suffixes suffixes; /* ... and of its names */
};

/* Sorts the types of a node; an RRSIG goes behind what it covers. */
static uint32_t type_key(const struct record *rr)
{
	if (rr->type == RRTYPE_RRSIG && rr->rdlen >= 2)
		return (uint32_t)be16_get(rr->rdata) << 1 | 1;
	return (uint32_t)rr->type << 1;
}

static int compare_records(const void *va, const void *vb)
{
	const struct record *a = va, *b = vb;
	const uint32_t ka = type_key(a), kb = type_key(b);

	if (ka != kb)
		return ka < kb ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at; /* as written */
}

static bool no_memory(struct compile *c)
{
	return faults_error(c->f, &(struct fault_at){ 0 }, "out of memory");
}

static bool grow_set(struct compile *c)
{
	const size_t room = c->set_room * 2 + 16;
	struct record *set = realloc(c->set, room * sizeof *set);

	if (!set)
		return false;
	c->set = set;
	uint16_t *patch = realloc(c->patch, room * 2 * sizeof *patch);
	if (!patch)
		return false;
	c->patch = patch;
	c->set_room = room;
	return true;
}

/* Puts the records of a name into c->set, by type; `*n` is how many. False when there is no
 * memory. */
static bool gather(struct compile *c, const struct names_entry *e, uint32_t *n)
{
	struct records_walk walk = records_each(c->r, e->group);
	bool sorted = true;

	for (*n = 0; records_walk_next(&walk); ++*n) {
		if (*n == c->set_room && !grow_set(c))
			return false;
		c->set[*n] = walk.rr;
		sorted = sorted &&
			(*n == 0 || compare_records(&c->set[*n - 1], &c->set[*n]) <= 0);
	}
	if (!sorted)
		qsort(c->set, *n, sizeof *c->set, compare_records);
	return true;
}

/* --- RRsets as they go on the wire -------------------------------------------------------- */

/* Appends a name of RDATA, what it shares with others as a pointer. Returns its length as read.
 */
static size_t put_name(struct compile *c, const struct zone_rrset *set, const uint8_t *name)
{
	const size_t at = c->len - (size_t)(set->wire - c->image);
	const struct suffixes_form form = suffixes_add(&c->suffixes, name, at);

	memcpy(c->image + c->len, name, form.len);
	c->len += form.len;
	if (form.to_owner || form.to_name) {
		unsigned pointer = ZONE_POINTER_SET | form.at;
		if (form.to_owner)
			pointer = form.labels == c->zone->apex_labels
				? ZONE_POINTER_APEX
				: ZONE_POINTER_OWNER | form.labels;
		c->patch[c->patches++] = (uint16_t)(at + form.len);
		be16_put(c->image + c->len, pointer);
		c->len += 2;
	}
	return name_len(name);
}

static void start_names(struct compile *c, struct zone_rrset *set, const struct record *first)
{
	uint8_t owner[NAME_MOST];
	unsigned skip;

	set->names = (uint8_t)rrtype_compressible(first->type, &skip);
	if (set->names)
		suffixes_start(&c->suffixes, records_full_name(c->r, first->owner, owner));
}

static void put_rdata(struct compile *c, const struct zone_rrset *set, const struct record *rr)
{
	const uint8_t *rdata = rr->rdata;
	unsigned skip;
	size_t from = 0;

	unsigned names = rrtype_compressible(rr->type, &skip);
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

/* Is the edge there that the record names? */
static bool has_edge(struct compile *c, const struct record *rr)
{
	struct edge_rr edge;

	if (!edge_rr_has_words(rr->rdata, rr->rdlen))
		return true;
	edge_rr_read(&edge, rr->rdata, rr->rdlen);
	if (!edge.edge_len)
		return true;
	c->zone->edge_named = true;
	return !c->opts->pool_edge || c->opts->pool_edge(c->opts->ctx, &edge) ||
		records_error(c->r, rr, c->f,
			"pool \"%.*s\" has no edge named \"%.*s\"", edge.pool_len,
			(const char *)edge.pool, edge.edge_len, (const char *)edge.edge);
}

/* EDGE's aux: the number of the pool's name in the zone's list. */
static bool pool_number(struct compile *c, const struct record *rr, uint16_t *number)
{
	struct zone *z = c->zone;
	const uint8_t *rdata = rr->rdata;
	char name[256];

	memcpy(name, rdata + 1, rdata[0]);
	name[rdata[0]] = 0;
	if (c->opts->pool_known && !c->opts->pool_known(c->opts->ctx, name)) {
		return records_error(c->r, rr, c->f,
			"the configuration has no pool named \"%s\" (add it under pools:, or "
			"correct the name)",
			name);
	}
	if (!has_edge(c, rr))
		return false;
	for (*number = 0; *number < z->pools_n; ++*number)
		if (strcmp(z->pools[*number], name) == 0)
			return true;
	char **pools = z->pools_n == UINT16_MAX
		? NULL
		: realloc(z->pools, (z->pools_n + 1u) * sizeof *pools);
	if (!pools || !(pools[z->pools_n] = strdup(name))) {
		z->pools = pools ? pools : z->pools;
		return no_memory(c);
	}
	z->pools = pools;
	z->pools_n++;
	return true;
}

/* Writes the RRset of records c->set[from..to), which are of one type and have no duplicates.
 */
static bool put_rrset(struct compile *c, uint32_t from, uint32_t to, uint32_t ttl_s)
{
	const struct record *first = &c->set[from];
	struct zone_rrset *set = (struct zone_rrset *)(void *)(c->image + c->len);
	uint16_t aux = 0;

	if (first->type == RRTYPE_RRSIG)
		aux = be16_get(first->rdata);
	if (first->type == RRTYPE_EDGE && !pool_number(c, first, &aux))
		return false;
	*set = (struct zone_rrset){ .type = first->type, .aux = aux };
	c->len += sizeof *set;
	const uint32_t wire = c->len;
	c->patches = 0;
	start_names(c, set, first);
	for (uint32_t i = from; i < to; i++) {
		put_rr(c, set, &c->set[i], ttl_s);
		if (c->len - wire > VERIFY_RRSET_MOST)
			return records_error(c->r, &c->set[i], c->f,
				"the RRset is too large for a DNS message (64 KiB); take "
				"records out");
	}
	set->count = (uint16_t)(to - from);
	set->len = (uint16_t)(c->len - wire);
	set->patches = (uint16_t)c->patches;
	if (set->names)
		set->aux = c->suffixes.below;
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
	const struct zone_node *apex = z->apex_node;
	const struct zone_rrset *soa = zone_find_rrset(apex, RRTYPE_SOA);
	const struct zone_rrset *end = zone_next_rrset(soa);
	struct zone_rrset *copy = (struct zone_rrset *)(void *)(c->image + c->len);

	if (soa->is_signed)
		end = zone_next_rrset(end);
	const size_t len = (size_t)((const uint8_t *)end - (const uint8_t *)soa);
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

/* The RRset of the records from `from` on, whose end is `*to`. */
static bool put_next_rrset(struct compile *c, uint32_t from, uint32_t n, uint32_t *to)
{
	const uint32_t key = type_key(&c->set[from]);
	uint32_t ttl_s = UINT32_MAX;

	for (*to = from; *to < n && type_key(&c->set[*to]) == key; ++*to)
		if (c->set[*to].ttl_s < ttl_s)
			ttl_s = c->set[*to].ttl_s;
	return put_rrset(c, from, *to, ttl_s);
}

/* Who asks with DO gets both or, as from other servers, a truncated answer over TCP, which
 * nobody can do anything about. */
static bool too_large_signed(struct compile *c, const struct record *rr, uint16_t type)
{
	char text[RRTYPE_TEXT];

	return records_error(c->r, rr, c->f,
		"the %s RRset and its signatures are together too large for a DNS message (64 "
		"KiB), so that no resolver that validates can get it; take records out",
		rrtype_text(text, type));
}

static bool put_rrsets(
	struct compile *c, struct names_entry *e, struct zone_node *node, uint32_t n)
{
	struct zone_rrset *before = NULL;
	bool ok = true;

	for (uint32_t from = 0, to; from < n; from = to) {
		const struct record *rr = &c->set[from];
		const uint32_t key = type_key(rr);
		if (node->rrsets == UINT16_MAX)
			return records_error(c->r, rr, c->f,
				"this name has over %u RRsets (signatures count by the type "
				"that they cover); take some out",
				UINT16_MAX);
		struct zone_rrset *set = (struct zone_rrset *)(void *)(c->image + c->len);
		const uint32_t start = c->len;
		e->flags |= flag_of(rr->type, e->labels == 0);
		if (!put_next_rrset(c, from, n, &to)) {
			c->len = start;
			ok = false;
			continue;
		}
		if (before && key & 1 && before->type == key >> 1) {
			before->is_signed = 1;
			if (before->len + set->len > VERIFY_RRSET_MOST)
				ok = too_large_signed(c, rr, before->type);
		}
		before = set;
		node->rrsets++;
	}
	return ok;
}

/* False when there is no memory. `*ok` becomes false when something is wrong with it. */
static bool put_node(struct compile *c, uint32_t entry, bool *ok)
{
	struct names_entry *e = &c->names.entry[entry];
	uint32_t n;

	const bool apex = e->labels == 0 && !(e->flags & NODE_NSEC3);
	if (!gather(c, e, &n))
		return no_memory(c);
	*ok = verify_node(c->r, c->set, &n, apex, c->f) && *ok;
	if (c->plan.kind != DENIAL_NONE) {
		memset(c->image + c->len, 0, sizeof(struct zone_proof));
		c->len += sizeof(struct zone_proof);
	}
	struct zone_node *node = (struct zone_node *)(void *)(c->image + c->len);
	e->node = c->len;
	*node = (struct zone_node){ .name_len = e->len };
	c->len += sizeof *node;
	memcpy(c->image + c->len, names_wire(&c->names, entry), e->len);
	c->len += e->len;
	align(c, 4);
	*ok = put_rrsets(c, e, node, n) && *ok;
	node->flags = e->flags;
	c->zone->records += n;
	return true;
}

/* Nodes in canonical order: whatever hides names comes right before them. False when it was
 * given up: not all are there. `*ok`: nothing is wrong with any. */
static bool put_nodes(struct compile *c, bool *ok)
{
	const struct compile_edge check = { c->r, c->opts, c->f };
	const struct names_entry *cover = NULL;

	*ok = true;
	for (uint32_t i = 0; i < c->names.n; i++) {
		struct names_entry *e = &c->names.entry[i];
		const bool nsec3 = e->flags & NODE_NSEC3;
		if (cover && !nsec3 &&
			!name_is_under(names_wire(&c->names, i), c->r->bytes + cover->owner))
			cover = NULL;
		if (cover && !nsec3) {
			e->flags |= NODE_HIDDEN;
			compile_edge_warn_hidden(&check, e, cover);
		}
		if (!put_node(c, i, ok) || faults_full(c->f)) {
			*ok = false;
			return false;
		}
		if (nsec3)
			continue;
		c->zone->nodes++;
		if (e->flags & NODE_EDGE && (cover ? cover : e)->flags & NODE_CUT)
			compile_edge_warn_cut(&check, e);
		else if (!cover && e->flags & NODE_EDGE) {
			*ok = compile_edge_check(&check, e, &c->zone->edge_beside) && *ok;
			compile_edge_warn_services(&check, e);
		}
		if (!cover && (e->flags & (NODE_EDGE | NODE_CUT)) == NODE_EDGE &&
			c->plan.kind != DENIAL_NONE)
			compile_edge_warn_unsigned(&check, e);
		if (!cover && e->flags & (NODE_CUT | NODE_DNAME))
			cover = e;
		if (e->labels > c->zone->depth)
			c->zone->depth = e->labels;
	}
	c->zone->apex_node = zone_node_at(c->zone, c->names.entry[0].node);
	return true;
}

/* --- all of it ---------------------------------------------------------------------------- */

/* No image is larger than this: records grow by their fixed part, an RRset header, patches and
 * padding at most. The SOA and its signatures stand there twice. */
static size_t image_most(const struct compile *c)
{
	const size_t rr = RR_FIXED + sizeof(struct zone_rrset) + 12;
	const struct records *r = c->r;

	return 4096 + c->names.n * (sizeof(struct zone_proof) + sizeof(struct zone_node) + 4) +
		c->names.len + (r->n + r->soa_rrs) * rr + r->rdata_len + r->soa_len;
}

static bool start(struct compile *c)
{
	struct zone *z = calloc(1, sizeof *z + zone_tail_of(c->r->id));

	c->zone = z;
	if (!z)
		return false;
	z->refs = 1;
	zone_set_id(z, c->opts->key, c->r->id);
	if (!names_init(&c->names, c->r))
		return false;
	const size_t most = image_most(c);
	z->image = most > UINT32_MAX ? NULL : malloc(most);
	if (!z->image)
		return false;
	memory_huge(z->image, most);
	c->image = z->image;
	memset(c->image, 0, 4);
	c->len = 4; /* offset 0 is no node */
	return true;
}

/* Where new names would stand is searched from there on. */
static bool keep_places(struct compile *c)
{
	struct zone *z = c->zone;

	z->places_n = (c->names.n + ZONE_PLACES - 1) / ZONE_PLACES;
	z->places = malloc(z->places_n * sizeof *z->places);
	for (uint32_t i = 0; z->places && i < z->places_n; i++)
		z->places[i] = c->names.entry[i * ZONE_PLACES].node;
	return z->places != NULL;
}

/* All nodes are there: what is behind them, and what finds them. */
static bool finish(struct compile *c)
{
	struct zone *z = c->zone;

	z->image_end = c->len;
	put_negative_soa(c);
	uint8_t *trimmed = realloc(c->image, c->len);
	z->image = trimmed ? trimmed : c->image;
	z->image_len = c->len;
	z->signatures_end_s = c->plan.signatures.end_s;
	z->signatures_soon_s = c->plan.signatures.soon_s;
	z->apex_node = zone_node_at(z, c->names.entry[0].node);
	z->soa_negative = zone_rrset_at(z, z->image_end);
	return (keep_places(c) && names_fill_slots(&c->names, z, c->opts->key)) || no_memory(c);
}

/* Name servers are told of beside an error, too: the zone is not served then. */
static void tell_names(struct compile *c, bool ok)
{
	const struct verify_zone v = { c->zone, &c->names, c->opts->key };

	if (!c->zone->slots && !names_fill_slots(&c->names, c->zone, c->opts->key))
		return;
	verify_names(&v, c->f);
	if (ok)
		lint_zone(&v, c->f);
}

static void check_serial(const struct compile *c)
{
	struct records_walk walk = records_each(c->r, c->names.entry[0].group);

	while (c->opts->before && zone_is_ready(c->opts->before) && records_walk_next(&walk))
		if (walk.rr.type == RRTYPE_SOA) {
			serial_check(c->opts->before, c->zone, c->r, &walk.rr, c->f);
			return;
		}
}

static struct zone *compile(
	struct records *r, const struct compile_opts *opts, struct faults *f)
{
	struct compile c = { .r = r, .opts = opts, .f = f };
	bool ok = false;

	if (!verify_soa(r, f) || !denial_plan(r, &c.plan, f))
		return NULL;
	if (!start(&c))
		no_memory(&c);
	else if (put_nodes(&c, &ok)) {
		ok = ok && finish(&c);
		if (!opts->quiet)
			tell_names(&c, ok);
	}
	if (ok && c.plan.kind != DENIAL_NONE)
		ok = denial_build(c.zone, &c.names, &c.plan, f) || no_memory(&c);
	if (ok)
		check_serial(&c);
	names_fini(&c.names);
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

struct zone *zone_compile(struct records *r, const struct compile_opts *opts, struct faults *f)
{
	struct faults quiet;

	if (!opts->quiet)
		return compile(r, opts, f);
	faults_init(&quiet);
	struct zone *z = compile(r, opts, &quiet);
	if (!z)
		faults_add_each(f, &quiet);
	faults_fini(&quiet);
	return z;
}
