#include "daemon/decision_history.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "report/decision_story.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ROWS = 4096, /* that wait at most */
	KEEP_S = 7 * 86400, /* of clients on watch, where nothing is said */
	KEEP_MOST = 200000,
	TELL_S = 60,
	V4_SENT = ADDR_V4_BITS + 24, /* what resolvers send of a client at most (RFC 7871 section 11.1) */
	V6_SENT = 56,
	WORLDS = 16 /* the last ones, for decisions that were made in them */
};
#define EVERY_S 1.0
#define LATE_S  5.0

struct decision_history {
	struct decision_history_opts opts;
	unsigned lane;
	ev_timer timer;
	struct decision *waiting; /* [ROWS] own */
	size_t n;
	uint64_t lost;
	struct store_watch watches[POLICY_WATCHED];
	unsigned n_watches;
	double told; /* clock_seconds() */
	/* What was served lately, the newest last: held. */
	struct world *worlds[WORLDS];
	double since[WORLDS]; /* clock_seconds() */
	unsigned n_worlds;
	unsigned free_lane;
	/* The job's. */
	bool writes;
	struct {
		struct decision *rows; /* own */
		size_t n;
		struct world *worlds[WORLDS]; /* held */
		unsigned n_worlds;
		uint32_t conf;         /* digest */
		uint64_t most;
		int64_t since_s, now_us;
		bool ok;
		struct fault why;
	} job;
};

/* --- who is watched ----------------------------------------------------------------------- */

static void give_watches(struct decision_history *h)
{
	struct policy_watch list[POLICY_WATCHED];

	for (unsigned i = 0; i < h->n_watches; i++) {
		const struct prefix *net = &h->watches[i].net;
		const unsigned most = addr_is_v4(&net->addr) ? V4_SENT : V6_SENT;
		list[i] = (struct policy_watch){ *net,
			net->bits > most ? addr_prefix(&net->addr, most) : *net };
	}
	publisher_set_watched(h->opts.publisher, list, h->n_watches);
}

static unsigned find(const struct decision_history *h, const struct prefix *net)
{
	unsigned i = 0;

	while (i < h->n_watches &&
		!(h->watches[i].net.bits == net->bits &&
			memcmp(&h->watches[i].net.addr, &net->addr, sizeof net->addr) == 0))
		i++;
	return i;
}

bool decision_history_watch(struct decision_history *h, const struct store_watch *w)
{
	const unsigned i = find(h, &w->net);

	if (i == POLICY_WATCHED)
		return false;
	h->watches[i] = *w;
	h->n_watches += i == h->n_watches;
	give_watches(h);
	return true;
}

bool decision_history_unwatch(struct decision_history *h, const struct prefix *net)
{
	const unsigned i = find(h, net);

	if (i == h->n_watches)
		return false;
	h->n_watches--;
	memmove(&h->watches[i], &h->watches[i + 1], (h->n_watches - i) * sizeof *h->watches);
	give_watches(h);
	return true;
}

const struct store_watch *decision_history_watches(const struct decision_history *h, unsigned *n)
{
	*n = h->n_watches;
	return h->watches;
}

/* Those whose time is over; what the store has of them is passed over when it is read. */
static void end_watches(struct decision_history *h, int64_t now_s)
{
	char net[ADDR_TEXT];

	for (unsigned i = h->n_watches; i-- > 0;) {
		if (h->watches[i].until_s > now_s)
			continue;
		log_line(LOG_NOTICE, "%s is not watched any more: its time is over",
			prefix_text(net, &h->watches[i].net));
		const struct prefix gone = h->watches[i].net;
		decision_history_unwatch(h, &gone);
	}
}

static void take_stored(void *ctx, const struct store_watch *w)
{
	struct decision_history *h = ctx;

	if (w->until_s > time(NULL) && h->n_watches < POLICY_WATCHED)
		h->watches[h->n_watches++] = *w;
}

/* --- what is noted ------------------------------------------------------------------------ */

bool decision_history_wants(const struct decision_history *h)
{
	return h->opts.store &&
		(h->n_watches || parts_conf(publisher_live(h->opts.publisher))->decisions_keep_ms);
}

