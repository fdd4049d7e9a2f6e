#include "probe/line.h"

#include "base/clock.h"
#include "probe/check_http.h"

#include <math.h>
#include <stddef.h>
#include <sys/resource.h>

/* At once: a slot of the one ping socket; a socket; a process. */
static const uint32_t most_running[PROBE_KINDS] = {
	[PROBE_ICMP] = 8192,
	[PROBE_TCP] = 8192,
	[PROBE_DNS] = 8192,
	[PROBE_HTTP] = 16384,
	[PROBE_HTTPS] = 16384,
	[PROBE_EXEC] = 32,
};

#define PACE_LEAST   1000.0 /* handshakes a second */
#define PACE_BURST_S 0.05   /* so many seconds' worth of them at once */

/* In a turn of the loop: fewer when turns get long, since somebody else may wait for his. */
enum { STARTS = 64, STARTS_LEAST = 8, TURN_US = 20000, LATE = 128 };

static void pump_in(struct round *r, double s)
{
	if (ev_is_active(&r->pump))
		return;
	r->turn_us = clock_us() + (uint64_t)(s * 1e6);
	ev_timer_set(&r->pump, s, 0);
	ev_timer_start(r->opts.loop, &r->pump);
}

void line_pump_soon(struct round *r)
{
	if (r->in_line || r->late)
		pump_in(r, 0);
}

void line_join(struct target *t, bool ahead)
{
	struct line *l = &t->round->lines[t->check.probe->kind];

	if (t->in_line || t->running)
		return;
	ev_timer_stop(t->round->opts.loop, &t->timer);
	t->in_line = true;
	t->after = ahead ? l->first : NULL;
	if (!l->first || !ahead)
		*(l->first ? l->last : &l->first) = t;
	else
		l->first = t;
	if (!t->after)
		l->last = &t->after;
	t->round->in_line++;
	line_pump_soon(t->round);
}

void line_leave(struct target *t)
{
	struct line *l = &t->round->lines[t->check.probe->kind];
	struct target **at = &l->first, *before = NULL;

	for (; *at != t; at = &before->after)
		before = *at;
	*at = t->after;
	if (!t->after)
		l->last = before ? &before->after : &l->first;
	t->in_line = false;
	t->round->in_line--;
}

/* What began together ends together: that is gone through some at a time, too. */
void line_join_late(struct target *t)
{
	struct round *r = t->round;

	t->late_us = t->check.started_us;
	if (t->late)
		return;
	t->late = true;
	t->late_after = NULL;
	*(r->late ? r->last_late : &r->late) = t;
	r->last_late = &t->late_after;
	line_pump_soon(r);
}

void line_leave_late(struct target *t)
{
	struct round *r = t->round;
	struct target **at = &r->late, *before = NULL;

	for (; *at != t; at = &before->late_after)
		before = *at;
	*at = t->late_after;
	if (!t->late_after)
		r->last_late = before ? &before->late_after : NULL;
	t->late = false;
}

/* It may have been answered while it waited here, and even begun anew. */
static void end_late(struct round *r, unsigned most)
{
	while (r->late && most--) {
		struct target *t = r->late;
		line_leave_late(t);
		if (t->running && t->check.started_us == t->late_us)
			target_end_late(t);
	}
}

/* A first round of thousands of handshakes at once is more than many servers, and we, can do
 * within a timeout: TLS begins at a pace, a little above that of the rounds to come. */
static void fill_tokens(struct line *l, uint64_t now)
{
	const double pace = l->wanted * 1.1 > PACE_LEAST ? l->wanted * 1.1 : PACE_LEAST;
	const double more = pace * (double)(now - l->filled_us) / 1e6;

	l->tokens = fmin(l->tokens + more, pace * PACE_BURST_S);
	l->filled_us = now;
}

static bool must_wait(const struct round *r, unsigned kind)
{
	uint32_t files = 0;

	for (unsigned i = 0; i < PROBE_KINDS; i++)
		files += i == PROBE_ICMP ? 0 : r->lines[i].running;
	return r->lines[kind].running >= r->lines[kind].most ||
		(kind != PROBE_ICMP && files >= r->most_files) ||
		(kind == PROBE_HTTPS && r->lines[kind].tokens < 1) ||
		((kind == PROBE_HTTP || kind == PROBE_HTTPS) &&
			check_http_is_full(r->checks.http));
}

/* The kinds take turns, so that none waits for the others. */
static void on_pump(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct round *r = timer->data;
	const uint64_t now = clock_us();
	bool more = true;

	(void)events;
	ev_now_update(loop); /* a probe's time begins now, not when the turn did */
	if (now > r->turn_us + TURN_US)
		r->starts = r->starts / 2 > STARTS_LEAST ? r->starts / 2 : STARTS_LEAST;
	else if (r->starts < STARTS)
		r->starts += 4;
	end_late(r, LATE);
	fill_tokens(&r->lines[PROBE_HTTPS], now);
	for (unsigned starts = 0; more && starts < r->starts;) {
		more = false;
		for (unsigned kind = 0; kind < PROBE_KINDS; kind++) {
			struct line *l = &r->lines[kind];
			if (!l->first || must_wait(r, kind))
				continue;
			struct target *t = l->first;
			line_leave(t);
			l->tokens -= 1;
			target_start(t);
			starts++;
			more = true;
		}
	}
	if (more || r->late)
		line_pump_soon(r);
	else if (r->lines[PROBE_HTTPS].first && r->lines[PROBE_HTTPS].tokens < 1)
		pump_in(r, 1e-3);
}

/* Half of the files that may be open is for probes: clients and a reload want some. */
void line_init(struct round *r)
{
	struct rlimit files;
	const uint32_t room = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 2 < UINT32_MAX
		? (uint32_t)(files.rlim_cur / 2)
		: UINT32_MAX;

	ev_timer_init(&r->pump, on_pump, 0, 0);
	r->pump.data = r;
	r->most_files = room;
	for (unsigned i = 0; i < PROBE_KINDS; i++)
		r->lines[i].most = most_running[i];
}
