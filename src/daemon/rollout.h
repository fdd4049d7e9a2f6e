/* rollout.h - a new configuration's edges, pools and rankings, tried out on a share of the
 * clients.
 *
 * What is staged is loaded whole beside what is served, and checked as for a reload; its
 * steering answers the groups of clients that stage.h picks, its zones and all else wait for
 * its promotion. Both are probed, both follow measurements, forced states and GeoIP files. When
 * answers or probes get worse it is taken back by itself.
 *
 * Nothing of it outlives the server: one that starts anew reads its configuration, all of it.
 * Control thread, but for rollout_rebuild().
 */
#ifndef DAEMON_ROLLOUT_H
#define DAEMON_ROLLOUT_H

#include "console/command.h"
#include "daemon/loaded.h"

struct ev_loop;
struct daemon;
struct rollout;

/* Never NULL. */
struct rollout *rollout_new(struct daemon *d, struct ev_loop *loop);
/* Fine for NULL; nothing is published. */
void rollout_free(struct rollout *r);

/* What is staged, NULL when nothing is; and the share, of 2^32. Fine for NULL. */
struct loaded *rollout_loaded(struct rollout *r);
uint64_t rollout_share(const struct rollout *r);

/* Reads the configuration and stages it, in the place of what was staged before. On false
 * nothing has changed. */
bool rollout_stage(struct rollout *r, double percent, struct faults *f);
bool rollout_promote(struct rollout *r, struct fault *why);
bool rollout_back(struct rollout *r, const char *reason, struct fault *why);

/* For reports. */
struct report_stage rollout_report(const struct rollout *r);

/* New rankings of what is staged from new measurements, made by who rebuilds rankings, while
 * the control thread leaves all of it alone; then taken by the control thread. Empty when
 * nothing is staged. */
struct rollout_made {
	struct latency *table;
	struct steer *steer;
};
struct rollout_made rollout_rebuild(struct rollout *r, const struct latency *table);
void rollout_take(struct rollout *r, const struct rollout_made *made);

/* The GeoIP files have changed. */
void rollout_refresh_geo(struct rollout *r);

#endif
