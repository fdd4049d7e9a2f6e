/* crowd.h - who is connected, and who makes room for a new one.
 *
 * Members stand in two lists, the one that has been idle longest first: that of all and that of
 * their client net (an IPv4 /24, an IPv6 /48). Every call is O(1), however many members and
 * nets there are: nets are found by a hash table with a random key, and last as long as their
 * last member, so there are never more of them than members. One thread.
 */
#ifndef NET_CROWD_H
#define NET_CROWD_H

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CROWD_V4_BITS = ADDR_V4_BITS + 24, CROWD_V6_BITS = 48 };

struct crowd_net;

/* Part of whatever is a member; the crowd's own while it is in it. */
struct crowd_member {
	struct crowd_link {
		struct crowd_member *older, *newer;
	} in[2]; /* the list of all, the list of its net */
	struct crowd_net *net;
	int64_t since_ms; /* idle since; CLOCK_MONOTONIC or any clock that does not go back */
};

struct crowd_list {
	struct crowd_member *oldest, *newest;
};

struct crowd {
	struct crowd_list all;
	unsigned n, most, most_of_net;
	struct hash_key key;
	struct crowd_net **bucket;
	size_t mask; /* buckets less one */
};

/* At most `most` members and `most_of_net` of a net; both at least 1. */
void crowd_init(struct crowd *c, unsigned most, unsigned most_of_net);
/* No member is left. */
void crowd_fini(struct crowd *c);

/* Who must leave before somebody from `source` comes: of its net, or of all, the one that has
 * been idle longest; NULL when there is room. Once that one has left there is room. */
struct crowd_member *crowd_in_the_way(const struct crowd *c, const struct addr *source);

/* Makes `m` the newest; there is room. False when there is no memory. */
bool crowd_join(
	struct crowd *c, struct crowd_member *m, const struct addr *source, int64_t now_ms);
void crowd_leave(struct crowd *c, struct crowd_member *m);

/* `m` has done something: it is the newest again. */
void crowd_touch(struct crowd *c, struct crowd_member *m, int64_t now_ms);

#endif
