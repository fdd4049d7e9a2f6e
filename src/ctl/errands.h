/* errands.h - what a nameserver would have an agent measure: the answer to GET /v1/targets.
 *
 *     { "version": 1, "again_s": 30,
 *       "networks": [ { "net": "192.0.2.0/24", "host": "192.0.2.1" } ],
 *       "edges": [ { "edge": "fra1", "host": "198.51.100.10" } ] }
 */
#ifndef CTL_ERRANDS_H
#define CTL_ERRANDS_H

#include "base/addr.h"
#include "base/fault.h"
#include "ctl/survey.h"

#include <stdbool.h>
#include <stddef.h>

enum { ERRANDS_MOST = 256, ERRANDS_AGAIN_MOST_S = 3600 };

struct errand {
	struct prefix net;               /* or: */
	char edge[SURVEY_EDGE_MOST + 1]; /* "" when it is a network */
	struct addr host;                /* what to measure */
};

struct errands {
	unsigned again_s; /* ask again after so long */
	size_t n;
	struct errand list[ERRANDS_MOST];
};

/* The text, for memory_free(); NULL: no memory. */
char *errands_encode(const struct errands *e);

/* Any bytes. What it does not understand of a list is passed over: newer nameservers may ask
 * for more than we can do. */
bool errands_decode(struct errands *e, const char *text, size_t len, struct fault *why);

#endif
