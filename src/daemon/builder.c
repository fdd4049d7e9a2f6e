#include "daemon/builder.h"

#include "base/memory.h"

struct line {
	struct builder *of;
	unsigned lane;
	struct build *first, **last; /* that wait */
	struct build *current;       /* from its begin() to its end() */
	struct job *job;             /* that works for it, until it is done; or NULL */
};

struct builder {
	struct jobs *jobs;
	struct line all, zones;
	bool meets; /* the current of `all` has done its work, and waits for that of `zones`, or meets it */
};

static void go_on(struct builder *b);

/* Its memory is the asker's again, who may free it. What is asked for meanwhile waits. */
static void end(struct line *l, enum job_end how)
{
	l->current->end(l->current->ctx, how);
	l->current = NULL;
}

/* --- meeting what came meanwhile ---------------------------------------------------------- */

static void meet_work(void *ctx, struct job *job)
{
	struct line *l = ctx;

	l->current->meet(l->current->ctx, job);
}

static void meet_done(void *ctx, enum job_end how)
{
	struct line *l = ctx;

	(void)how;
	l->job = NULL;
	l->of->meets = false;
	end(l, JOB_DONE);
	go_on(l->of);
}

/* Its turn: nothing of zones is on, and nothing of them begins until it has ended. */
static void meet(struct builder *b)
{
	struct line *l = &b->all;
	struct build *x = l->current;

	if (!jobs_are_stopped(b->jobs) && (!x->meets || x->meets(x->ctx)))
		l->job = jobs_start(b->jobs,
			&(struct job_opts){ .lane = l->lane,
				.name = x->name,
				.about = x->about,
				.ctx = l,
				.work = meet_work,
				.done = meet_done });
	if (l->job)
		return;
	b->meets = false;
	end(l, JOB_DONE);
}

/* --- one at a time, in each line ---------------------------------------------------------- */

static void on_done(void *ctx, enum job_end how)
{
	struct line *l = ctx;

	l->job = NULL;
	if (how == JOB_DONE && l->current->meet)
		l->of->meets = true;
	else
		end(l, how);
	go_on(l->of);
}

static void work(void *ctx, struct job *job)
{
	struct line *l = ctx;

	l->current->work(l->current->ctx, job);
}

static void start(struct line *l)
{
	struct jobs *jobs = l->of->jobs;
	struct build *x = l->first;

	l->first = x->next;
	if (!l->first)
		l->last = &l->first;
	l->current = x;
	if (jobs_are_stopped(jobs) || (x->begin && !x->begin(x->ctx))) {
		end(l, JOB_CANCELLED);
		return;
	}
	if (!x->work) {
		end(l, JOB_DONE);
		return;
	}
	l->job = jobs_start(jobs,
		&(struct job_opts){ .lane = l->lane,
			.name = x->name,
			.about = x->about,
			.ends = x->ends,
			.ctx = l,
			.work = work,
			.done = on_done });
	if (!l->job)
		end(l, JOB_NO_MEMORY);
}

/* One that lets no zones go on beside it waits until they have ended; and no more of them begin while it
 * waits, or it would for ever. */
static bool next_of_all(struct builder *b)
{
	struct line *l = &b->all;

	if (b->meets && !l->job && !b->zones.current) {
		meet(b);
		return true;
	}
	if (l->current || !l->first || (b->zones.current && !l->first->beside))
		return false;
	start(l);
	return true;
}

static bool next_of_zones(struct builder *b)
{
	const struct line *l = &b->all;
	const bool beside = l->current ? l->current->beside && !b->meets
				       : !l->first || l->first->beside;

	if (!beside || b->zones.current || !b->zones.first)
		return false;
	start(&b->zones);
	return true;
}

static void go_on(struct builder *b)
{
	while (next_of_all(b) || next_of_zones(b))
		;
}

/* --- the rest ----------------------------------------------------------------------------- */

static void line_init(struct line *l, struct builder *b, enum jobs_manner manner)
{
	l->of = b;
	l->lane = jobs_lane(b->jobs, 1, manner);
	l->last = &l->first;
}

struct builder *builder_new(struct jobs *jobs)
{
	struct builder *b = memory_zeroed(1, sizeof *b);

	b->jobs = jobs;
	line_init(&b->all, b, JOBS_POLITE);
	line_init(&b->zones, b, JOBS_PROMPT); /* somebody waits for each, and it takes little */
	return b;
}

static void cancel_all(struct line *l)
{
	while (l->first) {
		struct build *x = l->first;
		l->first = x->next;
		x->end(x->ctx, JOB_CANCELLED);
	}
	l->last = &l->first;
}

void builder_free(struct builder *b)
{
	cancel_all(&b->all);
	cancel_all(&b->zones);
	if (b->meets && !b->all.job) {
		b->meets = false;
		end(&b->all, JOB_DONE);
	}
	if (!b->all.current && !b->zones.current)
		memory_free(b);
}

void builder_ask(struct builder *b, struct build *build)
{
	struct line *l = build->of_zones ? &b->zones : &b->all;

	build->next = NULL;
	*l->last = build;
	l->last = &build->next;
	if (l->job && l->current->yields && !build->yields)
		jobs_cancel(b->jobs, l->job);
	go_on(b);
}

bool builder_is_busy(const struct builder *b)
{
	return b->all.current || b->all.first || b->zones.current || b->zones.first;
}
