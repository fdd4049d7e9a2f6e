/* notifying.h - which zones have a new serial, and who is to be told (xfr/notify).
 *
 * Follows the publisher: a job holds what was served before against what is served now.
 */
#ifndef DAEMON_NOTIFYING_H
#define DAEMON_NOTIFYING_H

#include "daemon/publish.h"
#include "xfr/notify.h"

struct notifying;

struct notifying_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
};

/* All zones that are served count as new. Never NULL. */
struct notifying *notifying_new(const struct notifying_opts *opts);
void notifying_free(struct notifying *n);

/* All whom the zone's rule names are told of its serial now, once more. Returns how many. */
size_t notifying_tell(struct notifying *n, const struct registry_zone *z);

struct notifier_counts notifying_counts(const struct notifying *n);

#endif
