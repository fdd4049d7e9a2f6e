/* report.h - one set of numbers about what is served, as text or JSON.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "report/report_hooks.h"

#include <jansson.h>

void report_status(const struct report_hooks *h, bool json, struct text *out);

/* Takes `o` and adds it as JSON, readable. */
/* At start, in a server: JSON is made of memory as memory.h has it, so that it is of the scope
 * that is on. Without a scope and without memory, it is NULL or lacks something. */
void report_json_memory(void);

void report_json(json_t *o, struct text *out);

#endif
