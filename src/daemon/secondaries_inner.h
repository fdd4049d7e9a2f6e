/* secondaries_inner.h - what the files of the secondaries share.
 *
 * secondaries_list.c: which zones there are is told to the refresher. secondaries_versions.c: what has come of them is
 * served. secondaries.c: what the refresher asks for, and what of it is stored.
 */
#ifndef DAEMON_SECONDARIES_INNER_H
#define DAEMON_SECONDARIES_INNER_H

#include "daemon/secondaries.h"
#include "daemon/versions.h"
#include "world/parts.h"

#include <ev.h>

/* Something to tell the refresher: a zone is there, or is not any more. */
struct step {
	const struct registry_zone *zone; /* of one of the two registries that are held */
	uint32_t rule;
	bool gone;
};

/* A version of a zone that waits to be served. */
struct version {
	struct registry_zone *entry; /* count 1 */
	struct version *next;
};

struct notes {
	struct note {
		struct store_timers timers;
		uint8_t apex[NAME_MOST];
	} * list;
	size_t n, room;
};

struct secondaries {
	struct secondaries_opts opts;
	struct notes notes, noting; /* that wait; of a job */
	ev_timer note;
	struct refresher *refresher;
	unsigned lane;

	/* What the refresher knows, or is being told. */
	struct parts known; /* conf and zones, held */
	struct parts now;   /* what it will know when all steps are done */
	struct step *steps;
	size_t n_steps, next_step;
	bool looks, again;
	ev_timer turn;

	struct version *versions; /* the newest first */
	bool builds, waits;       /* a build is on; one has been asked for */
	double begun, not_before; /* clock_seconds() */
	ev_timer pause;
	bool publishes;           /* what is published now is our own */
	struct build build;
	struct {
		struct version *versions;
		struct versions v;
		bool ok;
		struct fault why;
	} made;
};

void secondaries_list_init(struct secondaries *s);
/* Looks which zones come from other nameservers now, and tells the refresher what has changed. */
void secondaries_look(struct secondaries *s);
void secondaries_list_fini(struct secondaries *s);

void secondaries_versions_init(struct secondaries *s);
/* Of the refresher: takes the zone of `news`. */
void secondaries_take(void *ctx, const struct refresh_news *news);
void secondaries_versions_fini(struct secondaries *s);

#endif
