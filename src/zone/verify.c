#include "zone/verify.h"

#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

static bool at_apex(const struct records *r, const struct record *rr)
{
	return name_equal(r->bytes + rr->owner, r->origin);
}

/* --- which data is the same --------------------------------------------------------------- */

/* The bytes of the RDATA from which on, but for `*behind` at its end, it is names alone; for
 * names that differ in case are the same (RFC 4034 section 6.2). SIZE_MAX: none. */
static size_t names_from(uint16_t type, size_t *behind)
{
	*behind = type == RRTYPE_SOA ? 20 : 0;
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_MD:
	case RRTYPE_MF:
	case RRTYPE_CNAME:
	case RRTYPE_SOA:
	case RRTYPE_MB:
	case RRTYPE_MG:
	case RRTYPE_MR:
	case RRTYPE_PTR:
	case RRTYPE_MINFO:
	case RRTYPE_RP:
	case RRTYPE_DNAME: return 0;
	case RRTYPE_MX:
	case RRTYPE_AFSDB:
	case RRTYPE_RT:
	case RRTYPE_PX:
	case RRTYPE_KX: return 2;
	case RRTYPE_SRV: return 6;
	default: return SIZE_MAX;
	}
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Orders the data of two records of one type; 0 when it is the same. A name's length bytes are
 * below 'A'. */
static int compare_data(const struct records *r, const struct record *x, const struct record *y)
{
	const uint8_t *a = r->bytes + x->rdata, *b = r->bytes + y->rdata;
	size_t behind, from = names_from(x->type, &behind);

	if (x->rdlen != y->rdlen)
		return x->rdlen < y->rdlen ? -1 : 1;
	if (from >= x->rdlen)
		return memcmp(a, b, x->rdlen);
	const int front = memcmp(a, b, from);
	if (front)
		return front;
	for (; from + behind < x->rdlen; from++)
		if (lower(a[from]) != lower(b[from]))
			return lower(a[from]) < lower(b[from]) ? -1 : 1;
	return memcmp(a + from, b + from, x->rdlen - from);
}

/* --- the zone's SOA ----------------------------------------------------------------------- */

bool verify_soa(const struct records *r, struct faults *f)
{
	const struct record *soa = NULL;
	char name[NAME_TEXT];
	bool ok = true;

	name_text(name, r->origin);
	for (size_t i = 0; i < r->n; i++) {
		const struct record *rr = &r->rr[i];
		if (rr->type != RRTYPE_SOA)
			continue;
		const struct fault_at at = records_at(r, rr);
		if (!at_apex(r, rr))
			ok = faults_error(f, &at,
				"this SOA is not at %s, the top of the zone (a zone below it "
				"is a file of its own)",
				name);
		else if (soa && compare_data(r, soa, rr)) /* a copy is dropped later */
			ok = faults_error(f, &at,
				"%s has a second SOA (the first is at line %u; keep one)", name,
				soa->line);
		else if (!soa)
			soa = rr;
	}
	if (soa || !ok)
		return ok;
	struct fault_at at = { 0 };
	if (r->n_files)
		at = (struct fault_at){ r->files[0].path, r->files[0].content.text,
			r->files[0].content.text + r->files[0].content.len, 1, 1 };
	return faults_error(f, &at,
		"%s has no SOA record (every zone starts with one: @ SOA ns1 hostmaster 1 7200 "
		"900 1209600 300)",
		name);
}

/* --- the records of one name -------------------------------------------------------------- */

/* Of two records that may not be together, the one written later is to blame. */
static bool blame(
	const struct records *r, uint32_t a, uint32_t b, struct faults *f, const char *say)
{
	const struct record *later = &r->rr[a > b ? a : b], *other = &r->rr[a > b ? b : a];
	const struct fault_at at = records_at(r, later);
	char name[NAME_TEXT], type[RRTYPE_TEXT], with[RRTYPE_TEXT];

	return faults_error(f, &at, "%s %s beside the %s of line %u: %s",
		name_text(name, r->bytes + later->owner), rrtype_text(type, later->type),
		rrtype_text(with, other->type), other->line, say);
}

static bool is_dnssec_companion(uint16_t type)
{
	return type == RRTYPE_RRSIG || type == RRTYPE_NSEC || type == RRTYPE_KEY ||
		type == RRTYPE_NXT || type == RRTYPE_SIG;
}

/* `at` is the record of a type that tolerates few neighbours. */
static bool check_neighbours(
	const struct records *r, const uint32_t *set, uint32_t n, uint32_t at, struct faults *f)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint16_t type = r->rr[set[i]].type, mine = r->rr[set[at]].type;
		if (type == mine)
			continue;
		if (mine == RRTYPE_CNAME && !is_dnssec_companion(type))
			return blame(r, set[at], set[i], f,
				"a CNAME stands alone at its name (RFC 1034 section 3.6.2)");
		if (mine == RRTYPE_EDGE &&
			(type == RRTYPE_A || type == RRTYPE_AAAA || type == RRTYPE_DNAME))
			return blame(r, set[at], set[i], f,
				"EDGE answers for the name's addresses; take one of the two "
				"out");
	}
	return true;
}

static bool is_singleton(uint16_t type)
{
	return type == RRTYPE_CNAME || type == RRTYPE_DNAME || type == RRTYPE_SOA ||
		type == RRTYPE_EDGE;
}

static bool same_set(const struct records *r, uint32_t a, uint32_t b)
{
	const struct record *x = &r->rr[a], *y = &r->rr[b];

	return x->type == y->type &&
		(x->type != RRTYPE_RRSIG ||
			memcmp(r->bytes + x->rdata, r->bytes + y->rdata, 2) == 0);
}

