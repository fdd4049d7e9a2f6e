#include "daemon/write_back_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After a change; and when something is still to be written, but not so soon again. */
#define SOON_S  0.1
#define AGAIN_S 1.0

struct write_back {
	struct write_back_opts opts;
	unsigned lane;
	struct synced *list; /* [n] ascending */
	size_t n;
	bool runs;
	size_t edits; /* on their way: no pass begins until they have come to their end */
	struct pass pass;
	struct write_back_ask *current;       /* of the pass */
	struct write_back_ask *first, **last; /* that wait */
	struct write_back_ask
		started; /* what files have at the start, and nobody waits for it */
	ev_timer soon;
	struct write_back_counts counts;
};

static void start(struct write_back *w);
static void wait_for(struct write_back *w, double after_s);

/* --- edits -------------------------------------------------------------------------------- */

static void free_edit(struct edit *e)
{
	struct parts held = e->held;

	publisher_let_go(e->owner->opts.publisher, &held);
	text_fini(&e->own.told);
	zone_drop(e->file);
	free(e);
}

/* All that it was about has been done. */
static void over(struct write_back_ask *ask)
{
	if (ask && ask->pending == 0)
		ask->done(ask);
}

static struct synced *find(const struct write_back *w, const uint8_t *apex)
{
	size_t from = 0, to = w->n;

	while (from < to) {
		const size_t at = from + (to - from) / 2;
		const int d = registry_compare(apex, w->list[at].apex);
		if (d == 0)
			return &w->list[at];
		if (d < 0)
			to = at;
		else
			from = at + 1;
	}
	return NULL;
}

/* What a reload and the log are told. */
static void tell(struct edit *e, const char *name, const char *path)
{
	const struct updates_own *own = &e->own;
	struct text line = { 0 };

	if (own->ok && own->changed)
		text_addf(&line, "zone %s: what was changed in %s is taken: serial %u\n", name,
			path, own->serial);
	else if (!own->ok)
		text_addf(&line, "zone %s: what was changed in %s is not taken: %s%s", name,
			path, own->told.len ? text_get(&own->told) : own->why.text,
			own->told.len ? "" : "\n");
	if (line.len && own->ok)
		log_line(LOG_NOTICE, "%.*s", (int)line.len - 1, text_get(&line));
	else if (line.len)
		log_text(text_get(&line));
	if (e->ask)
		text_add(&e->ask->told, text_get(&line));
	text_fini(&line);
}

/* The file has the serial that the version has which it is, or another. */
static void edit_is_taken(struct write_back *w, struct edit *e)
{
	struct synced *s = find(w, e->own.apex);

	if (!s)
		return;
	if (!e->own.ok) {
		snprintf(s->fault, sizeof s->fault, "%.1000s", e->own.why.text);
		return;
	}
	s->row = e->row;
	s->row.serial = e->file->serial;
	s->known = true;
	s->edited = false;
	s->rewrites = e->own.changed && !e->whole;
	s->not_before = 0;
	s->fault[0] = 0;
}

static void edit_done(struct updates_own *own)
{
	struct edit *e = (struct edit *)own; /* its first member */
	struct write_back *w = e->owner;
	struct write_back_ask *ask = e->ask;
	const struct registry_zone *z = registry_find(
		publisher_live(w->opts.publisher)->zones, own->apex);
	char name[NAME_TEXT];

	tell(e, view_text(name, own->apex), z ? z->path : "its file");
	edit_is_taken(w, e);
	if (ask) {
		ask->ok = ask->ok && own->ok;
		ask->pending--;
	}
	free_edit(e);
	over(ask);
	wait_for(w, SOON_S);
	if (--w->edits == 0 && w->first)
		start(w);
}

/* A zone that somebody has frozen is his until he thaws it. */
static bool is_left(const struct write_back *w, const struct edit *e)
{
	return frozen_find(w->opts.frozen, e->own.apex) && !(e->ask && e->ask->of_frozen);
}

static void send_edits(struct write_back *w, struct edit *edits, struct write_back_ask *ask)
{
	const struct parts *live = publisher_live(w->opts.publisher);

	for (struct edit *e = edits; ask && e; e = e->next)
		ask->pending++;
	while (edits) {
		struct edit *e = edits;
		edits = e->next;
		e->owner = w;
		e->ask = ask;
		e->key = w->opts.key;
		e->held = (struct parts){ .conf = part_hold(live->conf) };
		e->own.ctx = e;
		e->own.make = write_back_change;
		e->own.done = edit_done;
		e->own.of_frozen = ask && ask->of_frozen;
		if (is_left(w, e)) {
			if (ask)
				ask->pending--;
			free_edit(e);
		} else {
			w->edits++;
			updates_change(w->opts.updates, &e->own);
		}
	}
}

/* --- passes ------------------------------------------------------------------------------- */

static void run(void *ctx, struct job *job)
{
	(void)job;
	write_back_pass(&((struct write_back *)ctx)->pass);
}

/* What is new among the faults; of frozen zones nothing is. */
static void log_faults(const struct write_back *w, const struct synced *before, size_t n)
{
	char name[NAME_TEXT];
	size_t k = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct synced *s = &w->list[i];
		while (k < n && registry_compare(before[k].apex, s->apex) < 0)
			k++;
		const bool same = k < n && registry_compare(before[k].apex, s->apex) == 0 &&
			strcmp(before[k].fault, s->fault) == 0;
		if (*s->fault && !same && !frozen_find(w->opts.frozen, s->apex))
			log_line(
				LOG_WARNING, "zone %s: %s", view_text(name, s->apex), s->fault);
	}
}

