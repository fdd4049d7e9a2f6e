/* client_pairs.h - which clients came by which resolvers, as it was seen: one by one, and faded with age.
 *
 * Resolvers are told apart by their IPv4 address or IPv6 /64, clients by their IPv4 /24 or IPv6 /48; nothing narrower
 * is kept. Each pair that is seen counts one, and half of that after CLIENT_PAIRS_HALF_LIFE_S. Memory is bounded: a
 * new one takes the place of one that counts little. Times are UNIX times.
 *
 * Several servers may tell each other what they have seen. What each has seen of a pair is a row of its own, that only he
 * adds to; of two versions of one row the later holds, of the same second the heavier. So tables that have heard the
 * same rows are the same, in whatever order and how often they came, and a pair counts what all have seen together. One thread.
 */
#ifndef MEASURE_CLIENT_PAIRS_H
#define MEASURE_CLIENT_PAIRS_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/fault.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CLIENT_PAIRS_MOST = 100000,
	CLIENT_PAIRS_LEAST = 10, /* seen of a resolver: with fewer nothing follows from them */
	CLIENT_PAIRS_HALF_LIFE_S = 7 * 86400,
	CLIENT_PAIRS_AHEAD_S = 3600, /* who says that he has seen a pair later than this from now has a wrong clock */
	CLIENT_PAIRS_BUCKETS = 256
};

/* What one server has seen of a pair. */
struct client_pair {
	struct prefix resolver, client;
	uint64_t by;  /* which server; 0: this one */
	float weight; /* at `at_s` */
	int64_t at_s;
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

/* --- rows, as servers tell them each other ------------------------------------------------- */

/* Rows have numbers from 0 to client_pairs_count(); another row may have one when anything has changed. Until then. */
const struct client_pair *client_pairs_get(const struct client_pairs *p, size_t i);
/* What is kept of that pair by that server; NULL. Until anything changes. */
const struct client_pair *client_pairs_find(const struct client_pairs *p, const struct client_pair *like);

/* A row that another server has told of. True: it was news, and is kept. Not kept is what makes no sense, has faded, or counts
 * less than all others where there is no room. */
bool client_pairs_merge(struct client_pairs *p, const struct client_pair *row, int64_t now_s);

/* Looks at `n` rows from number `from` on, the last first, and drops those that have faded away. */
void client_pairs_sweep(struct client_pairs *p, size_t from, size_t n, int64_t now_s);

/* Sums of the rows, the same on all servers that have the same; `self`: what others call this one, not 0. Cheap. Returns
 * the sum of all. */
uint64_t client_pairs_digest(const struct client_pairs *p, uint64_t self, uint64_t to[static CLIENT_PAIRS_BUCKETS]);
unsigned client_pairs_bucket(const struct client_pair *row);

/* --- to a file, and from there ------------------------------------------------------------- */

/* All of `from`, where it counts more at `now_s` than what `p` has of the same row: the two may have the same from one source. False: there
 * is no memory for some. */
bool client_pairs_join(struct client_pairs *p, const struct client_pairs *from, int64_t now_s);

/* What is left of them at `now_s`, by resolver, the heaviest first, but for those that have faded away. As a file of
 * resolver_clients.h, which passes over the columns that only client_pairs_read() needs. */
void client_pairs_write(const struct client_pairs *p, int64_t now_s, struct text *out);

/* What was written, at that time, as rows of which nothing is known yet. Of a file of resolver,client,weight alone all is this server's. False: `why`,
 * and some of it may be there. */
bool client_pairs_read(struct client_pairs *p, const char *text, int64_t written_s, struct fault *why);

#endif
