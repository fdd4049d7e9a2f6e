#include "probe/round.h"

#include "base/clock.h"
#include "base/memory.h"
#include "probe/check_http.h"
#include "probe/check_icmp.h"
#include "probe/target.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* At once: a slot of the one ping socket; a socket; a process. */
static const uint32_t most_running[PROBE_KINDS] = {
	[PROBE_ICMP] = 8192,
	[PROBE_TCP] = 8192,
	[PROBE_DNS] = 8192,
	[PROBE_HTTP] = 8192,
	[PROBE_HTTPS] = 8192,
	[PROBE_EXEC] = 32,
};

/* No new ones start while so many connections that stand wait for an HTTP answer: with what one
 * costs (0.1 ms, with TLS 0.25), that is below a tenth of a processor when none answers. */
enum { ASKING_MOST = 1536 };

/* In a turn of the loop: fewer when turns get long, since somebody else may wait for his. */
enum { STARTS = 64, STARTS_LEAST = 8, TURN_US = 20000, LATE = 128 };

#define EWMA   0.3  /* how much of a measure is its last sample */
#define JITTER 0.05 /* of the interval: targets that were in step fall out of it */

static const struct check_kind *const check_kinds[PROBE_KINDS] = {
	[PROBE_ICMP] = &check_icmp_kind,
	[PROBE_TCP] = &check_tcp_kind,
	[PROBE_HTTP] = &check_http_kind,
	[PROBE_HTTPS] = &check_http_kind,
	[PROBE_DNS] = &check_dns_kind,
	[PROBE_EXEC] = &check_exec_kind,
};

/* 0 to 1 (xorshift64*). */
static double draw(struct round *r)
{
	r->random ^= r->random >> 12;
	r->random ^= r->random << 25;
	r->random ^= r->random >> 27;
	return (double)(r->random * 0x2545f4914f6cdd1du >> 11) * 0x1p-53;
}

static void set_timer(struct target *t, uint64_t in_us)
{
	struct ev_loop *loop = t->round->opts.loop;

	ev_timer_stop(loop, &t->timer);
	ev_timer_set(&t->timer, (double)in_us / 1e6, 0);
	ev_timer_start(loop, &t->timer);
}

/* --- what came of it ---------------------------------------------------------------------- */

static void put_verdict(struct target *t, bool known)
{
	const struct probe_opts *p = t->check.probe;
	const struct health_rule rule = probe_rule(p);
	struct verdict *v = &t->round->verdicts[t->number];

	*v = (struct verdict){ .known = known,
		.up = t->began && health_up(t->health, rule),
		.changes_us = UINT64_MAX,
		.rtt_ms = (float)t->rtt_ms,
		.load = (float)t->load };
	if (known && health_shaky(t->health, rule))
		v->changes_us = t->next_us +
			(uint64_t)((health_left(t->health, rule) - 1) * 1000.0 * p->every_ms *
				(1 - JITTER));
}

/* The first verdict decides alone where the start waits for it. An old one that says "down" is
 * only a hint, but it is not forgotten for one probe that passes. */
static void judge(struct target *t, bool passed)
{
	const struct health_rule rule = probe_rule(t->check.probe);
	const bool known = t->round->verdicts[t->number].known;
	const bool was = t->began && health_up(t->health, rule);
	const bool alone = !known && t->check.probe->initial == PROBE_WAIT &&
		!(t->hinted && !was && passed);

	t->health = alone ? health_begin(rule, passed) : health_after(t->health, rule, passed);
	if (!t->began || health_up(t->health, rule) != was)
		t->since_us = (int64_t)clock_us();
	t->began = true;
}

static double smooth(double so_far, double sample)
{
	return isnan(so_far) ? sample : so_far + EWMA * (sample - so_far);
}

