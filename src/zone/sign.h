/* sign.h - a zone is signed, and stays signed while it changes.
 *
 * A signed zone is the zone with what signing makes: RRSIG, the chain of NSEC or NSEC3, and the
 * records at its apex that come of its keys (sign_types.h). For jobs; nothing here is on the
 * path of a packet.
 */
#ifndef ZONE_SIGN_H
#define ZONE_SIGN_H

#include "zone/change.h"
#include "zone/compile.h"
#include "zone/sign_types.h"

struct sign_opts {
	const struct keyset *keys;          /* borrowed */
	const struct compile_opts *compile; /* of the zone */
	int64_t now_s;                      /* UNIX time */
	bool politely;                      /* beside it queries are answered */
	/* How far signing a whole zone is, and whether to end. Any thread; NULL: nobody asks.
	 */
	bool (*goes_on)(void *ctx, uint64_t n, uint64_t of);
	void *ctx;
	/* While a whole zone is signed: all in front of the offset `until` of the image of `z` is
	 * as it will be, but for struct zone_proof. Any thread, one at a time; the last time with
	 * all of it. The image stays where it is until then. NULL: nobody wants to know. */
	void (*written)(void *ctx, const struct zone *z, uint32_t until);
	void *written_ctx;
};

/* `z` without what signing makes. Count 1: its own when there is nothing of it. */
struct zone *sign_strip(
	const struct zone *z, const struct compile_opts *compile, struct faults *f);

/* `z`, which sign_strip() has left as it is, signed, with that serial: on all processors.
 * Beside both images it takes some bytes a name. Count 1; NULL after a fault. */
struct zone *sign_zone(
	const struct zone *z, const struct sign_opts *o, uint32_t serial, struct faults *f);

/* `c`, a change of the signed zone `z` by records that signing does not make, with all that
 * follows from it: signatures of what comes, and the chain around it. What was signed with
 * other keys than `o` has at the touched names is signed anew. NULL after a fault. */
struct change *sign_follow(const struct zone *z, const struct change *c,
	const struct sign_opts *o, struct faults *f);

/* What is to be made anew in the signed zone `z`: signatures that end before `until_s`, that
 * are not by the keys of `o`, or that are missing; what its keys and pools make other records
 * of. At most `most` names. The SOA gets `serial`. NULL: nothing is to be done, or after a
 * fault. */
struct sign_renewal {
	int64_t until_s;
	uint32_t serial;
	size_t most;
	bool more; /* set: there are others */
	size_t n;  /* set: names */
};
struct change *sign_renew(const struct zone *z, const struct sign_opts *o,
	struct sign_renewal *r, struct faults *f);

/* Is the chain of `z` of the kind that the keyset wants? Else it must be signed as a whole. */
bool sign_chain_fits(const struct zone *z, const struct keyset *keys);

#endif
