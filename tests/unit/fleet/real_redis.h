/* real_redis.h - a Redis of a test's own, a process beside it.
 */
#ifndef UNIT_FLEET_REAL_REDIS_H
#define UNIT_FLEET_REAL_REDIS_H

#include "unit/net/serving.h"

#include <stdbool.h>
#include <sys/types.h>

struct real_redis {
	struct net_address at;
	pid_t pid;
};

/* Until it listens. False where there is none, which is told. */
bool real_redis_open(struct real_redis *r);
/* Is killed; and begins again, empty, at the same place. */
void real_redis_end(struct real_redis *r);
void real_redis_begin(struct real_redis *r);

#endif
