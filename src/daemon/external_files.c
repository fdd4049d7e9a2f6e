#include "daemon/external_files.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/external_unknown.h"
#include "daemon/parts_read.h"
#include "probe/external_file.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOK_S 0.5

enum { WRONG_LOOKS = 3 }; /* a file that is being written is wrong for a moment */

/* A probe's file, and which version of it was read. */
struct seen {
	char *probe, *path; /* own */
	char *unknown;      /* own: the edge that it named and nobody knows, as that was told; NULL */
	struct file_stamp stamp;
	unsigned expires_ms;
	unsigned wrong;  /* so many looks at this version found it so, */
	unsigned always; /* ... and so many since it was right */
	bool told;       /* in the log */
};

/* One of a look. */
struct glance {
	const char *probe, *path; /* borrowed of the configuration that the look holds */
	unsigned expires_ms;
	struct file_stamp before, stamp;
	bool again; /* it was wrong, or is not known yet */
	enum { SAME, READ, WRONG } found;
	struct externals list;
	struct fault why; /* of READ: which edge it names that is not there; empty */
};

struct look {
	struct part *conf, *staged; /* held; NULL */
	struct glance *of;
	size_t n;
};

struct external_files {
	struct external_files_opts opts;
	unsigned lane;
	ev_timer timer;
	struct seen *seen;
	size_t n;
	bool looks, begun;
	struct look look;
};

/* --- the look ----------------------------------------------------------------------------- */

/* From when it was written, by the clock that nobody sets. */
static void read_one(const struct look *l, struct glance *g)
{
	const int64_t now_s = time(NULL), when_s = g->stamp.mtime_ns / 1000000000;
	const int64_t age_s = now_s > when_s ? now_s - when_s : 0;
	struct file file;

	if (!file_read(&file, g->path, EXTERNAL_FILE_MOST, &g->why)) {
		g->found = WRONG;
		return;
	}
	g->found = external_read(&g->list, file.text, file.len,
			   &(struct external_file){ g->path, g->probe,
				   (int64_t)clock_us() - age_s * 1000000, when_s, g->expires_ms },
			   &g->why)
		? READ
		: WRONG;
	file_free(&file);
	const struct conf *of[2] = { (const struct conf *)l->conf, (const struct conf *)l->staged };
	if (g->found == READ && external_unknown_none(&g->list, of, g->path, &g->why))
		g->why = (struct fault){ 0 };
}

static void look_work(void *ctx, struct job *job)
{
	struct look *l = &((struct external_files *)ctx)->look;

	for (size_t i = 0; i < l->n && !job_is_cancelled(job); i++) {
		struct glance *g = &l->of[i];
		file_stamp(g->path, &g->stamp);
		if (g->again || !file_stamp_same(&g->stamp, &g->before))
			read_one(l, g);
	}
}

static void end_look(struct look *l)
{
	for (size_t i = 0; i < l->n; i++)
		externals_fini(&l->of[i].list);
	memory_free(l->of);
	part_drop(l->conf);
	part_drop(l->staged);
	*l = (struct look){ 0 };
}

static struct seen *find_seen(const struct external_files *x, const char *probe)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->seen[i].probe, probe) == 0)
			return &x->seen[i];
	return NULL;
}

static void take_wrong(struct seen *s, const struct glance *g)
{
	s->wrong = file_stamp_same(&s->stamp, &g->stamp) ? s->wrong + 1 : 1;
	s->always++;
	/* Or it is written again and again, and never right. */
	if (s->wrong == WRONG_LOOKS || (s->always >= WRONG_LOOKS && !s->told)) {
		log_line(LOG_WARNING, "probe %s: %s; what it said before is good until its time is over",
			s->probe, g->why.text);
		s->told = true;
	}
}

/* Not with each version of the file: others write it every few seconds. */
static void tell_unknown(struct seen *s, const struct fault *why)
{
	if (strcmp(s->unknown ? s->unknown : "", why->text) == 0)
		return;
	memory_free(s->unknown);
	s->unknown = *why->text ? memory_strdup(why->text) : NULL;
	if (s->unknown)
		log_line(LOG_WARNING, "probe %s: %s", s->probe, s->unknown);
}

static void take_read(struct external_files *x, struct seen *s, struct glance *g)
{
	const size_t n = g->list.n;

	if (!x->opts.take(x->opts.ctx, s->probe, &g->list)) {
		if (!s->told)
			log_line(LOG_WARNING, "probe %s: %s: more than %d verdicts of all probes",
				s->probe, g->path, EXTERNALS_MOST);
		s->told = true;
	} else if (s->told) {
		log_line(LOG_NOTICE, "probe %s: %s is right again: %zu verdicts", s->probe, g->path, n);
		s->told = false;
	}
	s->wrong = s->always = 0;
}

