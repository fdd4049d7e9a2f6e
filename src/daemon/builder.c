#include "daemon/builder.h"

#include "base/memory.h"

struct builder {
	struct jobs *jobs;
	unsigned lane;
	struct build *first, **last; /* that wait */
	struct build *current;       /* from its begin() to its end() */
	struct job *job;             /* that works for it, until it is done; or NULL */
};

static void go_on(struct builder *b);

/* Its memory is the asker's again, who may free it. What is asked for meanwhile waits. */
static void end(struct builder *b, enum job_end how)
{
	b->current->end(b->current->ctx, how);
	b->current = NULL;
}

static void on_done(void *ctx, enum job_end how)
{
	((struct builder *)ctx)->job = NULL;
	end(ctx, how);
	go_on(ctx);
}

static void work(void *ctx, struct job *job)
{
	struct builder *b = ctx;

	b->current->work(b->current->ctx, job);
}

static void start(struct builder *b, struct build *x)
{
	b->current = x;
	if (jobs_are_stopped(b->jobs) || (x->begin && !x->begin(x->ctx))) {
		end(b, JOB_CANCELLED);
		return;
	}
	if (!x->work) {
		end(b, JOB_DONE);
		return;
	}
	b->job = jobs_start(b->jobs,
		&(struct job_opts){ .lane = b->lane,
			.name = x->name,
			.about = x->about,
			.ctx = b,
			.work = work,
			.done = on_done });
	if (!b->job)
		end(b, JOB_NO_MEMORY);
}

static void go_on(struct builder *b)
{
	while (!b->current && b->first) {
		struct build *x = b->first;
		b->first = x->next;
		if (!b->first)
			b->last = &b->first;
		start(b, x);
	}
}

struct builder *builder_new(struct jobs *jobs)
{
	struct builder *b = memory_zeroed(1, sizeof *b);

	b->jobs = jobs;
	b->lane = jobs_lane(jobs, 1, JOBS_POLITE);
	b->last = &b->first;
	return b;
}

void builder_free(struct builder *b)
{
	while (b->first) {
		struct build *x = b->first;
		b->first = x->next;
		x->end(x->ctx, JOB_CANCELLED);
	}
	b->last = &b->first;
	if (!b->current)
		memory_free(b);
}

void builder_ask(struct builder *b, struct build *build)
{
	build->next = NULL;
	*b->last = build;
	b->last = &build->next;
	if (b->job && b->current->yields && !build->yields)
		jobs_cancel(b->jobs, b->job);
	go_on(b);
}

bool builder_is_busy(const struct builder *b)
{
	return b->current || b->first;
}
