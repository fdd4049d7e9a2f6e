/* rrsig_end.h - when do the signatures of a zone end?
 *
 * A zone whose signatures have ended is one that resolvers which validate cannot use at all,
 * and nothing else of it shows that. Times are UNIX seconds.
 */
#ifndef ZONE_RRSIG_END_H
#define ZONE_RRSIG_END_H

#include "base/fault.h"
#include "zone/records.h"
#include "zone/zone.h"

/* So long before the end it is told; of signatures that last no 12 days, a quarter of their
 * time. Who signs anew does so earlier: BIND 7.5 days of 30 before, Knot 7 days of 14,
 * OpenDNSSEC 3 days. */
enum { RRSIG_END_SOON_S = 3 * 24 * 3600 };

struct rrsig_end {
	int64_t end_s;  /* the first of them ends; 0: there are none */
	int64_t soon_s; /* from when on that is to be told */
};

/* Warns, once each, of signatures that have ended or will soon, and of those that have not begun. */
struct rrsig_end rrsig_end_find(const struct records *r, int64_t now_s, struct faults *f);

/* Of the signatures of a node. */
struct rrsig_end rrsig_end_of_node(const struct zone_node *n, int64_t now_s);

/* Of all of a zone, or as soon as both ends are `known`, before which none is. */
struct rrsig_end rrsig_end_of_zone(const struct zone *z, struct rrsig_end known, int64_t now_s);

/* The earlier ends of two. */
struct rrsig_end rrsig_end_first(struct rrsig_end a, struct rrsig_end b);

#endif
