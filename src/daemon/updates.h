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

/* A change that no packet asks for: of an operator's draft, or of a file that a person has edited. It goes the same
 * way. All memory is the asker's until `done`. */
struct updates_own {
	uint8_t apex[NAME_MOST]; /* wire, lower case */
	bool of_frozen;          /* it may be made of a zone that is frozen */
	void *ctx;
	/* On a helper thread: the change of `now`, which fits exactly; the taker's. NULL: there is nothing to change, and
	 * `why` is empty; or it cannot be. `next_serial` is what follows by the zone's policy. */
	struct change *(*make)(
		void *ctx, const struct zone *now, uint32_t next_serial, struct fault *why);
	/* On the loop, once, perhaps from within updates_change(). */
	void (*done)(struct updates_own *own);
	/* What has come of it: false and `why`, or it is on the disk and served. */
	bool ok, changed;
	uint32_t serial;
	struct fault why;
	struct text told; /* faults of the zone as it would be; for text_fini() by the asker */
	struct updates_own *next; /* ours */
};
void updates_change(struct updates *u, struct updates_own *own);

struct updates_counts {
	uint64_t asked, changed, same, refused, failed;
	size_t waiting;
};
struct updates_counts updates_counts(const struct updates *u);

#endif
