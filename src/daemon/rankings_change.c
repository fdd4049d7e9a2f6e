#include "daemon/rankings_inner.h"

#include "daemon/latency_read.h"
#include "daemon/parts_read.h"

#include <stdlib.h>
#include <string.h>

struct change {
	struct build build;
	struct rankings *owner;
	struct rankings_change who;
	char *path, *edge; /* own copies; one of them, or NULL */
	struct prefix net;
	struct parts live; /* held */
	struct latency *made;
	size_t n;
	struct faults faults;
};

static bool change_begin(void *ctx)
{
	struct change *x = ctx;

	rankings_put_waiting(x->owner);
	x->live = parts_hold(publisher_live(x->owner->opts.publisher));
	return true;
}

static void import_work(void *ctx, struct job *job)
{
	struct change *x = ctx;
	struct latency_csv csv = latency_read_csv(x->path);
	struct latency *own = latency_read_new(
		parts_conf(&x->live), latency_options(x->live.table)->key);

	(void)job;
	struct model *judge = latency_read_judge(parts_conf(&x->live), x->live.atlas);
	csv.as = CSV_SAMPLES;
	csv.judge = judge;
	if (latency_csv_read(own, &csv, &x->n, &x->faults)) {
		struct latency *made = latency_read_copy(x->live.table);
		latency_read_take(made, own, LATENCY_AS_SAMPLES);
		x->made = made;
	}
	latency_drop(own);
	model_drop(judge);
}

static void forget_work(void *ctx, struct job *job)
{
	struct change *x = ctx;
	struct latency *made = latency_read_copy(x->live.table);

	(void)job;
	const int edge = x->edge ? latency_edge(made, x->edge, strlen(x->edge)) : -1;
	if (edge >= 0)
		x->n = latency_forget_edge(made, (unsigned)edge);
	else if (!x->edge)
		x->n = latency_forget_net(made, &x->net);
	x->made = made;
}

static void change_end(void *ctx, enum job_end end)
{
	struct change *x = ctx;
	struct rankings *r = x->owner;
	const bool ok = end == JOB_DONE && x->made;

	if (end == JOB_NO_MEMORY) {
		faults_fini(&x->faults);
		faults_init(&x->faults);
		faults_error(&x->faults, &(struct fault_at){ 0 },
			"out of memory; what was measured before stays");
	} else if (end == JOB_CANCELLED) {
		faults_error(&x->faults, &(struct fault_at){ 0 }, "the server stops");
	}
	if (ok) {
		publisher_take_rankings(
			r->opts.publisher, false, &(struct parts){ .table = x->made });
		r->changed = r->unsaved = true;
		r->size.changes++;
		if (x->path)
			r->size.samples += x->n;
	}
	x->who.told(x->who.ctx, ok, x->n, &x->faults);
	faults_fini(&x->faults);
	publisher_let_go(r->opts.publisher, &x->live);
	free(x->path);
	free(x->edge);
	free(x);
}

static bool start_change(struct rankings *r, struct change like)
{
	struct change *x = malloc(sizeof *x);

	if (!x || (!like.path && like.build.work == import_work)) {
		free(x);
		free(like.path);
		free(like.edge);
		return false;
	}
	*x = like;
	x->owner = r;
	x->build.ctx = x;
	x->build.begin = change_begin;
	x->build.end = change_end;
	x->build.beside = true;
	faults_init(&x->faults);
	builder_ask(r->opts.builder, &x->build);
	return true;
}

bool rankings_import(struct rankings *r, const char *path, const struct rankings_change *c)
{
	struct change like = { .build = { .name = "import", .work = import_work },
		.who = *c,
		.path = strdup(path) };

	strncpy(like.build.about, path, JOB_ABOUT - 1);
	return start_change(r, like);
}

bool rankings_forget(struct rankings *r, const char *edge, const struct prefix *net,
	const struct rankings_change *c)
{
	struct change like = { .build = { .name = "forget", .work = forget_work }, .who = *c };

	if (net)
		like.net = *net;
	if (edge && !(like.edge = strdup(edge)))
		return false;
	strncpy(like.build.about, edge ? edge : "a network", JOB_ABOUT - 1);
	return start_change(r, like);
}
