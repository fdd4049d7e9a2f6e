/* signing_inner.h - what the files that keep zones signed have in common. For them alone.
 */
#ifndef DAEMON_SIGNING_INNER_H
#define DAEMON_SIGNING_INNER_H

#include "base/fault.h"
#include "daemon/fleet_signing.h"
#include "daemon/signing.h"
#include "daemon/versions.h"
#include "daemon/zone_signing.h"

#include <ev.h>

enum {
	SIGNING_PIECES = 4096, /* zones at once */
	SIGNING_TOLD = 32      /* faults that are remembered */
};

/* Nothing that stands in the line of zones' versions takes longer than that. */
static const double signing_soon_s = 0.2;

/* What has been made of a zone. */
struct signing_piece {
	struct registry_zone *of;   /* held: of what */
	struct zone_signing_of how; /* its keys are `keys` */
	struct keyset *keys;        /* held; NULL: it is unsigned */
	struct fleet_signing *fleet; /* own: what is to be committed to the fleet; or NULL */
	struct zone *made;          /* held; NULL: nothing was to be made */
	struct change *change;      /* what led to it, to be stored; NULL: it is stored, or need not be */
	bool due;                   /* there is more */
	bool fits;                  /* it is served */
	bool late;                  /* the store has something newer: it is not to be */
	bool elsewhere;             /* it has gone to the fleet, or was to */
	size_t names;
};

/* A fault that was told. */
struct signing_told {
	uint64_t hash; /* of zone and text */
	int64_t at_s;
};

struct signing {
	struct signing_opts opts;
	struct signing_told told[SIGNING_TOLD]; /* of whichever thread looks: one does */
	unsigned lane, gone_lane;
	ev_timer timer;
	bool works, again; /* a job or a build is on; another look is wanted */
	bool later;        /* ... soon: something was published meanwhile */
	/* Pools are others: every zone with some is looked at as a whole, from this on. */
	bool all;
	uint8_t all_from[NAME_MOST];
	const struct part *staged_conf; /* only compared; NULL: no stage is on */
	unsigned lost;     /* looks in a row all of whose parts were in vain */
	struct build build;
	struct signing_counts counts;
	struct {
		struct versions v; /* of a look: what is served, and the stage's configuration */
		bool all, failed;
		uint8_t all_from[NAME_MOST], all_next[NAME_MOST];
		bool has_next;
		bool in_line; /* nobody else makes versions of zones meanwhile */
		struct job *job;
		int64_t now_s, next_s;
		size_t zones, due;
		struct signing_piece *list; /* [n], room for SIGNING_PIECES; of the job's memory */
		size_t n;
		uint64_t names;
		size_t committing; /* of zones of the fleet: so many are on their way */
		double until; /* clock_seconds(): then it is enough for now */
	} made;
};

/* What does not end is told each quarter of an hour. Always false. Of the thread that looks. */
bool signing_fail(struct signing *s, const struct registry_zone *z, const struct fault *why);

/* A job: all zones of s->made.v.live are looked at, and what is due is made, into s->made.list. */
void signing_look(void *ctx, struct job *job);

/* Of a build: what was made of what is served still is stored and takes its place. */
bool signing_build_begin(void *ctx);
void signing_build_work(void *ctx, struct job *job);

#endif
