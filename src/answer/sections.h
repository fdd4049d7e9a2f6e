/* sections.h - the authority and additional sections: who else to ask, what is not there, what
 * proves it, and addresses that will be asked for next.
 */
#ifndef ANSWER_SECTIONS_H
#define ANSWER_SECTIONS_H

#include "answer/compose.h"

/* All that write: false when something that is needed did not fit, and TC was set. */

/* Remembers what proves this step of the way; written by sections_proofs(). */
void sections_gather(struct compose *c, const struct lookup *l);

/* The SOA that says for how long a name or type does not exist. */
bool sections_negative(struct compose *c);

/* NS of a cut, and its DS where the zone is signed and they are asked for. */
bool sections_referral(struct compose *c, const struct lookup *l);

bool sections_proofs(struct compose *c);

/* Addresses of the servers of a cut whose NS RRset starts at `at`: what is at or below the cut
 * is needed, the rest is added as long as it fits (RFC 9471). */
bool sections_glue(struct compose *c, const struct lookup *l, size_t at);

/* What the RDATA of an answer's RRset, from `at` to `end` of the message, names and the zone
 * has: an additional, so nothing is needed. */
void sections_additional(struct compose *c, uint16_t type, size_t at, size_t end);

#endif
