/* updates.h - zones are changed while they are served (UPDATE, RFC 2136).
 *
 * What has come together is one piece of the builder's work: each request against the version that the one
 * before it has made, all changes stored in one transaction, one world published, and then each
 * is answered: so that what was confirmed is on the disk, and visible. Loop.
 */
#ifndef DAEMON_UPDATES_H
#define DAEMON_UPDATES_H

#include "daemon/builder.h"
#include "daemon/forwarding.h"
#include "daemon/frozen.h"
#include "daemon/publish.h"
#include "daemon/worker_news.h"
#include "store/store.h"

struct updates;

struct updates_opts {
	struct jobs *jobs;
	struct builder *builder;
	struct publisher *publisher;
	struct worker_news *news;
	struct hash_key key;
	struct store *store; /* NULL: no zone can be changed */
	struct forwarding *forwarding; /* of zones that are changed elsewhere */
	struct frozen *frozen;         /* zones that are not to be changed now */
};

/* Never NULL. */
struct updates *updates_new(const struct updates_opts *opts);
/* When no worker runs any more, after jobs_stop(). */
void updates_free(struct updates *u);

struct updates_counts {
	uint64_t asked, changed, same, refused, failed;
	size_t waiting;
};
struct updates_counts updates_counts(const struct updates *u);

#endif
