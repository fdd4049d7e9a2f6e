#include "daemon/publish.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/polite.h"
#include "config.h"
#include "daemon/parts_read.h"

#include <ev.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FOLLOWERS_MOST = 48, PUBLISHED_MOST = 4 };
static const double trim_s = 1;

struct publisher {
	struct publisher_opts opts;
	unsigned lane; /* of letting go */
	struct parts live, staged;
	uint64_t share; /* 0: no stage is on */
	struct policy policy; /* of live.conf, which it borrows from */
	struct policy_watch watched[POLICY_WATCHED];
	unsigned n_watched;
	uint32_t sampled_every;
	uint64_t generation; /* of what answers depend on, among servers of a fleet; 0: not known */
	struct publisher_health health;
	struct {
		publisher_follow_fn *fn;
		void *ctx;
	} followers[FOLLOWERS_MOST];
	unsigned n_followers;
	struct {
		void (*fn)(void *ctx);
		void *ctx;
	} published[PUBLISHED_MOST]; /* [n_published] */
	unsigned n_published;
	void (*withdraw)(void *ctx, const struct world *next); /* before one is; NULL */
	void *withdraw_ctx;
	bool parts_changed, standing_changed; /* since the last world */
	ev_prepare turn_ends;
	ev_periodic hours; /* the next of a rule begin or end */
	ev_timer trim;
	struct publisher_counts counts;
};

/* --- letting go --------------------------------------------------------------------------- */

struct gone {
	struct parts parts;
};

static void drop_gone(void *ctx, struct job *job)
{
	struct gone *g = ctx;

	(void)job;
	parts_drop(&g->parts);
}

static void free_gone(void *ctx, enum job_end end)
{
	struct gone *g = ctx;

	(void)end;
	parts_drop(&g->parts); /* of one that was not begun */
	free(g);
}

/* Others wait for the locks of the heap meanwhile. */
static void trim_work(void *ctx, struct job *job)
{
	(void)ctx;
	(void)job;
	polite_pause();
	malloc_trim(0);
	polite_resume();
}

static void trim_done(void *ctx, enum job_end end)
{
	(void)ctx;
	(void)end;
}

static void on_trim(struct ev_loop *loop, ev_timer *t, int events)
{
	struct publisher *p = t->data;

	(void)loop;
	(void)events;
	jobs_start(p->opts.jobs,
		&(struct job_opts){ .lane = p->lane,
			.name = "free",
			.about = "memory goes back to the system",
			.work = trim_work,
			.done = trim_done });
}

/* What loading needed is a multiple of what serving does. But where zones change a hundred times
 * a second, what one has freed is what the next takes: and each page that goes is taken from all
 * processors that answer. */
static void trim_soon(struct publisher *p)
{
	if (ev_is_active(&p->trim))
		return;
	ev_timer_set(&p->trim, trim_s, 0);
	ev_timer_start(p->opts.loop, &p->trim);
}

/* Many zones are many frees: not here. */
static void let_go(struct publisher *p, const struct parts *parts)
{
	struct gone *g = calloc(1, sizeof *g);
	struct parts own = *parts;

	trim_soon(p);
	if (g) {
		g->parts = own;
		if (jobs_start(p->opts.jobs,
			    &(struct job_opts){ .lane = p->lane,
				    .name = "free",
				    .ctx = g,
				    .work = drop_gone,
				    .done = free_gone }))
			return;
		free(g);
	}
	parts_drop(&own);
}

void publisher_let_go(struct publisher *p, struct parts *parts)
{
	const struct parts own = *parts;

	*parts = (struct parts){ 0 };
	if (own.conf || own.zones || own.atlas || own.table || own.steer || own.numbers ||
		own.plain)
		let_go(p, &own);
}

/* --- policy ------------------------------------------------------------------------------- */

static void put_text(struct policy_text *to, const char *text)
{
	to->len = (uint8_t)strnlen(text, POLICY_TEXT);
	memcpy(to->text, text, to->len);
}

static void put_watched(struct publisher *p)
{
	p->policy.n_watched = p->n_watched;
	memcpy(p->policy.watched, p->watched, sizeof p->watched);
}

