/* stats.h - what a worker has counted.
 *
 * One writer, the worker; anyone may read (a number may be a moment old, never torn). Each
 * worker's stand on cache lines of their own.
 */
#ifndef ANSWER_STATS_H
#define ANSWER_STATS_H

#include "world/policy.h"

#include <stdint.h>

enum {
	STATS_RCODES = 24 /* 0 to 23 (BADCOOKIE) */,
	STATS_VIAS = 5,
	STATS_TYPES = 24, /* see stats_type() */
	STATS_TIMES = 16
};

struct stats {
	_Alignas(64) uint64_t queries[STATS_VIAS]; /* by enum answer_via */
	uint64_t queries_v6[STATS_VIAS]; /* ... of these, from IPv6 addresses */
	uint64_t by_xdp; /* queries over UDP that came by AF_XDP */
	uint64_t in_kernel; /* ... that were answered before they came */
	uint64_t types[STATS_TYPES];     /* questions, by stats_type() */
	uint64_t tcp_connections; /* those of TLS among them */
	uint64_t tls_handshakes;  /* that came to their end */
	uint64_t tls_resumed;     /* ... of sessions that had been before */
	uint64_t tls_failed;      /* ... that did not */
	uint64_t tls_limited;     /* connections closed before: a net's rate, or too many at once */
	uint64_t quic_connections; /* whose handshake came to its end; it counts above, too */
	uint64_t quic_retries;     /* that were sent away to come again from an address that is theirs */
	uint64_t quic_reset;       /* requests that were not answered */
	uint64_t https_refused; /* requests that were not answered with a message */
	uint64_t proxied;       /* queries over UDP and connections whose client a proxy has told */
	uint64_t proxy_refused; /* ... without a header of PROXY, or with one from who may not */
	uint64_t dropped; /* not answered: no query */
	uint64_t truncated;
	uint64_t steered; /* answered from a pool */
	uint64_t unmet;   /* ... of which no edge could answer */
	uint64_t services; /* ... to questions for HTTPS or SVCB */
	uint64_t pool_signed;   /* RRsets of pools that were answered with their signatures */
	uint64_t pool_unsigned; /* ... that were not signed yet: less was answered, or nothing */
	uint64_t pool_wanted;   /* ... that somebody was asked to sign */
	uint64_t staged;  /* answered from a pool of a stage; these count above, too */
	uint64_t staged_unmet;
	uint64_t with_subnet; /* queries with a client subnet */
	uint64_t send_failed;
	uint64_t receive_failed; /* times the kernel gave an error in place of queries */
	uint64_t cookies_good;   /* queries with a server cookie of ours */
	uint64_t cookies_wrong;  /* ... or with one that is not, or too old */
	uint64_t limited[POLICY_CLASSES]; /* responses over their rate, by class */
	uint64_t slipped, withheld; /* of those: sent truncated, not sent (neither: dry run) */
	uint64_t notified; /* by those who may */
	uint64_t updates_asked;   /* of a zone by its apex */
	uint64_t updates_refused; /* ... by who may not */
	uint64_t transfers_asked;  /* of a zone by its apex */
	uint64_t transfers_refused; /* ... by who may not */
	uint64_t transfers_done;
	uint64_t transfers_broken; /* ended before their end: the connection did */
	uint64_t transfers_bytes;
	uint64_t signatures_wrong; /* queries with a TSIG record that is */
	uint64_t rcode[STATS_RCODES];
	uint64_t ttls, ttl_s; /* answers from pools with an edge; their TTLs, together */
	/* Answers by how long they took, from when they were there to be read until they were
	 * there to be sent: [i] took under 2^i us, the last longer. Only where the policy wants
	 * it. */
	uint64_t times[STATS_TIMES];
	uint64_t times_us; /* together */
};

/* The number that questions of a type are counted under; 0: that of all that have none. */
unsigned stats_type(unsigned rrtype);
/* The other way: a type; 0: of number 0. */
unsigned stats_type_of(unsigned number);

/* The writer's way to count. Plain for the processor (one writer), whole for readers. */
static inline void stats_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* `n` answers took so long, each. */
static inline void stats_time(struct stats *s, uint64_t us, unsigned n)
{
	const unsigned i = us ? 64 - (unsigned)__builtin_clzll(us) : 0;

	stats_add(&s->times[i < STATS_TIMES ? i : STATS_TIMES - 1], n);
	stats_add(&s->times_us, us * n);
}

#endif
