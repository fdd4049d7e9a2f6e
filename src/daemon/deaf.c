#include "daemon/deaf.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/daemon.h"

#include <ev.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_S   1.0
#define TOLD_FOR 60000000u /* us: it is not said again so soon */

struct deaf {
	struct daemon *daemon;
	struct ev_loop *loop;
	ev_timer timer;
	uint64_t told; /* failures, the last time */
	uint64_t told_us;
};

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct deaf *d = t->data;
	struct workers_report r;

	(void)loop;
	(void)events;
	workers_report(d->daemon->workers, &r);
	const uint64_t now = clock_us();
	if (r.sum.receive_failed == d->told || (d->told && now - d->told_us < TOLD_FOR))
		return;
	log_line(LOG_ERROR, "UDP: %s in place of queries, %" PRIu64 " times so far; trying on",
		strerror(r.receive_error), r.sum.receive_failed);
	d->told = r.sum.receive_failed;
	d->told_us = now;
}

struct deaf *deaf_start(struct daemon *daemon, struct ev_loop *loop)
{
	struct deaf *d = memory_zeroed(1, sizeof *d);

	d->daemon = daemon;
	d->loop = loop;
	ev_timer_init(&d->timer, on_look, LOOK_S, LOOK_S);
	d->timer.data = d;
	ev_timer_start(loop, &d->timer);
	return d;
}

void deaf_stop(struct deaf *d)
{
	if (!d)
		return;
	ev_timer_stop(d->loop, &d->timer);
	free(d);
}
