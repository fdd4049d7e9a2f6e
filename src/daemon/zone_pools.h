/* zone_pools.h - what zones ask of the configuration's pools.
 *
 * Any thread that holds both.
 */
#ifndef DAEMON_ZONE_POOLS_H
#define DAEMON_ZONE_POOLS_H

#include "zone/compile.h"

struct conf;
struct zone_set;

/* How zones are compiled: borrows from `c`. */
struct compile_opts zone_pools_compile_opts(const struct conf *c, struct hash_key key);

/* The same while a stage is on, for who signs: names list what pools of either can answer, so that no proof denies what
 * the stage's clients get. `of` is borrowed with both. Without a stage: as above. */
struct zone_pools {
	const struct conf *conf;
	const struct conf *staged; /* NULL: no stage is on */
};
struct compile_opts zone_pools_both_opts(const struct zone_pools *of, struct hash_key key);

/* For what is changed while a stage is on: as it is served, and with no name that either would make a CNAME of beside other data. */
struct compile_opts zone_pools_change_opts(const struct zone_pools *of, struct hash_key key);

/* Would a zone that is served be as it is with these pools? `pool` is one of those that it names. */
bool zone_pools_suit(const struct conf *c, const struct zone *z, unsigned pool);

/* False: zones of the set have an EDGE at their apex or beside other data whose pool may answer with a CNAME now, which it did not
 * with `before`; each is told. */
bool zone_pools_stay_alone(
	const struct conf *c, const struct conf *before, const struct zone_set *set, struct faults *f);

#endif