static void wait_for(struct write_back *w, double after_s)
{
	if (ev_is_active(&w->soon))
		return;
	ev_timer_set(&w->soon, after_s, 0);
	ev_timer_start(w->opts.loop, &w->soon);
}

static void count(struct write_back *w)
{
	w->counts.written += w->pass.written;
	w->counts.edited = w->counts.failed = 0;
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].edited)
			w->counts.edited++;
		else if (*w->list[i].fault)
			w->counts.failed++;
}

struct write_back_counts write_back_counts(const struct write_back *w)
{
	return w->counts;
}

static void take_result(struct write_back *w, struct write_back_ask *ask)
{
	struct synced *before = w->list;
	const size_t n = w->n;
	struct edit *edits = w->pass.edits;

	w->list = w->pass.list;
	w->n = w->pass.n;
	w->pass.edits = NULL;
	count(w);
	log_faults(w, before, n);
	memory_free(before);
	if (w->pass.again)
		wait_for(w, AGAIN_S);
	if (ask) {
		ask->ok = w->pass.ok;
		text_take(&ask->told, &w->pass.told);
		ask->pending = 1; /* until all are sent */
	}
	send_edits(w, edits, ask);
	if (ask)
		ask->pending--;
}

static void done(void *ctx, enum job_end end)
{
	struct write_back *w = ctx;
	struct write_back_ask *ask = w->current;
	struct parts held = w->pass.held;

	w->runs = false;
	w->current = NULL;
	if (end == JOB_DONE) {
		take_result(w, ask);
	} else {
		if (end == JOB_NO_MEMORY)
			log_line(LOG_ERROR, "out of memory: zone files are not written now");
		if (ask)
			text_add(&ask->told,
				end == JOB_NO_MEMORY ? "out of memory\n"
						     : "the server stops\n");
		wait_for(w, AGAIN_S);
	}
	text_fini(&w->pass.told);
	publisher_let_go(w->opts.publisher, &held);
	over(ask);
	if (w->first)
		start(w);
}

static bool has_synced(const struct conf *c)
{
	for (size_t i = 0; i < c->n_rules; i++)
		if (c->rules[i].synced)
			return true;
	return false;
}

static void start(struct write_back *w)
{
	const struct parts *live = publisher_live(w->opts.publisher);

	if (w->runs || w->edits)
		return;
	w->current = w->first;
	if (w->first) {
		w->first = w->first->next;
		if (!w->first)
			w->last = &w->first;
		w->current->ok = false;
	}
	w->pass = (struct pass){ .held = { .conf = part_hold(live->conf),
					 .zones = registry_hold(live->zones) },
		.key = w->opts.key,
		.store = w->opts.store,
		.order = w->current ? w->current->order : WRITE_BACK_WRITE,
		.ask = w->current,
		.now = clock_seconds(),
		.list = w->list,
		.n = w->n };
	w->runs = true;
	if (!jobs_start(w->opts.jobs,
		    &(struct job_opts){ .lane = w->lane,
			    .name = "write-back",
			    .about = "zones are written to their files",
			    .ctx = w,
			    .work = run,
			    .done = done }))
		done(w, JOB_CANCELLED);
}

static bool is_idle(const struct write_back *w)
{
	return !w->opts.store || jobs_are_stopped(w->opts.jobs);
}

static void on_soon(struct ev_loop *loop, ev_timer *t, int events)
{
	struct write_back *w = t->data;

	(void)loop;
	(void)events;
	if (!is_idle(w))
		start(w);
}

static void follow(void *ctx, unsigned what)
{
	struct write_back *w = ctx;

	if (what & (PUBLISH_CONF | PUBLISH_ZONES) && w->opts.store &&
		(w->n || has_synced(parts_conf(publisher_live(w->opts.publisher)))))
		wait_for(w, SOON_S);
}

void write_back_ask(struct write_back *w, struct write_back_ask *ask)
{
	ask->next = NULL;
	ask->pending = 0;
	ask->ok = true;
	if (is_idle(w) || !has_synced(parts_conf(publisher_live(w->opts.publisher)))) {
		ask->done(ask);
		return;
	}
	*w->last = ask;
	w->last = &ask->next;
	start(w);
}

bool write_back_look(
	const struct write_back *w, const uint8_t *apex, struct write_back_view *to)
{
	const struct synced *s = find(w, apex);

	if (!s)
		return false;
	*to = (struct write_back_view){ s->known, s->row.serial, *s->fault ? s->fault : NULL };
	return true;
}

/* --- the rest ----------------------------------------------------------------------------- */

static void started(struct write_back_ask *ask)
{
	text_fini(&ask->told);
}

struct write_back *write_back_new(const struct write_back_opts *opts)
{
	struct write_back *w = memory_zeroed(1, sizeof *w);

	w->opts = *opts;
	w->last = &w->first;
	w->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	ev_init(&w->soon, on_soon);
	w->soon.data = w;
	publisher_follow(opts->publisher, follow, w);
	w->started = (struct write_back_ask){ .order = WRITE_BACK_TAKE, .done = started };
	write_back_ask(w, &w->started);
	return w;
}

void write_back_free(struct write_back *w)
{
	ev_timer_stop(w->opts.loop, &w->soon);
	while (w->first) {
		struct write_back_ask *ask = w->first;
		w->first = ask->next;
		ask->ok = false;
		ask->done(ask);
	}
	memory_free(w->list);
	memory_free(w);
}
