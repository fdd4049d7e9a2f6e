/* secondaries.h - the zones whose source is other nameservers.
 *
 * Tells the refresher (xfr/refresh) which there are, as the configuration changes, and puts what it fetches
 * in the place of what is served: some at a time, by the builder. Loop.
 */
#ifndef DAEMON_SECONDARIES_H
#define DAEMON_SECONDARIES_H

#include "daemon/builder.h"
#include "daemon/publish.h"
#include "daemon/worker_news.h"
#include "store/store.h"
#include "xfr/refresh.h"

struct secondaries;

struct secondaries_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct builder *builder;
	struct publisher *publisher;
	struct worker_news *news;
	struct hash_key key; /* of the zones */
	struct store *store; /* NULL: nothing is kept */
};

/* Never NULL. */
struct secondaries *secondaries_new(const struct secondaries_opts *opts);
/* After jobs_stop(). */
void secondaries_free(struct secondaries *s);

/* For commands and reports. */
struct refresher *secondaries_refresher(struct secondaries *s);

#endif
