/* choice_counts.h - what one worker keeps of its answers from pools, beside its counters: how
 * often each edge was chosen and why, what each group asks for, and some answers to log.
 *
 * Allocated with the worker (net/choice_counts_new.c), of a fixed size. One writer, the worker;
 * the control thread reads.
 */
#ifndef ANSWER_CHOICE_COUNTS_H
#define ANSWER_CHOICE_COUNTS_H

#include "base/addr.h"
#include "base/bytes.h"
#include "dns/name.h"
#include "steer/choose.h"
#include "steer/tally.h"
#include "zone/zone.h"

#include <stdint.h>

enum {
	CHOICE_COUNTS_DEMAND = 16384,
	CHOICE_COUNTS_STAGED = 16384,
	CHOICE_COUNTS_REASONS = 65536,
	CHOICE_COUNTS_ZONES = 32768,
	CHOICE_COUNTS_RING = 1024,
	CHOICE_COUNTS_TEXT = 64
};

/* One answer of those that are sampled for the log of decisions. */
struct decision {
	uint64_t time_s;
	uint64_t generation; /* of the world that it was made in */
	struct addr source, who;
	uint8_t name[NAME_MOST];
	uint8_t name_len, scope, why;
	uint16_t type; /* asked for */
	bool v6, by_subnet; /* v6: the choice was among those with IPv6 addresses */
	bool watched; /* it is there since its client is on watch */
	uint32_t ttl_s;
	char pool[CHOICE_COUNTS_TEXT], edge[CHOICE_COUNTS_TEXT]; /* cut where they are longer; no edge: "" */
};

struct choice_counts {
	struct choose_turn *turns; /* [ANSWER_TURNS] */
	struct tally demand;       /* by demand_key(), of the standing's tick */
	struct tally staged;       /* the same of clients of a stage, by its pools' numbers */
	struct tally reasons;      /* by choice_counts_reason(); kept */
	struct tally zones;        /* queries, by choice_counts_zone(); kept, where the policy wants it */
	struct decision *ring;     /* [CHOICE_COUNTS_RING] */
	uint32_t written, read;    /* modulo 2^32; the worker's and the control thread's */
	uint32_t missed;           /* the ring was full */
	uint32_t until_sample;
};

/* The same in every world: of a zone, views of one apex apart. Never 0. */
static inline uint64_t choice_counts_zone(const struct zone *z)
{
	const struct hash_key any = { 0 };

	return (z->view_len ? zone_hash_label(any, z->apex_hash, zone_id(z)) : z->apex_hash) | 1;
}

/* The same in every world, as long as the pool and the edge keep their names. Never 0. */
static inline uint64_t choice_counts_reason(
	uint64_t pool_hash, uint64_t edge_hash, enum choose_why why)
{
	return hash_mix(pool_hash ^ HASH_STEP, edge_hash + 2u * why + 1) | 1;
}

#endif
