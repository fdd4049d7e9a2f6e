/* catalogs.h - members of catalog zones that come from elsewhere are served (RFC 9432).
 *
 * When such a catalog has another version, or the configuration is another, a job holds what it lists against the zones that there
 * are, and what differs comes and goes as zones do that an operator adds (zones_added.h), some thousand at a time. A broken
 * catalog changes nothing. Loop.
 */
#ifndef DAEMON_CATALOGS_H
#define DAEMON_CATALOGS_H

#include "daemon/publish.h"
#include "daemon/zones_added.h"

struct catalogs;

struct catalogs_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct zones_added *added;
};

/* Never NULL. */
struct catalogs *catalogs_new(const struct catalogs_opts *opts);
/* An operator says that what the catalogs list is meant, though many members are lost by it. */
void catalogs_accept(struct catalogs *c);

/* After jobs_stop() and builder_free(). */
void catalogs_free(struct catalogs *c);

#endif
