/* agent_beacon.h - what pages of a site measured of this edge.
 *
 *     GET  /waymark/beacon   which edges a page may measure: { "edges": [ "https://ams1.example.org" ] }, some of them, drawn anew
 *     GET  /waymark/object   100,000 bytes that do not shrink, and a token in Waymark-Token
 *     POST /waymark/beacon   { "token": "...", "ttfb_ms": 31.2, "transfer_ms": 80.5 }: 204, also where it counts for nothing
 *
 * Who lies can say what is believable, and no more: a token is good for a minute and the net that fetched the object, nobody took
 * longer than since then, an address counts once in ten minutes, a net is the median of such addresses, and the nameserver refuses what
 * light could not have made. No address is kept. One thread.
 */
#ifndef TOOLS_AGENT_BEACON_H
#define TOOLS_AGENT_BEACON_H

#include "tools/agent_tally.h"
#include "web/beacon_door.h"

enum { AGENT_BEACON_OBJECT = 100000, AGENT_BEACON_EDGES = 3 /* of an answer */ };

struct agent_beacon_opts {
	const char *const *edges; /* [n_edges] borrowed for good: https://HOST of edges, this one among them or not */
	size_t n_edges;
	struct tally *ttfb, *transfer; /* borrowed */
};

struct agent_beacon;

struct agent_beacon *agent_beacon_new(const struct agent_beacon_opts *opts);
void agent_beacon_free(struct agent_beacon *b);

/* For the door; `now_s` only goes forward. */
void agent_beacon_ask(struct agent_beacon *b, const struct beacon_ask *ask, double now_s, struct beacon_reply *to);

#endif
