/* metrics.h - all that is served and measured, as numbers for Prometheus.
 *
 * Made by a job from a picture of the server. How many series there are is bounded: of what there
 * may be many, some are shown, and how many are left out is one of the numbers.
 */
#ifndef REPORT_METRICS_H
#define REPORT_METRICS_H

#include "report/metrics_shown.h"
#include "report/report_view.h"

#include <stdbool.h>

enum {
	METRICS_EDGES_MOST = 4096,
	METRICS_POOLS_MOST = 5000,
	METRICS_REASONS_MOST = 20000, /* a pool, an edge of it, a reason */
	METRICS_TARGETS_MOST = 5000
};

struct metrics_opts {
	bool open;                   /* OpenMetrics; else text */
	unsigned zones_most;         /* that have series of their own */
	const struct metrics_shown *before; /* which these were at the last scrape; or zero */
};

/* Any thread. Returns which zones have series of their own now; the caller's. */
struct metrics_shown metrics_report(
	const struct report_view *v, const struct metrics_opts *o, struct text *out);

#endif
