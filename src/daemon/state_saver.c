#include "daemon/state_saver.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/state_file.h"
#include "store/store.h"
#include "store/store_history.h"

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
	struct store *owed;           /* what is forced could not be written there */
};

void state_picture_drop(struct state_picture *p)
{
	still_free(p->still);
	forced_fini(&p->forced);
	fail_overs_fini(&p->failed);
	externals_fini(&p->told);
	part_drop(p->conf);
	free(p->path);
	*p = (struct state_picture){ 0 };
}

void state_picture_text(const struct state_picture *p, struct text *to)
{
	const struct state_file_clock now = state_file_now();
	struct state_file_verdict *verdicts = memory_zeroed(p->still->n, sizeof *verdicts);
	struct state_file state = { .forced = p->forced, .failed = p->failed, .told = p->told,
		.verdicts = verdicts };

	for (uint32_t i = 0; i < p->still->n; i++) {
		const struct round_view *v = &p->still->views[i];
		if (round_is_probed(v) && v->probe->kind != PROBE_EXTERNAL && (v->known || v->hinted))
			verdicts[state.n++] = (struct state_file_verdict){
				v->probe->name, v->edge, v->addr, v->up, v->since_us
			};
	}
	state_file_write(to, &state, &now);
	memory_free(verdicts);
}

static bool write_picture(const struct state_picture *p, struct fault *why)
{
	struct text text = { 0 };

	state_picture_text(p, &text);
	const bool ok = file_replace(p->path, &text, 0600, why);
	text_fini(&text);
	return ok;
}

static bool write_forced(const struct state_picture *p, struct fault *why)
{
	const struct state_file_clock now = state_file_now();
	struct text text = { 0 };

	state_file_write(&text,
		&(struct state_file){
			.forced = p->forced, .failed = p->failed, .told = p->told },
		&now);
	const bool ok = text.lost ? fault(why, "%s: out of memory", store_path(p->store))
				  : store_put_forced(p->store, text_get(&text), why);
	text_fini(&text);
	return ok;
}

static bool write_both(const struct state_picture *p, struct fault *why)
{
	const bool stored = !p->store || write_forced(p, why);

	return (!p->path || write_picture(p, why)) && stored;
}

static void work(void *ctx, struct job *job)
{
	struct batch *b = ctx;
	struct fault why = { "" };

	(void)job;
	write_both(&b->picture, &why);
	b->why = why;
}

/* What is written, for messages. */
static const char *about(const struct state_picture *p)
{
	return p->path ? p->path : p->store ? store_path(p->store) : "the state";
}

static void log_change(struct state_saver *s, const struct batch *b)
{
	if (*b->why.text && !*s->why.text)
		log_line(LOG_WARNING,
			"state file %s; states are not kept until it can be written",
			b->why.text);
	else if (!*b->why.text && *s->why.text)
		log_line(LOG_NOTICE, "state file %s is written again", about(&b->picture));
	s->why = b->why;
}

static void start(struct state_saver *s);

static void end_batch(struct batch *b)
{
	struct state_saver *s = b->owner;

	log_change(s, b);
	s->owed = *b->why.text && b->picture.store ? b->picture.store : NULL;
	while (b->waiters) {
		struct waiter *w = b->waiters;
		b->waiters = w->next;
		w->told(w->ctx, *b->why.text ? &b->why : NULL);
		free(w);
	}
	state_picture_drop(&b->picture);
	free(b);
}

static void done(void *ctx, enum job_end end)
{
	struct batch *b = ctx;
	struct state_saver *s = b->owner;

	if (end == JOB_NO_MEMORY)
		fault(&b->why, "%s: out of memory", about(&b->picture));
	else if (end == JOB_CANCELLED)
		fault(&b->why, "%s: the server stops", about(&b->picture));
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
			    .about = about(&s->running->picture),
			    .ctx = s->running,
			    .work = work,
			    .done = done }))
		return;
	struct batch *b = s->running;
	s->running = NULL;
	fault(&b->why, "%s: %s", about(&b->picture),
		jobs_are_stopped(s->jobs) ? "the server stops" : "out of memory");
	end_batch(b);
}

static void refuse(struct state_picture *p, void (*told)(void *ctx, const struct fault *why),
	void *ctx)
{
	struct fault why;

	fault(&why, "%s: out of memory", about(p));
	state_picture_drop(p);
	if (told)
		told(ctx, &why);
}

void state_saver_save(struct state_saver *s, struct state_picture *p,
	void (*told)(void *ctx, const struct fault *why), void *ctx)
{
	struct waiter *w = told ? calloc(1, sizeof *w) : NULL;
	struct batch *b = s->next ? s->next : calloc(1, sizeof *b);

	if (!b || (told && !w) || p->lost || (!p->path && !p->store)) {
		free(w);
		if (b != s->next)
			free(b);
		refuse(p, told, ctx);
		return;
	}
	if (!p->store)
		p->store = b->picture.store ? b->picture.store : s->owed;
	state_picture_drop(&b->picture); /* an older one that nobody has got to */
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
	if (!p->store)
		p->store = s->owed;
	const bool ok = p->lost ? fault(why, "%s: out of memory", about(p)) : write_both(p, why);
	state_picture_drop(p);
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
		state_picture_drop(&s->next->picture);
		free(s->next);
	}
	memory_free(s);
}
