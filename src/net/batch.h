/* batch.h - a batch of queries over UDP, answered from one world, whatever brought them.
 *
 * Who brings them (net/udp by a socket, net/xdp by rings) says of each where it lies and whom it is from,
 * and takes each answer where it wants to have it written. A thread's own: nothing it writes is shared.
 */
#ifndef NET_BATCH_H
#define NET_BATCH_H

#include "answer/answer.h"
#include "base/clock.h"
#include "jobs/mailbox.h"
#include "net/request.h"
#include "net/tap.h"
#include "world/epoch.h"

#include <sys/uio.h>
#include <time.h>

enum {
	BATCH_LINE = 64,         /* bytes of a cache line */
	BATCH_QUERY_ROOM = 1280, /* bytes; a longer query is cut and so answered with FORMERR */
	BATCH_ANSWER_ROOM = (ANSWER_UDP_MOST + BATCH_LINE - 1) & ~(BATCH_LINE - 1)
};

struct batch {
	struct stats stats;
	struct samples samples;
	struct answerer answerer;
	struct choice_counts *counts;
	const struct epoch *epoch;
	struct tap tap;
	struct mailbox *news;      /* borrowed; or NULL */
	struct answer_later later; /* of the query at work */
	bool tapped;               /* somebody looks on, in this world */
	unsigned most;
	struct answer_ask *ask; /* [most] */
	struct answer_pending *pending; /* [most] */
};

struct batch_opts {
	const struct epoch *epoch;
	struct rrl *rrl;      /* or NULL */
	struct mailbox *news; /* of struct answer_news, borrowed; or NULL */
	unsigned most;        /* queries at a time, 1 to NET_BATCH_MOST */
};

/* Zero, on cache lines of its own; free() takes it. Never NULL. */
void *batch_lines(size_t n, size_t size);

/* `b` is zero. */
void batch_init(struct batch *b, const struct batch_opts *opts);
void batch_fini(struct batch *b);

/* What is done once a query or a batch stands here, so that a batch of one query costs no calls for it. */

/* The world of the next queries stays until batch_end(). */
static inline void batch_begin(struct batch *b)
{
	b->answerer.world = epoch_enter(b->epoch);
	b->samples.due = true;
	/* Of the vDSO: no system calls. */
	b->answerer.now_s = (uint32_t)time(NULL);
	b->answerer.now_us = clock_us();
	b->tapped = policy_is_tapped(&b->answerer.world->policy);
}

static inline void batch_end(struct batch *b, unsigned n)
{
	if (b->answerer.world->policy.counts_more)
		stats_time(&b->stats, clock_us() - b->answerer.now_us, n);
	epoch_exit();
}

/* Query `i`, whose bytes stay until it is answered. What is the same of all stays as it was made. */
static inline void batch_take(
	struct batch *b, unsigned i, const uint8_t *packet, size_t len, struct addr source)
{
	struct answer_ask *ask = &b->ask[i];

	ask->packet = packet;
	ask->len = len;
	ask->source = source;
	ask->proven = false;
}

/* Where proxies may have sent them. */
void batch_find_clients(struct batch *b, unsigned n);

/* `n` queries that were taken are brought to where they can be written. */
static inline void batch_read(struct batch *b, unsigned n)
{
	struct answerer *a = &b->answerer;
	struct answer_ask *ask = b->ask;
	struct answer_pending *pending = b->pending;
	const unsigned steps = answer_steps(a);

	if (a->world->policy.n_proxies)
		batch_find_clients(b, n);
	for (unsigned i = 0; i < n; i++)
		answer_read(a, &ask[i], &pending[i]);
	for (unsigned step = 0; step < steps; step++)
		for (unsigned i = 0; i < n; i++)
			answer_step(a, &ask[i], &pending[i], step);
}

/* The length of the answer to query `i`, which is in `to` then; 0: none is to be sent, or `later.asked`. */
static inline size_t batch_write(struct batch *b, unsigned i, uint8_t *to)
{
	b->ask[i].to = to;
	return answer_write(&b->answerer, &b->ask[i], &b->pending[i]);
}

/* For who looks on, behind the one before: whom it came to. */
static inline void batch_show(struct batch *b, unsigned i, const struct tap_ends *ends, size_t len)
{
	tap_take(&b->tap, &b->answerer, &b->ask[i], ends, len);
}

/* Query `i`, whose answer comes later, for who gives it; the ways back are left to fill in. NULL: nobody
 * does, or no memory. */
struct request *batch_later(struct batch *b, unsigned i);

/* It goes on its way; it is lost when there is no room. */
void batch_post_later(struct batch *b, struct request *r);

void batch_end(struct batch *b, unsigned n);

/* Our own OPT record, which is the root's, in an answer of our own whose question ends at `at`: where it is and how
 * long; 0: there is none. */
size_t batch_find_opt(const uint8_t *p, size_t at, size_t *len);

/* An answer that is larger than our own link takes in one piece: the asker is told to come by TCP. It
 * becomes an empty one, with the OPT record that it had (RFC 6891 section 6.1.1), and when that is still
 * too much, without. False when there is nothing left to cut. */
bool batch_cut(struct iovec *answer);

#endif
