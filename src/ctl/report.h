/* report.h - one set of numbers about what is served, as text or JSON.
 */
#ifndef CTL_REPORT_H
#define CTL_REPORT_H

#include "ctl/command.h"

#include <jansson.h>

void report_status(const struct command_hooks *h, bool json, struct text *out);

/* Takes `o` and adds it as JSON, readable. */
void report_json(json_t *o, struct text *out);

#endif
