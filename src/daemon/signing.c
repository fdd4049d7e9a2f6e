#include "daemon/signing_inner.h"

#include "base/memory.h"
#include "daemon/parts_read.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	LOOK_MOST_S = 60,
	LOST_MOST = 3, /* looks in a row whose parts are made in vain */
	RETRY_S = 10
};

/* --- what was made goes ------------------------------------------------------------------- */

/* Pieces that are needed no more: theirs may be the last hold of a large zone. */
struct gone {
	size_t n;
	struct signing_piece *list;
};

static void drop_gone(void *ctx, struct job *job)
{
	struct gone *g = ctx;

	(void)job;
	for (; g->n; g->n--) {
		struct signing_piece *p = &g->list[g->n - 1];
		if (p->fleet)
			fleet_signing_free(p->fleet);
		change_free(p->change);
		if (p->made)
			zone_drop(p->made);
		keyset_drop(p->keys);
		registry_zone_drop(p->of);
	}
	memory_free(g->list);
	g->list = NULL;
}

static void gone_done(void *ctx, enum job_end end)
{
	if (end != JOB_DONE)
		drop_gone(ctx, NULL);
	free(ctx);
}

static void let_go(struct signing *s)
{
	struct gone now = { s->made.n, s->made.list }, *g = now.list ? malloc(sizeof *g) : NULL;

	if (g)
		*g = now;
	if (!g ||
		!jobs_start(s->opts.jobs,
			&(struct job_opts){ .lane = s->gone_lane,
				.name = "let go",
				.about = "of versions of zones",
				.ctx = g,
				.work = drop_gone,
				.done = gone_done })) {
		drop_gone(&now, NULL);
		free(g);
	}
	versions_end(&s->made.v, s->opts.publisher);
	memset(&s->made, 0, sizeof s->made);
}

static void look(struct signing *s);

static void look_in(struct signing *s, double wait_s)
{
	ev_timer_stop(s->opts.loop, &s->timer);
	ev_timer_set(&s->timer, wait_s, 0);
	ev_timer_start(s->opts.loop, &s->timer);
}

static void end_look(struct signing *s)
{
	const int64_t now_s = s->made.now_s, next_s = s->made.next_s;
	double wait_s = s->made.failed ? RETRY_S : LOOK_MOST_S;

	s->counts.zones = s->made.zones;
	s->counts.due = s->made.due;
	s->counts.next_s = next_s;
	if (next_s && (double)(next_s - now_s) < wait_s)
		wait_s = next_s > now_s ? (double)(next_s - now_s) : 1;
	/* Those that no look has come to yet are looked at by the next. */
	if (s->made.all && s->made.has_next && !s->all) {
		s->all = s->again = true;
		memcpy(s->all_from, s->made.all_next, sizeof s->all_from);
	}
	s->again = (s->again || s->made.has_next) && !jobs_are_stopped(s->opts.jobs);
	let_go(s);
	s->works = false;
	if (s->again) {
		look(s);
		return;
	}
	look_in(s, s->later && wait_s > signing_soon_s ? signing_soon_s : wait_s);
}

static void build_end(void *ctx, enum job_end end)
{
	struct signing *s = ctx;

	if (end == JOB_DONE && versions_serve(&s->made.v, s->opts.publisher))
		publisher_now(s->opts.publisher);
	if (end != JOB_DONE && s->made.in_line) {
		s->made.list = NULL; /* given back */
		s->made.n = 0;
	}
	bool any = false, mine = false;
	for (size_t i = 0; i < s->made.n; i++) {
		if (s->made.list[i].elsewhere)
			continue;
		mine = true;
		const bool took = end == JOB_DONE && s->made.list[i].fits;
		any = any || took;
		s->counts.parts += took;
		s->counts.lost += !took;
		s->counts.names += took ? s->made.list[i].names : 0;
	}
	s->lost = any || !mine ? 0 : s->lost + 1;
	/* What was made may not be all; and what is served now is told. */
	s->again = ((end == JOB_DONE && s->made.n) || s->again) && !jobs_are_stopped(s->opts.jobs);
	end_look(s);
}

static void go_on(struct signing *s)
{
	for (size_t i = 0; i < s->made.n && !jobs_are_stopped(s->opts.jobs); i++)
		if (!s->made.list[i].elsewhere) {
			builder_ask(s->opts.builder, &s->build);
			return;
		}
	end_look(s);
}

static void committed(void *ctx, const uint8_t *apex, bool changed, const struct fault *why)
{
	struct signing *s = ctx;
	const struct registry_zone *z = registry_find(s->made.v.live.zones, apex);

	/* What was made may not be all. */
	s->again = s->again || changed;
	s->counts.parts += changed;
	s->counts.lost += !changed;
	if (why && z)
		s->made.failed = !signing_fail(s, z, why);
	if (--s->made.committing == 0)
		go_on(s);
}

