#include "daemon/probes_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/fleet_health.h"
#include "daemon/fleet_will.h"
#include "daemon/forcing.h"
#include "daemon/standings.h"
#include "daemon/tell.h"

#include <ev.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PUBLISH_US  100000u    /* between two publications of many */
#define MEASURE_US  1000000u   /* between two that are only of measures */
#define FIRST_S     30.0       /* for the first round */
#define FOLLOW_S    0.05       /* ... when we follow another server */
/* Publishing takes at most this share of the thread, but for the first few, however large the configuration. */
#define COST 10u

/* --- standing ----------------------------------------------------------------------------- */

/* What holds of each target: as we have found it, or as a fleet has. */
static const struct verdict *verdicts_of(const struct probes *p)
{
	return p->fleet ? fleet_health_judge(p->fleet) : round_verdicts(p->round);
}

static struct standing *live(void *ctx, const struct standing *before)
{
	struct probes *p = ctx;

	return standings_make(
		&(struct standings_opts){ publisher_live(p->opts.publisher)->steer, &p->rows,
			p->round, verdicts_of(p), 0, forcing_list(p->forcing), before, p->balancer,
			p->fail_back, true, p->first, p->catching_up });
}

static struct standing *staged(
	void *ctx, const struct standing *of_live, const struct standing *before)
{
	struct probes *p = ctx;
	const struct steer *s = publisher_staged(p->opts.publisher)->steer;
	struct standing *to = standings_make(&(struct standings_opts){
		s, &p->staged_rows, p->round, verdicts_of(p), p->rows.n,
		forcing_list(p->forcing), before, NULL, p->fail_back, false, p->first, p->catching_up });

	standings_like(to, s, of_live, publisher_live(p->opts.publisher)->steer);
	standings_steady(
		to, s, before, of_live, publisher_live(p->opts.publisher)->steer, clock_us());
	return to;
}

static void changes(void *ctx, const struct world *before, const struct standing *now)
{
	struct probes *p = ctx;

	if (now->n_lost && !before->standing->n_lost)
		log_line(LOG_WARNING,
			"what is forced in single pools differs in more ways than there is room for: in %u pools it "
			"does not hold (\"waymarkctl changes\"; revoke some)",
			now->n_lost);
	if (!p->quiet)
		tell_changes(&(struct tell){
			before->steer, before->standing, now, p->round, &p->rows,
			p->opts.timeline, verdicts_of(p), p->fleet });
}

unsigned probes_waits(const struct probes *p)
{
	return round_waits(p->round);
}

static uint64_t rest_us(const struct probes *p)
{
	const uint64_t rest = COST * publisher_counts(p->opts.publisher).last_us;

	return rest > PUBLISH_US ? rest : PUBLISH_US;
}

static void publish(struct probes *p)
{
	ev_timer_stop(p->opts.loop, &p->publish);
	p->measured_us = clock_us();
	pace_spend(&p->pace, p->measured_us, rest_us(p));
	publisher_soon(p->opts.publisher);
}

static void on_publish(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	publish(t->data);
}

void probes_set_timer(struct probes *p, ev_timer *t, uint64_t at_us)
{
	const uint64_t now = clock_us();
	const double in = at_us > now ? (double)(at_us - now) / 1e6 : 0;

	if (ev_is_active(t) && ev_timer_remaining(p->opts.loop, t) <= in)
		return;
	ev_now_update(p->opts.loop); /* a timer counts from when the loop last looked */
	ev_timer_stop(p->opts.loop, t);
	ev_timer_set(t, in, 0);
	ev_timer_start(p->opts.loop, t);
}

static void on_changed(void *ctx, bool soon)
{
	struct probes *p = ctx;

	if (soon)
		probes_set_timer(p, &p->publish, pace_next_us(&p->pace, rest_us(p)));
	else if (!ev_is_active(&p->publish))
		probes_set_timer(p, &p->publish, p->measured_us + MEASURE_US);
	if (soon)
		probes_save_soon(p);
	if (soon && p->fleet)
		fleet_health_changed(p->fleet);
}

