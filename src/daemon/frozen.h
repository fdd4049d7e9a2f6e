/* frozen.h - zones that are not to be changed for a while, since a person works at them.
 *
 * Until they are thawed, or the server ends. Changed on the loop while the builder has nothing
 * running; so jobs of the builder may read it.
 */
#ifndef DAEMON_FROZEN_H
#define DAEMON_FROZEN_H

#include "dns/name.h"

struct frozen;

struct frozen_zone {
	uint8_t apex[NAME_MOST]; /* wire, lower case */
	unsigned uid;            /* whose order it was */
	int64_t at_s;            /* UNIX time */
};

/* Never NULL. */
struct frozen *frozen_new(void);
void frozen_free(struct frozen *f);

/* False: it is frozen already. */
bool frozen_add(struct frozen *f, const uint8_t *apex, unsigned uid);
/* False: it is not. */
bool frozen_remove(struct frozen *f, const uint8_t *apex);

/* Borrowed until the list changes; NULL: it is not frozen. */
const struct frozen_zone *frozen_find(const struct frozen *f, const uint8_t *apex);

#endif
