/* catalog_making.h - catalog zones that are made here (RFC 9432): lists of the zones of some templates.
 *
 * When zones come or go, each such list is held against them; one that is another gets a new version, which is stored before it
 * is served. Work of the builder. Loop.
 */
#ifndef DAEMON_CATALOG_MAKING_H
#define DAEMON_CATALOG_MAKING_H

#include "daemon/builder.h"
#include "daemon/publish.h"
#include "store/store.h"

struct catalog_making;

struct catalog_making_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct builder *builder;
	struct publisher *publisher;
	struct hash_key key;
	struct store *store; /* NULL: there is no such catalog */
};

/* Never NULL. */
struct catalog_making *catalog_making_new(const struct catalog_making_opts *opts);
/* After jobs_stop() and builder_free(). */
void catalog_making_free(struct catalog_making *m);

#endif
