/* target.c - one target: its probe begins, ends, and changes what is known of it.
 */
#include "probe/target.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "probe/line.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EWMA   0.3  /* how much of a measure is its last sample */
enum { NAME_MOST_S = 60 }; /* a name's address is good for so long, whatever its TTL */

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

void target_set_timer(struct target *t, uint64_t in_us)
{
	struct ev_loop *loop = t->round->opts.loop;

	ev_timer_stop(loop, &t->timer);
	ev_timer_set(&t->timer, (double)in_us / 1e6, 0);
	ev_timer_start(loop, &t->timer);
}

/* --- what came of it ---------------------------------------------------------------------- */

void target_put_verdict(struct target *t, bool known)
{
	const struct probe_opts *p = t->check.probe;
	const struct health_rule rule = probe_rule(p);
	struct verdict *v = &t->round->verdicts[t->number];

	*v = (struct verdict){ .known = known,
		.awaited = !known && !t->began,
		.up = t->began && health_up(t->health, rule),
		.changes_us = known ? UINT64_MAX : 0,
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
	t->changes += t->began && health_up(t->health, rule) != was;
	t->began = true;
}

void target_combine_wholes(struct target *t)
{
	for (unsigned i = 0; i < t->n_wholes; i++)
		target_combine(t->wholes[i]);
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

struct round_view target_view(const struct target *t)
{
	const struct verdict *v = &t->round->verdicts[t->number];

	return (struct round_view){ .probe = t->check.probe,
		.edge = t->check.edge,
		.addr = t->point.addr,
		.name = t->point.name,
		.port = t->point.port,
		.known = v->known,
		.up = v->up,
		.hinted = t->hinted,
		.running = t->running,
		.since_us = t->since_us,
		.next_us = t->next_us,
		.probes = t->probes,
		.failures = t->failures,
		.changes = t->changes,
		.passed = t->passed,
		.say = t->say,
		.error = t->error,
		.notice = t->notice,
		.left = health_left(t->health, probe_rule(t->check.probe)),
		.rtt_ms = t->rtt_ms,
		.rtt_least_ms = t->rtt_least_ms,
		.rtt_last_ms = t->rtt_last_ms,
		.wire_ms = t->wire_ms,
		.load = t->load,
		.parts = t->parts,
		.n_parts = t->n_parts };
}

static void answer_ask(struct target *t)
{
	struct round_ask *a = t->ask;
	struct text steps = t->steps;
	const struct round_view v = target_view(t);

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

/* The machine has no more of something: no verdict, and another try at the next turn. */
static void give_up(struct target *t)
{
	strcpy(t->say, t->check.result.say);
	t->round->totals.not_made++;
	target_set_timer(t, t->check.probe->every_ms * 1000ull);
	line_pump_soon(t->round);
	if (t->ask && t->check.steps)
		answer_ask(t);
	else if (t->ask)
		line_join(t, true);
}

/* A certificate's end is told as it comes nearer: once a day, at last once an hour. */
static void take_notice(struct target *t, const char *notice)
{
	char where[ROUND_WHERE];
	const struct round_view v = target_view(t);

	if (strstr(notice, "certificate exp") && strcmp(notice, t->notice) != 0)
		log_line(LOG_WARNING, "edge %s, %s, probe %s: %s", t->check.edge,
			round_where(where, &v), t->check.probe->name, notice);
	strcpy(t->notice, notice);
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
	take_notice(t, result->notice);
	if (!t->passed) {
		strcpy(t->error, result->say);
		t->failures++;
		r->totals.failures++;
	}
	keep_measures(t, result);
	judge(t, t->passed);
	target_put_verdict(t, true);
	target_combine_wholes(t);
	const uint64_t now = clock_us();
	target_set_timer(t, t->next_us > now ? t->next_us - now : 0);
	line_pump_soon(r);
	const struct verdict *v = &r->verdicts[t->number];
	if (t->ask && t->check.steps)
		answer_ask(t);
	else if (t->ask)
		line_join(t, true);
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

/* That nobody tells us an address is our own trouble, and no news of the target; but the start
 * does not wait for it. */
static bool is_known(const struct target *t)
{
	return t->round->verdicts[t->number].known;
}

/* While its name is resolved nothing else runs. */
static void stop_check(struct target *t)
{
	if (!t->resolving) {
		check_kinds[t->check.probe->kind]->stop(&t->round->checks, &t->check);
		return;
	}
	resolver_forget(t->resolving);
	t->resolving = NULL;
	t->check.result.ours = is_known(t);
}

void target_end_late(struct target *t)
{
	struct check *c = &t->check;

	stop_check(t);
	check_failed(c,
		c->probe->timeout_ms % 1000 ? "no answer within %g ms (waited for %s)"
					    : "no answer within %g s (waited for %s)",
		c->probe->timeout_ms % 1000 ? c->probe->timeout_ms : c->probe->timeout_ms / 1e3,
		c->stage);
	check_step(c, "%s", c->result.say);
	finish(t);
}

/* --- its probe ---------------------------------------------------------------------------- */

static void start_check(struct target *t)
{
	struct check *c = &t->check;

	if (check_kinds[c->probe->kind]->start(&t->round->checks, c))
		target_set_timer(t, c->probe->timeout_ms * 1000ull);
	else
		finish(t);
}

static void forget_kept(struct target *t)
{
	const struct check_kind *kind = check_kinds[t->check.probe->kind];

	if (kind && kind->forget)
		kind->forget(&t->check);
}

static void on_address(void *ctx, const struct resolver_answer *a)
{
	struct target *t = ctx;
	struct check *c = &t->check;
	char addr[ADDR_TEXT];
	const uint64_t now = clock_us();

	t->resolving = NULL;
	if (a->result != RESOLVER_FOUND) {
		c->result.ours = a->result == RESOLVER_FAILED && is_known(t);
		check_failed(c, "%.100s is not found: %.80s", c->name, a->say);
		check_step(c, "%s", c->result.say);
		finish(t);
		return;
	}
	if (memcmp(&c->addr, &a->addr, sizeof a->addr) != 0)
		forget_kept(t); /* a connection to where it was */
	c->addr = a->addr;
	t->found_until_us = now + 1000000ull * (a->ttl_s < NAME_MOST_S ? a->ttl_s : NAME_MOST_S);
	check_step(c, "%s is %s", c->name, addr_text(addr, &c->addr));
	c->started_us = t->late ? c->started_us : now; /* a round trip is not the resolver's */
	c->stage = "an answer";
	start_check(t);
}

/* A command may resolve by itself. */
static void find_address(struct target *t)
{
	struct check *c = &t->check;

	if (!c->name || c->probe->kind == PROBE_EXEC || clock_us() < t->found_until_us) {
		start_check(t);
		return;
	}
	c->stage = "the address of its name";
	target_set_timer(t, c->probe->timeout_ms * 1000ull);
	struct resolver_ask *ask = resolver_ask(t->round->resolver, c->name, on_address, t);
	if (ask)
		t->resolving = ask;
}

void target_start(struct target *t)
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
	find_address(t);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct target *t = timer->data;

	(void)loop;
	(void)events;
	if (t->check.probe->kind == PROBE_EXTERNAL)
		target_told(t);
	else if (t->running)
		line_join_late(t);
	else
		line_join(t, false);
}

struct target *target_new(struct round *r, const struct probe_opts *p,
	const struct edge_point *point, const char *edge)
{
	struct target *t = memory_zeroed(1, sizeof *t);

	t->edge = memory_strdup(edge);
	t->check = (struct check){ .probe = p,
		.addr = point->addr,
		.port = point->port ? point->port : (uint16_t)probe_port(p),
		.edge = t->edge,
		.done = on_done };
	t->point = *point;
	if (point->name)
		t->point.name = t->check.name = memory_strdup(point->name);
	t->round = r;
	/* Who tells by command may never do: the start does not wait for him. */
	t->began = p->initial != PROBE_WAIT || (p->kind == PROBE_EXTERNAL && !p->file);
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
		stop_check(t);
		r->lines[t->check.probe->kind].running--;
	}
	forget_kept(t);
	if (t->in_line)
		line_leave(t);
	if (t->late)
		line_leave_late(t);
	if (t->ask) {
		t->check.steps = &t->steps; /* it may have waited in line */
		check_step(&t->check, "no longer probed");
		answer_ask(t);
	}
	text_fini(&t->steps);
	memory_free(t->parts);
	memory_free(t->wholes);
	memory_free(t->edge);
	memory_free((void *)(uintptr_t)t->point.name);
	memory_free(t);
}

void target_rename(struct target *t, const char *edge)
{
	if (strcmp(t->edge, edge) == 0)
		return;
	memory_free(t->edge);
	t->edge = memory_strdup(edge);
	t->check.edge = t->edge;
}

void target_hint(struct target *t, bool up, int64_t since_us)
{
	if (t->round->verdicts[t->number].known)
		return;
	t->began = t->hinted = true;
	t->health = health_begin(probe_rule(t->check.probe), up);
	t->since_us = since_us;
	target_put_verdict(t, false);
	target_combine_wholes(t);
}
