#include "daemon/catalogs.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/catalog_plan.h"
#include "daemon/parts_read.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE = 5000 };
static const double again_s = 15; /* what has failed is tried again */

struct catalogs {
	struct catalogs_opts opts;
	unsigned lane;
	ev_timer timer;
	bool runs, again;
	bool accepted; /* the next plan may lose members */
	/* What the last plan was made of: held. */
	struct part *conf;
	struct zone **seen; /* [n_seen] of each catalog of `conf`, in its order; NULL: it was not there */
	size_t n_seen;
	struct {
		struct parts live; /* conf and zones, held */
		bool accepted;
		struct catalog_plan plan;
	} job;
	/* The plan while it is carried out. */
	struct catalog_plan plan;
	size_t done, asked; /* steps */
	struct zones_added_ask ask;
	size_t failed;
	char first[512]; /* what was said of the first that has failed */
};

/* --- what has been seen ------------------------------------------------------------------- */

static void forget_seen(struct catalogs *c)
{
	for (size_t i = 0; i < c->n_seen; i++)
		if (c->seen[i])
			zone_drop(c->seen[i]);
	free(c->seen);
	c->seen = NULL;
	c->n_seen = 0;
}

static struct zone *zone_of(const struct parts *live, const struct conf_zone *z)
{
	const struct registry_zone *is = registry_find(live->zones, z->name);

	return is ? is->load.zone : NULL;
}

/* Without memory all is looked at again. */
static void take_seen(struct catalogs *c, const struct parts *live)
{
	const struct conf_catalogs *all = &parts_conf(live)->consumed;

	forget_seen(c);
	c->seen = calloc(all->n ? all->n : 1, sizeof(*c->seen));
	c->n_seen = c->seen ? all->n : 0;
	for (size_t i = 0; i < c->n_seen; i++) {
		c->seen[i] = zone_of(live, all->of[i]);
		if (c->seen[i])
			zone_hold(c->seen[i]);
	}
	part_hold(live->conf);
	part_drop(c->conf);
	c->conf = live->conf;
}

static bool is_news(const struct catalogs *c, const struct parts *live)
{
	const struct conf_catalogs *all = &parts_conf(live)->consumed;

	if (live->conf != c->conf || c->n_seen != all->n)
		return true;
	for (size_t i = 0; i < all->n; i++)
		if (zone_of(live, all->of[i]) != c->seen[i])
			return true;
	return false;
}

/* --- the plan is carried out -------------------------------------------------------------- */

static void look(struct catalogs *c);

static void tell_done(const struct catalogs *c)
{
	const struct catalog_plan *p = &c->plan;

	if (p->n > c->failed)
		log_line(LOG_NOTICE,
			"catalogs: %zu zones have come, %zu have gone, %zu have changed, %zu begin "
			"anew%s", p->come, p->go, p->change, p->reset,
			c->failed ? ", but for those that follow" : "");
	if (c->failed)
		log_line(LOG_ERROR, "catalogs: %zu zones as their catalogs have them could not be "
				    "taken, and are tried again: %s", c->failed, c->first);
}

/* Nothing is looked at until then, lest each change of any zone has it fail once more. */
static void try_later(struct catalogs *c)
{
	if (jobs_are_stopped(c->opts.jobs))
		return;
	part_drop(c->conf); /* whatever there is then is news */
	c->conf = NULL;
	ev_timer_set(&c->timer, again_s, 0);
	ev_timer_start(c->opts.loop, &c->timer);
}

static void end_plan(struct catalogs *c)
{
	if (c->plan.n)
		tell_done(c);
	catalog_plan_fini(&c->plan);
	c->runs = false;
	if (c->failed)
		try_later(c);
	else if (c->again)
		look(c);
}

static void ask_some(struct catalogs *c);

static void asked(void *ctx, struct zones_added_ask *ask, enum job_end end)
{
	struct catalogs *c = ctx;

	for (size_t i = 0; i < ask->n; i++) {
		struct zones_added_item *it = &ask->items[i];
		if ((end != JOB_DONE || !it->ok) && !c->failed++)
			snprintf(c->first, sizeof c->first, "%.*s",
				(int)strcspn(text_get(&it->told), "\n"),
				end == JOB_DONE ? text_get(&it->told) : "out of memory");
		text_fini(&it->told);
	}
	free(ask->items);
	c->done += ask->n;
	if (end == JOB_CANCELLED)
		c->done = c->plan.n;
	ask_some(c);
}

