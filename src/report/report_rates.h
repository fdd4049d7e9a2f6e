/* report_rates.h - what changes from second to second, for who looks on: counters of queries and answers, edges, pools.
 *
 * Counters count from the server's start. Who wants rates asks twice, and divides by what "time_ms" says has passed; when
 * "started" is another, they begin anew. Any thread.
 */
#ifndef REPORT_REPORT_RATES_H
#define REPORT_REPORT_RATES_H

#include "report/report_view.h"

void report_rates(const struct report_view *view, bool json, struct text *out);

#endif
