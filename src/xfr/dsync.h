/* dsync.h - a parent that wants to hear of a child's CDS records is told that they are others
 * now (RFC 9859).
 *
 * Where it wants to hear stands in its own zone, in DSYNC records. For helper threads.
 */
#ifndef XFR_DSYNC_H
#define XFR_DSYNC_H

#include "xfr/peer.h"

struct dsync {
	uint8_t target[NAME_MOST]; /* a nameserver; the root: the parent wants to hear nothing
				    */
	uint16_t port;
};

/* What the parent's nameserver says of the child at `apex`. False: it cannot be told. */
bool dsync_find(const struct peer *parent, const uint8_t *apex, struct job *job,
	struct dsync *to, struct fault *why);

/* NOTIFY(CDS) to the target, whose address the system's resolver knows. False: it has not
 * heard. */
bool dsync_notify(
	const struct dsync *d, const uint8_t *apex, struct job *job, struct fault *why);

#endif
