/* netmap.h - in which net is this address?
 *
 * A netmap cuts the whole of IPv4 and of IPv6 into ranges, each with a value, and finds an
 * address's range in a few cache lines. It is built once on the control thread, range after
 * range in address order; after netmap_seal() it never changes, any thread may ask, and
 * several worlds may share it by count.
 *
 * What matters to an asker is seldom the value itself but what follows from it (which edges
 * are near, say), and then neighbouring ranges with different values are alike. `struct
 * netmap_seams` holds, for one such view, which borders between ranges still matter;
 * netmap_scope() answers with the widest prefix around an address in which none does (RFC
 * 7871 section 7.2.1), so that resolvers keep as few cache entries as they can.
 *
 * Addresses are as addr.h has them, IPv4 under ::ffff:0:0/96. Before asking, an address goes
 * through addr_plain(): the IPv6 nets that embed IPv4 addresses are no part of the map.
 * They, and the nets of RFC 6890 that are not global, stand as ranges of their own
 * (NETMAP_EMBEDDED, NETMAP_LOCAL) whose borders matter in every view: no scope spans them.
 * Where a source tells of a network inside one of the latter that hosts can have (10.0.0.0/8
 * and its like; not multicast), that is a range like any other: some operator's own network.
 */
#ifndef GEO_NETMAP_H
#define GEO_NETMAP_H

#include "base/addr.h"
#include "base/fault.h"
#include "base/u128.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NETMAP_NONE = 0,         /* nothing is known of this range */
	NETMAP_LOCAL = 0xfffffe, /* not a global address, and no source knows it */
	NETMAP_EMBEDDED =
		0xffffff, /* an IPv6 net of IPv4 addresses; asked for only by mistake */
	NETMAP_VALUE_MOST = 0xfffffd
};

struct netmap;

struct netmap_hit {
	uint32_t value;
	uint32_t index; /* the range's own number, for netmap_scope() */
};

/* An empty map: everything is NETMAP_NONE once sealed. The count is 1. With `plain`, LOCAL
 * and EMBEDDED ranges are not set apart: for maps of the operator's own nets, which may well
 * be private ones. Never NULL. */
struct netmap *netmap_new(bool plain);

/* Before netmap_seal(): the net `p` has `value` (0 to NETMAP_VALUE_MOST). Nets must come in
 * ascending order of address without overlap, IPv4 and IPv6 each; equal neighbours become
 * one range. False when `p` is out of order, and nothing was added. */
bool netmap_append(struct netmap *map, const struct prefix *p, uint32_t value);

/* The same for all addresses from `first` to `last`, which are numbers here, from the
 * family's first bit down: an IPv4 address stands in the top 32 bits, and the bits behind it
 * are zeros in `first` and ones in `last`. For millions. */
bool netmap_append_range(
	struct netmap *map, bool v6, struct u128 first, struct u128 last, uint32_t value);

/* A net and its value, for netmap_from_nets(). */
struct netmap_net {
	struct prefix prefix;
	uint32_t value;
};

/* A sealed plain map of nets in any order, which may lie inside each other: the longest
 * prefix wins, the later of two equal ones. Reorders `nets`. */
struct netmap *netmap_from_nets(struct netmap_net *nets, size_t n);

/* How many of the nets so far, with a value, lie where only LOCAL stands else. */
size_t netmap_local(const struct netmap *map);

/* No more appends; memory is trimmed to what is needed. */
void netmap_seal(struct netmap *map);

struct netmap *netmap_hold(struct netmap *map);
void netmap_drop(struct netmap *map);

/* Asks the memory for what netmap_find() will read, in steps that wait for each other: 0 to NETMAP_STEPS - 1. */
enum { NETMAP_STEPS = 3 };
void netmap_fetch(const struct netmap *map, const struct addr *a, unsigned step);

/* Any thread; no system call, no lock. `a` is plain (addr_plain()). */
struct netmap_hit netmap_find(const struct netmap *map, const struct addr *a);

/* For netmap_from_nets() with values 0 and 1: is `a` in a net of value 1? `bits`: the widest prefix around it for all of
 * which that holds, in bits of its family; NULL: nobody asks. And what it will read, as netmap_fetch(). Any thread. */
bool netmap_has(const struct netmap *map, const struct addr *a, unsigned *bits);
void netmap_has_fetch(const struct netmap *map, const struct addr *a, unsigned step);

/* A view of a sealed map. `class_of[v]` is the class of value `v` for v < n; values from `n`
 * on, LOCAL and EMBEDDED each are a class of their own. Holds the map, and borrows `class_of`, which is
 * read until netmap_seams_free(). Never NULL. */
struct netmap_seams;
struct netmap_seams *netmap_seams_new(struct netmap *map, const uint32_t *class_of, size_t n);
void netmap_seams_free(struct netmap_seams *seams);

/* The same view as a map of its own: every range has its class plus 1 as value, neighbours of
 * one class are one range. Quicker to ask than map, classes and seams together, since all of it
 * lies side by side; takes 5.5 bytes a range of its own. The classes are below
 * NETMAP_VALUE_MOST. Sealed, count 1. */
struct netmap *netmap_view(const struct netmap *map, const uint32_t *class_of, size_t n);

/* Several maps laid over each other: cut wherever one of them is, each piece with the value
 * that `value` makes of all of theirs (one a map) and the first address. What NETMAP_LOCAL and
 * NETMAP_EMBEDDED are, `value` decides too; it may return them. Called in ascending order, IPv4
 * first; equal neighbours become one range. Sealed, count 1. */
enum { NETMAP_OVERLAY_MOST = 4 };
struct netmap_piece {
	uint32_t values[NETMAP_OVERLAY_MOST];
	bool v6;
	struct u128 first; /* as in netmap_append_range() */
};
struct netmap *netmap_overlay(struct netmap *const *maps, unsigned n,
	uint32_t (*value)(void *ctx, const struct netmap_piece *piece), void *ctx);
struct addr netmap_piece_addr(const struct netmap_piece *piece);

/* The widest prefix around `a`, in bits of its family (0 to 32 for IPv4, 0 to 128 for IPv6),
 * in which every address has the class of `a`. `hit` is what netmap_find() said for `a`.
 * `seams` NULL: the range itself. Any thread. */
unsigned netmap_scope(const struct netmap *map, const struct netmap_seams *seams,
	const struct addr *a, struct netmap_hit hit);

/* How many ranges of each family there are, and the bytes they take, for reports. */
struct netmap_size {
	size_t v4_ranges, v6_ranges, bytes;
};
struct netmap_size netmap_size(const struct netmap *map);

/* Every range in address order, for building one map from others and for tests: the first
 * and last address. Stops when `each` returns false. */
void netmap_walk(const struct netmap *map,
	bool (*each)(
		void *ctx, const struct addr *first, const struct addr *last, uint32_t value),
	void *ctx);

#endif
