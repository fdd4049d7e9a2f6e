/* signing_keys.h - the keys of zones go through their lives while the server runs: in time, and
 * by the DS that their parents have.
 *
 * Loop; all work is done by jobs. Who signs is told of each zone whose keys are others than
 * before, and asks the ring (key_ring.h) for them.
 */
#ifndef DAEMON_SIGNING_KEYS_H
#define DAEMON_SIGNING_KEYS_H

#include "daemon/key_ring.h"
#include "daemon/publish.h"
#include "dns/name.h"

struct conf_dnssec;
struct ev_loop;
struct signing_keys;
struct store;

struct signing_keys_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct key_ring *ring; /* NULL: there is no store; nothing is signed */
};

/* Never NULL. */
struct signing_keys *signing_keys_new(const struct signing_keys_opts *opts);
/* After jobs_stop(). */
void signing_keys_free(struct signing_keys *k);

/* The keysets of these zones are others than they were; borrowed for the call. One follower. */
typedef void signing_keys_fn(void *ctx, const uint8_t (*apexes)[NAME_MOST], size_t n);
void signing_keys_follow(struct signing_keys *k, signing_keys_fn *fn, void *ctx);

/* Something has happened to a zone's keys: a look at all, soon. */
void signing_keys_soon(struct signing_keys *k);

/* A process that was to take our place has died, and nobody prepares keys: files of those that it has made go. `swept` is called then, once,
 * and not from here; NULL: not any more. */
void signing_keys_sweep(struct signing_keys *k, void (*swept)(void *ctx), void *ctx);

/* As it was at the last look. */
struct key_ring_counts signing_keys_counts(const struct signing_keys *k);

/* key_ring_get() for who reads zones; `ring` is one, `policy` NULL: off. Any thread but the
 * loop. */
struct keyset *signing_keys_get(void *ring, struct store *store, const uint8_t *apex,
	const struct conf_dnssec *policy, struct fault *why);

#endif
