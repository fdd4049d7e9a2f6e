/* plain_making.h - zones as peers with `edge-as: addresses` get them, made anew when the zones or the state of edges change.
 *
 * After each world that is published, but twice a second at most: a job asks what each pool answers whom nobody knows,
 * and where that is another than before, the zone gets another version, with a serial that is on the disk before anybody
 * sees it. Loop.
 */
#ifndef DAEMON_PLAIN_MAKING_H
#define DAEMON_PLAIN_MAKING_H

#include "daemon/publish.h"
#include "store/store.h"

struct plain_making;

struct plain_making_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct hash_key key; /* of the zones */
	struct store *store; /* NULL: no peer wants that */
};

/* Never NULL. */
struct plain_making *plain_making_new(const struct plain_making_opts *opts);
/* After jobs_stop(). */
void plain_making_free(struct plain_making *m);

#endif