static void look_done(void *ctx, enum job_end end)
{
	struct external_files *x = ctx;

	x->looks = false;
	for (size_t i = 0; end == JOB_DONE && i < x->look.n; i++) {
		struct glance *g = &x->look.of[i];
		struct seen *s = find_seen(x, g->probe);
		if (!s || strcmp(s->path, g->path) != 0 || s->expires_ms != g->expires_ms)
			continue; /* there is another configuration by now */
		if (g->found == READ) {
			take_read(x, s, g);
			tell_unknown(s, &g->why);
		} else if (g->found == WRONG) {
			take_wrong(s, g);
		}
		s->stamp = g->stamp;
	}
	/* After JOB_NO_MEMORY lists are none, and after all else they are given back here. */
	for (size_t i = 0; end != JOB_DONE && i < x->look.n; i++)
		x->look.of[i].list = (struct externals){ 0 };
	end_look(&x->look);
}

static void start_look(struct external_files *x)
{
	const struct parts *live = publisher_live(x->opts.publisher),
			   *staged = publisher_staged(x->opts.publisher);

	if (x->looks || !x->n)
		return;
	x->look = (struct look){ .conf = part_hold(live->conf),
		.staged = staged ? part_hold(staged->conf) : NULL,
		.of = memory_zeroed(x->n, sizeof *x->look.of) };
	const struct conf *of[] = { parts_conf(live), staged ? parts_conf(staged) : NULL };
	for (size_t i = 0; i < x->n; i++) {
		const struct seen *s = &x->seen[i];
		const struct probe_opts *p = NULL;
		for (unsigned k = 0; k < 2 && !p; k++)
			p = of[k] ? conf_external(of[k], s->probe) : NULL;
		if (p && p->file)
			x->look.of[x->look.n++] = (struct glance){ .probe = p->name,
				.path = p->file,
				.expires_ms = p->expires_ms,
				.before = s->stamp,
				.again = s->wrong || (!s->stamp.mtime_ns && !s->told) };
	}
	x->looks = jobs_start(x->opts.jobs,
		&(struct job_opts){ .lane = x->lane,
			.name = "verdicts",
			.ctx = x,
			.work = look_work,
			.done = look_done });
	if (!x->looks)
		end_look(&x->look);
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	start_look(t->data);
}

/* --- which files -------------------------------------------------------------------------- */

static void add_files(struct external_files *x, const struct conf *c, struct seen *was, size_t n_was)
{
	for (size_t i = 0; i < c->n_probes; i++) {
		const struct probe_opts *p = &c->probes[i];
		if (p->kind != PROBE_EXTERNAL || !p->file || find_seen(x, p->name))
			continue;
		x->seen = memory_grow(x->seen, (x->n + 1) * sizeof *x->seen);
		struct seen *s = &x->seen[x->n++];
		*s = (struct seen){ .probe = memory_strdup(p->name), .path = memory_strdup(p->file),
			.expires_ms = p->expires_ms };
		for (size_t k = 0; k < n_was; k++)
			if (strcmp(was[k].probe, s->probe) == 0 && strcmp(was[k].path, s->path) == 0) {
				/* Verdicts are good for another time: they are read again. */
				if (was[k].expires_ms == s->expires_ms)
					s->stamp = was[k].stamp;
				s->wrong = was[k].wrong;
				s->always = was[k].always;
				s->told = was[k].told;
				s->unknown = was[k].unknown;
				was[k].unknown = NULL;
			}
	}
}

static void drop_seen(struct seen *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		memory_free(s[i].probe);
		memory_free(s[i].path);
		memory_free(s[i].unknown);
	}
	memory_free(s);
}

void external_files_configure(struct external_files *x)
{
	const struct parts *staged = publisher_staged(x->opts.publisher);
	struct seen *was = x->seen;
	const size_t n_was = x->n;

	x->seen = NULL;
	x->n = 0;
	add_files(x, parts_conf(publisher_live(x->opts.publisher)), was, n_was);
	if (staged)
		add_files(x, parts_conf(staged), was, n_was);
	for (size_t i = 0; i < n_was; i++) {
		const struct seen *s = find_seen(x, was[i].probe);
		struct externals none = { 0 };
		if (!s || strcmp(s->path, was[i].path) != 0)
			x->opts.take(x->opts.ctx, was[i].probe, &none);
	}
	drop_seen(was, n_was);
	if (x->begun)
		start_look(x);
}

void external_files_begin(struct external_files *x)
{
	x->begun = true;
	ev_timer_start(x->opts.loop, &x->timer);
	start_look(x);
}

struct external_files *external_files_new(const struct external_files_opts *opts)
{
	struct external_files *x = memory_zeroed(1, sizeof *x);

	x->opts = *opts;
	x->lane = jobs_lane(opts->jobs, 1, JOBS_PROMPT);
	ev_timer_init(&x->timer, on_look, LOOK_S, LOOK_S);
	x->timer.data = x;
	external_files_configure(x);
	return x;
}

void external_files_free(struct external_files *x)
{
	ev_timer_stop(x->opts.loop, &x->timer);
	end_look(&x->look);
	drop_seen(x->seen, x->n);
	memory_free(x);
}
