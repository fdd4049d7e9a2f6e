/* xdp_answers.h - what is asked often is answered in the kernel: which answers are held there, and until when.
 *
 * Workers show some of the queries that they get (struct xdp_hot). What is seen more than once in a short time, and
 * whose answer is the same for everybody and at all times, is answered here by the code that answers everything,
 * and put where the program at the interface finds it. Each is of a *generation*; the program gives those of the
 * current one alone. A publication begins another before anybody sees the new world, so that nothing of the old one
 * is given any more, and all that is held is answered anew then.
 *
 * Where a pool decides, the question has a *set*: what each client that asks gets of it, of the answers that were
 * made so far. A set lasts as long as everybody is steered alike; any other publication ends it with one write, and
 * clients come into the next one as they ask. The loop's thread, but for xdp_hot_put().
 */
#ifndef NET_XDP_ANSWERS_H
#define NET_XDP_ANSWERS_H

#include "answer/choice_counts.h"
#include "answer/stats.h"
#include "net/xdp_tables.h"
#include "world/epoch.h"

struct ev_loop;
struct xdp_answers;

struct xdp_answers *xdp_answers_new(const struct epoch *epoch);
void xdp_answers_free(struct xdp_answers *a);
/* Before the loop runs. */
void xdp_answers_add(struct xdp_answers *a, const struct xdp_maps *maps);

/* Looks at what is asked while the loop runs; ends with xdp_answers_stop(). */
void xdp_answers_start(struct xdp_answers *a, struct ev_loop *loop);
void xdp_answers_stop(struct xdp_answers *a);

/* `next` is about to be published: nothing is answered in the kernel until what is held has been answered by it. */
void xdp_answers_withdraw(struct xdp_answers *a, const struct world *next);
/* It has been. */
void xdp_answers_published(struct xdp_answers *a);

/* What was answered in the kernel, as if by a worker: queries by zones, too. */
const struct stats *xdp_answers_stats(const struct xdp_answers *a);
struct choice_counts *xdp_answers_counts(const struct xdp_answers *a);
/* Answers that are held, and why there are none ("" where that has no reason of its own). */
unsigned xdp_answers_held(const struct xdp_answers *a);
const char *xdp_answers_why_not(const struct xdp_answers *a);

/* --- the workers' side -------------------------------------------------------------------- */

enum { XDP_HOT_EVERY_MOST = 16, XDP_HOT_RING = 2048, XDP_HOT_QUERY = 128 };

/* Some queries, from one worker. What finds no room is not shown. */
struct xdp_hot {
	_Alignas(64) uint32_t written; /* the worker's */
	uint32_t until;
	_Alignas(64) uint32_t read; /* the loop's */
	uint32_t every;             /* ... and how many queries are one that is shown */
	struct {
		struct addr source; /* as it came */
		uint8_t len;
		uint8_t bytes[XDP_HOT_QUERY];
	} list[XDP_HOT_RING];
};

/* Another one; lives as long as `a`. Before the loop runs. */
struct xdp_hot *xdp_answers_hot(struct xdp_answers *a);

static inline void xdp_hot_put(struct xdp_hot *h, const uint8_t *query, size_t len, const struct addr *source)
{
	if (h->until--)
		return;
	h->until = __atomic_load_n(&h->every, __ATOMIC_RELAXED) - 1;
	if (len > XDP_HOT_QUERY - 1 ||
		h->written - __atomic_load_n(&h->read, __ATOMIC_ACQUIRE) == XDP_HOT_RING)
		return;
	h->list[h->written % XDP_HOT_RING].len = (uint8_t)len;
	h->list[h->written % XDP_HOT_RING].source = *source;
	memcpy(h->list[h->written % XDP_HOT_RING].bytes, query, len);
	__atomic_store_n(&h->written, h->written + 1, __ATOMIC_RELEASE);
}

#endif
