#include "daemon/pool_signing.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "jobs/mailbox.h"
#include "world/pool_sign.h"
#include "zone/registry.h"

#include <ev.h>
#include <string.h>
#include <time.h>

enum { ROOM = 256, BATCH = 32, BATCH_UNPROVEN = 8, SHARE = 10, TIDY_LEAST = 4096 };

static const double pause_s = 0.2, look_s = 60;

/* What is wanted, in the order in which it came. */
struct queue {
	struct pool_unsigned of[ROOM];
	unsigned first, n;
};

/* Signing ahead what is served. */
struct ahead {
	struct parts live, staged; /* held */
	struct registry *before;   /* held: what has been signed; NULL: nothing may be passed over */
	struct pool_signatures *table; /* held */
	struct pool_signatures *tidy;  /* made: to be used in its place; or NULL */
	struct pool_signing_sum sum;
	bool whole; /* nothing was passed over */
};

struct wanted {
	struct registry *zones;        /* held */
	struct pool_signatures *table; /* held */
	struct pool_unsigned of[BATCH];
	size_t n, made;
	uint64_t took_us;
};

struct pool_signing {
	struct pool_signing_opts opts;
	unsigned ahead_lane, wanted_lane;
	struct pool_signatures *table; /* held */
	struct mailbox *box;
	struct queue proven, unproven;
	struct ahead ahead;
	struct wanted wanted;
	bool ahead_runs, again, wanted_runs;
	ev_timer soon, look, pace;
	/* What was signed ahead last: zones that are the same need not be looked at. */
	struct registry *seen; /* held; NULL */
	const void *seen_steer, *seen_staged; /* only compared */
	size_t left;
	uint64_t signeds, lost;
	bool told_left;
};

static void start_wanted(struct pool_signing *s);

/* --- ahead -------------------------------------------------------------------------------- */

static bool goes_on(void *ctx)
{
	return !ctx || !job_is_cancelled(ctx);
}

static void sign_pools_of(struct pool_signatures *to, const struct pool_signing_of *of, size_t i,
	const struct registry_zone *before, struct pool_signing_sum *sum)
{
	const struct registry_zone *z = of->zones->zones[i];
	const struct pool_signatures_counts have = pool_signatures_counts(to);
	const bool same_keys = before && before->keys && keyset_same(before->keys, z->keys);
	const struct pool_sign s = { .to = to,
		.zone = z->load.zone,
		.before = same_keys ? before->load.zone : NULL,
		.keys = z->keys,
		.now_s = (int64_t)time(NULL) };
	struct pool_sign_ahead how = {
		.most = have.ahead < POOL_SIGNING_AHEAD_MOST ? POOL_SIGNING_AHEAD_MOST - have.ahead : 0,
		.goes_on = goes_on,
		.ctx = of->job
	};

	pool_sign_ahead(&s,
		&(struct pool_sign_pools){
			of->steer, of->numbers->pools + of->numbers->first_pool[i] },
		&how);
	sum->made += how.made;
	sum->left += how.left;
	sum->failed = sum->failed || how.no_memory;
}

/* The entry of the same zone; both registries ascend. */
static const struct registry_zone *entry_before(
	const struct registry *r, size_t *at, const struct registry_zone *z)
{
	int d = -1;

	if (!r)
		return NULL;
	if (*at < r->n && r->zones[*at] == z)
		return r->zones[(*at)++];
	while (*at < r->n && (d = registry_compare(r->zones[*at]->origin, z->origin)) < 0)
		++*at;
	return *at < r->n && d == 0 ? r->zones[(*at)++] : NULL;
}

/* Of a zone whose keys are only published so far nothing is signed but these. */
static bool signs(const struct registry_zone *z)
{
	const struct keyset *k = zone_is_ready(z->load.zone) && z->load.zone->denial ? z->keys : NULL;

	for (size_t i = 0; k && i < k->n; i++)
		if (k->keys[i].signs_zone && signing_key_can_sign(k->keys[i].key))
			return true;
	return false;
}

void pool_signing_ahead(struct pool_signatures *to, const struct pool_signing_of *of,
	struct pool_signing_sum *sum)
{
	size_t at = 0;

	for (size_t i = 0; i < of->zones->n && goes_on(of->job); i++) {
		const struct registry_zone *z = of->zones->zones[i];
		if (of->before && at < of->before->n && of->before->zones[at] == z) {
			at++; /* mostly all; what they point to is in no cache */
			continue;
		}
		const struct registry_zone *before = entry_before(of->before, &at, z);
		if (z == before || !z->load.zone->pools_n || !signs(z))
			continue;
		sign_pools_of(to, of, i, before, sum);
		if (!pool_signatures_mark(to, z->load.zone, true))
			sum->failed = true;
	}
}

/* Zones that others have signed, or nobody yet: what pools answer in them is not. Only of what is served,
 * since a version that was signed here may be until then. */