/* Those of zones of the fleet go where all changes of them go, before what is only of this server takes its place. */
static void commit(struct signing *s)
{
	s->made.committing = 1;
	for (size_t i = 0; i < s->made.n; i++) {
		struct signing_piece *p = &s->made.list[i];
		struct fleet_signing *f = p->fleet;
		p->fleet = NULL;
		if (!f)
			continue;
		s->made.committing++;
		s->counts.names += p->names;
		fleet_signing_commit(f, s->opts.updates, committed, s);
	}
	if (--s->made.committing == 0)
		go_on(s);
}

static void look_done(void *ctx, enum job_end end)
{
	struct signing *s = ctx;

	if (end != JOB_DONE) {
		s->made.list = NULL; /* given back */
		s->made.n = 0;
		s->made.failed = true;
	}
	if (jobs_are_stopped(s->opts.jobs))
		s->again = false;
	else if (s->made.n) {
		commit(s);
		return;
	}
	end_look(s);
}

static bool has_signed(const struct signing *s, const struct parts *live)
{
	const struct conf *c = parts_conf(live);

	for (size_t i = 0; i < c->n_rules; i++)
		if (c->rules[i].dnssec)
			return true;
	return s->counts.zones || !key_ring_is_empty(s->opts.ring);
}

static void look(struct signing *s)
{
	const struct parts *live = publisher_live(s->opts.publisher),
			   *staged = publisher_staged(s->opts.publisher);

	s->again = s->works;
	s->later = s->later && s->works;
	if (s->works || !s->opts.ring || !has_signed(s, live) || jobs_are_stopped(s->opts.jobs))
		return;
	ev_timer_stop(s->opts.loop, &s->timer);
	s->made.now_s = time(NULL);
	s->made.all = s->all;
	memcpy(s->made.all_from, s->all_from, sizeof s->all_from);
	s->all = false;
	/* A zone that changes all the time is not waited for. */
	s->made.in_line = s->lost >= LOST_MOST;
	s->works = true;
	if (s->made.in_line) {
		builder_ask(s->opts.builder, &s->build);
		return;
	}
	s->made.v.live = parts_hold(live);
	if (staged)
		s->made.v.staged.conf = part_hold(staged->conf);
	s->works = jobs_start(s->opts.jobs,
			   &(struct job_opts){ .lane = s->lane,
				   .name = "signing",
				   .about = "zones are looked at, and what is due is signed",
				   .ctx = s,
				   .work = signing_look,
				   .done = look_done }) != NULL;
	if (!s->works)
		let_go(s);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	look(t->data);
}

void signing_follow(void *ctx, const uint8_t (*apexes)[NAME_MOST], size_t n)
{
	(void)apexes;
	if (n)
		look(ctx);
}

/* Pools may answer other types; a zone may have come from a primary. */
static void follow(void *ctx, unsigned what)
{
	struct signing *s = ctx;
	const struct parts *staged = publisher_staged(s->opts.publisher);
	const struct part *conf = staged ? staged->conf : NULL;
	const bool others = what & PUBLISH_CONF || conf != s->staged_conf;

	s->staged_conf = conf;
	if (others) {
		s->all = true;
		s->all_from[0] = 0;
	}
	if (others || what & PUBLISH_ZONES)
		signing_soon(s);
}

void signing_soon(struct signing *s)
{
	if (!s->opts.ring)
		return;
	s->later = s->works;
	if (!s->works &&
		!(ev_is_active(&s->timer) &&
			ev_timer_remaining(s->opts.loop, &s->timer) <= signing_soon_s))
		look_in(s, signing_soon_s);
}

struct signing *signing_new(const struct signing_opts *opts)
{
	struct signing *s = memory_zeroed(1, sizeof *s);

	s->opts = *opts;
	s->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	s->gone_lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	s->build = (struct build){ .name = "signing",
		.about = "what was signed is served",
		.ctx = s,
		.begin = signing_build_begin,
		.work = signing_build_work,
		.end = build_end,
		.of_zones = true };
	ev_timer_init(&s->timer, on_timer, 0, 0);
	s->timer.data = s;
	publisher_follow(opts->publisher, follow, s);
	follow(s, PUBLISH_ZONES);
	return s;
}

void signing_free(struct signing *s)
{
	ev_timer_stop(s->opts.loop, &s->timer);
	memory_free(s);
}

struct signing_counts signing_counts(const struct signing *s)
{
	return s->counts;
}
