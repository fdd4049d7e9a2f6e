/* Without AF_XDP: the configuration refuses it, so that nothing of it is ever asked for. */
#include "net/xdp_worker.h"

bool xdp_open(struct xdp **to, const struct net_opts *opts, const struct epoch *epoch, struct fault *why)
{
	(void)epoch;
	(void)opts;
	(void)why;
	*to = NULL;
	return true;
}

void xdp_detach(struct xdp *x)
{
	(void)x;
}

void xdp_withdraw(struct xdp *x, const struct world *next)
{
	(void)next;
	(void)x;
}

void xdp_published(struct xdp *x)
{
	(void)x;
}

struct xdp_answers *xdp_answers_of(const struct xdp *x)
{
	(void)x;
	return NULL;
}

const struct stats *xdp_stats(const struct xdp *x)
{
	(void)x;
	return NULL;
}

struct choice_counts *xdp_counts(const struct xdp *x)
{
	(void)x;
	return NULL;
}

unsigned xdp_held(const struct xdp *x, const char **why_not)
{
	(void)x;
	*why_not = "";
	return 0;
}

void xdp_free(struct xdp *x)
{
	(void)x;
}

void xdp_follow(struct xdp *x, struct ev_loop *loop)
{
	(void)x;
	(void)loop;
}

unsigned xdp_count(const struct xdp *x)
{
	(void)x;
	return 0;
}

void xdp_report(const struct xdp *x, unsigned i, struct xdp_report *to)
{
	(void)x;
	(void)i;
	*to = (struct xdp_report){ .queues = 0 };
}

struct xdp_worker *xdp_worker_new(
	struct xdp *x, unsigned i, unsigned k, unsigned of, const struct batch_opts *opts)
{
	(void)x;
	(void)i;
	(void)k;
	(void)of;
	(void)opts;
	return NULL;
}

void xdp_worker_free(struct xdp_worker *w)
{
	(void)w;
}

void xdp_worker_run(struct xdp_worker *w)
{
	(void)w;
}

void xdp_worker_stop(struct xdp_worker *w)
{
	(void)w;
}

struct batch *xdp_worker_batch(struct xdp_worker *w)
{
	(void)w;
	return NULL;
}
