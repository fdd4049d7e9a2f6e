#include "daemon/staging.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/latency_read.h"
#include "daemon/parts_read.h"
#include "daemon/probes.h"
#include "daemon/stage_zones.h"
#include "daemon/zone_pools.h"
#include "dns/rcode.h"
#include "net/worker.h"
#include "steer/stage.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ANSWERS_LEAST = 100, /* fewer say nothing */
	LOOKS = 2            /* so many in a row must find probes failing */
};

struct staging {
	struct staging_opts opts;
	ev_timer timer;
	double percent;
	time_t since;
	/* Counters: when it began; at the last judgement of all answers; of its own. */
	struct stats begin, seen, seen_staged;
	unsigned failing; /* looks in a row */
	char last[512];   /* what became of the last one; "" */
};

static bool is_on(const struct staging *s)
{
	return publisher_staged(s->opts.publisher) != NULL;
}

static struct stats counters(const struct staging *s)
{
	struct workers_report w;

	workers_report(s->opts.workers, &w);
	return w.sum;
}

/* --- begin -------------------------------------------------------------------------------- */

struct beginning {
	struct staging *owner;
	double percent;
	struct reload_done done;
	struct parts live; /* held, while it is read */
	struct pool_signatures *signatures; /* the same */
	/* With what is made: what is served from then on, listing what the stage answers; NULL: it does. */
	struct registry *zones;
	struct pool_numbers *numbers;
};

static struct parts begins_from(void *ctx)
{
	struct beginning *b = ctx;
	struct publisher *p = b->owner->opts.publisher;

	b->live = parts_hold(publisher_live(p));
	b->signatures = pool_signing_hold(b->owner->opts.signing);
	return parts_hold(is_on(b->owner) ? publisher_staged(p) : publisher_live(p));
}

/* What was measured since the last rankings is known to what is staged, too; and the zones that
 * are served stay: what they name must be there. */
static bool fit_to_live(void *ctx, struct parts *made, struct faults *f)
{
	struct beginning *b = ctx;
	const struct fault_at at = { .path = parts_conf(made)->path };
	struct fault why;

	if (made->table != b->live.table) {
		struct latency *table = latency_read_copy(made->table);
		latency_read_take(table, b->live.table, LATENCY_LEARNED);
		latency_next_round(table);
		latency_drop(made->table);
		made->table = table;
	}
	struct pool_numbers *numbers = pool_numbers_new(b->live.zones->set, made->steer, &why);
	if (!numbers)
		return faults_error(f, &at,
			"%s; zones are not staged: take it out of the zone and reload first",
			why.text);
	pool_numbers_drop(made->numbers);
	made->numbers = numbers;
	const struct staging_opts *o = &b->owner->opts;
	if (!stage_zones_list(&(struct stage_zones){ &b->live, made, o->key, o->store }, &b->zones,
		    &b->numbers, &why))
		return faults_error(f, &at, "%s", why.text);
	struct pool_signing_sum sum = { 0 };
	pool_signing_ahead(b->signatures,
		&(struct pool_signing_of){ b->zones ? b->zones : b->live.zones, NULL, made->steer,
			made->numbers, NULL },
		&sum);
	return true;
}

static void start(struct staging *s, struct parts *made, double percent)
{
	const struct conf *c = parts_conf(publisher_live(s->opts.publisher));

	publisher_take_stage(
		s->opts.publisher, made, (uint64_t)(percent / 100 * (double)STAGE_ALL));
	s->percent = percent;
	s->since = time(NULL);
	s->failing = 0;
	s->begin = s->seen = s->seen_staged = counters(s);
	publisher_now(s->opts.publisher);
	ev_timer_stop(s->opts.loop, &s->timer);
	s->timer.repeat = c->stage.every_ms / 1000.0;
	ev_timer_again(s->opts.loop, &s->timer);
	log_line(LOG_NOTICE, "staged %s for %g %% of the clients", c->path, percent);
}

static void begun(
	void *ctx, struct parts *made, struct faults *f, const struct zones_change *zones)
{
	struct beginning *b = ctx;
	const bool taken = made != NULL;

	publisher_let_go(b->owner->opts.publisher, &b->live);
	pool_signatures_drop(b->signatures);
	if (made && b->zones)
		publisher_take_zones(b->owner->opts.publisher, false, b->zones, b->numbers);
	if (made)
		start(b->owner, made, b->percent);
	b->done.told(b->done.ctx, &(struct reload_result){ taken, f, zones });
	free(b);
}

bool staging_begin(
	struct staging *s, const struct staging_how *how, const struct reload_done *done)
{
	struct beginning *b = calloc(1, sizeof *b);

