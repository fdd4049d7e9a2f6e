/* metrics_text.h - numbers with names and labels, as Prometheus reads them.
 *
 * Two forms: the text format 0.0.4, and OpenMetrics 1.0, which differ in the names of counters
 * and in their end. A family is begun and its samples follow it; each is named once.
 */
#ifndef REPORT_METRICS_TEXT_H
#define REPORT_METRICS_TEXT_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_INFO, METRICS_HISTOGRAM, METRICS_SUMMARY };

struct metrics {
	struct text *out; /* borrowed */
	bool open;        /* OpenMetrics */
	/* Of the family at work: a literal. */
	const char *name;
	enum metrics_type type;
};

/* `name` without its "_total" or "_info"; nor "waymark_", which stands before all but what any
 * process has ("process_..."); and `help` without \, " and newlines: literals. */
void metrics_family(struct metrics *m, const char *name, enum metrics_type type, const char *help);

/* A sample of it. Names and values of labels follow, and NULL behind the last. Values may have any
 * octets: those that are no UTF-8 become U+FFFD. */
void metrics_count(struct metrics *m, uint64_t value, ...) __attribute__((sentinel));
void metrics_real(struct metrics *m, double value, ...) __attribute__((sentinel));

/* Labels that many samples have, written once: they are added to `to`, and given to each. */
void metrics_labels(struct text *to, ...) __attribute__((sentinel));
void metrics_labelled(struct metrics *m, double value, const char *labels, size_t len);

/* A family of one sample without labels. */
void metrics_one(struct metrics *m, const char *name, enum metrics_type type, const char *help,
	uint64_t value);

/* A histogram without labels: `n` counts, of which the last has no bound; `le` [n - 1] ascends. */
struct metrics_buckets {
	const uint64_t *counts;
	const double *le;
	size_t n;
	double sum;
};
void metrics_histogram(struct metrics *m, const struct metrics_buckets *b);

/* A summary without quantiles and labels. */
void metrics_summary(struct metrics *m, double sum, uint64_t count);

/* What stands behind all. */
void metrics_end(struct metrics *m);

/* Which of the forms is wanted by an Accept header, as it was sent; NULL: there was none. */
bool metrics_accept_open(const char *accept);
const char *metrics_content_type(bool open);

#endif