static void on_fleet(void *ctx)
{
	struct probes *p = ctx;

	probes_set_timer(p, &p->publish, pace_next_us(&p->pace, rest_us(p)));
}

static void on_fleet_caught_up(void *ctx)
{
	probes_caught_up(ctx);
}

/* Another server was told something. */
static void on_will(void *ctx)
{
	struct probes *p = ctx;

	publish(p);
	p->forced_changed = true;
	if (probes_are_kept(p))
		probes_save(p, NULL, NULL);
}

bool probes_are_apart(const struct probes *p)
{
	return p->fleet_of && !fleet_is_up(p->fleet_of);
}

struct fleet_will *probes_will(const struct probes *p)
{
	return p->will;
}

void probes_set_fleet(struct probes *p, struct fleet *f, const struct conf_fleet *c)
{
	fleet_health_free(p->fleet);
	fleet_will_free(p->will);
	p->fleet = NULL;
	p->will = NULL;
	p->fleet_of = f;
	if (f)
		p->will = fleet_will_new(&(struct fleet_will_opts){ p->opts.loop, f, p->forcing, c->server, p,
			on_will, on_fleet_caught_up });
	if (f)
		p->fleet = fleet_health_new(&(struct fleet_health_opts){ .loop = p->opts.loop,
			.fleet = f,
			.server = c->server,
			.region = c->region,
			.rule = { c->quorum, c->by_region },
			.round = p->round,
			.ctx = p,
			.changed = on_fleet });
	else
		probes_caught_up(p);
	if (f && p->first && c->wait_ms) {
		p->catching_up = true;
		probes_set_timer(p, &p->catch_up, clock_us() + c->wait_ms * UINT64_C(1000));
	}
	on_fleet(p);
}

struct fleet_health *probes_fleet(const struct probes *p)
{
	return p->fleet;
}

/* --- forced states ------------------------------------------------------------------------ */

/* By themselves: one begins or ends. */
static void on_forced(void *ctx, bool holds)
{
	struct probes *p = ctx;

	if (holds)
		publish(p);
	if (p->will)
		fleet_will_follow(p->will);
	p->forced_changed = true;
	if (probes_are_kept(p))
		probes_save(p, NULL, NULL);
}

/* Within the making of a standing, or by the clock. */
static void on_fail_back(void *ctx, bool again)
{
	struct probes *p = ctx;

	if (again)
		publish(p);
	p->forced_changed = true;
	if (probes_are_kept(p))
		probes_set_timer(p, &p->save, clock_us());
}

/* By command: who waits relies on it. */
static void take_now(struct probes *p, void (*told)(void *ctx, const struct fault *why), void *ctx)
{
	publish(p);
	publisher_now(p->opts.publisher);
	if (p->will)
		fleet_will_follow(p->will);
	p->forced_changed = true;
	if (probes_are_kept(p))
		probes_save(p, told, ctx);
	else
		told(ctx, NULL);
}

bool probes_fail_back(struct probes *p, const char *pool,
	void (*told)(void *ctx, const struct fault *why), void *ctx, struct fault *why)
{
	if (!fail_back_order(p->fail_back, publisher_live(p->opts.publisher)->steer, pool, why))
		return false;
	take_now(p, told, ctx);
	return true;
}

const struct fail_overs *probes_failed_over(const struct probes *p)
{
	return fail_back_list(p->fail_back);
}

bool probes_force(struct probes *p, const struct forcing_ask *ask,
	void (*told)(void *ctx, const struct fault *why), void *ctx, struct fault *why)
{
	if (!forcing_take(p->forcing, ask, why))
		return false;
	take_now(p, told, ctx);
	return true;
}

bool probes_revoke(struct probes *p, uint32_t id, unsigned uid,
	void (*told)(void *ctx, const struct fault *why), void *ctx, struct fault *why)
{
	if (!forcing_revoke(p->forcing, id, uid, why))
		return false;
	take_now(p, told, ctx);
	return true;
}

