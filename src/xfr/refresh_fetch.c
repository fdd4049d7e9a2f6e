/* refresh_fetch.c - transfers in: some at a time, each a job; what has come is served, and then stored by another.
 */
#include "xfr/refresh_inner.h"

#include "base/log.h"
#include "zone/change.h"
#include "zone/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const struct peer_limits limits = {
	.connect_ms = 10000, .silence_ms = 30000, .most_ms = 7200000, .most_bytes = 8ull << 30
};

struct fetching {
	struct secondary *of;
	struct zone *have; /* held */
	struct peer peer;
	struct part *hold;
	bool whole;
	struct compile_opts compile;
	void *verify; /* own; NULL: nothing */
	struct store_mark upon;
	enum fetch_kind kind;
	struct fetched got;
	struct fault why;
};

/* What is served and has to be stored. */
struct storing {
	struct secondary *of;
	struct zone *zone; /* held */
	bool is_step;      /* what is stored lacks the last of its changes only */
	bool has_mark;
	struct store_mark upon;
	uint32_t expire_s;
	bool ok;
	struct fault why;
};

static void fetch_some(struct refresher *r);

void refresh_fetch(struct secondary *s)
{
	struct refresher *r = s->of;

	s->doing = QUEUES;
	s->next_fetch = s->first ? r->first_fetch : NULL;
	if (s->first)
		r->first_fetch = s;
	else
		*r->last_fetch = s;
	if (!s->next_fetch)
		r->last_fetch = &s->next_fetch;
	r->counts.waiting++;
	fetch_some(r);
}

/* One peer has not given it: the next. */
static void try_next(struct secondary *s)
{
	s->at = (s->at + 1) % s->n;
	if (++s->tried < s->n)
		refresh_fetch(s);
	else
		refresh_failed(s);
}

static void say_fetched(const struct fetching *f)
{
	const struct fetched *got = &f->got;
	char name[NAME_TEXT], peer[PEER_TEXT];

	log_line(LOG_NOTICE, "zone %s: serial %u from %s by %s: %ju records, %ju bytes",
		view_text(name, f->of->apex), got->zone->serial, peer_text(peer, &f->peer),
		got->incremental ? "IXFR" : "AXFR", (uintmax_t)got->records,
		(uintmax_t)got->bytes);
}

/* --- storing ------------------------------------------------------------------------------ */

/* What leads to it; NULL: nobody knows. */
static const struct change *last_step(const struct zone *z)
{
	const struct history *h = z->history;
	const struct change *last = h && h->n ? h->steps[h->n - 1]->change : NULL;

	return last && change_to(last) == z->serial ? last : NULL;
}

static void store_work(void *ctx, struct job *job)
{
	struct storing *t = ctx;
	const struct secondary *s = t->of;
	const struct refresher_opts *o = &s->of->opts;

	(void)job;
	t->ok = (t->has_mark || o->mark(o->ctx, s->apex, &t->upon, &t->why)) &&
		o->store(o->ctx, &t->upon, t->zone, t->is_step ? last_step(t->zone) : NULL,
			t->expire_s, &t->why);
}

/* It is served, and asked for again should it be lost. */
static void say_unstored(struct secondary *s, const struct storing *t, enum job_end end)
{
	char name[NAME_TEXT];

	if (!s->unstored)
		log_line(LOG_ERROR,
			"zone %s: serial %u is served and cannot be stored: %s; it is tried again when a "
			"primary is asked next",
			view_text(name, s->apex), t->zone->serial,
			end == JOB_DONE ? t->why.text : "out of memory");
	s->unstored = true;
}

static void store_done(void *ctx, enum job_end end)
{
	struct storing *t = ctx;
	struct secondary *s = t->of;
	struct refresher *r = s->of;

	r->counts.fetching--;
	if (s->gone) {
		refresh_free_secondary(s);
	} else {
		if (end == JOB_DONE && t->ok)
			s->unstored = false;
		else if (end != JOB_CANCELLED && r->opts.follows(r->opts.ctx, s->apex))
			say_unstored(s, t, end);
		refresh_rest(s);
	}
	zone_drop(t->zone);
	free(t);
	fetch_some(r);
}

/* `upon`: what was stored when its transfer began, or NULL. */
static void store_zone(struct secondary *s, const struct store_mark *upon)
{
	struct refresher *r = s->of;
	struct storing *t = r->opts.store ? calloc(1, sizeof *t) : NULL;
	char name[NAME_TEXT];

	if (t) {
		*t = (struct storing){
			.of = s, .zone = s->zone, .expire_s = s->expire_s, .is_step = !s->unstored
		};
		if (upon) {
			t->has_mark = true;
			t->upon = *upon;
		}
	}
	if (t && jobs_start(r->opts.jobs,
			 &(struct job_opts){ .lane = r->lane,
				 .name = "store",
				 .about = view_text(name, s->apex),
				 .ends = true, /* who takes over goes on from what is stored */
				 .ctx = t,
				 .work = store_work,
				 .done = store_done })) {
		zone_hold(t->zone);
		r->counts.fetching++; /* what comes does not run ahead of what is stored */
		s->doing = STORES;
		return;
	}
	free(t);
	s->unstored = r->opts.store != NULL;
	refresh_rest(s);
}

void refresh_store_again(struct secondary *s)
{
	store_zone(s, NULL);
}

/* --- fetching ----------------------------------------------------------------------------- */

