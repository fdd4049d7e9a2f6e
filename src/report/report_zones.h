/* report_zones.h - the zones: where they come from, and how they are.
 */
#ifndef REPORT_REPORT_ZONES_H
#define REPORT_REPORT_ZONES_H

#include "report/report_view.h"

/* [NAME] [--faulty] [--json]. Returns a command's exit status: 1 there is no such zone, 2 the
 * words are wrong. */
int report_zones(const struct report_view *view, const char **words, size_t n, struct text *out);

#endif
