/* clients.h - who is connected, and who makes room for a new one.
 *
 * Members stand in two lists, the one that has been idle longest first: that of all and that of
 * their client net (an IPv4 /24, an IPv6 /48). Every call is O(1), however many members and
 * nets there are: nets are found by a hash table with a random key, and last as long as their
 * last member, so there are never more of them than members. One thread.
 */
#ifndef NET_CLIENTS_H
#define NET_CLIENTS_H

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLIENTS_V4_BITS = ADDR_V4_BITS + 24, CLIENTS_V6_BITS = 48 };

struct clients_net;

/* Part of whatever is a member; ours while it is in the lists. */
struct clients_member {
	struct clients_link {
		struct clients_member *older, *newer;
	} in[2]; /* the list of all, the list of its net */
	struct clients_net *net;
	int64_t since_ms; /* idle since; CLOCK_MONOTONIC or any clock that does not go back */
};

struct clients_list {
	struct clients_member *oldest, *newest;
};

struct clients {
	struct clients_list all;
	unsigned n, most, most_of_net;
	struct hash_key key;
	struct clients_net **bucket;
	size_t mask; /* buckets less one */
};

/* At most `most` members and `most_of_net` of a net; both at least 1. */
void clients_init(struct clients *c, unsigned most, unsigned most_of_net);
/* No member is left. */
void clients_fini(struct clients *c);

/* Who must leave before somebody from `source` comes: of its net, or of all, the one that has
 * been idle longest; NULL when there is room. Once that one has left there is room. */
struct clients_member *clients_in_the_way(const struct clients *c, const struct addr *source);

/* The same of all alone: of whom nobody knows yet who it is. */
struct clients_member *clients_in_the_way_of_all(const struct clients *c);

/* The same of the net alone: of who is a member already, and moves there. */
struct clients_member *clients_in_the_way_of_net(
	const struct clients *c, const struct addr *source);

/* Makes `m` the newest; there is room. False when there is no memory. */
bool clients_join(
	struct clients *c, struct clients_member *m, const struct addr *source, int64_t now_ms);
/* The same for one that is a member: of the net of `source` from now on. False, and all is as it was, when
 * there is no memory. */
bool clients_move(
	struct clients *c, struct clients_member *m, const struct addr *source, int64_t now_ms);
void clients_leave(struct clients *c, struct clients_member *m);

/* `m` has done something: it is the newest again. */
void clients_touch(struct clients *c, struct clients_member *m, int64_t now_ms);

#endif