void decision_history_add(struct decision_history *h, const struct decision *d)
{
	/* Those of clients on watch alone, where nothing else is kept. */
	if (!d->watched && !parts_conf(publisher_live(h->opts.publisher))->decisions_keep_ms)
		return;
	if (!h->waiting)
		h->waiting = malloc(ROWS * sizeof *h->waiting);
	if (!h->waiting || h->n == ROWS) {
		h->lost++;
		return;
	}
	h->waiting[h->n++] = *d;
}

uint64_t decision_history_lost(const struct decision_history *h)
{
	return h->lost;
}

/* --- what was served ---------------------------------------------------------------------- */

static void drop_world(void *ctx, struct job *job)
{
	(void)job;
	world_drop(ctx);
}

static void drop_done(void *ctx, enum job_end end)
{
	if (end != JOB_DONE)
		world_drop(ctx);
}

/* This may be the last hold, and many zones are many frees: not here. */
static void let_go(struct decision_history *h, struct world *w)
{
	if (!jobs_start(h->opts.jobs,
		    &(struct job_opts){ .lane = h->free_lane,
			    .name = "free",
			    .ctx = w,
			    .work = drop_world,
			    .done = drop_done }))
		world_drop(w);
}

/* All but the last `left`. */
static void let_go_old(struct decision_history *h, unsigned left)
{
	while (h->n_worlds > left) {
		let_go(h, h->worlds[0]);
		memmove(h->worlds, h->worlds + 1, --h->n_worlds * sizeof(*h->worlds));
		memmove(h->since, h->since + 1, h->n_worlds * sizeof *h->since);
	}
}

static void add_world(struct decision_history *h)
{
	let_go_old(h, WORLDS - 1);
	h->since[h->n_worlds] = clock_seconds();
	h->worlds[h->n_worlds++] = world_hold(publisher_world(h->opts.publisher));
}

/* Those in whose place another has been served for so long that all that was decided in them has come. */
static void let_go_late(struct decision_history *h)
{
	while (h->n_worlds > 1 && clock_seconds() - h->since[1] > LATE_S)
		let_go_old(h, h->n_worlds - 1);
}

static void published(void *ctx)
{
	struct decision_history *h = ctx;

	if (decision_history_wants(h))
		add_world(h);
}

/* In which that was decided; the oldest that there is, where it is gone. */
static const struct world *world_of(const struct decision_history *h, const struct decision *d)
{
	unsigned i = h->job.n_worlds - 1;

	while (i && h->job.worlds[i]->generation != d->generation)
		i--;
	return h->job.worlds[i];
}

/* --- the job ------------------------------------------------------------------------------ */

static struct store_decision row_of(const struct decision_history *h, const struct decision *d,
	const struct decision_story *story)
{
	return (struct store_decision){ .at_s = (int64_t)d->time_s,
		.client = d->who,
		.source = d->source,
		.name = d->name,
		.type = d->type,
		.by_subnet = d->by_subnet,
		.watched = d->watched,
		.ttl_s = d->ttl_s,
		.scope = d->scope,
		.serial = story->serial,
		.conf = h->job.conf,
		.pool = d->pool,
		.edge = d->edge,
		.why = *d->edge ? choose_why_text((enum choose_why)d->why) : "nobody may answer",
		.next = story->next,
		.health = story->health };
}

static void store_rows(struct decision_history *h)
{
	struct store_decision *rows = memory_zeroed(h->job.n, sizeof *rows);
	struct decision_story *stories = memory_zeroed(h->job.n, sizeof *stories);
	struct choose_trace *trace = memory_zeroed(1, sizeof *trace);

	for (size_t i = 0; i < h->job.n; i++) {
		decision_story(world_of(h, &h->job.rows[i]), &h->job.rows[i], (uint64_t)h->job.now_us, trace, &stories[i]);
		rows[i] = row_of(h, &h->job.rows[i], &stories[i]);
	}
	h->job.ok = store_add_decisions(h->opts.store, rows, h->job.n, h->job.most, h->job.since_s, &h->job.why);
	memory_free(trace);
	memory_free(stories);
	memory_free(rows);
}

