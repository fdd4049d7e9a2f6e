/* lane.h - one socket of the load: a connected UDP socket, or a TCP connection.
 *
 * Nothing blocks: who calls goes round all lanes again and again.
 */
#ifndef BENCH_LANE_H
#define BENCH_LANE_H

#include "bench/flight.h"

#include <netinet/in.h>

enum { LANE_BATCH = 64 };

/* Where queries come from: a ring of ready-made ones. */
struct lane_source {
	const struct flight_query *queries;
	size_t n, next;
};

struct lane_opts {
	struct sockaddr_storage to;
	socklen_t to_len;
	unsigned window;
	unsigned together; /* queries in one sendmmsg() or, over TCP, one segment; at most
			      LANE_BATCH */
};

struct lane;

/* NULL and errno when the socket cannot be had. */
struct lane *lane_open(const struct lane_opts *opts, bool tcp);
void lane_close(struct lane *l);

const struct flight *lane_flight(const struct lane *l);

/* Takes what has come; true when there was something. */
bool lane_receive(struct lane *l, struct flight_tally *to);

/* Sends up to `most` queries, as many as the window has room for; each counts as sent at
 * `since` plus its number times `step` (when it was due). How many. */
unsigned lane_send(
	struct lane *l, struct lane_source *from, unsigned most, uint64_t since, double step);

/* Gives up what has been on its way since `before`. */
void lane_give_up(struct lane *l, uint64_t before, struct flight_tally *to);

uint64_t lane_now(void);

#endif
