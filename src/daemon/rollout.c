#include "daemon/rollout.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/daemon.h"
#include "daemon/rebuild.h"
#include "steer/stage.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	ANSWERS_LEAST = 100, /* fewer say nothing */
	LOOKS = 2,           /* so many in a row must find probes failing */
	SERVFAIL = 2
};

struct rollout {
	struct daemon *daemon;
	struct ev_loop *loop;
	ev_timer timer;
	bool on;
	double percent;
	struct loaded loaded; /* while it is on */
	time_t since;
	/* Counters: when it began; at the last judgement of all answers; of its own. */
	struct stats begin, seen, seen_staged;
	unsigned failing; /* looks in a row */
	char last[512];   /* what became of the last one; "" */
};

struct loaded *rollout_loaded(struct rollout *r)
{
	return r && r->on ? &r->loaded : NULL;
}

uint64_t rollout_share(const struct rollout *r)
{
	return r && r->on ? (uint64_t)(r->percent / 100 * (double)STAGE_ALL) : 0;
}

static struct stats counters(const struct rollout *r)
{
	struct workers_report w;

	workers_report(r->daemon->workers, &w);
	return w.sum;
}

/* --- begin -------------------------------------------------------------------------------- */

/* The zones that are served stay: what they name must be there. */
static bool has_pools(const struct rollout *r, const struct loaded *next, struct faults *f)
{
	const struct zone_set *set = r->daemon->loaded.set;
	char name[NAME_TEXT];

	for (size_t i = 0; i < zone_set_count(set); i++) {
		const struct zone *z = zone_set_get(set, i);
		for (unsigned k = 0; k < z->pools_n; k++)
			if (steer_pool(next->steer, z->pools[k]) < 0)
				return faults_error(f,
					&(struct fault_at){ .path = next->conf.path },
					"pool %s is gone, and zone %s as it is served names "
					"it; "
					"zones are not staged: take it out of the zone and "
					"reload first",
					z->pools[k], name_text(name, z->apex));
	}
	return true;
}

/* What was measured since the last rebuilding is known to what is staged, too. */
static void catch_up(struct rollout *r)
{
	rebuild_settle(r->daemon->rebuild);
	if (r->on && !latency_take(r->loaded.table, r->daemon->loaded.table, LATENCY_LEARNED))
		log_line(LOG_ERROR, "out of memory: the stage lacks some measurements");
}

bool rollout_stage(struct rollout *r, double percent, struct faults *f)
{
	struct daemon *d = r->daemon;
	struct loaded next;
	const bool was_on = r->on;

	catch_up(r);
	if (!loaded_read(&next,
		    &(struct loaded_opts){ .path = d->conf_path,
			    .key = d->loaded.key,
			    .before = was_on ? &r->loaded : &d->loaded },
		    f))
		return false;
	if (!daemon_may_take(d, &next, f) || !has_pools(r, &next, f)) {
		loaded_fini(&next);
		return false;
	}
	struct loaded before = r->loaded; /* not sooner: catch_up() may replace parts of it */
	r->loaded = next;
	r->on = true;
	r->percent = percent;
	r->since = time(NULL);
	r->failing = 0;
	r->begin = r->seen = r->seen_staged = counters(r);
	daemon_publish(d);
	if (was_on)
		loaded_fini(&before);
	ev_timer_stop(r->loop, &r->timer);
	r->timer.repeat = d->loaded.conf.stage.every_ms / 1000.0;
	ev_timer_again(r->loop, &r->timer);
	log_line(LOG_NOTICE, "staged %s for %g %% of the clients", d->conf_path, percent);
	return true;
}

/* --- end ---------------------------------------------------------------------------------- */

static bool none(struct fault *why)
{
	return fault(why, "no stage is on (\"waymarkctl reload --stage 5%%\" begins one)");
}

/* The caller has what was staged. */
static struct loaded end(struct rollout *r)
{
	struct loaded l = r->loaded;

	ev_timer_stop(r->loop, &r->timer);
	r->on = false;
	r->loaded = (struct loaded){ 0 };
	return l;
}

bool rollout_promote(struct rollout *r, struct fault *why)
{
	if (!r->on)
		return none(why);
	catch_up(r);
	struct loaded next = end(r);
	daemon_replace(r->daemon, &next);
	snprintf(r->last, sizeof r->last, "promoted from %g %%", r->percent);
	log_line(LOG_NOTICE, "the stage is %s of the clients to all", r->last);
	return true;
}

bool rollout_back(struct rollout *r, const char *reason, struct fault *why)
{
	if (!r->on)
		return none(why);
	rebuild_settle(r->daemon->rebuild);
	struct loaded gone = end(r);
	daemon_publish(r->daemon);
	loaded_fini(&gone);
	snprintf(r->last, sizeof r->last, "rolled back from %g %%: %s", r->percent, reason);
	log_line(LOG_WARNING, "the stage is %s", r->last);
	return true;
}

/* --- is it good? -------------------------------------------------------------------------- */

static double share(uint64_t n, uint64_t of)
{
	return of ? (double)n / (double)of : 0;
}

static uint64_t answers(const struct stats *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < STATS_RCODES; i++)
		n += s->rcode[i];
	return n;
}

