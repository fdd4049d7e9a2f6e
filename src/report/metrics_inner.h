/* metrics_inner.h - the parts of metrics.c, each a topic.
 */
#ifndef REPORT_METRICS_INNER_H
#define REPORT_METRICS_INNER_H

#include "report/metrics.h"
#include "report/metrics_text.h"

/* A number as a row of a table. Rows of one family follow each other, and the first has its
 * help. */
struct metrics_row {
	const char *name;
	enum metrics_type type;
	const char *help;
	double value;
	const char *label, *is; /* NULL: none */
};
void metrics_rows(struct metrics *m, const struct metrics_row *rows, size_t n);

void metrics_server(const struct report_view *v, struct metrics *m);
void metrics_queries(const struct report_view *v, struct metrics *m);
void metrics_control(const struct report_view *v, struct metrics *m);

/* What is left out is added to. */
struct metrics_left {
	size_t zones, edges, pools, reasons, targets;
};
void metrics_edges(const struct report_view *v, struct metrics *m, struct metrics_left *left);
void metrics_pools(const struct report_view *v, struct metrics *m, struct metrics_left *left);
void metrics_targets(const struct report_view *v, struct metrics *m, struct metrics_left *left);
void metrics_zones(const struct report_view *v, const struct metrics_shown *shown,
	struct metrics *m, struct metrics_left *left);

#endif
