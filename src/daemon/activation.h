/* activation.h - sockets that the service manager has opened for us: sd_listen_fds(3).
 *
 * The protocol is documented for reimplementation: LISTEN_PID names us, and files from 3 on, LISTEN_FDS of them, are the sockets.
 */
#ifndef DAEMON_ACTIVATION_H
#define DAEMON_ACTIVATION_H

#include "base/fault.h"

#include <stdbool.h>

struct given;

/* Once, at the start. `*to` is the caller's, NULL: there are none. False and a sentence when what was given is of no use. */
bool activation_sockets(struct given **to, struct fault *why);

#endif
