/* fuzz_world.h - a small real world for fuzz targets: the zone "example." with every kind of
 * name, the signed zones nsec.test., nsec3.test. and optout.test. (tests/serve/signed),
 * later.test. that is not ready, a pool "web" of the edges "a" (addresses) and "b" (a CNAME),
 * our own GeoIP database.
 */
#ifndef FUZZ_FUZZ_WORLD_H
#define FUZZ_FUZZ_WORLD_H

#include "world/world.h"

enum { FUZZ_NOW_S = 1800000000 }; /* when it all happens, UNIX time */

/* The caller's. Run in the project's top folder. Aborts when it cannot be made. */
struct world *fuzz_world(void);

#endif
