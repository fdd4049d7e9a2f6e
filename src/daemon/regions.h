/* regions.h - whose clients go to which edge, now and if something were different: "regions".
 *
 * What simulate does with an export in another process is done here with what is served, of one pool, on a helper
 * thread: for a map that is looked at while it runs. Against now stands what is staged, or now with edges that are
 * drained or down. Places are told by cells of a grid.
 */
#ifndef DAEMON_REGIONS_H
#define DAEMON_REGIONS_H

#include "report/report_view.h"

#include "base/text.h"

enum { REGIONS_STEP_TENTHS = 15 }; /* degrees of latitude and longitude of a cell, in tenths */

/* The command's words; returns its exit status. Any thread that has `v`, with what probes have said. */
int regions_make(const struct report_view *v, const char **words, size_t n, struct text *out);

#endif
