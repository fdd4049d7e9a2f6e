#include "zone/lint.h"

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/rrtype.h"

#include <string.h>

enum { CHAIN_MOST = 64 }; /* CNAMEs that are followed in search of a circle */

/* --- where a name leads ------------------------------------------------------------------- */

const uint8_t *lint_target(uint16_t type, const uint8_t *rdata)
{
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_CNAME:
	case RRTYPE_DNAME: return rdata;
	case RRTYPE_MX:
	case RRTYPE_SVCB:
	case RRTYPE_HTTPS: return rdata + 2;
	case RRTYPE_SRV: return rdata + 6;
	default: return NULL;
	}
}

enum lint_lead lint_lead(
	const struct zone *z, struct hash_key key, const struct zone_name *at, struct lookup *l)
{
	*l = zone_lookup(z, key, at, RRTYPE_A);
	switch (l->kind) {
	case LOOKUP_ANSWER:
	case LOOKUP_EDGE: return LINT_ADDRESS;
	case LOOKUP_CNAME: return LINT_ALIAS;
	case LOOKUP_DNAME:
	case LOOKUP_REFERRAL: return LINT_AWAY;
	case LOOKUP_NXDOMAIN: return LINT_NONE;
	case LOOKUP_NODATA: break;
	}
	if (!l->node->rrsets)
		return LINT_NONE;
	return zone_find_rrset(l->node, RRTYPE_AAAA) ? LINT_ADDRESS : LINT_OTHER;
}

/* `target` is a name of RDATA; `*l` is what is there, unless it leads to another zone. */
static enum lint_lead look(const struct verify_zone *v, const uint8_t *target, struct lookup *l)
{
	uint8_t lower[NAME_MOST];
	struct zone_name at;

	name_lower(lower, target, name_len(target));
	if (!name_is_under(lower, v->names->r->origin))
		return LINT_AWAY;
	zone_name_set(&at, v->key, lower);
	return lint_lead(v->zone, v->key, &at, l);
}

/* The server of an MX or SRV record: RFC 2181 section 10.3, RFC 2782. The root is none, and is
 * meant. */
static void check_server(const struct verify_zone *v, const struct record *rr,
	const uint8_t *target, struct faults *f)
{
	char name[NAME_TEXT], type[RRTYPE_TEXT];
	struct lookup l;

	if (!*target)
		return;
	const enum lint_lead lead = look(v, target, &l);
	if (lead == LINT_AWAY || lead == LINT_ADDRESS)
		return;
	name_text(name, target);
	rrtype_text(type, rr->type);
	if (lead == LINT_ALIAS)
		records_warning(v->names->r, rr, f,
			"%s is a CNAME, and the target of a record of type %s must not be one "
			"(%s); name what it leads to",
			name, type,
			rr->type == RRTYPE_SRV ? "RFC 2782" : "RFC 2181 section 10.3");
	else
		records_warning(v->names->r, rr, f,
			"%s is in this zone and has no A or AAAA record, so that this %s leads "
			"nowhere",
			name, type);
}

/* --- aliases ------------------------------------------------------------------------------ */

/* Nodes stand in the image in the order of their entries. */
static const struct names_entry *entry_of(
	const struct verify_zone *v, const struct zone_node *node)
{
	const uint32_t at = (uint32_t)((const uint8_t *)node - v->zone->image);
	uint32_t from = 0, to = v->names->n;

	while (to - from > 1) {
		const uint32_t middle = from + (to - from) / 2;
		if (v->names->entry[middle].node <= at)
			from = middle;
		else
			to = middle;
	}
	return &v->names->entry[from];
}

static bool find_record(const struct verify_zone *v, const struct names_entry *e, uint16_t type,
	struct record *rr)
{
	struct records_walk walk = records_each(v->names->r, e->group);

	while (records_walk_next(&walk))
		if (walk.rr.type == type) {
			*rr = walk.rr;
			return true;
		}
	return false;
}

/* Whether the CNAME `rr` of `start` leads back to it. A circle is told once, at the first of
 * its names. */
static bool in_circle(
	const struct verify_zone *v, const struct zone_node *start, struct record rr)
{
	struct lookup l;

	for (unsigned i = 0; i < CHAIN_MOST; i++) {
		if (look(v, rr.rdata, &l) != LINT_ALIAS || l.node < start)
			return false;
		if (l.node == start)
			return true;
		if (!find_record(v, entry_of(v, l.node), RRTYPE_CNAME, &rr))
			return false;
	}
	return false;
}

