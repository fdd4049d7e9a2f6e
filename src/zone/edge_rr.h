/* edge_rr.h - what an EDGE record says: which pool, and what is different at this name.
 *
 * Its RDATA are character-strings: the name of the pool, and behind it words like "answers=2", of
 * each kind one. Any thread; nothing allocates.
 */
#ifndef ZONE_EDGE_RR_H
#define ZONE_EDGE_RR_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrows from the RDATA. */
struct edge_rr {
	const uint8_t *pool, *edge; /* no NUL behind them */
	uint8_t pool_len, edge_len; /* edge_len 0: the pool chooses */
	unsigned answers;           /* 0: as the pool has it */
	bool has_ttl;               /* else as the pool has it */
	uint32_t ttl_least_s, ttl_most_s;
};

static inline bool edge_rr_has_words(const uint8_t *rdata, size_t len)
{
	return len > rdata[0] + (size_t)1;
}

/* RDATA that was checked. */
void edge_rr_read(struct edge_rr *to, const uint8_t *rdata, size_t len);

/* Takes one more word. False: it is none that there is, or is there already. */
bool edge_rr_word(struct edge_rr *to, const uint8_t *word, size_t len, struct fault *why);

/* Is it the RDATA of an EDGE? */
bool edge_rr_check(const uint8_t *rdata, size_t len, struct fault *why);

#endif
