/* fetch.h - a zone comes in from one of its primaries: IXFR where we have one, else AXFR (RFC
 * 1995, RFC 5936).
 *
 * Work of a job. Nothing is applied before the last message has been verified, and what comes is
 * looked at as a zone file is: so a bad transfer never takes the place of a good zone.
 */
#ifndef XFR_FETCH_H
#define XFR_FETCH_H

#include "xfr/peer.h"
#include "zone/compile.h"

struct change;

struct fetch_opts {
	const uint8_t *apex; /* the zone's id (zone/view.h): wire, lower case */
	const struct peer *peer;
	struct peer_limits limits;
	const struct zone *have; /* borrowed; NULL: nothing */
	bool whole;              /* AXFR in any case */
	struct compile_opts compile;
	struct job *job; /* or NULL */
};

enum fetch_kind {
	FETCH_FAILED, /* the sentence says why; another peer may do */
	FETCH_SAME,   /* there is nothing newer */
	FETCH_NEW
};

struct fetched {
	struct zone *zone;     /* FETCH_NEW: count 1 */
	struct change *change; /* what led there from `have`; NULL: it came whole */
	bool incremental;      /* it came as IXFR */
	uint32_t expire_s;     /* the time left until it expires (RFC 7314), or its SOA's */
	uint64_t bytes, records, messages;
};

enum fetch_kind fetch_zone(const struct fetch_opts *o, struct fetched *to, struct fault *why);

#endif
