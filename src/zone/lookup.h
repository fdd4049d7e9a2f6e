/* lookup.h - what does this zone say about a name and a type?
 *
 * RFC 1034 section 4.3.2 steps 2 and 3 inside one zone, with RFC 2181 (cuts), 2308 (NODATA),
 * 4592 (wildcards, empty non-terminals) and 6672 (DNAME). Any thread; reads the image only.
 */
#ifndef ZONE_LOOKUP_H
#define ZONE_LOOKUP_H

#include "zone/zone.h"

enum lookup_kind {
	LOOKUP_ANSWER,   /* `rrset` is what was asked for; NULL for QTYPE ANY and RRSIG: what
			    `node` has */
	LOOKUP_EDGE,     /* A or AAAA at a name that `rrset` (EDGE) hands to a pool */
	LOOKUP_CNAME,    /* `rrset` says where to look on */
	LOOKUP_DNAME,    /* `node` is above the name; `rrset` redirects all below it */
	LOOKUP_REFERRAL, /* `node` is a zone cut; `rrset` its NS */
	LOOKUP_NODATA,   /* the name exists, the type does not */
	LOOKUP_NXDOMAIN  /* `node` is the closest encloser */
};

struct lookup {
	enum lookup_kind kind;
	bool wildcard; /* `node` is the wildcard that the name was made from */
	const struct zone_node *node;
	const struct zone_rrset *rrset;
	const struct zone_node *encloser; /* the closest encloser; `node` but for wildcards */
	unsigned skip; /* how many labels of the name stand in front of the encloser's name */
};

/* `name` is at or below the zone's apex. */
struct lookup zone_lookup(const struct zone *z, struct hash_key key,
	const struct zone_name *name, uint16_t qtype);

/* Ask the memory for what zone_lookup() will read: the name's slot, then its node. */
void zone_fetch_slot(const struct zone *z, const struct zone_name *name);
void zone_fetch_node(const struct zone *z, const struct zone_name *name);

/* The node of the name that starts at label `skip` of `name`, or NULL. */
const struct zone_node *zone_find_node(
	const struct zone *z, const struct zone_name *name, unsigned skip);

#endif