static void keep_measures(struct target *t, const struct check_result *r)
{
	if (!r->passed)
		return;
	if (r->rtt_us) {
		t->rtt_last_ms = r->rtt_us / 1e3;
		t->rtt_least_ms = fmin(t->rtt_least_ms, t->rtt_last_ms);
		t->rtt_ms = smooth(t->rtt_ms, t->rtt_last_ms);
	}
	if (r->wire_us)
		t->wire_ms = smooth(t->wire_ms, r->wire_us / 1e3);
	if (!isnan(r->load))
		t->load = smooth(t->load, r->load);
}

static struct round_view view_of(const struct target *t, const struct verdict *v)
{
	return (struct round_view){ .probe = t->check.probe,
		.edge = t->check.edge,
		.addr = t->check.addr,
		.known = v->known,
		.up = v->up,
		.hinted = t->hinted,
		.running = t->running,
		.since_us = t->since_us,
		.next_us = t->next_us,
		.probes = t->probes,
		.failures = t->failures,
		.passed = t->passed,
		.say = t->say,
		.error = t->error,
		.notice = t->notice,
		.left = health_left(t->health, probe_rule(t->check.probe)),
		.rtt_ms = t->rtt_ms,
		.rtt_least_ms = t->rtt_least_ms,
		.rtt_last_ms = t->rtt_last_ms,
		.wire_ms = t->wire_ms,
		.load = t->load };
}

static void answer_ask(struct target *t)
{
	struct round_ask *a = t->ask;
	struct text steps = t->steps;
	const struct round_view v = view_of(t, &t->round->verdicts[t->number]);

	t->steps = (struct text){ 0 };
	t->check.steps = NULL;
	t->ask = NULL;
	a->left--;
	a->told(a, &v, text_get(&steps));
	text_fini(&steps);
}

static bool is_awaited(const struct target *t)
{
	return t->check.probe->initial == PROBE_WAIT && !t->round->verdicts[t->number].known;
}

static void pump_soon(struct round *r)
{
	if (ev_is_active(&r->pump) || (!r->in_line && !r->late))
		return;
	r->turn_us = clock_us();
	ev_timer_start(r->opts.loop, &r->pump);
}

/* The machine has no more of something: no verdict, and another try at the next turn. */
static void give_up(struct target *t)
{
	strcpy(t->say, t->check.result.say);
	t->round->totals.not_made++;
	set_timer(t, t->check.probe->every_ms * 1000ull);
	pump_soon(t->round);
	if (t->ask && t->check.steps)
		answer_ask(t);
	else if (t->ask)
		target_queue(t, true);
}

/* The probe is over, whoever ended it. */
static void finish(struct target *t)
{
	struct round *r = t->round;
	const struct check_result *result = &t->check.result;
	const bool awaited = is_awaited(t);
	const struct verdict before = r->verdicts[t->number];

	t->running = false;
	r->lines[t->check.probe->kind].running--;
	if (result->ours) {
		give_up(t);
		return;
	}
	t->probes++;
	r->totals.probes++;
	t->passed = result->passed;
	strcpy(t->say, result->say);
	strcpy(t->notice, result->notice);
	if (!t->passed) {
		strcpy(t->error, result->say);
		t->failures++;
		r->totals.failures++;
	}
	keep_measures(t, result);
	judge(t, t->passed);
	put_verdict(t, true);
	const uint64_t now = clock_us();
	set_timer(t, t->next_us > now ? t->next_us - now : 0);
	pump_soon(r);
	const struct verdict *v = &r->verdicts[t->number];
	if (t->ask && t->check.steps)
		answer_ask(t);
	else if (t->ask)
		target_queue(t, true);
	r->opts.changed(r->opts.ctx,
		before.known != v->known || before.up != v->up ||
			before.changes_us != v->changes_us);
	if (awaited && --r->waits == 0)
		r->opts.first(r->opts.ctx);
}

static void on_done(struct check *c)
{
	finish((struct target *)c); /* its first field */
}

