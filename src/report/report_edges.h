/* report_edges.h - edges and pools: who may answer, since when, and why.
 */
#ifndef REPORT_REPORT_EDGES_H
#define REPORT_REPORT_EDGES_H

#include "report/report_view.h"
#include "world/world.h"

#include <jansson.h>

void report_edges(const struct report_view *view, bool json, struct text *out);
/* One by name, or all: NULL. Returns how many there are. */
size_t report_pools(const struct report_view *view, const char *name, bool json, struct text *out);

/* "up", "partly" (for some of those who ask), "drain", "down". `probed`: some probe has a say. */
const char *report_edge_state(const struct report_view *view, unsigned edge, bool *probed);

/* Why an edge is not answered with in a pool, by a row of probes (0: by what the operator wants
 * alone), in words; nothing when it is. */
struct report_at {
	unsigned edge;
	int pool; /* -1: in all */
	unsigned row;
};
void report_why(const struct report_view *view, struct report_at at, struct text *out);

/* "needs ams-uplink, which is down", by probes; nothing where it has all that it needs. */
void report_needs(const struct steer *steer, const struct standing *s, unsigned edge, struct text *out);

/* What was measured of an edge in a row, NAN where nothing was. */
struct report_measures {
	double rtt_ms, load;
};
struct report_measures report_measures(
	const struct report_view *view, unsigned row, unsigned edge);

/* The stage in the place of what is served; false: there is none. It borrows from both; nothing of it is freed. */
struct report_staged {
	struct report_view view;
	struct world world;
};
bool report_stage_view(const struct report_view *view, struct report_staged *to);

#endif
