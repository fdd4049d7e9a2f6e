/* plain_asking.h - what a name with an EDGE is to who knows no EDGE: what its pool answers whom nobody
 * knows.
 *
 * Jobs, any thread.
 */
#ifndef DAEMON_PLAIN_ASKING_H
#define DAEMON_PLAIN_ASKING_H

#include "base/arena.h"
#include "steer/default_choice.h"
#include "zone/plain_zone.h"

struct plain_asking {
	struct arena mem; /* of what answers have; they borrow from the steer as well */
	uint64_t digest;  /* of all that was answered */
};

/* Takes something more into the digest. */
void plain_asking_mix(struct plain_asking *k, const void *bytes, size_t len);

/* Fills the sets and records of `to`. */
void plain_asking_answer(struct plain_asking *k, const struct default_ask *like,
	const struct plain_edge *e, struct plain_answer *to);

#endif
