/* scoped.h - whom a process may signal: itself and what it starts (landlock(7)).
 *
 * A Landlock domain that is about nothing else: it cannot be left, what it starts is in it, too, and nobody outside of it can be traced. For
 * who has set no_new_privs. Nothing where the kernel has no such domains (before Linux 6.12).
 */
#ifndef BASE_SCOPED_H
#define BASE_SCOPED_H

#include <stdbool.h>

/* The calling thread, and all that it makes from now on. False: there are none here, and nothing has changed. No memory is asked for. */
bool scoped_signals(void);

#endif
