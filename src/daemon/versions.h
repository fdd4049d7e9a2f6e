/* versions.h - other versions of some zones, and what follows from them for a world.
 *
 * Work of a job of the builder.
 */
#ifndef DAEMON_VERSIONS_H
#define DAEMON_VERSIONS_H

#include "base/fault.h"
#include "world/parts.h"

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