static void on_late(struct target *t)
{
	struct check *c = &t->check;

	check_kinds[c->probe->kind]->stop(&t->round->checks, c);
	check_failed(c,
		c->probe->timeout_ms % 1000 ? "no answer within %g ms (waited for %s)"
					    : "no answer within %g s (waited for %s)",
		c->probe->timeout_ms % 1000 ? c->probe->timeout_ms : c->probe->timeout_ms / 1e3,
		c->stage);
	check_step(c, "%s", c->result.say);
	finish(t);
}

/* --- whose turn it is --------------------------------------------------------------------- */

static void start(struct target *t)
{
	struct round *r = t->round;
	struct check *c = &t->check;
	const unsigned every_us = c->probe->every_ms * 1000;
	const bool first = t->probes == 0;

	t->running = true;
	r->lines[c->probe->kind].running++;
	c->started_us = clock_us();
	c->stage = "an answer";
	c->result = (struct check_result){ .load = NAN };
	c->steps = t->ask ? &t->steps : NULL;
	/* The first round is for all at once; then each has its own phase. */
	t->next_us = c->started_us +
		(uint64_t)(every_us *
			(first ? 0.1 + 0.9 * draw(r) : 1 + JITTER * (2 * draw(r) - 1)));
	if (check_kinds[c->probe->kind]->start(&r->checks, c))
		set_timer(t, c->probe->timeout_ms * 1000ull);
	else
		finish(t);
}

void target_queue(struct target *t, bool ahead)
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
	pump_soon(t->round);
}

static void leave_line(struct target *t)
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
static void queue_late(struct target *t)
{
	struct round *r = t->round;

	t->late_us = t->check.started_us;
	if (t->late)
		return;
	t->late = true;
	t->late_after = NULL;
	*(r->late ? r->last_late : &r->late) = t;
	r->last_late = &t->late_after;
	pump_soon(r);
}

static void leave_late(struct target *t)
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

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct target *t = timer->data;

	(void)loop;
	(void)events;
	if (t->running)
		queue_late(t);
	else
		target_queue(t, false);
}

/* It may have been answered while it waited here, and even begun anew. */
static void end_late(struct round *r, unsigned most)
{
	while (r->late && most--) {
		struct target *t = r->late;
		leave_late(t);
		if (t->running && t->check.started_us == t->late_us)
			on_late(t);
	}
}

static bool must_wait(const struct round *r, unsigned kind)
{
	return (kind == PROBE_HTTP || kind == PROBE_HTTPS) && r->checks.asking >= ASKING_MOST;
}

/* The kinds take turns, so that none waits for the others. */
static void on_pump(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct round *r = timer->data;
	const uint64_t now = clock_us();
	bool more = true;

	(void)events;
	ev_now_update(loop); /* a probe's time begins now, not when the turn did */
	if (now - r->turn_us > TURN_US)
		r->starts = r->starts / 2 > STARTS_LEAST ? r->starts / 2 : STARTS_LEAST;
	else if (r->starts < STARTS)
		r->starts += 4;
	end_late(r, LATE);
	for (unsigned starts = 0; more && starts < r->starts;) {
		more = false;
		for (unsigned kind = 0; kind < PROBE_KINDS; kind++) {
			struct line *l = &r->lines[kind];
			if (!l->first || l->running >= l->most || must_wait(r, kind))
				continue;
			struct target *t = l->first;
			leave_line(t);
			start(t);
			starts++;
			more = true;
		}
	}
	if (more || r->late)
		pump_soon(r);
}

/* --- targets ------------------------------------------------------------------------------ */

struct target *target_new(
	struct round *r, const struct probe_opts *p, const struct addr *addr, const char *edge)
{
	struct target *t = memory_zeroed(1, sizeof *t);

	t->check = (struct check){ .probe = p, .addr = *addr, .edge = edge, .done = on_done };
	t->round = r;
	t->began = p->initial != PROBE_WAIT;
	t->health = health_begin(probe_rule(p), p->initial == PROBE_UP);
	t->since_us = (int64_t)clock_us();
	t->rtt_ms = t->rtt_least_ms = t->rtt_last_ms = t->wire_ms = t->load = NAN;
	ev_timer_init(&t->timer, on_timer, 0, 0);
	t->timer.data = t;
	return t;
}

