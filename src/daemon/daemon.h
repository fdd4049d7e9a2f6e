/* daemon.h - what is served, and how it is replaced by something newer.
 *
 * The control thread's own state. A reload reads everything beside what is served and publishes
 * it only when all of it is right; a change of a GeoIP file or of an edge's state publishes a
 * world that differs in just that.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "daemon/loaded.h"
#include "daemon/probes.h"
#include "net/worker.h"
#include "world/epoch.h"

struct daemon {
	const char *conf_path;
	struct epoch epoch;
	struct loaded loaded;
	struct rollout *rollout; /* what is tried out on a share of the clients */
	unsigned reloads;        /* so far: each brings another `loaded` */
	struct workers *workers;
	struct rebuild *rebuild;              /* NULL until the loop first runs */
	uint8_t cookie_secret[POLICY_SECRET]; /* random, where the configuration has none */
	struct probes *probes;
	struct balancer *balancer;
};

/* Reads everything and publishes the first world. */
bool daemon_start(
	struct daemon *d, struct ev_loop *loop, const char *conf_path, struct faults *f);

/* Reads everything anew and publishes it. On false nothing has changed. */
bool daemon_reload(struct daemon *d, struct faults *f);

/* Reads the GeoIP files anew. On false nothing has changed. */
bool daemon_refresh_geo(struct daemon *d, struct fault *why);

/* Publishes a world with these edges, pools and rankings, which it takes, and those of what is
 * tried out. */
struct rollout_made;
void daemon_take_steer(struct daemon *d, struct steer *s, const struct rollout_made *staged);

/* Publishes a world of what is loaded, and what is tried out. */
void daemon_publish(struct daemon *d);

/* What is loaded is replaced by this, which is taken, and published. */
void daemon_replace(struct daemon *d, struct loaded *next);

/* False when `next` would change what only a restart can. */
bool daemon_may_take(const struct daemon *d, const struct loaded *next, struct faults *f);

/* Stops the workers and lets go of everything; `probes` has gone already. */
void daemon_stop(struct daemon *d);

#endif
