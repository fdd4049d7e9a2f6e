/* updates.h - zones are changed while they are served (UPDATE, RFC 2136).
 *
 * What has come together is one piece of the builder's work: each request against the version that the one
 * before it has made, all changes stored in one transaction, one world published, and then each
 * is answered: so that what was confirmed is on the disk, and visible. Loop.
 */
#ifndef DAEMON_UPDATES_H
#define DAEMON_UPDATES_H

#include "daemon/builder.h"
#include "daemon/fleet_ask.h"
#include "daemon/forwarding.h"
#include "daemon/frozen.h"
#include "daemon/publish.h"
#include "daemon/worker_news.h"
#include "store/store.h"
#include "zone/keyset.h"

struct key_ring;
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
	struct fleet_ask *fleet;       /* by which zones of a fleet are changed; NULL: there are none */
	/* What a server has committed to a zone of the fleet; on the loop. NULL: nobody wants to know. */
	void (*committed)(void *ctx, const uint8_t *apex);
	void *ctx;
	struct key_ring *ring; /* by whose keys zones of a fleet are signed; NULL: none is */
	void (*keys_changed)(void *ctx); /* those of a zone of the fleet, by another server; on the loop */
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
	bool signs;              /* of a zone of the fleet: it is what signing makes, by `keys` */
	const struct keyset *keys; /* ... set: borrowed for `make` */
	/* Nothing but what others have made of a zone of the fleet is taken; `make` NULL. `begins`: where the fleet has
	 * nothing of it, what is here is what it has from now on. */
	bool follows, begins;
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
	/* With `follows`, and `signs`: as the fleet has it now; or it has nothing of it yet; else `why`. */
	bool in_step, none;
	struct fault why;
	struct text told; /* faults of the zone as it would be; for text_fini() by the asker */
	struct updates_own *next; /* ours */
};
void updates_change(struct updates *u, struct updates_own *own);

struct updates_counts {
	uint64_t asked, changed, same, refused, failed;
	uint64_t committed, again, taken; /* to zones of the fleet; tried again behind others; what others committed */
	size_t waiting;
};
struct updates_counts updates_counts(const struct updates *u);

#endif
