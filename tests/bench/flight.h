/* flight.h - queries that are on their way over one socket, and what came of all of them.
 *
 * The message id names the slot of its query, and a generation, so that a late answer to a
 * query that was given up is not taken for that of the slot's next. One thread; times are
 * nanoseconds of the monotonic clock.
 */
#ifndef BENCH_FLIGHT_H
#define BENCH_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FLIGHT_MOST = 1024, /* a power of two: 10 bits of the id, 6 are for the generation */
	FLIGHT_ANY = 255,   /* as an expected answer count or rcode: any will do */
	FLIGHT_BUCKETS = 1024
};

/* A ready-made query: `message` has an id of no meaning. */
struct flight_query {
	const uint8_t *message;
	uint16_t len;
	uint8_t rcode, answers; /* as expected: the header's RCODE and ANCOUNT */
};

struct flight_tally {
	uint64_t sent, answered, right;
	uint64_t lost;    /* no answer in time */
	uint64_t stray;   /* an answer to nothing that is on its way */
	uint64_t refused; /* ICMP said that nobody listens, or a connection broke */
	uint64_t bytes;   /* of answers */
	uint64_t latency[FLIGHT_BUCKETS];
};

struct flight_slot {
	uint64_t since; /* 0: free */
	uint16_t id;
	uint8_t rcode, answers;
};

struct flight {
	struct flight_slot slots[FLIGHT_MOST];
	uint16_t free[FLIGHT_MOST];
	unsigned n_free, window;
	unsigned generation;
	unsigned owed; /* answers that have not come yet, those to what was given up, too */
};

/* `window` queries at once, at most FLIGHT_MOST. */
void flight_init(struct flight *f, unsigned window);

static inline unsigned flight_out(const struct flight *f)
{
	return f->window - f->n_free;
}

/* Takes a slot, of which there must be one, and returns the id to send `q` under. */
uint16_t flight_start(struct flight *f, const struct flight_query *q, uint64_t now);

/* Accounts for an answer as it came. */
void flight_land(struct flight *f, const uint8_t *message, size_t len, uint64_t now,
	struct flight_tally *to);

/* Gives up what has been on its way since `before` or longer. */
void flight_give_up(struct flight *f, uint64_t before, struct flight_tally *to);

/* The latency that `share` (0 to 1) of the answers did not exceed, in nanoseconds, to within 3
 * %. */
double flight_quantile(const struct flight_tally *t, double share);

#endif
