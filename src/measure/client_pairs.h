/* client_pairs.h - which clients came by which resolvers, as it was seen: one by one, and faded with age.
 *
 * Resolvers are told apart by their IPv4 address or IPv6 /64, clients by their IPv4 /24 or IPv6 /48; nothing narrower
 * is kept. Each pair that is seen counts one, and half of that after CLIENT_PAIRS_HALF_LIFE_S. Memory is bounded: a
 * new one takes the place of one that counts little. Times are UNIX times. One thread.
 */
#ifndef MEASURE_CLIENT_PAIRS_H
#define MEASURE_CLIENT_PAIRS_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/text.h"
#include "measure/resolver_clients.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CLIENT_PAIRS_MOST = 100000,
	CLIENT_PAIRS_LEAST = 10, /* seen of a resolver: with fewer nothing follows from them */
	CLIENT_PAIRS_HALF_LIFE_S = 7 * 86400
};

struct client_pairs;

struct client_pairs *client_pairs_new(struct hash_key key);
/* NULL: no memory. */
struct client_pairs *client_pairs_copy(const struct client_pairs *from);
void client_pairs_free(struct client_pairs *p);

/* The nets that those two addresses (plain) are kept as. */
struct prefix client_pairs_resolver(const struct addr *a);
struct prefix client_pairs_client(const struct addr *a);

/* False: there is no memory. */
bool client_pairs_add(struct client_pairs *p, const struct prefix *resolver, const struct prefix *client,
	double weight, int64_t at_s);
size_t client_pairs_count(const struct client_pairs *p);

/* All of a table that was written at that time. */
void client_pairs_recall(struct client_pairs *p, const struct resolver_clients *r, int64_t written_s);

/* All of `from`, where it counts more at `now_s` than what `p` has of the same pair: the two may have the same from one source. False: there
 * is no memory for some. */
bool client_pairs_join(struct client_pairs *p, const struct client_pairs *from, int64_t now_s);

/* What is left of them at `now_s`, by resolver, the heaviest client first, but for those that have faded away. As a file of resolver_clients.h. */
void client_pairs_write(const struct client_pairs *p, int64_t now_s, struct text *out);

#endif
