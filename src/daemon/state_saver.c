#include "daemon/state_saver.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/state_file.h"

#include <stdlib.h>

/* Somebody who relies on what was given. */
struct waiter {
	struct waiter *next;
	void (*told)(void *ctx, const struct fault *why);
	void *ctx;
};

/* What is written together, and who waits for it. */
struct batch {
	struct state_saver *owner;
	struct state_picture picture;
	struct waiter *waiters;
	struct fault why; /* "": it was written */
};

struct state_saver {
	struct jobs *jobs;
	unsigned lane;
	struct batch *running, *next; /* or NULL */
	struct fault why;             /* of the last one */
};

static void drop_picture(struct state_picture *p)
{
	still_free(p->still);
	forced_fini(&p->forced);
	part_drop(p->conf);
	free(p->path);
	*p = (struct state_picture){ 0 };
}

static bool write_picture(const struct state_picture *p, struct fault *why)
{
	const struct state_file_clock now = state_file_now();
	struct state_file_verdict *verdicts = memory_zeroed(p->still->n, sizeof *verdicts);
	struct state_file state = { .forced = p->forced, .verdicts = verdicts };
	struct text text = { 0 };

	for (uint32_t i = 0; i < p->still->n; i++) {
		const struct round_view *v = &p->still->views[i];
		if (v->known || v->hinted)
			verdicts[state.n++] = (struct state_file_verdict){
				v->probe->name, v->edge, v->addr, v->up, v->since_us
			};
	}
	state_file_write(&text, &state, &now);
	const bool ok = file_replace(p->path, &text, 0600, why);
	text_fini(&text);
	memory_free(verdicts);
	return ok;
}

static void work(void *ctx, struct job *job)
{
	struct batch *b = ctx;
	struct fault why = { "" };

	(void)job;
	write_picture(&b->picture, &why);
	b->why = why;
}

static void log_change(struct state_saver *s, const struct batch *b)
{
	if (*b->why.text && !*s->why.text)
		log_line(LOG_WARNING,
			"state file %s; states are not kept until it can be written",
			b->why.text);
	else if (!*b->why.text && *s->why.text)
		log_line(LOG_NOTICE, "state file %s is written again", b->picture.path);
	s->why = b->why;
}

static void start(struct state_saver *s);

static void end_batch(struct batch *b)
{
	struct state_saver *s = b->owner;

	log_change(s, b);
	while (b->waiters) {
		struct waiter *w = b->waiters;
		b->waiters = w->next;
		w->told(w->ctx, *b->why.text ? &b->why : NULL);
		free(w);
	}
	drop_picture(&b->picture);
	free(b);
}

static void done(void *ctx, enum job_end end)
{
	struct batch *b = ctx;
	struct state_saver *s = b->owner;

	if (end == JOB_NO_MEMORY)
		fault(&b->why, "%s: out of memory", b->picture.path);
	else if (end == JOB_CANCELLED)
		fault(&b->why, "%s: the server stops", b->picture.path);
	s->running = NULL;
	end_batch(b);
	start(s);
}

static void start(struct state_saver *s)
{
	if (s->running || !s->next)
		return;
	s->running = s->next;
	s->next = NULL;
	if (jobs_start(s->jobs,
		    &(struct job_opts){ .lane = s->lane,
			    .name = "save",
			    .about = s->running->picture.path,
			    .ctx = s->running,
			    .work = work,
			    .done = done }))
		return;
	struct batch *b = s->running;
	s->running = NULL;
	fault(&b->why, "%s: %s", b->picture.path,
		jobs_are_stopped(s->jobs) ? "the server stops" : "out of memory");
	end_batch(b);
}

static void refuse(struct state_picture *p, void (*told)(void *ctx, const struct fault *why),
	void *ctx)
{
	struct fault why;

	fault(&why, "%s: out of memory", p->path ? p->path : "the state");
	drop_picture(p);
	if (told)
		told(ctx, &why);
}

void state_saver_save(struct state_saver *s, struct state_picture *p,
	void (*told)(void *ctx, const struct fault *why), void *ctx)
{
	struct waiter *w = told ? calloc(1, sizeof *w) : NULL;
	struct batch *b = s->next ? s->next : calloc(1, sizeof *b);

	if (!b || (told && !w) || !p->path) {
		free(w);
		if (b != s->next)
			free(b);
		refuse(p, told, ctx);
		return;
	}
	drop_picture(&b->picture); /* an older one that nobody has got to */
	b->owner = s;
	b->picture = *p;
	*p = (struct state_picture){ 0 };
	if (w) {
		*w = (struct waiter){ b->waiters, told, ctx };
		b->waiters = w;
	}
	s->next = b;
	start(s);
}

bool state_saver_save_now(struct state_saver *s, struct state_picture *p, struct fault *why)
{
	(void)s;
	const bool ok = write_picture(p, why);
	drop_picture(p);
	return ok;
}

const char *state_saver_fault(const struct state_saver *s)
{
	return s->why.text;
}

struct state_saver *state_saver_new(struct jobs *jobs)
{
	struct state_saver *s = memory_zeroed(1, sizeof *s);

	s->jobs = jobs;
	s->lane = jobs_lane(jobs, 1, JOBS_PROMPT);
	return s;
}

void state_saver_free(struct state_saver *s)
{
	if (s->next) {
		drop_picture(&s->next->picture);
		free(s->next);
	}
	memory_free(s);
}
