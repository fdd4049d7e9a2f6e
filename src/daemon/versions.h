/* versions.h - other versions of some zones, and what follows from them for a world.
 *
 * Whoever makes some (updates, transfers, signing, catalogs, merges, zones that come and go) begins on the loop with
 * what is served and staged, makes them in a job of the builder, and is over on the loop again. They have one life for
 * all: what was made in one turn is never there in the next.
 */
#ifndef DAEMON_VERSIONS_H
#define DAEMON_VERSIONS_H

#include "base/fault.h"
#include "world/parts.h"

struct publisher;

/* The owner keeps it from begin to end; fresh: all zero. */
struct versions {
	struct parts live, staged; /* held: what they are made of; staged.conf NULL: no stage is on */
	/* What has been made, a count of each; NULL: nothing. In memory of the job until that is done: where it has ended
	 * otherwise they have been given back. */
	struct registry *zones, *staged_zones;
	struct pool_numbers *numbers, *staged_numbers;
};

/* Of the loop: holds what is served and staged; nothing has been made. What it had before is forgotten. */
void versions_begin(struct versions *v, struct publisher *p);

/* Of a job: versions_make() of what is served, then of the stage, which stays as it is when that fails. False and a
 * sentence: nothing has been made. */
bool versions_build(struct versions *v, struct registry_zone *const *entries, size_t n, struct fault *why);

/* Of a job: what was made is not to be served. */
void versions_drop_made(struct versions *v);

/* Of the loop, after a job that came to its end: what was made is served from the end of the turn on. False: nothing
 * was. */
bool versions_serve(struct versions *v, struct publisher *p);

/* Of the loop, at the end whatever came of the job: lets go of what they were made of. */
void versions_end(struct versions *v, struct publisher *p);

/* The registry of `of` with those of the entries (borrowed) whose zones it has from the same source, the first of
 * each zone; and the numbers of their pools. Of a stage, whose zones are not served, they are those of the zones
 * of `served`; else that is NULL. False and a sentence when a pool is not there. */
bool versions_make(const struct parts *of, const struct registry *served,
	struct registry_zone *const *entries, size_t n,
	struct registry **zones, struct pool_numbers **numbers, struct fault *why);

/* The same with zones that come and go: as registry_changed() has them; the zones are taken. */
bool versions_change(const struct parts *of, const struct registry *served,
	struct registry_change *changes, size_t n, struct registry **zones, struct pool_numbers **numbers, struct fault *why);

#endif
