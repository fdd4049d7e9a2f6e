/* tap.h - copies of queries and answers, for who looks at them elsewhere.
 *
 * A ring of bytes of each worker's own: it writes, one thread of those who look on reads, and
 * nobody waits. What finds no room is counted. Where nobody looks on, no memory is touched.
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include "answer/answer.h"

#include <stdint.h>

enum { TAP_ROOM = 4 << 20 }; /* bytes, a power of 2 */

/* For whom one is. */
enum { TAP_DNSTAP = 1, TAP_LOG = 2, TAP_SAMPLE = 4 /* the query alone */ };

/* In front of each: the query and the answer follow, without a gap. */
struct tap_head {
	uint32_t len; /* bytes of all, a multiple of 8 */
	uint32_t answer_len; /* 0: there was none, or it came later */
	uint16_t query_len;
	uint16_t port, to_port; /* 0: not known */
	uint8_t via;            /* enum answer_via */
	uint8_t whom;           /* 0: nobody; the ring begins anew behind it */
	int64_t read_us, answered_us; /* UNIX time */
	struct addr source, to;       /* `to` ::, not known */
};

struct tap {
	uint8_t *ring; /* [TAP_ROOM] */
	/* The worker's. */
	_Alignas(64) uint64_t written;
	uint64_t lost[2];       /* messages of TAP_DNSTAP, queries of TAP_LOG */
	uint32_t until_dnstap, until_log, until_sample;
	uint32_t random;
	uint64_t clock_us;      /* monotonic: when `real_us` was */
	int64_t real_us;
	/* The reader's. */
	_Alignas(64) uint64_t read;
};

/* `mem` is zero; dies when there is none. */
void tap_init(struct tap *t);
void tap_fini(struct tap *t);

/* The worker, where the policy has somebody look on (policy_is_tapped()): of whom and to whom an answer of
 * `len` bytes goes, which is there. */
struct tap_ends {
	uint16_t port, to_port;
	struct addr to;
};
/* `port` 0; `to` of a socket that is bound to all addresses is ::. */
struct tap_ends tap_ends_of(int fd);
void tap_take(struct tap *t, const struct answerer *a, const struct answer_ask *ask,
	const struct tap_ends *ends, size_t len);

/* The reader: the oldest, which stays as it is until tap_next(). NULL: there is none. */
const struct tap_head *tap_first(struct tap *t);
void tap_next(struct tap *t);

static inline const uint8_t *tap_query(const struct tap_head *h)
{
	return (const uint8_t *)(h + 1);
}

static inline const uint8_t *tap_answer(const struct tap_head *h)
{
	return tap_query(h) + h->query_len;
}

/* Any thread: what found no room. */
uint64_t tap_lost(const struct tap *t, unsigned whom);

#endif
