/* report_picture.h - what reports are made of (report/report_view.h), taken of the server as it
 * stands.
 */
#ifndef DAEMON_REPORT_PICTURE_H
#define DAEMON_REPORT_PICTURE_H

#include "daemon/reports.h"
#include "report/report_view.h"

/* Loop: each member is held or copied. `texts`: with what probes have said. `v` is zero. */
void report_picture_take(const struct reports_opts *of, bool texts, struct report_view *v);

/* Lets go of what may be large, which is not the loop's work; any thread. */
void report_picture_drop_heavy(struct report_view *v);

/* Loop: the same of a picture whose job did not come to its end: it may be the last to hold
 * them, here too, so that they are freed beside the loop. */
void report_picture_let_go(struct publisher *p, struct report_view *v);

/* All that is left. */
void report_picture_drop(struct report_view *v);

#endif
