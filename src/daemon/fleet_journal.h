/* fleet_journal.h - the journal of a zone that several servers change: which version is the last, and what led there.
 *
 * It stands in the engine, in a hash of each zone: each step under the version that it leads from, the last version, and
 * a snapshot. A version is its serial and a sum of its records, so that who has the same is in step, wherever he has it
 * from, and a journal that was lost and begun anew is not taken for the same. A step is committed by a script that
 * compares the last version first: of two that change the same one the second is told what he has missed.
 *
 * Helper threads; each call waits for the engine.
 */
#ifndef DAEMON_FLEET_JOURNAL_H
#define DAEMON_FLEET_JOURNAL_H

#include "base/fault.h"
#include "daemon/fleet_ask.h"
#include "zone/change.h"
#include "zone/compile.h"
#include "zone/zone.h"

struct fleet_version {
	uint32_t serial;
	uint64_t sum;
};

/* Of a zone that is ready: walks over all of it. */
struct fleet_version fleet_version_of(const struct zone *z);
/* After a change that fits exactly, as those do that zones are made by (zone_with()). */
struct fleet_version fleet_version_after(struct fleet_version v, const struct change *c);
bool fleet_version_same(struct fleet_version a, struct fleet_version b);

enum fleet_journal_result {
	FLEET_JOURNAL_DONE,   /* it is the last version now; of reading: that is the last */
	FLEET_JOURNAL_BEHIND, /* there are later ones: `steps`, maybe not all of them */
	FLEET_JOURNAL_APART,  /* that version is not in it: only the snapshot leads there */
	FLEET_JOURNAL_NONE,   /* there is no such journal */
	FLEET_JOURNAL_KEYS,   /* of committing: the keys are others, `steps->keys` */
	FLEET_JOURNAL_FAILED  /* `why` */
};

/* Which zone, and by whom it is asked. */
struct fleet_journal {
	struct fleet_ask *ask;
	const uint8_t *id; /* wire, lower case */
	struct fleet_ask_who who;
};
/* False: there is no fleet. The rest is borrowed. */
bool fleet_journal_open(struct fleet_journal *j, struct fleet_ask *ask, const uint8_t *id);
/* As many replicas of the engine as are wanted have all that was written. */
bool fleet_journal_is_safe(const struct fleet_journal *j, struct fault *why);

struct fleet_steps {
	struct change **of; /* [n] in their order */
	struct fleet_version *to; /* [n] */
	size_t n;
	struct fleet_version last; /* of the journal; with FLEET_JOURNAL_APART, too */
	struct fleet_version keys; /* of the zone's keys (shared_keys.h), when it was read to its end; zeroed: none */
};
void fleet_steps_fini(struct fleet_steps *s);

/* What leads on from that version. */
enum fleet_journal_result fleet_journal_read(const struct fleet_journal *j, struct fleet_version from,
	struct fleet_steps *steps, struct fault *why);

/* `wants_snapshot`: the last is far behind, or nobody may be able to open it. */
struct fleet_commit {
	struct fleet_version from, to;
	const struct change *change;
	const struct fleet_version *keys; /* that it is signed with; NULL: it is not signed */
	bool wants_snapshot;
};
enum fleet_journal_result fleet_journal_commit(const struct fleet_journal *j, struct fleet_commit *c,
	struct fleet_steps *steps, struct fault *why);

/* Begins the journal with that version, where there is none. */
enum fleet_journal_result fleet_journal_begin(const struct fleet_journal *j, const struct zone *z,
	struct fleet_version v, struct fault *why);
/* Puts a snapshot of a version of it; old steps go. */
enum fleet_journal_result fleet_journal_put(const struct fleet_journal *j, const struct zone *z,
	struct fleet_version v, struct fault *why);

/* The snapshot. Count 1; NULL: `why`. */
struct zone *fleet_journal_get(const struct fleet_journal *j, const struct compile_opts *opts,
	struct fleet_version *is, struct fault *why);

#endif
