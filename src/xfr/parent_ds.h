/* parent_ds.h - which DS records a nameserver of the parent zone has.
 *
 * Over TCP, which nobody off the path can answer in its place. For helper threads.
 */
#ifndef XFR_PARENT_DS_H
#define XFR_PARENT_DS_H

#include "xfr/peer.h"

enum { PARENT_DS_MOST = 4096 };

struct parent_ds {
	uint8_t records[PARENT_DS_MOST]; /* RDATA, each after its length (two bytes) */
	size_t len, n;
	uint32_t ttl_s; /* the longest; 0: there is none */
};

/* False: it cannot be told, and `why` says it; who is not authoritative for the parent tells
 * nothing. */
bool parent_ds_ask(const struct peer *peer, const uint8_t *apex, struct job *job,
	struct parent_ds *to, struct fault *why);

#endif