/* --- reports ------------------------------------------------------------------------------ */

struct still *probes_still(const struct probes *p, bool texts)
{
	struct still *s = still_take(p->round, texts);

	if (p->fleet)
		fleet_health_show(p->fleet, s);
	return s;
}

const struct forced_list *probes_changes(const struct probes *p)
{
	return forcing_list(p->forcing);
}

struct forced_list probes_forced(const struct probes *p)
{
	return forced_copy(forcing_list(p->forcing));
}

const char *probes_state_file(const struct probes *p)
{
	return probes_conf(p)->state_file;
}

const char *probes_state_fault(const struct probes *p)
{
	return state_saver_fault(p->saver);
}

/* --- start and end ------------------------------------------------------------------------ */

static void end_first(struct probes *p)
{
	unsigned n = 0, up = 0;

	if (!p->first)
		return;
	p->first = false;
	ev_timer_stop(p->opts.loop, &p->patience);
	for (uint32_t i = 0; i < round_targets(p->round); i++) {
		const struct round_view v = round_view(p->round, i);
		n += round_is_probed(&v);
		up += round_is_probed(&v) && v.up;
	}
	if (n)
		log_line(LOG_NOTICE,
			"first round of probes, %.1f s: of %u addresses %u are up%s",
			(double)(clock_us() - p->began_us) / 1e6, n, up,
			round_waits(p->round) ? "; not all have a verdict yet" : "");
	publish(p);
	publisher_now(p->opts.publisher);
	p->quiet = false;
	const struct world *w = publisher_world(p->opts.publisher);
	tell_down(
		&(struct tell){ w->steer, NULL, w->standing, p->round, &p->rows,
			p->opts.timeline, verdicts_of(p), p->fleet });
	probes_save_soon(p);
	p->opts.ready(p->opts.ctx);
}

/* Of the probes. */
static void on_first(void *ctx)
{
	struct probes *p = ctx;

	p->found = true;
	if (!p->catching_up)
		end_first(p);
}

void probes_caught_up(struct probes *p)
{
	if (!p->catching_up)
		return;
	p->catching_up = false;
	ev_timer_stop(p->opts.loop, &p->catch_up);
	if (p->found)
		end_first(p);
	else
		publish(p);
}

static void on_catch_up(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	log_line(LOG_WARNING,
		"fleet: nothing was heard of it in time (fleet: wait); answering by what this server remembers");
	probes_caught_up(t->data);
}

static void on_patience(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	on_first(t->data);
}

static struct rows make_rows(const struct parts *parts)
{
	const struct conf *c = parts_conf(parts);

	return rows_new(&(struct rows_opts){
		c->probes, c->edges, c->n_edges, c->pools, c->n_pools });
}

/* What is loaded now is what is probed from now on. Rankings come and go without any of it. */
static void plan_probes(struct probes *p)
{
	const struct parts *stage = publisher_staged(p->opts.publisher);
	struct parts before = p->planned, staged_before = p->staged_planned;
	struct rows rows_before = p->rows, staged_rows_before = p->staged_rows;
	const struct parts *now = publisher_live(p->opts.publisher);

	p->planned = (struct parts){ .conf = part_hold(now->conf) };
	p->staged_planned = (struct parts){ .conf = stage ? part_hold(stage->conf) : NULL };
	p->rows = make_rows(&p->planned);
	p->staged_rows = stage ? make_rows(&p->staged_planned) : (struct rows){ 0 };
	const struct round_part parts[] = {
		{ now->steer, p->rows.row, p->rows.n },
		{ stage ? stage->steer : NULL, p->staged_rows.row, p->staged_rows.n },
	};
	round_plan_parts(p->round, parts, stage ? 2 : 1);
	if (p->fleet)
		fleet_health_plan(p->fleet);
	rows_free(&rows_before);
	rows_free(&staged_rows_before);
	parts_drop(&before);
	parts_drop(&staged_before);
}

