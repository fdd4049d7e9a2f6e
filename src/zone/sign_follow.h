/* sign_follow.h - what sign_follow() and sign_renew() have in common.
 */
#ifndef ZONE_SIGN_FOLLOW_H
#define ZONE_SIGN_FOLLOW_H

#include "zone/nsec3.h"
#include "zone/sign_fix.h"
#include "zone/sign_names.h"

/* The work on one change. */
struct sign_following {
	struct sign_fix fix;
	struct sign_names names; /* that may have to have other records; with what is above them
				    for NSEC3 */
	/* The NSEC3 records whose signatures are to be made anew: their owners' hashes. */
	const uint8_t (*hashes)[NSEC3_HASH]; /* borrowed */
	size_t n_hashes;
};

/* Names in x->now and x->z. */
bool sign_follow_nsec(struct sign_following *w);
bool sign_follow_nsec3(struct sign_following *w);

/* The name of a node, with its records before and after the change. */
struct sign_name sign_follow_name(const struct sign_fix *x, const uint8_t *owner);

/* The change `plain` of `z` with all that follows, and with `extra` names, and NSEC3 records,
 * looked at. */
struct sign_more {
	const struct sign_names *names;
	const uint8_t (*hashes)[NSEC3_HASH];
	size_t n_hashes;
	int64_t until_s;
};
struct change *sign_follow_more(const struct zone *z, const struct change *plain,
	const struct sign_opts *o, const struct sign_more *more, struct faults *f);

/* The SOA of a zone: its RDATA, with another serial. Returns its length. */
size_t sign_soa(const struct zone *z, uint32_t serial, uint8_t to[static 2 * NAME_MOST + 20]);

#endif