	if (!b)
		return false;
	*b = (struct beginning){ .owner = s, .percent = how->percent, .done = *done };
	if (reload_read(s->opts.reloader, "stage",
		    &(struct reload_made){ b, how->force, begins_from, fit_to_live, false, begun }))
		return true;
	free(b);
	return false;
}

/* --- end ---------------------------------------------------------------------------------- */

static bool none(struct fault *why)
{
	return fault(why, "no stage is on (\"waymarkctl reload --stage 5%%\" begins one)");
}

struct promotion {
	struct build build;
	struct staging *owner;
	struct reload_done done;
	struct parts live, staged; /* held; `staged` without conf: no stage is on */
	struct latency *table;
	struct pool_numbers *numbers;
	struct registry *made; /* the zones that are served then */
	struct zones_change zones;
	struct fault why; /* "" */
};

static bool promotion_begin(void *ctx)
{
	struct promotion *x = ctx;
	struct publisher *p = x->owner->opts.publisher;

	if (!is_on(x->owner))
		return none(&x->why);
	x->live = parts_hold(publisher_live(p));
	x->staged = parts_hold(publisher_staged(p));
	return true;
}

/* Zones may have changed since the stage was read. */
static bool stays_right(struct promotion *x, const struct registry *made)
{
	struct faults f;

	faults_init(&f);
	const bool ok = zone_pools_stay_alone(parts_conf(&x->staged), parts_conf(&x->live), made->set, &f);
	if (!ok)
		fault(&x->why, "%s", text_get(&f.text));
	faults_fini(&f);
	return ok;
}

static void promotion_work(void *ctx, struct job *job)
{
	struct promotion *x = ctx;

	(void)job;
	struct latency *table = latency_read_copy(x->staged.table);
	latency_read_take(table, x->live.table, LATENCY_LEARNED);
	latency_next_round(table);
	struct registry *made = stage_zones_after(&x->staged, x->live.zones, x->owner->opts.key);
	struct pool_numbers *numbers = stays_right(x, made) ? pool_numbers_new(made->set, x->staged.steer, &x->why) : NULL;
	zones_change_find(&x->zones, x->live.zones, made);
	x->table = table;
	x->numbers = numbers;
	x->made = made;
}

/* What is staged has been read whole: only the measurements since are missing. */
static bool promote(struct promotion *x)
{
	struct staging *s = x->owner;
	const struct parts *staged = publisher_staged(s->opts.publisher);

	if (!staged || staged->conf != x->staged.conf)
		return fault(&x->why, "the stage was taken back: %s", s->last);
	if (!x->numbers)
		return false;
	struct parts next = parts_hold(staged);
	latency_drop(next.table);
	pool_numbers_drop(next.numbers);
	registry_drop(next.zones);
	next.table = x->table;
	next.numbers = x->numbers;
	next.zones = x->made;
	x->table = NULL;
	x->numbers = NULL;
	x->made = NULL;
	ev_timer_stop(s->opts.loop, &s->timer);
	publisher_take_stage(s->opts.publisher, NULL, 0);
	publisher_take(s->opts.publisher, &next);
	publisher_now(s->opts.publisher);
	snprintf(s->last, sizeof s->last, "promoted from %g %%", s->percent);
	log_line(LOG_NOTICE, "the stage is %s of the clients to all", s->last);
	return true;
}

static void promotion_end(void *ctx, enum job_end end)
{
	struct promotion *x = ctx;
	struct faults f;

	if (end != JOB_DONE) {
		x->table = NULL;
		x->numbers = NULL;
		x->made = NULL;
	}
	if (end == JOB_NO_MEMORY)
		fault(&x->why, "out of memory");
	const bool ok = end == JOB_DONE && promote(x);
	faults_init(&f);
	if (!ok)
		faults_take(&f, &x->why);
	x->done.told(x->done.ctx, &(struct reload_result){ ok, &f, &x->zones });
	faults_fini(&f);
	zones_change_fini(&x->zones);
	publisher_let_go(x->owner->opts.publisher,
		&(struct parts){ .table = x->table, .numbers = x->numbers, .zones = x->made });
	publisher_let_go(x->owner->opts.publisher, &x->live);
	publisher_let_go(x->owner->opts.publisher, &x->staged);
	free(x);
}

bool staging_promote(struct staging *s, const struct reload_done *done)
{
	struct promotion *x = calloc(1, sizeof *x);

	if (!x)
		return false;
	*x = (struct promotion){ .owner = s, .done = *done };
	fault(&x->why, "the server stops");
	x->build = (struct build){ .name = "promote",
		.ctx = x,
		.begin = promotion_begin,
		.work = promotion_work,
		.end = promotion_end };
	builder_ask(s->opts.builder, &x->build);
	return true;
}

