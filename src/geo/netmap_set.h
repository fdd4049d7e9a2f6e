/* netmap_set.h - is this IPv4 address in a large set of nets? One cache line says so.
 *
 * A netmap whose values are 0 and 1 alone, by bits: one for each net of /24, and above them what is alike for each
 * 512 bits, twice, so that large nets are known from a few bytes that stay near. Where a net is longer than /24 the
 * netmap itself is asked. Two MB and 16 KB; for sets that are so large that their netmap would be larger. Immutable;
 * any thread may ask.
 */
#ifndef GEO_NETMAP_SET_H
#define GEO_NETMAP_SET_H

#include "geo/netmap.h"

struct netmap_set;

/* Of a sealed map, which is not held. NULL: it has other values, or so few ranges of IPv4 that it is as good itself. */
struct netmap_set *netmap_set_new(const struct netmap *map);
void netmap_set_free(struct netmap_set *set); /* NULL is fine */

size_t netmap_set_bytes(const struct netmap_set *set); /* of NULL: 0 */

/* Asks the memory for what netmap_set_find() will read of `a`, which is IPv4. */
void netmap_set_fetch(const struct netmap_set *set, const struct addr *a);

/* False: the netmap knows. Else the value of `a`, which is IPv4, and the widest prefix around it in which all have that,
 * 0 to 24 bits of IPv4. */
struct netmap_in {
	bool in;
	unsigned bits;
};
bool netmap_set_find(const struct netmap_set *set, const struct addr *a, struct netmap_in *to);

#endif