void publisher_set_watched(struct publisher *p, const struct policy_watch *list, unsigned n)
{
	p->n_watched = n < POLICY_WATCHED ? n : POLICY_WATCHED;
	memcpy(p->watched, list, p->n_watched * sizeof *list);
	put_watched(p);
	p->parts_changed = true;
}

void publisher_set_sampled(struct publisher *p, uint32_t every)
{
	p->sampled_every = p->policy.sampled_every = every;
	p->parts_changed = true;
}

/* In the place of "%g" in the identity; "-" outside of a fleet. */
static void put_generation(struct publisher *p, const struct conf *c)
{
	const char *at = c->identity ? strstr(c->identity, "%g") : NULL;
	char text[POLICY_TEXT + 24], generation[20] = "-";

	if (!at)
		return;
	if (p->generation)
		snprintf(generation, sizeof generation, "%016llx", (unsigned long long)p->generation);
	snprintf(text, sizeof text, "%.*s%.8s%s", (int)(at - c->identity), c->identity, generation, at + 2);
	put_text(&p->policy.identity, text);
}

void publisher_set_generation(struct publisher *p, uint64_t generation)
{
	const struct conf *c = parts_conf(&p->live);

	if (p->generation == generation)
		return;
	p->generation = generation;
	if (!c->identity || !strstr(c->identity, "%g"))
		return;
	put_generation(p, c);
	p->parts_changed = true;
	publisher_soon(p);
}

/* What the configuration says about answers, with what it leaves to us filled in. */
static void make_policy(struct publisher *p)
{
	const struct conf *c = parts_conf(&p->live);
	char host[POLICY_TEXT + 1] = "";

	p->policy = c->policy;
	p->policy.sampled_every = p->sampled_every;
	put_watched(p);
	gethostname(host, sizeof host - 1);
	put_text(&p->policy.identity, c->identity ? c->identity : host);
	put_generation(p, c);
	put_text(&p->policy.version, c->version ? c->version : "Waymark " PACKAGE_VERSION);
	if (!c->cookies)
		p->policy.cookie_secrets = 0;
	else if (!p->policy.cookie_secrets) {
		memcpy(p->policy.cookie_secret[0], p->opts.cookie_secret, POLICY_SECRET);
		p->policy.cookie_secrets = 1;
	}
}

/* --- parts -------------------------------------------------------------------------------- */

static void tell(struct publisher *p, unsigned what)
{
	p->parts_changed = true;
	for (unsigned i = 0; i < p->n_followers; i++)
		p->followers[i].fn(p->followers[i].ctx, what);
}

static unsigned differ(const struct parts *a, const struct parts *b)
{
	return (a->conf != b->conf ? PUBLISH_CONF : 0) |
		(a->zones != b->zones ? PUBLISH_ZONES : 0) |
		(a->atlas != b->atlas ? PUBLISH_GEO : 0) |
		(a->table != b->table ? PUBLISH_TABLE : 0) |
		(a->steer != b->steer ? PUBLISH_STEER : 0);
}

void publisher_take(struct publisher *p, struct parts *next)
{
	const struct parts before = p->live;
	const unsigned what = differ(&before, next);

	if (!next->plain) /* it follows them */
		next->plain = plain_zones_hold(before.plain);
	if (!next->signatures)
		next->signatures = pool_signatures_hold(before.signatures);
	p->live = *next;
	*next = (struct parts){ 0 };
	p->counts.reloads++;
	if (what & PUBLISH_CONF)
		make_policy(p);
	tell(p, what);
	let_go(p, &before);
}

void publisher_take_stage(struct publisher *p, struct parts *next, uint64_t share)
{
	const struct parts before = p->staged;
	const bool was_on = p->share != 0;

	p->staged = next ? *next : (struct parts){ 0 };
	p->share = next ? share : 0;
	if (next)
		*next = (struct parts){ 0 };
	tell(p, PUBLISH_STAGE);
	if (was_on)
		let_go(p, &before);
}