bool staging_rollback(struct staging *s, const char *reason, struct fault *why)
{
	if (!is_on(s))
		return none(why);
	ev_timer_stop(s->opts.loop, &s->timer);
	publisher_take_stage(s->opts.publisher, NULL, 0);
	publisher_now(s->opts.publisher);
	snprintf(s->last, sizeof s->last, "rolled back from %g %%: %s", s->percent, reason);
	log_line(LOG_WARNING, "the stage is %s", s->last);
	return true;
}

/* --- is it good? -------------------------------------------------------------------------- */

static double share(uint64_t n, uint64_t of)
{
	return of ? (double)n / (double)of : 0;
}

static uint64_t answers(const struct stats *of)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < STATS_RCODES; i++)
		n += of->rcode[i];
	return n;
}

/* More SERVFAIL than before it began, of all answers: what the stage has done to the server as
 * a whole. */
static bool fails(struct staging *s, const struct stats *now, struct fault *why)
{
	const uint64_t n = answers(now) - answers(&s->seen);
	const double limit = parts_conf(publisher_live(s->opts.publisher))->stage.servfail,
		     before = share(s->begin.rcode[RCODE_SERVFAIL], answers(&s->begin)),
		     since = share(now->rcode[RCODE_SERVFAIL] - s->seen.rcode[RCODE_SERVFAIL], n);

	if (n < ANSWERS_LEAST || since <= before + limit)
		return false;
	fault(why, "%.1f %% of the answers are SERVFAIL, against %.1f %% before", 100 * since,
		100 * before);
	return true;
}

/* Answers without an edge, against those of all other clients. */
static bool misses(struct staging *s, const struct stats *now, struct fault *why)
{
	const struct stats *before = &s->seen_staged;
	const uint64_t n = now->staged - before->staged,
		       unmet = now->staged_unmet - before->staged_unmet;
	const double limit = parts_conf(publisher_live(s->opts.publisher))->stage.empty, here = share(unmet, n),
		     there = share(now->unmet - before->unmet - unmet,
			     now->steered - before->steered - n);

	if (n < ANSWERS_LEAST || here <= there + limit)
		return false;
	fault(why, "%.1f %% of the staged answers have no edge, against %.1f %% of the others",
		100 * here, 100 * there);
	return true;
}

/* The share of edges that probes have down, of those that are looked at. */
static double down(const struct standing *s)
{
	uint64_t asked = 0, up = 0;

	for (unsigned i = 0; i < s->n_pools; i++) {
		if (!s->pools[i].probed)
			continue;
		asked += s->pools[i].asked;
		up += s->pools[i].up;
	}
	return share(asked - up, asked);
}

/* Edges that fail by their probes, against those of what is served: what takes both down is
 * not the stage's fault. Not before every probe has said something. */
static bool probes_fail(struct staging *s, struct fault *why)
{
	const struct world *w = publisher_world(s->opts.publisher);
	const double limit = parts_conf(publisher_live(s->opts.publisher))->stage.failures,
		     here = down(w->stage.standing), there = down(w->standing);

	if (probes_waits(s->opts.probes) || here <= there + limit) {
		s->failing = 0;
		return false;
	}
	fault(why,
		"probes have %.1f %% of the staged edges down, against %.1f %% of the others",
		100 * here, 100 * there);
	return ++s->failing >= LOOKS;
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct staging *s = t->data;
	const struct stats now = counters(s);
	struct fault why;

	(void)loop;
	(void)events;
	if (fails(s, &now, &why) || misses(s, &now, &why) || probes_fail(s, &why)) {
		char reason[256];
		snprintf(reason, sizeof reason, "%.240s", why.text);
		staging_rollback(s, reason, NULL);
		if (s->opts.taken_back)
			s->opts.taken_back(s->opts.ctx, reason);
		return;
	}
	if (answers(&now) - answers(&s->seen) >= ANSWERS_LEAST)
		s->seen = now;
	if (now.staged - s->seen_staged.staged >= ANSWERS_LEAST)
		s->seen_staged = now;
}

/* --- for others --------------------------------------------------------------------------- */

struct staging_report staging_report(const struct staging *s)
{
	struct staging_report to = { 0 };

	memcpy(to.last, s->last, sizeof to.last);
	if (!is_on(s))
		return to;
	const struct stats now = counters(s);
	to.percent = s->percent;
	to.since = s->since;
	to.answers = now.staged - s->begin.staged;
	to.empty = now.staged_unmet - s->begin.staged_unmet;
	return to;
}

struct staging *staging_new(const struct staging_opts *opts)
{
	struct staging *s = memory_zeroed(1, sizeof *s);

	s->opts = *opts;
	ev_init(&s->timer, on_look);
	s->timer.data = s;
	return s;
}

void staging_free(struct staging *s)
{
	ev_timer_stop(s->opts.loop, &s->timer);
	memory_free(s);
}
