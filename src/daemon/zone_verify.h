/* zone_verify.h - what a zone that has been read or fetched must stand before it is served: its digest, and a
 * program of the operator's.
 *
 * Work of jobs.
 */
#ifndef DAEMON_ZONE_VERIFY_H
#define DAEMON_ZONE_VERIFY_H

#include "conf/conf.h"
#include "zone/zone.h"

struct job;

/* False, and a sentence: it is not to be served. `doubt` is filled (else empty) with what is told and served all the
 * same. `job` (or NULL) may be cancelled. */
bool zone_verify(const struct conf_verify *how, const struct zone *z, const struct job *job,
	struct fault *doubt, struct fault *why);

/* A copy that is its own, in one block for free(); NULL: there is nothing to verify, or no memory, and then `*ok` is
 * false. */
struct conf_verify *zone_verify_copy(const struct conf_verify *how, bool *ok);

#endif
