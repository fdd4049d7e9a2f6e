/* report.h - one set of numbers about what is served, as text or JSON.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "report/report_hooks.h"

#include <jansson.h>

void report_status(const struct report_hooks *h, bool json, struct text *out);

/* Takes `o` and adds it as JSON, readable. */
void report_json(json_t *o, struct text *out);

#endif
