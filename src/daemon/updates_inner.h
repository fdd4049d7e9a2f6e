/* updates_inner.h - what the files that change zones share.
 *
 * updates.c: batches, answers. updates_make.c: one request becomes a change, and the zone after it. updates_store.c: all of
 * a batch are stored, and what is served next. updates_fleet.c: changes of zones of a fleet are committed there, behind what
 * others have committed. updates_moved.c: and meet what has come here while the engine was asked.
 * updates_signers.c: what they are signed with. updates_versions.c: which versions of them are here.
 */
#ifndef DAEMON_UPDATES_INNER_H
#define DAEMON_UPDATES_INNER_H

#include "daemon/fleet_journal.h"
#include "daemon/updates.h"
#include "daemon/versions.h"
#include "zone/change.h"
#include "zone/zone.h"

/* One of a batch, and what has become of it. */
struct asked {
	struct request *request; /* NULL: it is one of our own */
	struct updates_own *own;
	unsigned rcode;
	struct change *change; /* until it is stored and is history; NULL: none */
	struct zone *was, *is; /* held; with a change */
	struct fault why;
};

/* What others have made of a zone of the fleet, taken before the batch. */
struct pulled {
	struct change *change; /* NULL: `is` is the first of it that there is here, and is stored whole */
	struct zone *was, *is; /* held; `was` NULL without a change */
	bool lost; /* what is served by now is something else: it is not */
};

/* A version of a zone of the fleet of which it wants a snapshot. */
struct snapshot {
	struct zone *zone; /* held; NULL: none */
	struct fleet_version version;
};

/* What a zone of the fleet is signed with in this batch: all of it, whoever changes it. */
struct signer {
	uint8_t apex[NAME_MOST];
	bool is_known;               /* else it is to be asked for */
	struct keyset *keys;         /* held; NULL: it is to be unsigned */
	struct fleet_version version;
};

/* Of a zone of the fleet that is served: its version was worked out once. */
struct known_version {
	const void *of; /* which it was, beside its serial: only compared, and nobody's */
	uint8_t id[NAME_MOST];
	struct fleet_version is;
};

/* Two of them: who changes zones of the fleet waits for the engine, and nobody else does. */
struct updates {
	struct updates_opts opts;
	struct updates *fleet; /* own: of zones of the fleet; NULL: these are they */
	struct updates *local; /* ... then whose those are; else NULL */
	unsigned lane, snapshot_lane; /* ... and where the engine is asked, and snapshots are put */
	struct snapshot putting;      /* by a job */
	struct request *first, **last;
	struct updates_own *first_own, **last_own;
	size_t waiting;
	bool builds;
	struct build build;
	double told; /* clock_seconds() */
	struct updates_counts counts;
	struct known_version *known; /* ascending; replaced on the loop, when no batch is at work */
	size_t n_known;
	struct {
		struct asked *list;
		size_t n;
		struct pulled *pulled;
		size_t n_pulled;
		const uint8_t **committed; /* [n_committed] ids of zones; of the batch */
		size_t n_committed;
		struct signer *signers; /* [n_signers] */
		size_t n_signers;
		bool keys_changed; /* of some zone */
		struct known_version *known; /* [n_known] the newer ones, as they came */
		size_t n_known;
		uint64_t again, taken;
		struct versions v;
		struct parts asked; /* held: of the fleet, what was `v.live` when the engine was asked */
		bool is_asked; /* ... that is over */
		bool gives;    /* zones are given their histories */
		struct pulled *moved; /* [n_moved] zones of which `v.live` has another image than `asked`: all that was pulled, upon that */
		size_t n_moved;
		struct snapshot due; /* the first of the batch */
		struct registry_zone **entries; /* of changed zones, the newest version of each */
		size_t n_entries;
	} made;
};

/* The version of a zone that the first `before` of the batch have made; borrowed. NULL: it is none that can be changed. */
struct zone *updates_newest(const struct updates *u, size_t before, const uint8_t *apex);
/* On a helper thread, the one at that place of the batch: its change and the zone after it, or its RCODE and why. */
bool updates_make_own(struct updates *u, size_t at);
bool updates_make_one(struct updates *u, size_t at);

/* What one of a batch is about. */
const uint8_t *updates_apex(const struct asked *a);
/* On a helper thread: all of the batch is stored, and made.v.zones is what is to be served; or `why` it is not. */
void updates_store(struct updates *u);
/* On a helper thread, of the fleet: what was made of `asked` meets what is `v.live` now. */
void updates_meet(struct updates *u);
/* A zone of which nothing of the batch is served. */
bool updates_is_lost(const struct updates *u, const uint8_t *apex);

/* Zones of the fleet that the batch is about: what others have committed is taken, what is changed is committed there, or
 * not done. */
void updates_fleet_work(struct updates *u);
/* On the loop, when that is done: versions are remembered, and who follows is told of what was committed. `served`: what
 * was made of the batch is. */
void updates_fleet_done(struct updates *u, bool served);
/* On the loop: a job puts the snapshot that is due; while one is put, no other. */
void updates_put_snapshot(struct updates *u);
bool updates_parts_of_fleet(const struct parts *p, const uint8_t *apex);
bool updates_of_fleet(const struct updates *u, const uint8_t *apex);
/* On the helper thread, of a zone of the fleet. Borrowed until updates_sync_keys() of it. */
const struct signer *updates_signer(struct updates *u, const uint8_t *apex);
/* What changes of that version are signed with here; NULL: they are not. */
const struct keyset *updates_keys(struct updates *u, const struct zone *z);
/* Keys of that version are the fleet's. */
bool updates_sync_keys(struct updates *u, const uint8_t *apex, struct fleet_version there, struct fault *why);
void updates_signers_fini(struct updates *u);

/* Which version a zone is: worked out once of each that is served. */
const struct known_version *updates_find_known(const struct updates *u, const struct zone *z);
void updates_know(struct updates *u, const struct zone *z, struct fleet_version is);
struct fleet_version updates_version(struct updates *u, const struct zone *z);
/* On the loop: those of the batch are remembered. */
void updates_remember(struct updates *u);

/* What others have made that is upon nothing here: such a zone is stored whole. */
bool updates_fleet_is_whole(const struct updates *u, const uint8_t *apex);

#endif
