/* sign_plan.h - where each name of a zone will stand in its signed image.
 *
 * Nothing is signed for that: the lengths of all signatures are known before. Once made it does
 * not change, and any thread may read it.
 */
#ifndef ZONE_SIGN_PLAN_H
#define ZONE_SIGN_PLAN_H

#include "zone/nsec3.h"
#include "zone/sign.h"
#include "zone/sign_rrset.h"

enum { SIGN_NONE = UINT32_MAX, SIGN_NSEC3_LINK = 1 };

/* A node of the signed image, in order. */
struct sign_entry {
	uint32_t from; /* offset in the unsigned image; | SIGN_NSEC3_LINK: of that node's NSEC3
			*/
	uint32_t to;   /* ... in the signed one */
	uint32_t next; /* NSEC: the entry that it leads to. NSEC3: number of the link. Or
			  SIGN_NONE */
};

/* A name's NSEC3, in order of the hashes. */
struct sign_link {
	uint8_t hash[NSEC3_HASH];
	uint32_t node; /* offset in the unsigned image */
};

struct sign_plan {
	const struct zone *z;      /* borrowed; its image is its own */
	const struct sign_opts *o; /* borrowed */
	struct sign_types types;
	struct sign_by by;
	struct nsec3_params params;
	bool nsec3;
	uint32_t serial, ttl_s;   /* of the chain: RFC 9077 */
	struct sign_entry *entry; /* [n] */
	uint32_t n;
	struct sign_link *link; /* [n_links] */
	uint32_t n_links;
	uint32_t records;
};

/* Returns the length of the signed image, over UINT32_MAX when it is too long; 0: there is no
 * memory. */
size_t sign_plan_init(
	struct sign_plan *p, const struct zone *z, const struct sign_opts *o, uint32_t serial);
void sign_plan_fini(struct sign_plan *p);

#endif
