#include "zone/verify.h"

#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/lookup.h"
#include "zone/same_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool at_apex(const struct record *rr)
{
	return rr->owner[0] == 0;
}

/* Orders the data of two records of one type; 0 when it is the same. */
static int compare_data(const struct record *x, const struct record *y)
{
	return same_data_compare(x->type, x->rdata, x->rdlen, y->rdata, y->rdlen);
}

/* --- the zone's SOA ----------------------------------------------------------------------- */

bool verify_soa(const struct records *r, struct faults *f)
{
	struct records_walk walk = records_all(r);
	const struct record *rr = &walk.rr;
	struct record soa = { .line = 0 };
	size_t seen = 0;
	char name[NAME_TEXT];
	bool has_soa = false, ok = true;

	name_text(name, r->origin);
	while (seen < r->soas && records_walk_next(&walk)) {
		if (rr->type != RRTYPE_SOA)
			continue;
		seen++;
		if (!at_apex(rr)) {
			ok = records_error(r, rr, f,
				"this SOA is not at %s, the top of the zone (a zone below it "
				"is a file of its own)",
				name);
		} else if (has_soa && compare_data(&soa, rr)) { /* a copy is dropped later */
			char line[48] = "";
			if (soa.line)
				snprintf(line, sizeof line, "the first is at line %u; ",
					soa.line);
			ok = records_error(
				r, rr, f, "%s has a second SOA (%skeep one)", name, line);
		} else if (!has_soa) {
			soa = *rr;
			has_soa = true;
		}
	}
	if (has_soa || !ok)
		return ok;
	return records_error(r, &(struct record){ .line = 1, .column = 1 }, f,
		"%s has no SOA record (every zone starts with one: @ SOA ns1 hostmaster 1 7200 "
		"900 1209600 300)",
		name);
}

/* --- the records of one name -------------------------------------------------------------- */

/* Of two records that may not be together, the one written later is to blame. */
static bool blame(const struct records *r, const struct record *a, const struct record *b,
	struct faults *f, const char *say)
{
	const struct record *later = a->at > b->at ? a : b, *other = later == a ? b : a;
	char name[NAME_TEXT], type[RRTYPE_TEXT], with[RRTYPE_TEXT], line[32] = "";
	uint8_t full[NAME_MOST];

	if (other->line)
		snprintf(line, sizeof line, " of line %u", other->line);
	return records_error(r, later, f, "%s %s beside the %s%s: %s",
		name_text(name, records_full_name(r, later->owner, full)),
		rrtype_text(type, later->type), rrtype_text(with, other->type), line, say);
}

static bool is_dnssec_companion(uint16_t type)
{
	return type == RRTYPE_RRSIG || type == RRTYPE_NSEC || type == RRTYPE_KEY ||
		type == RRTYPE_NXT || type == RRTYPE_SIG;
}