/* Those that go and those that come are not asked for together: one zone may do both. */
static void ask_some(struct catalogs *c)
{
	const struct catalog_step *steps = c->plan.steps + c->done;
	size_t n = 0;

	while (n < SLICE && c->done + n < c->plan.n && steps[n].goes == steps[0].goes)
		n++;
	struct zones_added_item *items = n ? calloc(n, sizeof *items) : NULL;
	if (!items) {
		if (n) {
			c->failed += c->plan.n - c->done;
			snprintf(c->first, sizeof c->first, "out of memory");
		}
		end_plan(c);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(items[i].apex, steps[i].apex, name_len(steps[i].apex));
		items[i].added = steps[i].added;
		items[i].goes = items[i].purges = steps[i].goes;
		items[i].replaces = steps[i].replaces;
	}
	c->ask = (struct zones_added_ask){ .items = items, .n = n, .ctx = c, .done = asked };
	zones_added_ask(c->opts.added, &c->ask);
}

/* --- the plan is made --------------------------------------------------------------------- */

static void tell_lines(const struct catalog_plan *p)
{
	const char *at = text_get(&p->told);

	for (; at && *at; at += strcspn(at, "\n") + 1)
		log_line(LOG_WARNING, "%.*s", (int)strcspn(at, "\n"), at);
	if (p->untold)
		log_line(LOG_WARNING, "catalogs: %zu more such are not told", p->untold);
}

static void work(void *ctx, struct job *job)
{
	struct catalogs *c = ctx;

	(void)job;
	catalog_plan_make(
		&c->job.plan, parts_conf(&c->job.live), c->job.live.zones, c->job.accepted);
}

static void done(void *ctx, enum job_end end)
{
	struct catalogs *c = ctx;

	publisher_let_go(c->opts.publisher, &c->job.live);
	c->plan = (struct catalog_plan){ .n = 0 };
	c->done = c->failed = 0;
	if (end == JOB_DONE) {
		c->plan = c->job.plan;
		tell_lines(&c->plan);
	} else if (end == JOB_NO_MEMORY) {
		log_line(LOG_ERROR, "out of memory: members of catalogs stay as they were");
		c->failed = 1;
	}
	ask_some(c);
}

static void look(struct catalogs *c)
{
	const struct parts *live = publisher_live(c->opts.publisher);

	c->again = c->runs;
	if (c->runs || ev_is_active(&c->timer) || jobs_are_stopped(c->opts.jobs) ||
		!is_news(c, live) || !parts_conf(live)->store_file)
		return;
	take_seen(c, live);
	c->job.accepted = c->accepted;
	c->accepted = false;
	c->job.live = parts_hold(&(struct parts){ .conf = live->conf, .zones = live->zones });
	c->runs = jobs_start(c->opts.jobs,
			  &(struct job_opts){ .lane = c->lane,
				  .name = "catalogs",
				  .about = "which zones catalogs list",
				  .ctx = c,
				  .work = work,
				  .done = done }) != NULL;
	if (!c->runs) {
		publisher_let_go(c->opts.publisher, &c->job.live);
		try_later(c);
	}
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	look(t->data);
}

static void follow(void *ctx, unsigned what)
{
	if (what & (PUBLISH_CONF | PUBLISH_ZONES))
		look(ctx);
}

struct catalogs *catalogs_new(const struct catalogs_opts *opts)
{
	struct catalogs *c = memory_zeroed(1, sizeof *c);

	c->opts = *opts;
	c->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	ev_timer_init(&c->timer, on_timer, again_s, 0);
	c->timer.data = c;
	publisher_follow(opts->publisher, follow, c);
	look(c);
	return c;
}

void catalogs_accept(struct catalogs *c)
{
	c->accepted = true;
	part_drop(c->conf); /* whatever there is then is news */
	c->conf = NULL;
	look(c);
}

void catalogs_free(struct catalogs *c)
{
	ev_timer_stop(c->opts.loop, &c->timer);
	forget_seen(c);
	part_drop(c->conf);
	memory_free(c);
}