void publisher_take_rankings(struct publisher *p, bool staged, struct parts *some)
{
	struct parts *to = staged ? &p->staged : &p->live;
	const struct parts now = *to;
	struct parts before = { 0 };
	struct parts next = now;

	if (some->table) {
		before.table = now.table;
		next.table = some->table;
	}
	if (some->table_files) {
		before.table_files = now.table_files;
		next.table_files = some->table_files;
	}
	if (some->atlas) {
		before.atlas = now.atlas;
		next.atlas = some->atlas;
	}
	if (some->geo_files) {
		before.geo_files = now.geo_files;
		next.geo_files = some->geo_files;
	}
	if (some->steer) {
		before.steer = now.steer;
		next.steer = some->steer;
	}
	*some = (struct parts){ 0 };
	*to = next;
	tell(p, staged ? PUBLISH_STAGE : differ(&now, &next));
	let_go(p, &before);
}

void publisher_take_zones(struct publisher *p, bool staged, struct registry *zones,
	struct pool_numbers *numbers)
{
	struct parts *to = staged ? &p->staged : &p->live;
	const struct parts before = { .zones = to->zones, .numbers = to->numbers };

	to->zones = zones;
	to->numbers = numbers;
	tell(p, staged ? PUBLISH_STAGE : PUBLISH_ZONES);
	let_go(p, &before);
}

void publisher_take_plain(struct publisher *p, struct plain_zones *plain)
{
	const struct parts before = { .plain = p->live.plain };

	p->live.plain = plain;
	tell(p, PUBLISH_PLAIN);
	let_go(p, &before);
}

void publisher_take_staged_zones(struct publisher *p, const struct registry *of,
	struct registry *zones, struct pool_numbers *numbers)
{
	struct parts late = { .zones = zones, .numbers = numbers };

	if (zones && p->share && p->staged.zones == of)
		publisher_take_zones(p, true, zones, numbers);
	else
		publisher_let_go(p, &late);
}

/* --- worlds ------------------------------------------------------------------------------- */

/* Only edges have come, gone or been measured anew; alike, there is nothing to publish. */
static struct world *make_standing(struct publisher *p, const struct world *now)
{
	struct standing *live = p->health.live(p->health.ctx, now->standing);
	struct standing *staged = p->share
		? p->health.staged(p->health.ctx, live, now->stage.standing)
		: NULL;

	if (standing_same(now->steer, live, now->standing) &&
		(!staged || standing_same(now->stage.steer, staged, now->stage.standing))) {
		standing_free(live);
		if (staged)
			standing_free(staged);
		return NULL;
	}
	p->health.changes(p->health.ctx, now, live);
	p->counts.standings++;
	return world_with_standing(now, live, staged);
}

static struct world *make_all(struct publisher *p, const struct world *now)
{
	const struct parts *l = &p->live, *s = &p->staged;
	const bool same = now && now->steer == l->steer;
	struct standing *live = p->health.live(p->health.ctx, same ? now->standing : NULL);

	if (same)
		p->health.changes(p->health.ctx, now, live);
	return world_new(&(struct world_opts){ .zones = l->zones->set,
		.steer = l->steer,
		.numbers = l->numbers,
		.policy = &p->policy,
		.conf = l->conf,
		.standing = live,
		.plain = l->plain,
		.signatures = l->signatures,
		.share = p->share,
		.staged = p->share ? s->steer : NULL,
		.staged_numbers = p->share ? s->numbers : NULL,
		.staged_standing = p->share
			? p->health.staged(p->health.ctx, live,
				  now && now->stage.share && now->stage.steer == s->steer
					  ? now->stage.standing
					  : NULL)
			: NULL });
}

static void on_hours(struct ev_loop *loop, ev_periodic *t, int events)
{
	(void)loop;
	(void)events;
	publisher_soon(t->data);
}

/* By the clock of the wall, whose leaps the loop heeds. */
static void wait_for_hours(struct publisher *p)
{
	const struct world *w = epoch_current(p->opts.epoch);
	int64_t next = standing_hours_end_s(w->standing);

	if (w->stage.share && standing_hours_end_s(w->stage.standing) < next)
		next = standing_hours_end_s(w->stage.standing);
	ev_periodic_stop(p->opts.loop, &p->hours);
	if (next == INT64_MAX)
		return;
	ev_periodic_set(&p->hours, (double)next, 0, NULL);
	ev_periodic_start(p->opts.loop, &p->hours);
}

