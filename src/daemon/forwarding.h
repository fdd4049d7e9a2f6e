/* forwarding.h - updates of zones whose source is other nameservers go on to those (xfr/forward).
 *
 * Some at a time; a repeated one that came over UDP waits for the answer of the first. Loop.
 */
#ifndef DAEMON_FORWARDING_H
#define DAEMON_FORWARDING_H

#include "daemon/publish.h"

struct ev_loop;
struct forwarding;
struct request;

/* Never NULL. */
struct forwarding *forwarding_new(
	struct ev_loop *loop, struct jobs *jobs, struct publisher *publisher);
/* When no worker runs any more, after jobs_stop(). */
void forwarding_free(struct forwarding *f);

/* False: its zone has no primary, and the request is still the caller's. */
bool forwarding_take(struct forwarding *f, struct request *r);

struct forwarding_counts {
	uint64_t asked, answered, failed;
};
struct forwarding_counts forwarding_counts(const struct forwarding *f);

#endif
