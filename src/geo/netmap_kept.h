/* netmap_kept.h - a sealed netmap, as parts of a file that is kept (base/kept.h).
 */
#ifndef GEO_NETMAP_KEPT_H
#define GEO_NETMAP_KEPT_H

#include "base/kept.h"
#include "geo/netmap.h"

void netmap_kept_put(struct kept_out *o, const struct netmap *map);

/* NULL: it is not there. Count 1, sealed. */
struct netmap *netmap_kept_get(struct kept_in *in);

#endif