static int compare_rdata(const void *va, const void *vb, void *ctx)
{
	const struct records *r = ctx;
	const uint32_t a = *(const uint32_t *)va, b = *(const uint32_t *)vb;
	const int d = compare_data(r, &r->rr[a], &r->rr[b]);

	return d ? d : a < b ? -1 : a > b;
}

static int compare_numbers(const void *va, const void *vb)
{
	const uint32_t a = *(const uint32_t *)va, b = *(const uint32_t *)vb;

	return a < b ? -1 : a > b;
}

/* Takes duplicates out of one RRset (RFC 2181 section 5); the order as written stays. Returns
 * how many are left. */
static uint32_t drop_duplicates(
	const struct records *r, uint32_t *set, uint32_t n, struct faults *f)
{
	uint32_t left = 0;

	qsort_r(set, n, sizeof *set, compare_rdata, (void *)(uintptr_t)r);
	for (uint32_t i = 0; i < n; i++) {
		const struct record *rr = &r->rr[set[i]],
				    *kept = left ? &r->rr[set[left - 1]] : NULL;
		if (kept && !compare_data(r, kept, rr)) {
			const struct fault_at at = records_at(r, rr);
			faults_warning(f, &at,
				"the same record stands at line %u already; this one is left "
				"out",
				kept->line);
			continue;
		}
		set[left++] = set[i];
	}
	qsort(set, left, sizeof *set, compare_numbers);
	return left;
}

static void check_ttls(
	const struct records *r, const uint32_t *set, uint32_t n, struct faults *f)
{
	const struct record *lowest = &r->rr[set[0]];
	char type[RRTYPE_TEXT];

	for (uint32_t i = 1; i < n; i++)
		if (r->rr[set[i]].ttl_s < lowest->ttl_s)
			lowest = &r->rr[set[i]];
	for (uint32_t i = 1; i < n; i++) {
		if (r->rr[set[i]].ttl_s == r->rr[set[0]].ttl_s)
			continue;
		const struct fault_at at = records_at(r, &r->rr[set[i]]);
		faults_warning(f, &at,
			"the %s records of this name have different TTLs; all get the lowest, "
			"%u (RFC 2181 section 5.2)",
			rrtype_text(type, lowest->type), lowest->ttl_s);
		return;
	}
}

bool verify_node(
	const struct records *r, uint32_t *set, uint32_t *n, bool apex, struct faults *f)
{
	uint32_t kept = 0;
	bool ok = true, has_ns = false;

	for (uint32_t from = 0, to; from < *n; from = to) {
		to = from + 1;
		while (to < *n && same_set(r, set[from], set[to]))
			to++;
		const uint16_t type = r->rr[set[from]].type;
		has_ns = has_ns || type == RRTYPE_NS;
		uint32_t count = to - from;
		if (count > 1) {
			check_ttls(r, set + from, count, f);
			count = drop_duplicates(r, set + from, count, f);
		}
		if (count > 1 && is_singleton(type))
			ok = blame(r, set[from], set[from + 1], f,
				"a name has only one of these; take one out");
		if (type == RRTYPE_CNAME || type == RRTYPE_EDGE)
			ok = check_neighbours(r, set, *n, from, f) && ok;
		memmove(set + kept, set + from, count * sizeof *set);
		kept += count;
	}
	if (apex && !has_ns && *n) {
		const struct fault_at at = records_at(r, &r->rr[set[0]]);
		faults_warning(f, &at, "the zone has no NS records at its top");
	}
	*n = kept;
	return ok;
}

/* --- the zone's name servers -------------------------------------------------------------- */

static bool has_address(const struct names *names, uint32_t entry)
{
	for (uint32_t i = names->entry[entry].first; i != NAMES_NONE; i = names->next[i]) {
		const uint16_t type = names->r->rr[i].type;
		if (type == RRTYPE_A || type == RRTYPE_AAAA || type == RRTYPE_EDGE)
			return true;
	}
	return false;
}

/* One NS record at a visible name. Nothing here stops a zone: whoever asks may still find the
 * way by another server, and all others serve such zones too. */
static void check_server(const struct names *names, const struct names_entry *e,
	const struct record *rr, struct faults *f)
{
	const struct records *r = names->r;
	const uint8_t *owner = r->bytes + e->owner;
	uint8_t target[NAME_MOST];
	char name[NAME_TEXT];

	name_lower(target, r->bytes + rr->rdata, rr->rdlen);
	if (!name_is_under(target, r->origin))
		return;
	const uint32_t entry = names_find(names, target);
	if (entry != NAMES_NONE && has_address(names, entry))
		return;
	const struct fault_at at = records_at(r, rr);
	name_text(name, target);
	if (e->labels && name_is_under(target, owner))
		faults_warning(f, &at,
			"the delegation's server %s is below the cut and has no A or AAAA "
			"here: nobody can find it without its glue, so add that (RFC 1034 "
			"section 4.2.1)",
			name);
	else if (entry == NAMES_NONE || !(names->entry[entry].flags & NODE_HIDDEN))
		faults_warning(f, &at,
			"the server %s is in this zone and has no A or AAAA record", name);
}

void verify_names(const struct names *names, struct faults *f)
{
	for (uint32_t k = 0; k < names->n && !faults_full(f); k++) {
		const struct names_entry *e = &names->entry[k];
		if (e->flags & NODE_HIDDEN || !(e->flags & NODE_CUT || e->labels == 0))
			continue;
		for (uint32_t i = e->first; i != NAMES_NONE; i = names->next[i])
			if (names->r->rr[i].type == RRTYPE_NS)
				check_server(names, e, &names->r->rr[i], f);
	}
}
