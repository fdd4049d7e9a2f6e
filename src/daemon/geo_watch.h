/* geo_watch.h - GeoIP files that change are read anew, by themselves.
 *
 * The files are looked at every half second; once they have changed and then stayed the same for
 * two, so that whoever writes them is done, they are read, and the rankings that follow are
 * made. One that is wrong is told of once and not read again until it changes. Looking and
 * reading are jobs. Loop.
 */
#ifndef DAEMON_GEO_WATCH_H
#define DAEMON_GEO_WATCH_H

#include "daemon/builder.h"
#include "daemon/publish.h"

struct ev_loop;
struct geo_watch;
struct staging;

struct geo_watch_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct builder *builder;
	struct publisher *publisher;
	struct staging *staging; /* is taken back where its own files are wrong */
};

struct geo_watch *geo_watch_new(const struct geo_watch_opts *opts);
/* After jobs_stop(). */
void geo_watch_free(struct geo_watch *w);

#endif