static void drop_worlds(struct decision_history *h)
{
	while (h->job.n_worlds)
		world_drop(h->job.worlds[--h->job.n_worlds]);
}

static void work(void *ctx, struct job *job)
{
	struct decision_history *h = ctx;

	(void)job;
	store_rows(h);
	drop_worlds(h);
}

/* What was not begun goes before what has come since, and is kept with it: by the next job, or by decision_history_free(). */
static void wait_on(struct decision_history *h)
{
	const size_t room = ROWS - h->job.n, n = h->n < room ? h->n : room;

	if (n)
		memcpy(h->job.rows + h->job.n, h->waiting, n * sizeof *h->waiting);
	h->lost += h->n - n;
	free(h->waiting);
	h->waiting = h->job.rows;
	h->n = h->job.n + n;
	h->job.rows = NULL;
}

static void done(void *ctx, enum job_end end)
{
	struct decision_history *h = ctx;
	const bool ok = end == JOB_DONE && h->job.ok;

	if (end == JOB_CANCELLED)
		wait_on(h);
	else if (!ok)
		h->lost += h->job.n;
	if (!ok && end != JOB_CANCELLED && clock_seconds() - h->told > TELL_S) {
		h->told = clock_seconds();
		log_line(LOG_WARNING, "decisions are not kept: %s",
			end == JOB_DONE ? h->job.why.text : "out of memory");
	}
	drop_worlds(h);
	free(h->job.rows);
	h->job.rows = NULL;
	h->writes = false;
}

static void fill_job(struct decision_history *h)
{
	const struct conf *c = parts_conf(publisher_live(h->opts.publisher));
	const int64_t keep_s = c->decisions_keep_ms ? c->decisions_keep_ms / 1000 : KEEP_S;

	h->job.rows = h->waiting;
	h->job.n = h->n;
	h->waiting = NULL;
	h->n = 0;
	if (!h->n_worlds)
		add_world(h);
	for (h->job.n_worlds = 0; h->job.n_worlds < h->n_worlds; h->job.n_worlds++)
		h->job.worlds[h->job.n_worlds] = world_hold(h->worlds[h->job.n_worlds]);
	h->job.conf = c->digest;
	h->job.most = c->decisions_keep_most ? c->decisions_keep_most : KEEP_MOST;
	h->job.since_s = time(NULL) - keep_s;
	h->job.now_us = (int64_t)clock_us();
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct decision_history *h = t->data;

	(void)loop;
	(void)events;
	end_watches(h, time(NULL));
	if (!decision_history_wants(h))
		let_go_old(h, 0);
	let_go_late(h);
	if (h->writes || !h->n)
		return;
	fill_job(h);
	h->writes = jobs_start(h->opts.jobs,
			    &(struct job_opts){ .lane = h->lane,
				    .name = "decisions",
				    .about = "into the store",
				    .ctx = h,
				    .work = work,
				    .done = done }) != NULL;
	if (!h->writes)
		done(h, JOB_CANCELLED);
}

struct decision_history *decision_history_new(const struct decision_history_opts *opts)
{
	struct decision_history *h = memory_zeroed(1, sizeof *h);
	struct fault why;

	h->opts = *opts;
	h->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	ev_timer_init(&h->timer, on_time, EVERY_S, EVERY_S);
	h->timer.data = h;
	if (!opts->store)
		return h;
	if (!store_each_watch(opts->store, take_stored, h, &why))
		log_line(LOG_WARNING, "who is watched is not known: %s", why.text);
	if (h->n_watches)
		give_watches(h);
	h->free_lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	publisher_tell_published(opts->publisher, published, h);
	ev_timer_start(opts->loop, &h->timer);
	return h;
}

void decision_history_free(struct decision_history *h)
{
	ev_timer_stop(h->opts.loop, &h->timer);
	if (h->n && h->opts.store) {
		fill_job(h);
		store_rows(h);
		drop_worlds(h);
		free(h->job.rows);
	}
	while (h->n_worlds)
		world_drop(h->worlds[--h->n_worlds]);
	free(h->waiting);
	memory_free(h);
}
