/* report_latency.h - what is measured.
 */
#ifndef REPORT_REPORT_LATENCY_H
#define REPORT_REPORT_LATENCY_H

#include "report/report_view.h"

/* [--prefix P | --country CC | --edge EDGE] [--json]. Returns a command's exit status: 1 there
 * is no such edge, 2 the words are wrong. */
int report_latency(
	const struct report_view *view, const char **words, size_t n, struct text *out);

#endif
