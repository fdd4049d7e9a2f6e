#include "daemon/geo_watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/staging.h"
#include "report/report_geo.h"

#include <ev.h>
#include <stdlib.h>

#define LOOK_S  0.5
#define QUIET_S 2.0
#define RETRY_S 10.0 /* when there was no memory */

/* A reading: what the job holds, and what it makes. */
struct refresh {
	struct build build;
	struct parts live, staged; /* held; `staged` without conf: no stage is on */
	struct parts made, made_staged;
	bool ok, staged_ok;
	struct fault why;
	struct faults warnings; /* of what was read */
};

struct geo_watch {
	struct geo_watch_opts opts;
	unsigned lane;
	ev_timer timer;
	struct stamps *seen;  /* of all files together, at the last look */
	struct stamps *tried; /* what was read last, whether it was good or not */
	struct stamps *now;   /* the looking job's */
	bool looks, reads;
	bool moved;                     /* the parts are others than when the look began */
	double quiet_since, not_before; /* clock_seconds() */
	struct refresh refresh;
};

/* --- reading ------------------------------------------------------------------------------ */

static bool refresh_begin(void *ctx)
{
	struct geo_watch *w = ctx;
	const struct parts *staged = publisher_staged(w->opts.publisher);
	struct build build = w->refresh.build;

	w->refresh = (struct refresh){ .build = build,
		.live = parts_hold(publisher_live(w->opts.publisher)),
		.staged = staged ? parts_hold(staged) : (struct parts){ 0 } };
	faults_init(&w->refresh.warnings);
	return true;
}

/* A copy that is to be changed holds everything once more. */
static bool refresh_one(
	const struct parts *of, struct parts *made, struct faults *warnings, struct fault *why)
{
	struct parts next = parts_hold(of);
	const bool ok = parts_refresh_geo(&next, why);

	if (ok) {
		parts_warn_of_geo(&next, warnings);
		*made = (struct parts){ .atlas = atlas_hold(next.atlas),
			.geo_files = stamps_hold(next.geo_files),
			.steer = steer_hold(next.steer) };
	}
	parts_drop(&next);
	return ok;
}

static void refresh_work(void *ctx, struct job *job)
{
	struct refresh *x = &((struct geo_watch *)ctx)->refresh;
	struct parts made = { 0 }, made_staged = { 0 };

	(void)job;
	x->ok = refresh_one(&x->live, &made, &x->warnings, &x->why);
	if (x->ok && x->staged.conf)
		x->staged_ok = refresh_one(&x->staged, &made_staged, &x->warnings, &x->why);
	x->made = made;
	x->made_staged = made_staged;
}

static void take(struct geo_watch *w)
{
	struct refresh *x = &w->refresh;
	const struct parts *staged = publisher_staged(w->opts.publisher);

	publisher_take_rankings(w->opts.publisher, false, &x->made);
	if (x->warnings.warnings)
		log_text(text_get(&x->warnings.text));
	log_line(LOG_NOTICE, "GeoIP files have changed and were read anew");
	report_geo_log(publisher_live(w->opts.publisher)->atlas);
	if (!staged || staged->conf != x->staged.conf)
		return;
	if (x->staged_ok)
		publisher_take_rankings(w->opts.publisher, true, &x->made_staged);
	else
		staging_rollback(w->opts.staging, x->why.text, NULL);
}

static void refresh_end(void *ctx, enum job_end end)
{
	struct geo_watch *w = ctx;
	struct refresh *x = &w->refresh;

	w->reads = false;
	if (end == JOB_DONE && x->ok)
		take(w);
	else if (end == JOB_DONE)
		log_line(LOG_ERROR, "%s; the GeoIP data from before stays", x->why.text);
	if (end != JOB_DONE) {
		x->made = x->made_staged = (struct parts){ 0 };
		log_line(LOG_ERROR,
			"out of memory; the GeoIP data from before stays, and is read again "
			"soon");
		stamps_drop(w->tried);
		w->tried = NULL;
		w->not_before = clock_seconds() + RETRY_S;
	}
	faults_fini(&x->warnings);
	publisher_let_go(w->opts.publisher, &x->made);
	publisher_let_go(w->opts.publisher, &x->made_staged);
	publisher_let_go(w->opts.publisher, &x->live);
	publisher_let_go(w->opts.publisher, &x->staged);
}

/* --- looking ------------------------------------------------------------------------------ */

static void follow(struct geo_watch *w)
{
	stamps_drop(w->seen);
	w->seen = stamps_hold(publisher_live(w->opts.publisher)->geo_files);
}

static void look_work(void *ctx, struct job *job)
{
	struct geo_watch *w = ctx;

	(void)job;
	w->now = stamps_again(w->seen);
}

static void judge(struct geo_watch *w)
{
	const struct stamps *of = publisher_live(w->opts.publisher)->geo_files;

	if (!stamps_same(w->now, w->seen)) {
		stamps_drop(w->seen);
		w->seen = stamps_hold(w->now);
		w->quiet_since = clock_seconds();
	}
	const bool fresh = stamps_same(w->now, of) ||
		(w->tried && stamps_same(w->now, w->tried));
	if (fresh || w->reads || clock_seconds() - w->quiet_since < QUIET_S ||
		clock_seconds() < w->not_before)
		return;
	stamps_drop(w->tried);
	w->tried = stamps_hold(w->now);
	w->reads = true;
	w->refresh.build = (struct build){ .name = "geoip",
		.ctx = w,
		.begin = refresh_begin,
		.work = refresh_work,
		.end = refresh_end,
		.beside = true };
	builder_ask(w->opts.builder, &w->refresh.build);
}

static void look_done(void *ctx, enum job_end end)
{
	struct geo_watch *w = ctx;

	const bool moved = w->moved;

	w->looks = w->moved = false;
	if (moved)
		follow(w);
	else if (end == JOB_DONE)
		judge(w);
	if (end == JOB_DONE)
		stamps_drop(w->now);
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct geo_watch *w = t->data;

	(void)loop;
	(void)events;
	if (w->looks || w->seen->n == 0)
		return;
	w->looks = jobs_start(w->opts.jobs,
			   &(struct job_opts){ .lane = w->lane,
				   .name = "look",
				   .about = "at the GeoIP files",
				   .ctx = w,
				   .work = look_work,
				   .done = look_done }) != NULL;
}

/* A reload may have changed which files there are. What a job looks at stays until it ends. */
static void on_parts(void *ctx, unsigned what)
{
	struct geo_watch *w = ctx;

	if (!(what & (PUBLISH_CONF | PUBLISH_GEO)))
		return;
	if (w->looks)
		w->moved = true;
	else
		follow(w);
}

struct geo_watch *geo_watch_new(const struct geo_watch_opts *opts)
{
	struct geo_watch *w = memory_zeroed(1, sizeof *w);

	w->opts = *opts;
	w->lane = jobs_lane(opts->jobs, 1, JOBS_PROMPT);
	on_parts(w, PUBLISH_GEO);
	publisher_follow(opts->publisher, on_parts, w);
	ev_timer_init(&w->timer, on_look, LOOK_S, LOOK_S);
	w->timer.data = w;
	ev_timer_start(opts->loop, &w->timer);
	return w;
}

void geo_watch_free(struct geo_watch *w)
{
	ev_timer_stop(w->opts.loop, &w->timer);
	stamps_drop(w->seen);
	stamps_drop(w->tried);
	memory_free(w);
}