static void unmark(struct pool_signatures *to, const struct registry *zones)
{
	for (size_t i = 0; i < zones->n; i++) {
		const struct registry_zone *z = zones->zones[i];
		if (z->load.zone->pools_n && z->load.zone->denial && !signs(z))
			pool_signatures_mark(to, z->load.zone, false);
	}
}

static void work_ahead(void *ctx, struct job *job)
{
	struct pool_signing *s = ctx;
	struct ahead *a = &s->ahead;
	struct pool_signing_of of = { a->live.zones, a->before, a->live.steer, a->live.numbers, job };

	pool_signing_ahead(a->table, &of, &a->sum);
	if (a->staged.steer) {
		of.steer = a->staged.steer;
		of.numbers = a->staged.numbers;
		pool_signing_ahead(a->table, &of, &a->sum);
	}
	unmark(a->table, a->live.zones);
	const struct pool_signatures_counts c = pool_signatures_counts(a->table);
	if ((c.replaced > TIDY_LEAST && c.replaced > c.ahead + c.wanted) ||
		c.wanted > POOL_SIGNING_WANTED_MOST)
		a->tidy = pool_signatures_tidy(
			a->table, POOL_SIGNING_WANTED_MOST / 2, (uint32_t)time(NULL));
}

static void tell(struct pool_signing *s, const struct pool_signing_sum *sum)
{
	if (sum->failed)
		log_line(LOG_ERROR, "not all that pools answer could be signed ahead: out of "
				    "memory; it is tried again in a minute");
	if (sum->left && !s->told_left)
		log_line(LOG_WARNING,
			"%zu of the RRsets that pools may answer are over the %d that are signed "
			"ahead: they are signed when they are asked for",
			sum->left, POOL_SIGNING_AHEAD_MOST);
	s->told_left = sum->left != 0;
}

static void done_ahead(void *ctx, enum job_end end)
{
	struct pool_signing *s = ctx;
	struct ahead *a = &s->ahead;

	s->ahead_runs = false;
	if (end == JOB_DONE) {
		tell(s, &a->sum);
		if (a->whole)
			s->left = a->sum.left;
		if (!a->sum.failed) {
			registry_drop(s->seen);
			s->seen = registry_hold(a->live.zones);
			s->seen_steer = a->live.steer;
			s->seen_staged = a->staged.steer;
		}
	} else {
		pool_signatures_drop(a->tidy); /* of no scope, whatever has ended */
		a->tidy = NULL;
	}
	if (a->tidy) {
		pool_signatures_drop(s->table);
		s->table = a->tidy;
		publisher_set_signatures(s->opts.publisher, s->table);
	}
	pool_signatures_drop(a->table);
	publisher_let_go(s->opts.publisher,
		&(struct parts){ .zones = a->before });
	publisher_let_go(s->opts.publisher, &a->live);
	publisher_let_go(s->opts.publisher, &a->staged);
	*a = (struct ahead){ .tidy = NULL };
	if (s->again && !jobs_are_stopped(s->opts.jobs))
		ev_timer_again(s->opts.loop, &s->soon);
	s->again = false;
}

static void start_ahead(struct pool_signing *s)
{
	const struct parts *live = publisher_live(s->opts.publisher),
			   *staged = publisher_staged(s->opts.publisher);
	struct ahead *a = &s->ahead;

	if (s->ahead_runs) {
		s->again = true;
		return;
	}
	a->live = parts_hold(live);
	if (staged)
		a->staged = parts_hold(staged);
	a->whole = !s->seen || s->seen_steer != live->steer ||
		s->seen_staged != (staged ? staged->steer : NULL);
	a->before = a->whole ? NULL : registry_hold(s->seen);
	a->table = pool_signatures_hold(s->table);
	s->ahead_runs = true;
	if (jobs_start(s->opts.jobs,
		    &(struct job_opts){ .lane = s->ahead_lane,
			    .name = "sign ahead",
			    .ctx = s,
			    .work = work_ahead,
			    .done = done_ahead }))
		return;
	done_ahead(s, JOB_NO_MEMORY);
}

static void on_soon(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)events;
	ev_timer_stop(loop, t);
	start_ahead(t->data);
}

/* Signatures come to their end: all is looked at. */
static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct pool_signing *s = t->data;

	(void)loop;
	(void)events;
	s->seen_steer = NULL;
	start_ahead(s);
}

static void on_parts(void *ctx, unsigned what)
{
	struct pool_signing *s = ctx;

	if (what & (PUBLISH_ZONES | PUBLISH_STEER | PUBLISH_STAGE) && !ev_is_active(&s->soon))
		ev_timer_again(s->opts.loop, &s->soon);
}

/* --- wanted ------------------------------------------------------------------------------- */

