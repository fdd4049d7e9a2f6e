/* place_kept.h - sealed places, as parts of a file that is kept (base/kept.h).
 */
#ifndef GEO_PLACE_KEPT_H
#define GEO_PLACE_KEPT_H

#include "base/kept.h"
#include "geo/place.h"

void place_kept_put(struct kept_out *o, const struct places *p);

/* NULL: they are not there. Count 1. */
struct places *place_kept_get(struct kept_in *in);

#endif
