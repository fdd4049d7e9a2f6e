#include "daemon/rankings_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/latency_read.h"
#include "daemon/parts_read.h"
#include "daemon/times_record.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_S     0.25
#define QUIET_S    0.5  /* a file that has not changed for so long is whole */
#define PUBLISH_S  2.0  /* between two publications */
#define RETRY_S    10.0 /* when there was no memory */
#define SAVE_S     30.0 /* between two snapshots */
#define AGE_MOST_S 900.0

enum {
	YIELDS_MOST = 3,     /* in a row: then rankings are made, whoever waits */
	AT_ONCE_MOST = 2048, /* samples that go into the table within one turn of the loop */
	WAITING_MOST = 1 << 20,
	AGE_SHARE = 16
};

/* --- samples ------------------------------------------------------------------------------ */

/* False: there is no memory for it. */
static bool put(struct latency *t, const struct rankings_sample *s)
{
	const unsigned source = s->src >= 0 ? (unsigned)s->src : s->edge;

	if (s->merged)
		return times_row_merge(t, &(struct times_row){ s->net, s->src, s->edge, s->sample, s->kind });
	latency_count_source(t, source, !s->impossible, s->sample.at_s);
	if (s->impossible)
		return true;
	return s->src >= 0 ? latency_add_mesh(t, (unsigned)s->src, s->edge, &s->sample)
			   : latency_add(latency_of(t, s->kind), &s->net, s->edge, &s->sample);
}

/* Nobody else has it, and so many go in within a turn of the loop; else the next ranking takes them in, by a job. */
static bool may_put(const struct latency *t, size_t n)
{
	return latency_is_held_once(t) && latency_has_room(t, n);
}

static void put_some(struct rankings *r, size_t most)
{
	struct latency *t = publisher_live(r->opts.publisher)->table;
	struct heap *h = &r->waiting;

	while (h->at < h->n && most--)
		r->size.lost += !put(t, &h->of[h->at++]);
	if (h->at == h->n)
		h->at = h->n = 0;
	r->changed = r->unsaved = true;
}

void rankings_put_waiting(struct rankings *r)
{
	if (r->waiting.n && may_put(publisher_live(r->opts.publisher)->table, AT_ONCE_MOST))
		put_some(r, AT_ONCE_MOST);
}

static void keep_waiting(struct rankings *r, const struct rankings_sample *s);

void rankings_add(struct rankings *r, const struct rankings_sample *s)
{
	struct latency *t = publisher_live(r->opts.publisher)->table;
	struct rankings_sample one = *s;

	one.number = r->told_n;
	r->size.samples += !s->merged;
	r->size.merged += s->merged;
	if (r->told && !s->merged && !s->impossible) {
		r->told_n++;
		r->told(r->told_ctx, &one);
	}
	/* Of merged ones there may be many. */
	if (s->merged || r->waiting.n || !may_put(t, 1)) {
		keep_waiting(r, &one);
		return;
	}
	r->size.lost += !put(t, s);
	r->changed = r->unsaved = true;
}

static void keep_waiting(struct rankings *r, const struct rankings_sample *s)
{
	struct heap *h = &r->waiting;

	if (h->n == h->room) {
		const size_t room = h->room ? h->room * 2 : 256;
		struct rankings_sample *of = h->room < WAITING_MOST
			? realloc(h->of, room * sizeof *of)
			: NULL;
		if (!of) {
			r->size.lost++;
			return;
		}
		h->of = of;
		h->room = room;
	}
	h->of[h->n++] = *s;
}

/* Edges have other numbers in another configuration: what waits is of the one before. */
static void on_parts(void *ctx, unsigned what)
{
	struct rankings *r = ctx;

	if (what & PUBLISH_CONF) {
		r->size.lost += r->waiting.n - r->waiting.at;
		r->waiting.at = r->waiting.n = 0;
	}
	struct stamps *files = publisher_live(r->opts.publisher)->table_files;
	if (r->of == files)
		return;
	stamps_drop(r->of);
	stamps_drop(r->seen);
	stamps_drop(r->tried);
	r->of = stamps_hold(files);
	r->seen = stamps_hold(files);
	r->tried = stamps_hold(files);
}

