/* xdp.h - interfaces whose queries come to us past the kernel's network stack (AF_XDP).
 *
 * All that are configured, with their programs and sockets, opened while there are privileges. Built in where
 * libxdp, libbpf and clang were there (net/xdp_none.c: where they were not). The loop's thread.
 */
#ifndef NET_XDP_H
#define NET_XDP_H

#include "config.h"
#include "net/listen.h"

struct ev_loop;
struct xdp;

struct xdp_report {
	char name[16]; /* of the interface */
	unsigned queues;
	bool native;    /* in the driver; else behind it */
	bool zero_copy; /* on all queues */
	bool failed;    /* it could not be had at the start: the rest is 0 */
	bool gone;      /* the interface is not there any more */
	uint64_t lost;  /* frames that found no room in our rings */
	uint64_t broken_off; /* answers in the kernel that changed while they were given, so that none was sent */
	bool answers;   /* what is asked often is answered in the kernel */
};

/* Here, since who reads a configuration wants it, too, and nothing else of this. */
static inline bool xdp_is_built(void)
{
#if defined WITH_XDP
	return true;
#else
	return false;
#endif
}

/* `*to` is NULL where none is configured; of those that cannot be had the log tells why, and their queries
 * come by the ordinary sockets of their port. False and one sentence where there is none of these. */
struct epoch;
struct stats;
struct choice_counts;
bool xdp_open(struct xdp **to, const struct net_opts *opts, const struct epoch *epoch, struct fault *why);
/* From here on all goes to the kernel again; what has come is still answered. `x` may be NULL, here and below. */
void xdp_detach(struct xdp *x);
/* When no worker runs any more. */
void xdp_free(struct xdp *x);

/* Goes by the machine's addresses from now on as they change, until xdp_detach(). */
void xdp_follow(struct xdp *x, struct ev_loop *loop);

/* That world is about to be published; it has been (net/xdp_answers.h). */
struct world;
void xdp_withdraw(struct xdp *x, const struct world *next);
void xdp_published(struct xdp *x);

/* What is answered in the kernel; NULL: nothing is. Lives as long as `x`. */
struct xdp_answers;
struct xdp_answers *xdp_answers_of(const struct xdp *x);
const struct stats *xdp_stats(const struct xdp *x);
struct choice_counts *xdp_counts(const struct xdp *x);
/* Answers that are held there; `*why_not` is why there are none, or "". */
unsigned xdp_held(const struct xdp *x, const char **why_not);

/* How many interfaces are configured, numbered from 0. */
unsigned xdp_count(const struct xdp *x);
void xdp_report(const struct xdp *x, unsigned i, struct xdp_report *to);

#endif
