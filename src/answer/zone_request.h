/* zone_request.h - what is asked of a whole zone: a transfer, an update, a notification; and who may.
 *
 * None of it is a question for records: each begins something elsewhere, or is refused. Who is refused learns nothing of the zone, and one
 * refusal a second is told. Any worker; nothing is allocated.
 */
#ifndef ANSWER_ZONE_REQUEST_H
#define ANSWER_ZONE_REQUEST_H

#include "answer/answer.h"
#include "answer/compose.h"

/* Who may do what with zone number `zone`; without any rules, nobody is named. The world's. */
const struct policy_zone *zone_request_rules(const struct world *w, size_t zone);

/* Who asks, by address, certificate and `key` (NULL: none). It points into `ask`. */
struct policy_asker zone_request_asker(const struct answer_ask *ask, const struct tsig_key *key);

/* `ede`: RFC 8914, 0 for none. */
void zone_request_refuse(struct compose *c, unsigned rcode, unsigned ede);

/* A signature that is wrong (RFC 8945): counted, and told. */
void zone_request_tell_signature(
	struct answerer *a, const struct answer_ask *ask, const struct answer_pending *p);

/* The zone for who may have it (RFC 5936, RFC 1995). It begins in `ask->transfer`, or there is an answer of one message. */
void zone_request_transfer(struct answerer *a, const struct answer_ask *ask, struct compose *c,
	const struct answer_pending *p);

/* A change of a zone (RFC 2136), by who may change something of it: others look into it, by `ask->later`. */
void zone_request_update(struct answerer *a, const struct answer_ask *ask, struct compose *c,
	const struct answer_pending *p);

/* A primary has something new (RFC 1996): that is heard, and looked into by others. Of several views all are meant that hear it: a primary has no
 * view. */
void zone_request_notify(struct answerer *a, const struct answer_ask *ask, struct compose *c,
	const struct answer_pending *p);

#endif