/* --- new rankings ------------------------------------------------------------------------- */

static bool ranking_begin(void *ctx)
{
	struct ranking *x = ctx;
	struct rankings *r = x->owner;
	const struct parts *live = publisher_live(r->opts.publisher),
			   *staged = publisher_staged(r->opts.publisher);

	rankings_put_waiting(r);
	if (r->waiting.n) {
		x->samples = r->waiting;
		x->first = r->waiting.of[r->waiting.at].number;
		r->waiting = (struct heap){ 0 };
		r->unsaved = true;
	} else if (latency_is_held_once(live->table)) {
		latency_next_round(live->table);
	}
	r->changed = false;
	x->live = parts_hold(live);
	x->staged = staged ? parts_hold(staged) : (struct parts){ 0 };
	x->made = x->made_staged = (struct parts){ 0 };
	faults_init(&x->faults);
	return true;
}

static void read_files(struct ranking *x)
{
	const struct conf *c = parts_conf(&x->live);

	struct stamps *files = latency_read_stamps(c);
	struct latency *t = latency_read(
		&(struct latency_read_from){
			c, x->live.table, latency_options(x->live.table)->key, x->live.atlas },
		&x->faults);
	files->faulty = x->faults.errors > 0;
	x->made.table_files = files;
	if (x->faults.errors)
		latency_drop(t);
	else
		x->made.table = t;
}

static void add_samples(struct ranking *x)
{
	if (!x->made.table)
		x->made.table = latency_read_copy(x->live.table);
	for (size_t i = x->samples.at; i < x->samples.n; i++)
		put(x->made.table, &x->samples.of[i]);
	latency_next_round(x->made.table);
}

static void rank_staged(struct ranking *x, const struct latency *table)
{
	struct parts *to = &x->made_staged;

	to->table = latency_read_copy(x->staged.table);
	latency_read_take(to->table, table, LATENCY_LEARNED);
	latency_next_round(to->table);
	to->steer = parts_steer(
		parts_conf(&x->staged), x->staged.atlas, to->table, x->staged.steer);
}

static void ranking_work(void *ctx, struct job *job)
{
	struct ranking *x = ctx;
	const double from = clock_seconds();

	(void)job;
	if (x->read)
		read_files(x);
	if (x->samples.n)
		add_samples(x);
	const struct latency *table = x->made.table ? x->made.table : x->live.table;
	x->made.steer = parts_steer(parts_conf(&x->live), x->live.atlas, table, x->live.steer);
	if (x->staged.conf)
		rank_staged(x, table);
	x->took_s = clock_seconds() - from;
}

static void tell_files(const struct ranking *x)
{
	if (x->faults.errors || x->faults.warnings)
		log_text(text_get(&x->faults.text));
	if (x->read && x->faults.errors)
		log_line(LOG_ERROR,
			"latency files have changed and are wrong; what was measured before "
			"stays");
	else if (x->read && !x->own)
		log_line(LOG_NOTICE,
			"latency files have changed and were read anew (%zu networks)",
			latency_size(x->made.table).nets);
}

static void take(struct rankings *r, struct ranking *x)
{
	const struct parts *staged = publisher_staged(r->opts.publisher);

	tell_files(x);
	publisher_take_rankings(r->opts.publisher, false, &x->made);
	/* A stage may have been taken back since. */
	if (staged && staged->conf == x->staged.conf && x->made_staged.steer)
		publisher_take_rankings(r->opts.publisher, true, &x->made_staged);
	r->size.published++;
	r->size.last_s = x->took_s;
}

/* What it would have taken in waits once more, before what has come since, which is less. */
static void give_back(struct rankings *r, struct ranking *x)
{
	struct heap since = r->waiting;

	if (x->samples.n) {
		r->waiting = x->samples;
		x->samples = since; /* is freed with the job */
		for (; since.at < since.n; since.at++)
			keep_waiting(r, &since.of[since.at]);
	}
	if (x->read) { /* the files are still to be read */
		stamps_drop(r->tried);
		r->tried = stamps_hold(r->of);
	}
}

