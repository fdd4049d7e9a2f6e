/* agent_report.h - what an agent has measured, as it is sent: the body of a report.
 *
 * JSON, so that other programs can send it too:
 *
 *     { "version": 1, "taken": 1764030000,
 *       "networks": [ { "net": "192.0.2.0/24", "rtt_ms": 12.3, "min_ms": 11.8,
 *                       "samples": 9, "age_s": 4 } ],
 *       "pages": [ { "net": "192.0.2.0/24", "kind": "ttfb", "ms": 31.5, "samples": 4, "age_s": 9 } ],
 *       "losses": [ { "net": "192.0.2.0/24", "lost_permille": 4.2, "packets": 950, "age_s": 9 } ],
 *       "edges": [ { "edge": "fra1", "rtt_ms": 8.1, "min_ms": 8.0, "samples": 3, "age_s": 0 } ],
 *       "clients": [ { "name": "5d41402abc.who.example.org", "net": "192.0.2.0/24" } ] }
 *
 * `pages` are what pages measured of the edge: from the request to the first byte ("ttfb"), or to the last of 100,000
 * ("throughput"), latency.h. `losses` are of packets that the edge sent there.
 *
 * `taken` is UNIX time by the agent's clock, which rows' ages count back from; `rtt_ms` is the
 * median of the samples, `min_ms` the least of them. `min_ms` and `age_s` may be left out, and
 * so may the lists; `clients` are those that came by names that are asked for once; keys of other names are passed over. The edge that measured is the
 * agent's own and stands in the request, not here.
 */
#ifndef AGENT_AGENT_REPORT_H
#define AGENT_AGENT_REPORT_H

#include "base/addr.h"
#include "base/fault.h"
#include "measure/latency.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AGENT_REPORT_BYTES_MOST = 1 << 20,
	AGENT_REPORT_ROWS_MOST = 10000, /* of all lists together */
	AGENT_REPORT_EDGE_MOST = 64,    /* bytes of an edge's name */
	AGENT_REPORT_HOST_MOST = 253,   /* ... of a host's */
	AGENT_REPORT_SAMPLES_MOST = 1000000,
	AGENT_REPORT_AGE_MOST_S = 7 * 86400
};

struct agent_report_row {
	struct prefix net;                     /* IPv4 /8 to /24, IPv6 /16 to /64; or: */
	char edge[AGENT_REPORT_EDGE_MOST + 1]; /* another edge; "" when it is a network */
	enum latency_kind kind;                /* of a network: what `rtt_ms` is; LATENCY_LOSS: lost of 1000 */
	double rtt_ms, min_ms;
	uint32_t samples, age_s;
};

/* Who came, by a name that is asked for once. */
struct agent_report_client {
	char name[AGENT_REPORT_HOST_MOST + 1]; /* without a dot at its end */
	struct prefix net; /* as above */
};

struct agent_report {
	uint64_t taken_s;
	struct agent_report_row *rows; /* networks, then edges */
	size_t n;
	struct agent_report_client *clients;
	size_t n_clients;
};

/* The text, for memory_free(); never NULL. */
char *agent_report_encode(const struct agent_report *s);

/* Any bytes, in memory that is bounded by their length. All of it is right, or `why` says what
 * is not and `s` is empty. `*too_many` (may be NULL) is set when it is nothing but too long. */
bool agent_report_decode(struct agent_report *s, const char *text, size_t len, bool *too_many,
	struct fault *why);
void agent_report_fini(struct agent_report *s);

#endif
