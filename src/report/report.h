/* report.h - one set of numbers about what is served, as text or JSON.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "report/report_view.h"

#include <jansson.h>

void report_status(const struct report_view *view, bool json, struct text *out);

/* What runs beside the loop, and what waits. */
void report_jobs(const struct report_view *view, bool json, struct text *out);

/* At start, in a server: JSON is made of memory as memory.h has it, so that it is of the scope
 * that is on. Without a scope and without memory, it is NULL or lacks something. */
void report_json_memory(void);

/* Takes `o` and adds it as JSON, readable. */
void report_json(json_t *o, struct text *out);

#endif