static void check_cname(const struct verify_zone *v, const struct names_entry *e,
	const struct record *rr, struct faults *f)
{
	char name[NAME_TEXT];
	struct lookup l;

	switch (look(v, rr->rdata, &l)) {
	case LINT_NONE:
		records_warning(v->names->r, rr, f,
			"this CNAME leads to %s, which this zone does not have",
			name_text(name, rr->rdata));
		break;
	case LINT_ALIAS:
		if (in_circle(v, zone_node_at(v->zone, e->node), *rr))
			records_warning(v->names->r, rr, f,
				"this CNAME leads back to itself, by way of %s: nobody finds "
				"anything",
				name_text(name, rr->rdata));
		break;
	case LINT_AWAY:
	case LINT_ADDRESS:
	case LINT_OTHER: break;
	}
}

static void check_dname(const struct verify_zone *v, const struct record *rr, struct faults *f)
{
	uint8_t owner[NAME_MOST];
	char name[NAME_TEXT];
	struct lookup l;

	name_text(name, rr->rdata);
	if (name_is_under(rr->rdata, records_full_name(v->names->r, rr->owner, owner)))
		records_warning(v->names->r, rr, f,
			"this DNAME leads to %s, at or below itself, and from there on without "
			"an end",
			name);
	else if (look(v, rr->rdata, &l) == LINT_NONE && l.kind == LOOKUP_NXDOMAIN)
		records_warning(v->names->r, rr, f,
			"this DNAME leads to %s, which this zone does not have", name);
}

static void check_service(
	const struct verify_zone *v, const struct record *rr, struct faults *f)
{
	const uint8_t *target = lint_target(rr->type, rr->rdata);
	char name[NAME_TEXT], type[RRTYPE_TEXT];
	struct lookup l;

	if (*target && look(v, target, &l) == LINT_NONE)
		records_warning(v->names->r, rr, f,
			"this %s leads to %s, which this zone does not have",
			rrtype_text(type, rr->type), name_text(name, target));
}

/* --- what hosts can be called ------------------------------------------------------------- */

static bool is_host_label(const uint8_t *label)
{
	const unsigned len = *label++;

	if (label[0] == '-' || label[len - 1] == '-')
		return false;
	for (unsigned i = 0; i < len; i++) {
		const uint8_t c = label[i];
		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
			    c == '-'))
			return false;
	}
	return true;
}

/* RFC 1123 section 2.1. */
static bool is_host(const uint8_t *name)
{
	for (; *name; name += *name + 1)
		if (!is_host_label(name))
			return false;
	return true;
}

/* As BIND has it: a wildcard stands for hosts, and so do the global catalogues of Windows. */
static bool may_own_addresses(const uint8_t *owner)
{
	static const uint8_t catalogue[] = "\2gc\6_msdcs";

	if (owner[0] == 1 && owner[1] == '*')
		owner += 2;
	return is_host(owner) || memcmp(owner, catalogue, sizeof catalogue) == 0;
}

/* What there is of a name, as its records are walked. */
struct seen {
	bool owner, text, dnskey;
	unsigned mx;
	struct record null_mx, ds, dname, ns, cds; /* without a type: there is none */
};

/* What to do about a name with bytes that are not ASCII. */
static const char *in_letters(const uint8_t *name)
{
	for (; *name; name += *name + 1)
		for (unsigned i = 1; i <= *name; i++)
			if (name[i] >= 0x80)
				return " (names in other scripts are written as A-labels, xn--..., RFC 5890: \"idn2 NAME\" tells them)";
	return "";
}

/* Once for all records of a name. */
static void check_owner(const struct verify_zone *v, const struct record *rr, struct seen *seen,
	struct faults *f)
{
	char name[NAME_TEXT], type[RRTYPE_TEXT];
	uint8_t full[NAME_MOST];

	if (seen->owner || may_own_addresses(rr->owner))
		return;
	seen->owner = true;
	const uint8_t *owner = records_full_name(v->names->r, rr->owner, full);
	records_warning(v->names->r, rr, f,
		"%s is no name that a host can have (letters, digits and hyphens, RFC 1123 "
		"section 2.1), and has a record of type %s: some clients do not look it up%s",
		name_text(name, owner), rrtype_text(type, rr->type), in_letters(owner));
}