void target_free(struct target *t)
{
	struct round *r = t->round;

	ev_timer_stop(r->opts.loop, &t->timer);
	if (t->running) {
		check_kinds[t->check.probe->kind]->stop(&r->checks, &t->check);
		r->lines[t->check.probe->kind].running--;
	}
	if (t->in_line)
		leave_line(t);
	if (t->late)
		leave_late(t);
	if (t->ask) {
		check_step(&t->check, "no longer probed");
		answer_ask(t);
	}
	text_fini(&t->steps);
	free(t);
}

void round_hint(struct round *r, uint32_t target, bool up, int64_t since_us)
{
	struct target *t = r->targets[target];

	if (r->verdicts[target].known)
		return;
	t->began = t->hinted = true;
	t->health = health_begin(probe_rule(t->check.probe), up);
	t->since_us = since_us;
	put_verdict(t, false);
}

/* --- the round ---------------------------------------------------------------------------- */

/* A quarter of the files that may be open is for one kind: clients and a reload want some. */
static void limit_lines(struct round *r)
{
	struct rlimit files;
	const bool known = getrlimit(RLIMIT_NOFILE, &files) == 0;

	for (unsigned i = 0; i < PROBE_KINDS; i++) {
		r->lines[i].most = most_running[i];
		if (known && i != PROBE_ICMP && files.rlim_cur / 4 < most_running[i])
			r->lines[i].most = (uint32_t)(files.rlim_cur / 4);
	}
}

struct round *round_new(const struct round_opts *opts)
{
	struct round *r = memory_zeroed(1, sizeof *r);

	r->opts = *opts;
	r->random = opts->seed | 1;
	r->checks.loop = opts->loop;
	r->checks.icmp = check_icmp_new(opts->loop, opts->seed);
	r->checks.http = check_http_new(opts->loop, &r->checks.asking);
	ev_timer_init(&r->pump, on_pump, 0, 0);
	r->pump.data = r;
	limit_lines(r);
	return r;
}

void round_free(struct round *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		target_free(r->targets[i]);
	for (unsigned i = 0; i < r->n_rows; i++)
		free(r->row_targets[i]);
	ev_timer_stop(r->opts.loop, &r->pump);
	check_exec_wait(&r->checks);
	check_icmp_free(r->checks.icmp);
	check_http_free(r->checks.http);
	free(r->row_targets);
	free(r->targets);
	free(r->verdicts);
	free(r);
}

uint32_t round_targets(const struct round *r)
{
	return r->n;
}

const struct verdict *round_verdicts(const struct round *r)
{
	return r->verdicts;
}

const uint32_t *round_row_targets(const struct round *r, unsigned row)
{
	return r->row_targets[row];
}

uint32_t round_waits(const struct round *r)
{
	return r->waits;
}

struct round_totals round_totals(const struct round *r)
{
	struct round_totals t = r->totals;

	t.in_line = r->in_line;
	for (unsigned i = 0; i < PROBE_KINDS; i++)
		t.running += r->lines[i].running;
	return t;
}

struct round_view round_view(const struct round *r, uint32_t target)
{
	return view_of(r->targets[target], &r->verdicts[target]);
}

/* --- somebody wants to know now ----------------------------------------------------------- */

bool round_ask(struct round *r, const uint32_t *targets, unsigned n, struct round_ask *a)
{
	for (unsigned i = 0; i < n; i++)
		if (r->targets[targets[i]]->ask)
			return false;
	a->left = n;
	for (unsigned i = 0; i < n; i++) {
		struct target *t = r->targets[targets[i]];
		t->ask = a;
		if (t->in_line)
			leave_line(t);
		target_queue(t, true); /* one in flight is followed by another */
	}
	return true;
}

void round_forget(struct round *r, struct round_ask *a)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct target *t = r->targets[i];
		if (t->ask != a)
			continue;
		t->ask = NULL;
		t->check.steps = NULL;
		text_fini(&t->steps);
	}
}