static void ranking_end(void *ctx, enum job_end end)
{
	struct ranking *x = ctx;
	struct rankings *r = x->owner;

	r->asked = false;
	r->published_at = clock_seconds();
	if (end == JOB_DONE) {
		take(r, x);
		r->yielded = 0;
	} else {
		x->made = x->made_staged = (struct parts){ 0 };
		give_back(r, x);
		r->changed = true;
		r->yielded += end == JOB_CANCELLED;
		r->published_at += end == JOB_NO_MEMORY ? RETRY_S - PUBLISH_S : 0;
	}
	faults_fini(&x->faults);
	publisher_let_go(r->opts.publisher, &x->made_staged);
	publisher_let_go(r->opts.publisher, &x->live);
	publisher_let_go(r->opts.publisher, &x->staged);
	free(x->samples.of);
	x->samples = (struct heap){ 0 };
}

static void ask(struct rankings *r, bool read)
{
	struct ranking *x = &r->ranking;

	*x = (struct ranking){ .owner = r,
		.read = read,
		.own = read &&
			latency_read_same_but_learned(
				parts_conf(publisher_live(r->opts.publisher)), r->of, r->seen) };
	x->build = (struct build){ .name = "rankings",
		.ctx = x,
		.begin = ranking_begin,
		.work = ranking_work,
		.end = ranking_end,
		.beside = true,
		.yields = r->yielded < YIELDS_MOST };
	r->asked = true;
	builder_ask(r->opts.builder, &x->build);
}

/* --- the files ---------------------------------------------------------------------------- */

/* Have they changed? The disk may take its time. */
struct look {
	struct rankings *owner;
	struct stamps *of; /* held */
	struct stamps *now;
};

static void look_work(void *ctx, struct job *job)
{
	struct look *l = ctx;

	(void)job;
	l->now = stamps_again(l->of);
}

static void look_done(void *ctx, enum job_end end)
{
	struct look *l = ctx;
	struct rankings *r = l->owner;

	r->looks = false;
	/* Others, if the configuration is another one since. */
	if (end == JOB_DONE && r->seen == l->of) {
		if (!stamps_same(l->now, r->seen)) {
			stamps_drop(r->seen);
			r->seen = stamps_hold(l->now);
			r->quiet_since = clock_seconds();
		}
	}
	if (end == JOB_DONE)
		stamps_drop(l->now);
	stamps_drop(l->of);
	free(l);
}

static void look(struct rankings *r)
{
	struct look *l = r->looks || !r->seen->n ? NULL : calloc(1, sizeof *l);

	if (!l)
		return;
	*l = (struct look){ .owner = r, .of = stamps_hold(r->seen) };
	r->looks = jobs_start(r->opts.jobs,
			   &(struct job_opts){ .lane = r->look_lane,
				   .name = "look",
				   .about = "at the files of measurements",
				   .ctx = l,
				   .work = look_work,
				   .done = look_done }) != NULL;
	if (!r->looks) {
		stamps_drop(l->of);
		free(l);
	}
}

/* Have the files changed, and is nobody writing them any more? */
static bool files_are_new(const struct rankings *r, double now)
{
	return !stamps_same(r->seen, r->tried) && now - r->quiet_since >= QUIET_S;
}

/* --- saving ------------------------------------------------------------------------------- */

struct save {
	struct rankings *owner;
	struct parts parts; /* held */
	struct fault why;   /* "": it was saved */
};

static void save_work(void *ctx, struct job *job)
{
	struct save *s = ctx;

	(void)job;
	latency_save(parts_conf(&s->parts), s->parts.table, &s->why);
}

static void save_done(void *ctx, enum job_end end)
{
	struct save *s = ctx;
	struct rankings *r = s->owner;

	r->saves = false;
	if (*s->why.text)
		log_line(LOG_ERROR, "%s", s->why.text);
	if (*s->why.text || end != JOB_DONE)
		r->unsaved = true;
	publisher_let_go(r->opts.publisher, &s->parts);
	free(s);
}

