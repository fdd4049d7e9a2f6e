/* denial_build.h - the chain of a signed zone is found, checked and tied to its nodes.
 *
 * Control thread, while a zone is compiled.
 */
#ifndef ZONE_DENIAL_BUILD_H
#define ZONE_DENIAL_BUILD_H

#include "base/fault.h"
#include "zone/denial.h"
#include "zone/names.h"
#include "zone/rrsig_end.h"

/* How a zone denies: by the NSEC3PARAM at its apex, else by the NSEC there. */
enum denial_kind { DENIAL_NONE, DENIAL_NSEC, DENIAL_NSEC3 };

struct denial_plan {
	enum denial_kind kind;
	struct nsec3_params params; /* DENIAL_NSEC3 */
	struct rrsig_end signatures;
};

/* False when the zone cannot be served as it is signed: NSEC3 with too many iterations, or with
 * owners that are no hashes. What only weakens it is a warning. */
bool denial_plan(const struct records *r, struct denial_plan *plan, struct faults *f);

/* The image is complete; every visible node gets its struct zone_proof filled. A chain that is
 * broken is a warning. False when there is no memory. */
bool denial_build(struct zone *z, const struct names *names, const struct denial_plan *plan,
	struct faults *f);

#endif