static void on_parts(void *ctx, unsigned what)
{
	struct probes *p = ctx;

	if (!(what & (PUBLISH_CONF | PUBLISH_STAGE)))
		return;
	plan_probes(p);
	external_files_configure(p->external_files);
	if (what & PUBLISH_CONF)
		forcing_configure(p->forcing);
	probes_save_soon(p);
	if (p->first && !round_waits(p->round))
		probes_set_timer(p, &p->patience, clock_us()); /* nothing is waited for any more */
}

static bool on_external(void *ctx, const char *probe, struct externals *of)
{
	return round_tell_all(((struct probes *)ctx)->round, probe, of);
}

struct probes *probes_new(const struct probes_opts *opts, struct faults *f)
{
	struct probes *p = memory_zeroed(1, sizeof *p);
	uint64_t seed;

	randombytes_buf(&seed, sizeof seed);
	p->opts = *opts;
	p->saver = state_saver_new(opts->jobs);
	p->round = round_new(&(struct round_opts){ .loop = opts->loop,
		.seed = seed,
		.ctx = p,
		.changed = on_changed,
		.first = on_first });
	ev_timer_init(&p->publish, on_publish, 0, 0);
	ev_timer_init(&p->save, probes_on_save, 0, 0);
	ev_timer_init(&p->patience, on_patience, FIRST_S, 0);
	ev_timer_init(&p->catch_up, on_catch_up, 0, 0);
	p->catch_up.data = p->publish.data = p->save.data = p->patience.data = p;
	p->first = p->quiet = true;
	p->kept_ms = INT64_MAX;
	plan_probes(p);
	p->fail_back = fail_back_new(
		&(struct fail_back_opts){ opts->loop, opts->timeline, on_fail_back, p });
	p->forcing = forcing_new(&(struct forcing_opts){
		opts->loop, opts->publisher, opts->timeline, on_forced, p });
	p->external_files = external_files_new(&(struct external_files_opts){
		opts->loop, opts->jobs, opts->publisher, on_external, p });
	p->followed = opts->given != NULL;
	if (opts->given) {
		probes_read_given(p, f);
		p->opts.given = NULL;
	} else {
		probes_read_file(p, f);
		probes_read_store(p, f);
	}
	publisher_set_health(
		opts->publisher, &(struct publisher_health){ p, live, staged, changes });
	publisher_follow(opts->publisher, on_parts, p);
	return p;
}

void probes_set_balancer(struct probes *p, struct balancer *b)
{
	p->balancer = b;
}

void probes_begin(struct probes *p)
{
	p->began_us = clock_us();
	forcing_begin(p->forcing);
	external_files_begin(p->external_files);
	if (p->followed) /* what the one before knew is as good as what we shall find */
		ev_timer_set(&p->patience, FOLLOW_S, 0);
	if (round_waits(p->round))
		ev_timer_start(p->opts.loop, &p->patience);
	else
		on_first(p);
}

void probes_leave(struct probes *p)
{
	p->catching_up = false;
}

void probes_free(struct probes *p)
{
	struct fault why;

	if (probes_are_kept(p)) {
		struct state_picture now = probes_picture(p);
		if (!state_saver_save_now(p->saver, &now, &why))
			log_line(LOG_WARNING, "state file %s", why.text);
	}
	state_saver_free(p->saver);
	ev_timer_stop(p->opts.loop, &p->publish);
	ev_timer_stop(p->opts.loop, &p->save);
	ev_timer_stop(p->opts.loop, &p->patience);
	ev_timer_stop(p->opts.loop, &p->catch_up);
	external_files_free(p->external_files);
	round_free(p->round);
	rows_free(&p->rows);
	rows_free(&p->staged_rows);
	parts_drop(&p->planned);
	parts_drop(&p->staged_planned);
	forcing_free(p->forcing);
	fail_back_free(p->fail_back);
	memory_free(p);
}