static void work_wanted(void *ctx, struct job *job)
{
	struct pool_signing *s = ctx;
	struct wanted *w = &s->wanted;
	struct sign_desk desk = { 0 };
	const uint64_t start = clock_us();

	for (size_t i = 0; i < w->n && !job_is_cancelled(job); i++) {
		const struct registry_zone *z = registry_find(w->zones, w->of[i].apex);
		if (!z || !z->keys || !zone_is_ready(z->load.zone))
			continue;
		const struct pool_sign sign = { .to = w->table,
			.zone = z->load.zone,
			.keys = z->keys,
			.now_s = (int64_t)time(NULL) };
		w->made += pool_sign_wanted(&sign, &desk, &w->of[i]);
	}
	sign_desk_fini(&desk);
	w->took_us = clock_us() - start;
}

static void done_wanted(void *ctx, enum job_end end)
{
	struct pool_signing *s = ctx;
	struct wanted *w = &s->wanted;

	s->wanted_runs = false;
	s->signeds += end == JOB_DONE ? w->made : 0;
	pool_signatures_drop(w->table);
	publisher_let_go(s->opts.publisher, &(struct parts){ .zones = w->zones });
	w->zones = NULL;
	w->table = NULL;
	if (end == JOB_CANCELLED)
		return;
	if (pool_signatures_counts(s->table).wanted > POOL_SIGNING_WANTED_MOST)
		start_ahead(s); /* which tidies up */
	if (!(s->proven.n + s->unproven.n))
		return;
	/* No more than a share of a processor, whoever asks. */
	ev_timer_set(&s->pace, (double)w->took_us * (SHARE - 1) / 1e6, 0);
	ev_timer_start(s->opts.loop, &s->pace);
}

static void take_from(struct queue *q, struct wanted *w, size_t most)
{
	for (; q->n && w->n < most; q->n--, q->first = (q->first + 1) % ROOM)
		w->of[w->n++] = q->of[q->first];
}

/* Some of those who may have forged their address come along in any case. */
static void start_wanted(struct pool_signing *s)
{
	struct wanted *w = &s->wanted;

	if (s->wanted_runs || ev_is_active(&s->pace))
		return;
	w->n = w->made = 0;
	w->took_us = 0;
	take_from(&s->proven, w, BATCH - BATCH_UNPROVEN);
	take_from(&s->unproven, w, BATCH);
	if (!w->n)
		return;
	w->zones = registry_hold(publisher_live(s->opts.publisher)->zones);
	w->table = pool_signatures_hold(s->table);
	s->wanted_runs = true;
	if (!jobs_start(s->opts.jobs,
		    &(struct job_opts){ .lane = s->wanted_lane,
			    .name = "sign",
			    .ctx = s,
			    .work = work_wanted,
			    .done = done_wanted }))
		done_wanted(s, JOB_CANCELLED);
}

static void on_pace(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	start_wanted(t->data);
}

static void take(void *ctx, const void *item)
{
	struct pool_signing *s = ctx;
	const struct pool_unsigned *ask = item;
	struct queue *q = ask->proven ? &s->proven : &s->unproven;

	if (q->n == ROOM)
		s->lost++;
	else
		q->of[(q->first + q->n++) % ROOM] = *ask;
	start_wanted(s);
}

static bool post(void *ctx, const struct pool_unsigned *ask)
{
	return mailbox_post(ctx, ask);
}

/* --- the whole ---------------------------------------------------------------------------- */

struct pool_signatures *pool_signing_hold(const struct pool_signing *s)
{
	return pool_signatures_hold(s->table);
}

struct pool_signing_counts pool_signing_counts(const struct pool_signing *s)
{
	return (struct pool_signing_counts){ .table = pool_signatures_counts(s->table),
		.left = s->left,
		.waiting = s->proven.n + s->unproven.n + (s->wanted_runs ? s->wanted.n : 0),
		.signeds = s->signeds,
		.lost = s->lost + mailbox_lost(s->box) };
}

struct pool_signing *pool_signing_new(const struct pool_signing_opts *opts)
{
	struct pool_signing *s = memory_zeroed(1, sizeof *s);

	s->opts = *opts;
	s->ahead_lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	s->wanted_lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	s->box = mailbox_new(&(struct mailbox_opts){ .loop = opts->loop,
		.room = ROOM,
		.item = sizeof(struct pool_unsigned),
		.ctx = s,
		.take = take });
	s->table = memory_need(pool_signatures_new(opts->key, post, s->box));
	ev_timer_init(&s->soon, on_soon, pause_s, pause_s);
	ev_timer_init(&s->look, on_look, look_s, look_s);
	ev_timer_init(&s->pace, on_pace, 0, 0);
	s->soon.data = s->look.data = s->pace.data = s;
	ev_timer_start(opts->loop, &s->look);
	publisher_set_signatures(opts->publisher, s->table);
	publisher_follow(opts->publisher, on_parts, s);
	return s;
}

void pool_signing_free(struct pool_signing *s)
{
	ev_timer_stop(s->opts.loop, &s->soon);
	ev_timer_stop(s->opts.loop, &s->look);
	ev_timer_stop(s->opts.loop, &s->pace);
	publisher_set_signatures(s->opts.publisher, NULL);
	pool_signatures_drop(s->table);
	registry_drop(s->seen);
	mailbox_free(s->box);
	memory_free(s);
}