void publisher_now(struct publisher *p)
{
	const struct world *now = epoch_current(p->opts.epoch);
	const uint64_t start = clock_us();

	const bool whole = p->parts_changed || !now;
	struct world *w = whole ? make_all(p, now) : make_standing(p, now);
	p->parts_changed = p->standing_changed = false;
	if (w) {
		if (p->withdraw)
			p->withdraw(p->withdraw_ctx, w);
		epoch_publish(p->opts.epoch, w);
		p->counts.worlds++;
	}
	p->counts.last_us = clock_us() - start;
	if (p->counts.last_us > p->counts.most_us)
		p->counts.most_us = p->counts.last_us;
	wait_for_hours(p);
	for (unsigned i = 0; w && i < p->n_published; i++)
		p->published[i].fn(p->published[i].ctx);
}

void publisher_soon(struct publisher *p)
{
	p->standing_changed = true;
}

static void on_turn_ends(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct publisher *p = w->data;

	(void)loop;
	(void)events;
	if (p->parts_changed || p->standing_changed)
		publisher_now(p);
}

/* --- the rest ----------------------------------------------------------------------------- */

struct publisher *publisher_new(const struct publisher_opts *opts, struct parts *first)
{
	struct publisher *p = memory_zeroed(1, sizeof *p);

	p->opts = *opts;
	p->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	p->live = *first;
	*first = (struct parts){ 0 };
	make_policy(p);
	ev_prepare_init(&p->turn_ends, on_turn_ends);
	p->turn_ends.data = p;
	ev_periodic_init(&p->hours, on_hours, 0, 0, NULL);
	p->hours.data = p;
	ev_timer_init(&p->trim, on_trim, trim_s, 0);
	p->trim.data = p;
	ev_prepare_start(opts->loop, &p->turn_ends);
	return p;
}

void publisher_free(struct publisher *p)
{
	ev_prepare_stop(p->opts.loop, &p->turn_ends);
	ev_periodic_stop(p->opts.loop, &p->hours);
	ev_timer_stop(p->opts.loop, &p->trim);
	parts_drop(&p->staged);
	parts_drop(&p->live);
	memory_free(p);
}

/* What was held before goes with the last world that has it. */
void publisher_set_signatures(struct publisher *p, struct pool_signatures *s)
{
	struct pool_signatures *before = p->live.signatures;

	p->live.signatures = pool_signatures_hold(s);
	pool_signatures_drop(before);
	p->parts_changed = true;
}

void publisher_set_health(struct publisher *p, const struct publisher_health *h)
{
	p->health = *h;
}

void publisher_follow(struct publisher *p, publisher_follow_fn *fn, void *ctx)
{
	if (p->n_followers == FOLLOWERS_MOST)
		die("over %d follow what is published", FOLLOWERS_MOST);
	p->followers[p->n_followers].fn = fn;
	p->followers[p->n_followers++].ctx = ctx;
}

void publisher_tell_published(struct publisher *p, void (*fn)(void *ctx), void *ctx)
{
	if (p->n_published == PUBLISHED_MOST)
		die("over %d are told what has been published", PUBLISHED_MOST);
	p->published[p->n_published].fn = fn;
	p->published[p->n_published++].ctx = ctx;
}

void publisher_tell_before(struct publisher *p, void (*fn)(void *ctx, const struct world *next), void *ctx)
{
	p->withdraw = fn;
	p->withdraw_ctx = ctx;
}

const struct parts *publisher_live(const struct publisher *p)
{
	return &p->live;
}

const struct parts *publisher_staged(const struct publisher *p)
{
	return p->share ? &p->staged : NULL;
}

const struct world *publisher_world(const struct publisher *p)
{
	return epoch_current(p->opts.epoch);
}

struct publisher_counts publisher_counts(const struct publisher *p)
{
	return p->counts;
}
