/* landlock.h - what a process gives up for good: files that it has no use for, and signals to others (landlock(7)).
 *
 * A domain of the calling thread and of all that it makes from then on, which cannot be left; one of its threads more than those is not in it. For who has set
 * no_new_privs. Nothing where the kernel has no such domains. No memory is asked for.
 */
#ifndef BASE_LANDLOCK_H
#define BASE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* It may signal itself and what it starts, and nobody outside of it can be traced. False: there are none here (before Linux 6.12), and nothing
 * has changed. */
bool landlock_signals(void);

/* A folder and all below it, or one file. */
struct landlock_place {
	const char *path;
	bool writes; /* else it may only be read */
};

/* Files are opened, made, renamed and removed there only, and none is executed; what is open stays so. Sockets are
 * connected to wherever they are. A place that is not there is passed over. False: there are none here (before Linux 5.13), and
 * nothing has changed. */
bool landlock_places(const struct landlock_place *places, size_t n);

/* What follows strerror(err) of what could not be opened, for who reads it: what can be done about it where `path` is out of these places, though its
 * user may (`writes`: make and write it); else "". A folder that stands in the place of one that was there at the start is another. */
const char *landlock_hint(const char *path, bool writes, int err);

#endif
