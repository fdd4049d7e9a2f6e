/* learn.h - what agents report goes into the table; what they should measure comes out of it.
 *
 * The hands of the management listener (web/manage.h) and the ears of the workers: reports
 * become samples for rebuild.h, and networks of clients that are busy and lack fresh
 * measurements become assignments for the agents of the edges that they could be sent to.
 * Control thread.
 */
#ifndef DAEMON_LEARN_H
#define DAEMON_LEARN_H

#include "web/manage.h"
#include "daemon/daemon.h"

struct ev_loop;
struct learn;

/* Listens where the configuration says, or nowhere. NULL and one sentence when that fails. */
struct learn *learn_start(struct ev_loop *loop, struct daemon *d, struct fault *why);
void learn_stop(struct learn *l);

/* For reports: what has come in, and how many networks are watched; nothing without a listener.
 */
struct agent_counts learn_counts(const struct learn *l, size_t *targets);

#endif
