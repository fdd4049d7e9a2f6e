/* report_changes.h - what operators have said of edges: what is forced now, and what is planned.
 */
#ifndef REPORT_REPORT_CHANGES_H
#define REPORT_REPORT_CHANGES_H

#include "report/report_view.h"

void report_changes(const struct report_view *view, bool json, struct text *out);

#endif
