/* netmap_kept.h - a sealed netmap, as parts of a file that is kept (base/kept.h).
 */
#ifndef GEO_NETMAP_KEPT_H
#define GEO_NETMAP_KEPT_H

#include "base/kept.h"
#include "geo/netmap.h"

void netmap_kept_put(struct kept_out *o, const struct netmap *map);

/* NULL: it is not there. Count 1, sealed. */
struct netmap *netmap_kept_get(struct kept_in *in);

/* A view (netmap.h), whose map and classes stand elsewhere. */
void netmap_seams_kept_put(struct kept_out *o, const struct netmap_seams *seams);

/* As netmap_seams_new(); NULL: they are not there. */
struct netmap_seams *netmap_seams_kept_get(struct kept_in *in, struct netmap *map, const uint32_t *class_of, size_t n);

#endif
