/* rank_split.h - how do clients fall into classes?
 *
 * Which keys of a client map are of one class, and how an address finds its class: nearly all
 * of what a rank takes. Classes are numbered in the order in which the map's keys meet them, so
 * two ranks over one map whose classes have the same clients have equal numbers too, even when
 * their edges are others or stand in another order, and one split does for both. (Clients that
 * nobody knows are of the class of those whose order is the pool's fallback, so a few splits
 * differ by that.) Immutable, shared by count.
 */
#ifndef MEASURE_RANK_SPLIT_H
#define MEASURE_RANK_SPLIT_H

#include "geo/netmap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rank_split {
	unsigned refs;      /* atomic */
	struct netmap *map; /* held */
	uint32_t keys;
	uint64_t hash;              /* of class_of */
	uint32_t *class_of;         /* [keys] */
	struct netmap_seams *seams; /* NULL when there is a view */
	struct netmap *view;        /* or NULL */
};

struct rank;
struct rank_split_opts {
	struct netmap *map; /* whose values are keys */
	uint32_t keys, classes;
	bool view; /* one that is made anew has a view, if the classes are few enough */
	struct rank *const *known; /* whose splits may be shared */
	size_t n_known;
};

/* Takes `class_of`, [keys] of the heap. Never NULL; held once for the caller. */
struct rank_split *rank_split_take(const struct rank_split_opts *opts, uint32_t *class_of);
/* Of its class_of: what `hash` is to be. */
uint64_t rank_split_hash(const struct rank_split *s);
struct rank_split *rank_split_hold(struct rank_split *s);
void rank_split_drop(struct rank_split *s);

#endif