static void save(struct rankings *r)
{
	struct save *s = calloc(1, sizeof *s);

	if (!s)
		return;
	*s = (struct save){ .owner = r,
		.parts = parts_hold(publisher_live(r->opts.publisher)) };
	r->saves = jobs_start(r->opts.jobs,
			   &(struct job_opts){ .lane = r->save_lane,
				   .name = "save",
				   .about = "measurements",
				   .ctx = s,
				   .work = save_work,
				   .done = save_done }) != NULL;
	if (r->saves) {
		r->unsaved = false;
		r->saved_at = clock_seconds();
	} else {
		parts_drop(&s->parts);
		free(s);
	}
}

void rankings_save(struct rankings *r)
{
	if (r->unsaved && parts_conf(publisher_live(r->opts.publisher))->latency.state && !r->saves)
		save(r);
}

/* --- when there is something to do -------------------------------------------------------- */

/* Do ages need to be heeded once more? */
static bool has_aged(const struct rankings *r, double now)
{
	const struct parts *live = publisher_live(r->opts.publisher);
	const double share = parts_conf(live)->latency.half_life_ms / 1000.0 / AGE_SHARE;

	return client_map_is_measured(live->steer->clients) &&
		now - r->published_at >= (share < AGE_MOST_S ? share : AGE_MOST_S);
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct rankings *r = t->data;
	const struct conf *c = parts_conf(publisher_live(r->opts.publisher));
	const double now = clock_seconds();

	(void)loop;
	(void)events;
	if (!c->latency.on)
		return;
	rankings_put_waiting(r);
	look(r);
	if (r->unsaved && c->latency.state && !r->saves && now - r->saved_at >= SAVE_S)
		save(r);
	if (r->asked || now - r->published_at < PUBLISH_S)
		return;
	const bool read = files_are_new(r, now);
	if (read) {
		stamps_drop(r->tried);
		r->tried = stamps_hold(r->seen);
	}
	if (read || r->changed || r->waiting.n || has_aged(r, now))
		ask(r, read);
}

/* --- the rest ----------------------------------------------------------------------------- */

void rankings_tell_samples(struct rankings *r, void (*told)(void *ctx, const struct rankings_sample *s), void *ctx)
{
	r->told = told;
	r->told_ctx = ctx;
}

uint64_t rankings_taken(const struct rankings *r)
{
	if (r->asked && r->ranking.samples.n)
		return r->ranking.first;
	return r->waiting.n ? r->waiting.of[r->waiting.at].number : r->told_n;
}

bool rankings_is_settled(const struct rankings *r)
{
	return !r->waiting.n && !(r->asked && r->ranking.samples.n);
}

struct rankings_size rankings_size(const struct rankings *r)
{
	return r->size;
}

struct rankings *rankings_new(const struct rankings_opts *opts)
{
	struct rankings *r = memory_zeroed(1, sizeof *r);

	r->opts = *opts;
	r->save_lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	r->look_lane = jobs_lane(opts->jobs, 1, JOBS_PROMPT);
	on_parts(r, PUBLISH_TABLE);
	publisher_follow(opts->publisher, on_parts, r);
	ev_timer_init(&r->timer, on_look, LOOK_S, LOOK_S);
	r->timer.data = r;
	ev_timer_start(opts->loop, &r->timer);
	return r;
}

void rankings_free(struct rankings *r)
{
	const struct parts *live = publisher_live(r->opts.publisher);
	const struct conf *c = parts_conf(live);
	struct fault why;

	if (r->waiting.n && latency_is_held_once(live->table))
		put_some(r, SIZE_MAX);
	if (r->unsaved && c->latency.state && !latency_save(c, live->table, &why))
		log_line(LOG_ERROR, "%s", why.text);
	ev_timer_stop(r->opts.loop, &r->timer);
	stamps_drop(r->of);
	stamps_drop(r->seen);
	stamps_drop(r->tried);
	free(r->waiting.of);
	memory_free(r);
}
