#include "daemon/builder.h"

#include "base/memory.h"

struct builder {
	struct jobs *jobs;
	unsigned lane;
	struct build *first, **last; /* that wait */
	struct build *current;
	bool over;
};

static void go_on(struct builder *b);

static void on_done(void *ctx, enum job_end end)
{
	struct builder *b = ctx;
	struct build *current = b->current;

	b->current = NULL;
	current->end(current->ctx, end);
	go_on(b);
}

static void work(void *ctx, struct job *job)
{
	struct builder *b = ctx;

	b->current->work(b->current->ctx, job);
}

static void start(struct builder *b, struct build *x)
{
	if (b->over || (x->begin && !x->begin(x->ctx))) {
		x->end(x->ctx, JOB_CANCELLED);
		return;
	}
	if (!x->work) {
		x->end(x->ctx, JOB_DONE);
		return;
	}
	b->current = x;
	if (jobs_start(b->jobs,
		    &(struct job_opts){ .lane = b->lane,
			    .name = x->name,
			    .about = x->about,
			    .ctx = b,
			    .work = work,
			    .done = on_done }))
		return;
	b->current = NULL;
	x->end(x->ctx, JOB_NO_MEMORY);
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
	b->over = true;
	go_on(b);
	memory_free(b);
}

void builder_ask(struct builder *b, struct build *build)
{
	build->next = NULL;
	*b->last = build;
	b->last = &build->next;
	go_on(b);
}

bool builder_is_busy(const struct builder *b)
{
	return b->current || b->first;
}
