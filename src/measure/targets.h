/* targets.h - which networks are worth measuring?
 *
 * The busiest networks of clients, by the queries that workers have told of: as many as there
 * is room for, with counts that halve every TARGETS_HALVE_S, so that yesterday's crowd makes
 * room for today's (the "space saving" of Metwally, Agrawal and El Abbadi, 2005: a newcomer
 * takes the place of the least, and its count, so that whoever is busy stays). For each of them
 * it is remembered which edges have been asked to measure it, and when to ask again: hosts that
 * do not answer are asked for less and less often. Control thread; bounded memory.
 */
#ifndef MEASURE_TARGETS_H
#define MEASURE_TARGETS_H

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TARGETS_MOST = 8192,
	TARGETS_HALVE_S = 600,
	TARGETS_ASKED = 16, /* edges that are remembered for a network */
	TARGETS_FIRST_SHARE = 180,
	TARGETS_FIRST_LEAST_S = 5,
	TARGETS_TRIES_MOST = 6,
	TARGETS_NOISY_MOST = 6,
	TARGETS_NEAREST = 3
};

struct target {
	struct prefix net; /* IPv4 /24, IPv6 /48 */
	struct addr host;  /* of that network: who asked, or where a router often is */
	uint16_t pool;     /* that was asked for last */
	double count;
	struct target_asked {
		uint16_t edge; /* + 1; 0: a free place */
		uint8_t tries;
		uint8_t noisy;     /* so often it has jumped soon after it had jumped */
		uint32_t again_s;
		uint32_t jumped_s; /* when the way was another one than before; 0: never yet */
	} asked[TARGETS_ASKED];
	/* of targets.c: */
	uint32_t heap_at, next; /* `next` of its hash bucket, + 1 */
};

struct targets;

struct targets *targets_new(struct hash_key key);
void targets_free(struct targets *t);

/* A query of that client (plain) at that pool. `is_host`: the address is a host's, not only
 * some of a subnet. Addresses that are not of the public Internet are passed over: nobody is
 * asked to send packets there. */
void targets_saw(struct targets *t, const struct addr *client, bool is_host, uint16_t pool);

/* Time goes by: halves the counts when that is due. */
void targets_age(struct targets *t, uint32_t now_s);

/* All of them, in no order; borrowed until the next change. */
const struct target *targets_all(const struct targets *t, size_t *n);

/* Of edges so many km away (NAN: nobody is sent there, or nobody knows), is number `i` one of the TARGETS_NEAREST that are nearest? Of equals
 * the first is. Estimates err for a whole region alike, since edges and networks of it have the same neighbours; the map errs otherwise. So a
 * network is measured by these, too, wherever the estimates have them. */
bool targets_is_near(const double *km, unsigned n, unsigned i);

/* May that edge be asked to measure target number `i` now? */
bool targets_may_ask(const struct targets *t, size_t i, unsigned edge, uint32_t now_s);
/* It is: not again within `every_s`, and twice as long each time, until it is measured. */
void targets_ask(struct targets *t, size_t i, unsigned edge, uint32_t now_s, uint32_t every_s);
/* A measurement came: not again for a moment, the longer of TARGETS_FIRST_LEAST_S and a TARGETS_FIRST_SHARE-th of `fresh_s`, in which it gets
 * to where its age is seen. */
void targets_measured(struct targets *t, const struct prefix *net, unsigned edge, uint32_t now_s, uint32_t fresh_s);

/* ... by which the way is another one than before (latency_jumps()). What has come may go again: a measurement is no longer fresh for `fresh_s`
 * then, but half as long as it has been so, and for such a moment at first. A way that jumps again and again within `fresh_s` is fresh for twice
 * as long each time. */
void targets_jumped(struct targets *t, const struct prefix *net, unsigned edge, uint32_t now_s, uint32_t fresh_s);

/* Numbers of edges are others now. */
void targets_forget_edges(struct targets *t);

/* For so long a measurement of `at_s` by that edge is fresh; `fresh_s` at most. */
uint32_t targets_fresh_s(const struct targets *t, size_t i, unsigned edge, uint32_t at_s, uint32_t fresh_s);

#endif