/* `at` is the record of a type that tolerates few neighbours. */
static bool check_neighbours(const struct records *r, const struct record *set, uint32_t n,
	const struct record *at, struct faults *f)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint16_t type = set[i].type, mine = at->type;
		if (type == mine)
			continue;
		if (mine == RRTYPE_CNAME && !is_dnssec_companion(type))
			return blame(r, at, &set[i], f,
				"a CNAME stands alone at its name (RFC 1034 section 3.6.2)");
		if (mine == RRTYPE_EDGE &&
			(type == RRTYPE_A || type == RRTYPE_AAAA || type == RRTYPE_DNAME))
			return blame(r, at, &set[i], f,
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

static bool same_set(const struct record *x, const struct record *y)
{
	return x->type == y->type &&
		(x->type != RRTYPE_RRSIG || memcmp(x->rdata, y->rdata, 2) == 0);
}

static int compare_places(const void *va, const void *vb)
{
	const struct record *a = va, *b = vb;

	return a->at < b->at ? -1 : a->at > b->at;
}

static int compare_rdata(const void *a, const void *b)
{
	const int d = compare_data(a, b);

	return d ? d : compare_places(a, b);
}

/* Takes duplicates out of one RRset (RFC 2181 section 5); the order as written stays. Returns
 * how many are left. */
static uint32_t drop_duplicates(
	const struct records *r, struct record *set, uint32_t n, struct faults *f)
{
	uint32_t left = 0;

	qsort(set, n, sizeof *set, compare_rdata);
	for (uint32_t i = 0; i < n; i++) {
		const struct record *kept = left ? &set[left - 1] : NULL;
		if (kept && !compare_data(kept, &set[i])) {
			records_warning(r, &set[i], f,
				"the same record stands at line %u already; this one is left "
				"out",
				kept->line);
			continue;
		}
		set[left++] = set[i];
	}
	qsort(set, left, sizeof *set, compare_places);
	return left;
}

static void check_ttls(
	const struct records *r, const struct record *set, uint32_t n, struct faults *f)
{
	const struct record *lowest = set;
	char type[RRTYPE_TEXT];

	for (uint32_t i = 1; i < n; i++)
		if (set[i].ttl_s < lowest->ttl_s)
			lowest = &set[i];
	for (uint32_t i = 1; i < n; i++) {
		if (set[i].ttl_s == set[0].ttl_s)
			continue;
		records_warning(r, &set[i], f,
			"the %s records of this name have different TTLs; all get the lowest, "
			"%u (RFC 2181 section 5.2)",
			rrtype_text(type, lowest->type), lowest->ttl_s);
		return;
	}
}

bool verify_node(
	const struct records *r, struct record *set, uint32_t *n, bool apex, struct faults *f)
{
	uint32_t kept = 0;
	bool ok = true, has_ns = false;

	for (uint32_t from = 0, to; from < *n; from = to) {
		to = from + 1;
		while (to < *n && same_set(&set[from], &set[to]))
			to++;
		const uint16_t type = set[from].type;
		has_ns = has_ns || type == RRTYPE_NS;
		uint32_t count = to - from;
		if (count > 1) {
			check_ttls(r, set + from, count, f);
			count = drop_duplicates(r, set + from, count, f);
		}
		if (count > 1 && is_singleton(type))
			ok = blame(r, &set[from], &set[from + 1], f,
				"a name has only one of these; take one out");
		if (type == RRTYPE_CNAME || type == RRTYPE_EDGE)
			ok = check_neighbours(r, set, *n, &set[from], f) && ok;
		if (kept != from)
			memmove(set + kept, set + from, count * sizeof *set);
		kept += count;
	}
	if (apex && !has_ns && *n)
		records_warning(r, set, f, "the zone has no NS records at its top");
	*n = kept;
	return ok;
}

/* --- the zone's name servers -------------------------------------------------------------- */

static bool has_address(const struct zone_node *n)
{
	/* An EDGE at or below a cut answers nobody, and is no glue. */
	return (n->flags & NODE_EDGE && !(n->flags & (NODE_HIDDEN | NODE_CUT))) ||
		zone_find_rrset(n, RRTYPE_A) || zone_find_rrset(n, RRTYPE_AAAA);
}

/* One NS record at a visible name. Nothing here stops a zone: whoever asks may still find the
 * way by another server, and all others serve such zones too. */
static void check_server(const struct verify_zone *v, const struct names_entry *e,
	const struct record *rr, struct faults *f)
{
	const struct records *r = v->names->r;
	uint8_t target[NAME_MOST], owner[NAME_MOST];
	struct zone_name at;
	char name[NAME_TEXT];

	name_lower(target, rr->rdata, rr->rdlen);
	if (!name_is_under(target, r->origin))
		return;
	zone_name_set(&at, v->key, target);
	const struct zone_node *node = zone_find_node(v->zone, &at, 0);
	if (node && has_address(node))
		return;
	name_text(name, target);
	if (node && node->flags & NODE_CNAME && !(node->flags & NODE_HIDDEN))
		records_warning(r, rr, f,
			"the server %s is a CNAME, and must not be one (RFC 2181 section "
			"10.3); name what it leads to",
			name);
	else if (e->labels && name_is_under(target, records_full_name(r, rr->owner, owner)))
		records_warning(r, rr, f,
			"the delegation's server %s is below the cut and has no A or AAAA "
			"here: nobody can find it without its glue, so add that (RFC 1034 "
			"section 4.2.1)",
			name);
	else if (!node || !(node->flags & NODE_HIDDEN))
		records_warning(r, rr, f,
			"the server %s is in this zone and has no A or AAAA record", name);
}

void verify_names(const struct verify_zone *v, struct faults *f)
{
	const struct names *names = v->names;

	for (uint32_t k = 0; k < names->n && !faults_full(f); k++) {
		const struct names_entry *e = &names->entry[k];
		if (e->flags & (NODE_HIDDEN | NODE_NSEC3) ||
			!(e->flags & NODE_CUT || e->labels == 0))
			continue;
		struct records_walk walk = records_each(names->r, e->group);
		while (records_walk_next(&walk))
			if (walk.rr.type == RRTYPE_NS)
				check_server(v, e, &walk.rr, f);
	}
}
