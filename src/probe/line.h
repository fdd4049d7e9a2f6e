/* line.h - targets that wait for their turn, and those whose time is over.
 *
 * Both are gone through some at a time, by a timer that fires in the next turn of the loop; for
 * the files of this room.
 */
#ifndef PROBE_LINE_H
#define PROBE_LINE_H

#include "probe/target.h"

void line_init(struct round *r);

/* Wants to be probed as soon as there is room; nothing when it is in line, or in flight. */
void line_join(struct target *t, bool ahead);
void line_leave(struct target *t);

/* Its probe's time is over. */
void line_join_late(struct target *t);
void line_leave_late(struct target *t);

/* Something has changed that others may have waited for. */
void line_pump_soon(struct round *r);

#endif