/* More SERVFAIL than before it began, of all answers: what the stage has done to the server as
 * a whole. */
static bool fails(struct rollout *r, const struct stats *now, struct fault *why)
{
	const uint64_t n = answers(now) - answers(&r->seen);
	const double limit = r->daemon->loaded.conf.stage.servfail,
		     before = share(r->begin.rcode[SERVFAIL], answers(&r->begin)),
		     since = share(now->rcode[SERVFAIL] - r->seen.rcode[SERVFAIL], n);

	if (n < ANSWERS_LEAST || since <= before + limit)
		return false;
	fault(why, "%.1f %% of the answers are SERVFAIL, against %.1f %% before", 100 * since,
		100 * before);
	return true;
}

/* Answers without an edge, against those of all other clients. */
static bool misses(struct rollout *r, const struct stats *now, struct fault *why)
{
	const struct stats *seen = &r->seen_staged;
	const uint64_t n = now->staged - seen->staged,
		       unmet = now->staged_unmet - seen->staged_unmet;
	const double limit = r->daemon->loaded.conf.stage.empty, here = share(unmet, n),
		     there = share(now->unmet - seen->unmet - unmet,
			     now->steered - seen->steered - n);

	if (n < ANSWERS_LEAST || here <= there + limit)
		return false;
	fault(why, "%.1f %% of the staged answers have no edge, against %.1f %% of the others",
		100 * here, 100 * there);
	return true;
}

/* The share of edges that probes have down, of those that are looked at. A pool in panic reads
 * row 0, as one without a probe does. */
static double down(const struct standing *s)
{
	uint64_t asked = 0, up = 0;

	for (unsigned i = 0; i < s->n_pools; i++) {
		if (!s->pools[i].row && !s->pools[i].panics)
			continue;
		asked += s->pools[i].asked;
		up += s->pools[i].up;
	}
	return share(asked - up, asked);
}

/* Edges that fail by their probes, against those of what is served: what takes both down is
 * not the stage's fault. Not before every probe has said something. */
static bool probes_fail(struct rollout *r, struct fault *why)
{
	const struct world *w = epoch_current(&r->daemon->epoch);
	const double limit = r->daemon->loaded.conf.stage.failures,
		     here = down(w->stage.standing), there = down(w->standing);

	if (probes_waits(r->daemon->probes) || here <= there + limit) {
		r->failing = 0;
		return false;
	}
	fault(why,
		"probes have %.1f %% of the staged edges down, against %.1f %% of the others",
		100 * here, 100 * there);
	return ++r->failing >= LOOKS;
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct rollout *r = t->data;
	const struct stats now = counters(r);
	struct fault why;

	(void)loop;
	(void)events;
	if (fails(r, &now, &why) || misses(r, &now, &why) || probes_fail(r, &why)) {
		char reason[256];
		snprintf(reason, sizeof reason, "%.240s", why.text);
		rollout_back(r, reason, NULL);
		return;
	}
	if (answers(&now) - answers(&r->seen) >= ANSWERS_LEAST)
		r->seen = now;
	if (now.staged - r->seen_staged.staged >= ANSWERS_LEAST)
		r->seen_staged = now;
}

/* --- for others --------------------------------------------------------------------------- */

struct report_stage rollout_report(const struct rollout *r)
{
	struct report_stage to = { .last = r->last };

	if (!r->on)
		return to;
	const struct stats now = counters(r);
	to.percent = r->percent;
	to.since = r->since;
	to.answers = now.staged - r->begin.staged;
	to.empty = now.staged_unmet - r->begin.staged_unmet;
	to.table = r->loaded.table;
	return to;
}

struct rollout_made rollout_rebuild(struct rollout *r, const struct latency *table)
{
	struct rollout_made m = { 0 };
	const struct loaded *l = rollout_loaded(r);

	if (!l)
		return m;
	m.table = latency_new(latency_options(l->table));
	if (!latency_take(m.table, l->table, LATENCY_ALL) ||
		!latency_take(m.table, table, LATENCY_LEARNED))
		memory_ends(0);
	m.steer = loaded_steer(l, l->atlas, m.table, l->steer);
	return m;
}

void rollout_take(struct rollout *r, const struct rollout_made *made)
{
	if (!made->steer)
		return;
	latency_drop(r->loaded.table);
	r->loaded.table = made->table;
	r->loaded.steer = made->steer;
}

void rollout_refresh_geo(struct rollout *r)
{
	struct fault why;

	if (rollout_loaded(r) && !loaded_refresh_geo(&r->loaded, &why))
		rollout_back(r, why.text, NULL);
}

struct rollout *rollout_new(struct daemon *d, struct ev_loop *loop)
{
	struct rollout *r = memory_zeroed(1, sizeof *r);

	r->daemon = d;
	r->loop = loop;
	ev_init(&r->timer, on_look);
	r->timer.data = r;
	return r;
}

void rollout_free(struct rollout *r)
{
	if (!r)
		return;
	ev_timer_stop(r->loop, &r->timer);
	if (r->on)
		loaded_fini(&r->loaded);
	memory_free(r);
}
