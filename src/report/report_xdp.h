/* report_xdp.h - how it stands with the interfaces whose queries come by AF_XDP.
 */
#ifndef REPORT_REPORT_XDP_H
#define REPORT_REPORT_XDP_H

#include "base/text.h"
#include "net/worker.h"

#include <jansson.h>

/* A list of objects; and lines. */
json_t *report_xdp_json(const struct workers_report *w);
void report_xdp_lines(const struct workers_report *w, const char *indent, struct text *out);

#endif
