/* assignments.h - what a nameserver would have an agent measure: the answer to GET /v1/targets.
 *
 *     { "version": 1, "again_s": 30,
 *       "networks": [ { "net": "192.0.2.0/24", "host": "192.0.2.1" } ],
 *       "edges": [ { "edge": "fra1", "host": "198.51.100.10" } ] }
 */
#ifndef AGENT_ASSIGNMENTS_H
#define AGENT_ASSIGNMENTS_H

#include "base/addr.h"
#include "base/fault.h"
#include "agent/agent_report.h"

#include <stdbool.h>
#include <stddef.h>

enum { ASSIGNMENTS_MOST = 256, ASSIGNMENTS_AGAIN_MOST_S = 3600 };

struct assignment {
	struct prefix net;                     /* or: */
	char edge[AGENT_REPORT_EDGE_MOST + 1]; /* "" when it is a network */
	struct addr host;                      /* what to measure */
};

struct assignments {
	unsigned again_s; /* ask again after so long */
	size_t n;
	struct assignment list[ASSIGNMENTS_MOST];
};

/* The text, for memory_free(); NULL: no memory. */
char *assignments_encode(const struct assignments *a);

/* Any bytes. What it does not understand of a list is passed over: newer nameservers may ask
 * for more than we can do. */
bool assignments_decode(struct assignments *a, const char *text, size_t len, struct fault *why);

#endif
