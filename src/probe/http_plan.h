/* http_plan.h - what an HTTP probe asks, for as long as somebody asks it.
 *
 * A copy of the options, since the configuration may go while a request is in flight on another
 * thread. Immutable, shared by count.
 */
#ifndef PROBE_HTTP_PLAN_H
#define PROBE_HTTP_PLAN_H

#include "base/arena.h"
#include "base/part.h"
#include "probe/probe.h"

struct http_plan {
	struct part part;
	struct arena mem;
	struct probe_opts opts;
};

/* Count 1. */
struct http_plan *http_plan_new(const struct probe_opts *p);

static inline struct http_plan *http_plan_hold(struct http_plan *p)
{
	part_hold(&p->part);
	return p;
}

static inline void http_plan_drop(struct http_plan *p)
{
	part_drop(p ? &p->part : NULL);
}

#endif
