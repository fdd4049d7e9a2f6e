/* sections.h - the authority and additional sections: who else to ask, what is not there, what
 * proves it, and addresses that will be asked for next.
 */
#ifndef ANSWER_SECTIONS_H
#define ANSWER_SECTIONS_H

#include "answer/compose.h"
#include "dns/rrtype.h"

/* All that write: false when something that is needed did not fit, and TC was set. */

/* Remembers what proves this step of the way; written by sections_proofs(). */
void sections_gather(struct compose *c, const struct denial_proof *p);

/* Has a cut a signed DS, so that there is nothing to prove? */
bool sections_has_ds(const struct lookup *l);

/* The SOA that says for how long a name or type does not exist. */
bool sections_negative(struct compose *c);

/* NS of a cut, and its DS where the zone is signed and they are asked for. */
bool sections_referral(struct compose *c, const struct lookup *l);

bool sections_proofs(struct compose *c);

/* The type of the question (or a CNAME in its place) is not at that name for now, and its bitmap has it: a
 * proof of its own says so. What proves the answer was gathered. */
void sections_deny_for_now(struct compose *c, const struct lookup *l);

/* Addresses of the servers of a cut whose NS RRset starts at `at`: what is at or below the cut
 * is needed, the rest is added as long as it fits (RFC 9471). */
bool sections_glue(struct compose *c, const struct lookup *l, size_t at);

/* Do records of this type name others whose addresses will be asked for next? */
static inline bool sections_have_targets(uint16_t type)
{
	const uint64_t types = 1ull << RRTYPE_NS | 1ull << RRTYPE_MX | 1ull << RRTYPE_AFSDB |
		1ull << RRTYPE_RT | 1ull << RRTYPE_SRV | 1ull << RRTYPE_NAPTR |
		1ull << RRTYPE_KX;

	return type < 64 ? types >> type & 1 : type == RRTYPE_SVCB || type == RRTYPE_HTTPS;
}

/* What the RDATA of an answer's RRset, from `at` to `end` of the message, names and the zone
 * has: an additional, so nothing is needed. */
void sections_additional(struct compose *c, const struct lookup *l, size_t at, size_t end);

#endif