/* False: told. */
static bool check_host(const struct verify_zone *v, const struct record *rr,
	const uint8_t *target, struct faults *f)
{
	char name[NAME_TEXT], type[RRTYPE_TEXT];

	if (is_host(target))
		return true;
	records_warning(v->names->r, rr, f,
		"%s is no name that a host can have (letters, digits and hyphens, RFC "
		"1123 section 2.1), and the target of a record of type %s%s",
		name_text(name, target), rrtype_text(type, rr->type), in_letters(target));
	return false;
}

/* --- name by name ------------------------------------------------------------------------- */

static void check_record(const struct verify_zone *v, const struct names_entry *e,
	const struct record *rr, struct seen *seen, struct faults *f)
{
	switch (rr->type) {
	case RRTYPE_A:
	case RRTYPE_AAAA: check_owner(v, rr, seen, f); break;
	case RRTYPE_NS:
		seen->ns = *rr;
		check_host(v, rr, rr->rdata, f);
		break;
	case RRTYPE_MX:
		seen->mx++;
		if (!rr->rdata[2])
			seen->null_mx = *rr;
		check_owner(v, rr, seen, f);
		if (check_host(v, rr, rr->rdata + 2, f))
			check_server(v, rr, rr->rdata + 2, f);
		break;
	case RRTYPE_SRV:
		if (check_host(v, rr, rr->rdata + 6, f))
			check_server(v, rr, rr->rdata + 6, f);
		break;
	case RRTYPE_CNAME: check_cname(v, e, rr, f); break;
	case RRTYPE_DNAME:
		seen->dname = *rr;
		check_dname(v, rr, f);
		break;
	case RRTYPE_SVCB:
	case RRTYPE_HTTPS: check_service(v, rr, f); break;
	case RRTYPE_DS: seen->ds = *rr; break;
	case RRTYPE_DNSKEY: seen->dnskey = true; break;
	case RRTYPE_CDS: /* 0 0 0 00 asks for removal */
		if (rr->rdata[2])
			seen->cds = *rr;
		break;
	case RRTYPE_CDNSKEY:
		if (rr->rdata[3])
			seen->cds = *rr;
		break;
	case RRTYPE_SPF:
	case RRTYPE_TXT: seen->text = true; break;
	default: break;
	}
}

static void check_name(
	const struct verify_zone *v, const struct names_entry *e, struct faults *f)
{
	struct records_walk walk = records_each(v->names->r, e->group);
	struct seen seen = { .mx = 0 };

	while (records_walk_next(&walk))
		check_record(v, e, &walk.rr, &seen, f);
	if (seen.null_mx.type && seen.mx > 1)
		records_warning(v->names->r, &seen.null_mx, f,
			"an MX of \".\" says that there is no mail here, and other MX records "
			"stand beside it (RFC 7505 section 3)");
	if (seen.ds.type && !(e->flags & NODE_CUT))
		records_warning(v->names->r, &seen.ds, f, "%s",
			e->labels ? "this DS has no NS records beside it, so that it says "
				    "nothing (RFC 4035 section 2.4)"
				  : "the DS records of a zone stand in the zone above it, not "
				    "at its top (RFC 4034 section 5)");
	if (seen.cds.type && !seen.dnskey)
		records_warning(v->names->r, &seen.cds, f,
			"there is no DNSKEY beside it, so that it is of no key: parents pass over it, and BIND refuses it (RFC 7344 section 4.1); a zone that is "
			"signed here gets its own in its place");
	if (e->flags & NODE_CUT && seen.dname.type)
		records_warning(v->names->r, &seen.dname, f,
			"this name is delegated, so that nobody gets this DNAME: only at a zone's top does it stand beside NS records (RFC 6672 "
			"section 2.3)");
	if (e->flags & NODE_CUT && name_is_wildcard(seen.ns.owner))
		records_warning(v->names->r, &seen.ns, f,
			"a delegation is of one name: what a wildcard's NS records mean is not defined, and BIND refuses them (RFC 4592 section 4.2)");
	if (seen.text)
		lint_texts(v, e, f);
}

void lint_zone(const struct verify_zone *v, struct faults *f)
{
	for (uint32_t k = 0; k < v->names->n; k++) {
		const struct names_entry *e = &v->names->entry[k];
		if (e->group != RECORDS_NONE && !(e->flags & (NODE_HIDDEN | NODE_NSEC3)))
			check_name(v, e, f);
	}
}
