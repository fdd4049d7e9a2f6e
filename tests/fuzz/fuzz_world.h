/* fuzz_world.h - a small real world for fuzz targets: the zone "example." with every kind of
 * name, the signed zones nsec.test., nsec3.test. and optout.test. (tests/serve/signed),
 * later.test. that is not ready, pools.test. whose answers from pools are signed, our own GeoIP
 * database. The pool "web" has the edges "a" (addresses) and "b" (a CNAME), "near" tells of
 * services, too; "split", "first" and "all" are pools of pools.
 */
#ifndef FUZZ_FUZZ_WORLD_H
#define FUZZ_FUZZ_WORLD_H

#include "world/world.h"

enum { FUZZ_NOW_S = 1800000000 }; /* when it all happens, UNIX time */
enum { FUZZ_EDGES = 4, FUZZ_POOLS = 7 };

/* The caller's. Signatures are made at `now_s`, and good for a day. Run in the project's top
 * folder. Aborts when it cannot be made. */
struct world *fuzz_world(uint32_t now_s);

#endif