static void take_fetched(struct secondary *s, struct fetching *f)
{
	struct fetched *got = &f->got;

	s->of->counts.fetched++;
	s->whole = false;
	say_fetched(f);
	s->view.transferred_s = time(NULL);
	s->view.incremental = got->incremental;
	s->view.bytes = got->bytes;
	s->view.records = got->records;
	zone_drop(s->zone);
	s->zone = got->zone;
	zone_hold(s->zone); /* one for us, one for who takes it */
	got->zone = NULL;
	refresh_heard(s, got->expire_s);
	refresh_tell(s, s->zone, got);
	store_zone(s, &f->upon);
}

static void fetch_done(void *ctx, enum job_end end)
{
	struct fetching *f = ctx;
	struct secondary *s = f->of;
	struct refresher *r = s->of;
	const bool gone = s->gone;

	r->counts.fetching--;
	if (gone) {
		refresh_free_secondary(s);
	} else if (!r->opts.follows(r->opts.ctx, s->apex)) {
		refresh_wait(s, REFRESH_FIRST_S); /* it has become ours meanwhile */
	} else if (end == JOB_DONE && f->kind == FETCH_NEW) {
		take_fetched(s, f);
	} else if (end == JOB_DONE && f->kind == FETCH_SAME) {
		refresh_heard_same(s, f->got.expire_s);
	} else {
		snprintf(s->view.fault, sizeof s->view.fault, "%.*s", REFRESH_FAULT_MOST,
			end == JOB_DONE ? f->why.text : "out of memory");
		try_next(s);
	}
	if (end == JOB_DONE) {
		zone_drop(f->got.zone);
		change_free(f->got.change);
	}
	if (!gone && s->again && s->doing == WAITS) {
		s->again = false;
		refresh_wait(s, 0);
	}
	zone_drop(f->have);
	part_drop(f->hold);
	peer_fini(&f->peer);
	free(f->verify);
	free(f);
	fetch_some(r);
}

/* What has come is not taken. */
static void refuse(struct fetched *got)
{
	zone_drop(got->zone);
	change_free(got->change);
	got->zone = NULL;
	got->change = NULL;
}

/* What came whole differs little from what we have, mostly: then that is all that has to be stored, and
 * those who follow us need no more. */
static void find_change(const struct zone *have, struct fetched *got)
{
	struct fault why;

	if (!have || got->change || got->zone->serial == have->serial)
		return;
	got->change = change_between(have, got->zone, &why);
}

static void add_peer_name(struct fetching *f, uint32_t serial)
{
	const struct fault what = f->why;
	char peer[PEER_TEXT];

	fault(&f->why, "%s: serial %u is not taken: %s", peer_text(peer, &f->peer), serial,
		what.text);
}

static void fetch_work(void *ctx, struct job *job)
{
	struct fetching *f = ctx;
	struct refresher *r = f->of->of;
	struct fetched got = { 0 };
	enum fetch_kind kind = FETCH_FAILED;

	if (!r->opts.mark || r->opts.mark(r->opts.ctx, f->of->apex, &f->upon, &f->why))
		kind = fetch_zone(&(struct fetch_opts){ .apex = f->of->apex,
					  .peer = &f->peer,
					  .limits = limits,
					  .have = f->have,
					  .whole = f->whole,
					  .compile = f->compile,
					  .job = job },
			&got, &f->why);
	if (kind == FETCH_NEW && f->verify &&
		!r->opts.verify(r->opts.ctx, f->verify, got.zone, job, &f->why)) {
		add_peer_name(f, got.zone->serial);
		refuse(&got);
		kind = FETCH_FAILED;
	}
	if (kind == FETCH_NEW)
		find_change(f->have, &got);
	if (got.change)
		history_give(got.zone, f->have, got.change);
	got.change = NULL;
	f->got = got;
	f->kind = kind;
}

static bool fetch_start(struct secondary *s)
{
	struct refresher *r = s->of;
	struct fetching *f = calloc(1, sizeof *f);
	char name[NAME_TEXT];
	bool ok = f != NULL;

	if (ok && r->opts.verifies)
		f->verify = r->opts.verifies(r->opts.ctx, s->apex, &ok);
	if (!ok) {
		free(f);
		return false;
	}
	f->of = s;
	f->have = s->zone;
	if (f->have)
		zone_hold(f->have);
	f->whole = s->whole;
	peer_copy(&f->peer, &s->peers[s->at]);
	f->compile = r->opts.compile(r->opts.ctx, &f->hold);
	s->doing = FETCHES;
	if (jobs_start(r->opts.jobs,
		    &(struct job_opts){ .lane = r->lane,
			    .name = "transfer",
			    .about = view_text(name, s->apex),
			    .ctx = f,
			    .work = fetch_work,
			    .done = fetch_done }))
		return true;
	zone_drop(f->have);
	part_drop(f->hold);
	peer_fini(&f->peer);
	free(f->verify);
	free(f);
	return false;
}

static void fetch_some(struct refresher *r)
{
	while (r->first_fetch && r->counts.fetching < REFRESH_FETCHING_MOST) {
		struct secondary *s = r->first_fetch;
		r->first_fetch = s->next_fetch;
		if (!r->first_fetch)
			r->last_fetch = &r->first_fetch;
		r->counts.waiting--;
		if (s->gone) {
			refresh_free_secondary(s);
		} else if (!r->opts.follows(r->opts.ctx, s->apex)) {
			refresh_wait(s, REFRESH_FIRST_S);
		} else if (fetch_start(s)) {
			r->counts.fetching++;
		} else {
			snprintf(s->view.fault, sizeof s->view.fault, "out of memory");
			refresh_failed(s);
		}
	}
}
