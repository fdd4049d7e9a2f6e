#include "jobs/jobs.h"

#include "base/memory.h"
#include "base/part.h"
#include "unit/failing.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { TASKS_MOST = 64 };

/* Who works and what has come of it. */
struct desk {
	struct ev_loop *loop;
	struct jobs *jobs;
	sem_t begun, go;                          /* of tasks that wait */
	unsigned at_once, at_once_most, worked_n; /* atomic */
	unsigned worked[TASKS_MOST], ended[TASKS_MOST], ended_n;
	enum job_end ends[TASKS_MOST]; /* by task */
	unsigned expected;             /* so many are to end */
};

struct task {
	struct desk *d;
	unsigned no;
	bool waits; /* for a post of `go` */
	bool looks, ends; /* as in struct job_opts */
	int nice;
	bool signals;   /* SIGTERM would come to this thread */
	bool cancelled; /* as its work saw it */
	struct job *job;
};

static void open_desk(struct desk *d)
{
	*d = (struct desk){ .loop = ev_loop_new(EVFLAG_NOENV) };
	d->jobs = jobs_new(d->loop);
	sem_init(&d->begun, 0, 0);
	sem_init(&d->go, 0, 0);
}

static void close_desk(struct desk *d)
{
	CU_ASSERT_TRUE(jobs_stop(d->jobs, 30));
	jobs_free(d->jobs);
	ev_loop_destroy(d->loop);
	sem_destroy(&d->begun);
	sem_destroy(&d->go);
}

/* A generous wait: what does not come in it never does. */
static bool comes(sem_t *s)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TURNS_PATIENCE_S;
	return sem_timedwait(s, &until) == 0;
}

static void work(void *ctx, struct job *job)
{
	struct task *t = ctx;
	struct desk *d = t->d;
	sigset_t blocked;

	const unsigned now = __atomic_add_fetch(&d->at_once, 1, __ATOMIC_ACQ_REL);
	unsigned most = __atomic_load_n(&d->at_once_most, __ATOMIC_RELAXED);
	while (now > most &&
		!__atomic_compare_exchange_n(&d->at_once_most, &most, now, false,
			__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	d->worked[__atomic_fetch_add(&d->worked_n, 1, __ATOMIC_ACQ_REL)] = t->no;
	t->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	t->signals = !sigismember(&blocked, SIGTERM);
	sem_post(&d->begun);
	if (t->waits && !comes(&d->go))
		abort();
	t->cancelled = job_is_cancelled(job);
	__atomic_sub_fetch(&d->at_once, 1, __ATOMIC_ACQ_REL);
}

static void done(void *ctx, enum job_end end)
{
	struct task *t = ctx;
	struct desk *d = t->d;

	d->ended[d->ended_n++] = t->no;
	d->ends[t->no] = end;
}

static struct job *start(struct desk *d, struct task *t, unsigned lane)
{
	t->d = d;
	t->job = jobs_start(d->jobs,
		&(struct job_opts){
			.lane = lane, .name = "test", .looks = t->looks, .ends = t->ends, .ctx = t, .work = work, .done = done });
	return t->job;
}

static bool all_ended(void *ctx)
{
	const struct desk *d = ctx;

	return d->ended_n >= d->expected;
}

static bool ends(struct desk *d, unsigned n)
{
	d->expected = n;
	return turns_until(d->loop, all_ended, d);
}

/* --- order -------------------------------------------------------------------------------- */

static void jobs_of_a_narrow_lane_run_in_order(void)
{
	struct task t[40] = { 0 };
	struct desk d;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, 1, JOBS_PROMPT);
	for (unsigned i = 0; i < UNIT_COUNT(t); i++) {
		t[i].no = i;
		CU_ASSERT_PTR_NOT_NULL(start(&d, &t[i], lane));
	}
	CU_ASSERT_TRUE(ends(&d, UNIT_COUNT(t)));
	for (unsigned i = 0; i < UNIT_COUNT(t); i++) {
		CU_ASSERT_EQUAL(d.worked[i], i);
		CU_ASSERT_EQUAL(d.ended[i], i);
		CU_ASSERT_EQUAL(d.ends[i], JOB_DONE);
	}
	CU_ASSERT_EQUAL(d.at_once_most, 1);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).done, UNIT_COUNT(t));
	/* And one thread was enough, however quickly they were asked for. */
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).threads, 1);
	close_desk(&d);
}

static void no_more_run_than_a_lane_is_wide(void)
{
	struct task t[6] = { 0 }, other = { .no = 6 };
	struct desk d;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, 3, JOBS_PROMPT),
		       second = jobs_lane(d.jobs, 1, JOBS_PROMPT);
	for (unsigned i = 0; i < UNIT_COUNT(t); i++) {
		t[i] = (struct task){ .no = i, .waits = true };
		start(&d, &t[i], lane);
	}
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_TRUE(comes(&d.begun));
	struct jobs_counts c = jobs_counts(d.jobs);
	CU_ASSERT_EQUAL(c.running, 3);
	CU_ASSERT_EQUAL(c.waiting, 3);
	CU_ASSERT_EQUAL(c.threads, 3);
	/* A full lane keeps no other from running, though its jobs came before. */
	start(&d, &other, second);
	CU_ASSERT_TRUE(ends(&d, 1));
	CU_ASSERT_EQUAL(d.ended[0], 6);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).waiting, 3);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).threads, 4);
	for (unsigned i = 0; i < UNIT_COUNT(t); i++)
		sem_post(&d.go);
	CU_ASSERT_TRUE(ends(&d, 7));
	CU_ASSERT_EQUAL(d.at_once_most, 4); /* with the other lane's */
	c = jobs_counts(d.jobs);
	CU_ASSERT_EQUAL(c.running, 0);
	CU_ASSERT_EQUAL(c.waiting, 0);
	CU_ASSERT_EQUAL(c.done, 7);
	close_desk(&d);
}

/* Whoever runs the tests may give way himself, and more. */
static int given(void)
{
	const int own = getpriority(PRIO_PROCESS, (id_t)getpid());

	return own > 10 ? own : 10;
}

static void polite_jobs_give_way_and_prompt_ones_do_not(void)
{
	struct task prompt = { .no = 0 }, polite = { .no = 1 };
	struct desk d;

	open_desk(&d);
	const unsigned fast = jobs_lane(d.jobs, 1, JOBS_PROMPT),
		       slow = jobs_lane(d.jobs, 1, JOBS_POLITE);
	start(&d, &prompt, fast);
	start(&d, &polite, slow);
	CU_ASSERT_TRUE(ends(&d, 2));
	CU_ASSERT_EQUAL(prompt.nice, getpriority(PRIO_PROCESS, 0));
	CU_ASSERT_EQUAL(polite.nice, given());
	CU_ASSERT_FALSE(prompt.signals);
	CU_ASSERT_FALSE(polite.signals);
	close_desk(&d);
}

/* --- the end of a job --------------------------------------------------------------------- */

static void done_is_never_called_inside_start(void)
{
	struct task t[8] = { 0 };
	struct desk d;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, UNIT_COUNT(t), JOBS_PROMPT);
	for (unsigned i = 0; i < UNIT_COUNT(t); i++) {
		t[i].no = i;
		start(&d, &t[i], lane);
		CU_ASSERT_TRUE(comes(&d.begun));
		CU_ASSERT_EQUAL(d.ended_n, 0);
	}
	CU_ASSERT_TRUE(ends(&d, UNIT_COUNT(t)));
	close_desk(&d);
}

/* Each ends and asks for the next. */
static void done_and_on(void *ctx, enum job_end end)
{
	struct task *t = ctx;

	done(t, end);
	if (t->no == 9)
		return;
	t->no++;
	CU_ASSERT_PTR_NOT_NULL(jobs_start(t->d->jobs,
		&(struct job_opts){
			.name = "test", .ctx = t, .work = work, .done = done_and_on }));
}

static void a_job_that_has_ended_may_ask_for_another(void)
{
	struct desk d;
	struct task t = { .d = &d };

	open_desk(&d);
	jobs_lane(d.jobs, 1, JOBS_POLITE);
	jobs_start(d.jobs,
		&(struct job_opts){
			.name = "test", .ctx = &t, .work = work, .done = done_and_on });
	CU_ASSERT_TRUE(ends(&d, 10));
	CU_ASSERT_EQUAL(d.ended[9], 9);
	close_desk(&d);
}

static void a_cancelled_job_that_waits_never_begins(void)
{
	struct task t[3] = { 0 };
	struct desk d;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, 1, JOBS_PROMPT);
	for (unsigned i = 0; i < 3; i++) {
		t[i] = (struct task){ .no = i, .waits = i == 0 };
		start(&d, &t[i], lane);
	}
	CU_ASSERT_TRUE(comes(&d.begun));
	jobs_cancel(d.jobs, t[1].job);
	CU_ASSERT_EQUAL(d.ended_n, 0);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).waiting, 1);
	CU_ASSERT_TRUE(ends(&d, 1));
	CU_ASSERT_EQUAL(d.ended[0], 1);
	CU_ASSERT_EQUAL(d.ends[1], JOB_CANCELLED);
	sem_post(&d.go);
	CU_ASSERT_TRUE(ends(&d, 3));
	CU_ASSERT_EQUAL(d.worked_n, 2);
	CU_ASSERT_EQUAL(d.worked[1], 2);
	CU_ASSERT_EQUAL(d.ends[2], JOB_DONE);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).cancelled, 1);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).done, 2);
	close_desk(&d);
}

static void the_last_that_waits_can_be_cancelled_and_another_come(void)
{
	struct task t[3] = { 0 };
	struct desk d;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, 1, JOBS_PROMPT);
	for (unsigned i = 0; i < 2; i++) {
		t[i] = (struct task){ .no = i, .waits = i == 0 };
		start(&d, &t[i], lane);
	}
	CU_ASSERT_TRUE(comes(&d.begun));
	jobs_cancel(d.jobs, t[1].job);
	t[2].no = 2;
	start(&d, &t[2], lane);
	sem_post(&d.go);
	CU_ASSERT_TRUE(ends(&d, 3));
	CU_ASSERT_EQUAL(d.ends[2], JOB_DONE);
	close_desk(&d);
}

static void a_cancelled_job_that_runs_is_asked_to_end(void)
{
	struct task t = { .waits = true };
	struct desk d;

	open_desk(&d);
	start(&d, &t, jobs_lane(d.jobs, 1, JOBS_PROMPT));
	CU_ASSERT_TRUE(comes(&d.begun));
	jobs_cancel(d.jobs, t.job);
	sem_post(&d.go);
	CU_ASSERT_TRUE(ends(&d, 1));
	CU_ASSERT_TRUE(t.cancelled);
	CU_ASSERT_EQUAL(d.ends[0], JOB_DONE); /* what it has made is there */
	close_desk(&d);
}

/* --- what is told ------------------------------------------------------------------------- */

struct steps {
	sem_t begun, go;
	unsigned ended;
};

static void step_work(void *ctx, struct job *job)
{
	struct steps *s = ctx;

	job_progress(job, 7, 21);
	sem_post(&s->begun);
	if (!comes(&s->go))
		abort();
}

static void step_done(void *ctx, enum job_end end)
{
	(void)end;
	((struct steps *)ctx)->ended++;
}

static bool two_ended(void *ctx)
{
	return ((struct steps *)ctx)->ended == 2;
}

static void what_runs_and_what_waits_is_listed(void)
{
	struct job_view v[3];
	struct steps s = { .ended = 0 };
	struct desk d;
	char about[JOB_ABOUT * 2];

	open_desk(&d);
	sem_init(&s.begun, 0, 0);
	sem_init(&s.go, 0, 2);
	sem_wait(&s.go);
	sem_wait(&s.go);
	jobs_lane(d.jobs, 1, JOBS_PROMPT);
	memset(about, 'x', sizeof about);
	about[sizeof about - 1] = 0;
	struct job_opts o = {
		.name = "first", .about = about, .ctx = &s, .work = step_work, .done = step_done
	};
	CU_ASSERT_EQUAL(jobs_list(d.jobs, v, 3), 0);
	jobs_start(d.jobs, &o);
	CU_ASSERT_TRUE(comes(&s.begun));
	o.name = "second";
	o.about = NULL;
	jobs_start(d.jobs, &o);
	memset(about, 0, sizeof about); /* it was copied */
	CU_ASSERT_EQUAL(jobs_list(d.jobs, v, 3), 2);
	CU_ASSERT_STRING_EQUAL(v[0].name, "first");
	CU_ASSERT_EQUAL(strlen(v[0].about), JOB_ABOUT - 1);
	CU_ASSERT_EQUAL(strspn(v[0].about, "x"), JOB_ABOUT - 1);
	CU_ASSERT_TRUE(v[0].runs);
	CU_ASSERT_EQUAL(v[0].n, 7);
	CU_ASSERT_EQUAL(v[0].of, 21);
	CU_ASSERT_STRING_EQUAL(v[1].name, "second");
	CU_ASSERT_STRING_EQUAL(v[1].about, "");
	CU_ASSERT_FALSE(v[1].runs);
	CU_ASSERT_EQUAL(v[1].n, 0);
	CU_ASSERT_EQUAL(v[1].of, 0);
	CU_ASSERT_TRUE(v[0].since_us && v[0].since_us <= v[1].since_us);
	/* As many as there is room for; the number is of all. */
	v[1].name = "untouched";
	CU_ASSERT_EQUAL(jobs_list(d.jobs, v, 1), 2);
	CU_ASSERT_STRING_EQUAL(v[1].name, "untouched");
	CU_ASSERT_EQUAL(jobs_list(d.jobs, v, 0), 2);
	sem_post(&s.go);
	sem_post(&s.go);
	CU_ASSERT_TRUE(turns_until(d.loop, two_ended, &s));
	CU_ASSERT_EQUAL(jobs_list(d.jobs, v, 3), 0);
	close_desk(&d);
	sem_destroy(&s.begun);
	sem_destroy(&s.go);
}

/* --- when there is not enough ------------------------------------------------------------- */

struct thing {
	struct part part;
};

static void stays(struct part *p)
{
	(void)p;
}

struct taking {
	struct desk *d;
	struct thing *shared;
	char *made[6];
	enum job_end end;
	bool ended;
};

static void take_work(void *ctx, struct job *job)
{
	struct taking *x = ctx;

	(void)job;
	for (unsigned i = 0; i < UNIT_COUNT(x->made); i++) {
		x->made[i] = memory_strdup("what a job makes");
		part_hold(&x->shared->part);
	}
}

static void take_done(void *ctx, enum job_end end)
{
	struct taking *x = ctx;

	failing_stop();
	x->end = end;
	x->ended = true;
}

static bool taken(void *ctx)
{
	return ((struct taking *)ctx)->ended;
}

static void take_each(void *ctx)
{
	struct desk *d = ctx;
	struct thing shared = { part_new(stays) };
	struct taking x = { .d = d, .shared = &shared };

	struct job *job = jobs_start(d->jobs,
		&(struct job_opts){ .name = "test",
			.about = "of much",
			.ctx = &x,
			.work = take_work,
			.done = take_done });
	if (!job) {
		CU_ASSERT_TRUE(failing_count() > 0);
		return;
	}
	CU_ASSERT_TRUE_FATAL(turns_until(d->loop, taken, &x));
	CU_ASSERT_EQUAL(x.end, failing_count() ? JOB_NO_MEMORY : JOB_DONE);
	CU_ASSERT_EQUAL(shared.part.refs, x.end == JOB_DONE ? 7 : 1);
	for (unsigned i = 0; x.end == JOB_DONE && i < UNIT_COUNT(x.made); i++) {
		memory_free(x.made[i]);
		part_drop(&shared.part);
	}
}

/* failing_each() with a loop in it: what fails is counted until `done`. */
static void a_job_without_memory_gives_back_all_that_it_took(void)
{
	struct desk d;
	const int err = dup(2);
	size_t k = 1, failed = 0;
	FILE *log = tmpfile();
	char line[128] = "";

	open_desk(&d);
	jobs_lane(d.jobs, 1, JOBS_PROMPT);
	jobs_stay_ready(d.jobs); /* so that it is the job that finds none */
	dup2(fileno(log), 2);
	for (bool any = true; any; k++)
		for (unsigned all = 0; all < 2; all++) {
			failing_start(k, all ? SIZE_MAX : 1);
			take_each(&d);
			any = failing_stop() > 0;
			failed += any;
		}
	dup2(err, 2);
	close(err);
	CU_ASSERT_TRUE(k > UNIT_COUNT(((struct taking *)0)->made));
	CU_ASSERT_TRUE(jobs_counts(d.jobs).no_memory >= failed - 2);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).done, 2);
	rewind(log);
	CU_ASSERT_PTR_NOT_NULL(fgets(line, sizeof line, log));
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "out of memory: test of much was given up"));
	fclose(log);
	close_desk(&d);
}

static void a_job_without_a_thread_waits_for_one(void)
{
	struct task t = { 0 };
	struct desk d;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, 1, JOBS_PROMPT);
	failing_threads(true);
	CU_ASSERT_PTR_NOT_NULL(start(&d, &t, lane));
	turns_now(d.loop);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).threads, 0);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).waiting, 1);
	failing_threads(false);
	CU_ASSERT_TRUE(ends(&d, 1));
	close_desk(&d);
}

static void a_job_without_a_thread_waits_for_no_thread_of_another_manner(void)
{
	struct task t[2] = { { .no = 0 }, { .no = 1 } };
	struct desk d;

	open_desk(&d);
	const unsigned fast = jobs_lane(d.jobs, 1, JOBS_PROMPT),
		       slow = jobs_lane(d.jobs, 1, JOBS_POLITE);
	start(&d, &t[0], fast);
	CU_ASSERT_TRUE(ends(&d, 1)); /* a prompt thread is there, and idle */
	failing_threads(true);
	start(&d, &t[1], slow);
	failing_threads(false);
	CU_ASSERT_TRUE(ends(&d, 2));
	CU_ASSERT_EQUAL(t[1].nice, given());
	close_desk(&d);
}

static void over_so_many_that_wait_none_is_taken(void)
{
	struct task t = { .waits = true };
	struct steps s = { .ended = 0 };
	struct desk d;
	unsigned n = 0;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, 1, JOBS_PROMPT);
	const struct job_opts o = {
		.lane = lane, .name = "test", .ctx = &s, .work = step_work, .done = step_done
	};
	start(&d, &t, lane);
	CU_ASSERT_TRUE(comes(&d.begun));
	while (n <= JOBS_QUEUE_MOST && jobs_start(d.jobs, &o))
		n++;
	CU_ASSERT_EQUAL(n, JOBS_QUEUE_MOST);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).waiting, JOBS_QUEUE_MOST);
	CU_ASSERT_FALSE(jobs_stop(d.jobs, 0)); /* cancels those that wait */
	CU_ASSERT_EQUAL(s.ended, JOBS_QUEUE_MOST);
	sem_post(&d.go);
	close_desk(&d);
}

/* --- the end ------------------------------------------------------------------------------ */

static void a_stop_cancels_what_waits_and_waits_for_what_runs(void)
{
	struct task t[3] = { 0 }, late = { .no = 3 };
	struct desk d;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, 1, JOBS_PROMPT);
	for (unsigned i = 0; i < 3; i++) {
		t[i] = (struct task){ .no = i, .waits = i == 0 };
		start(&d, &t[i], lane);
	}
	CU_ASSERT_TRUE(comes(&d.begun));
	/* It hangs, and what it holds must stay: its `done` is not called. */
	CU_ASSERT_FALSE(jobs_stop(d.jobs, 0.01));
	CU_ASSERT_EQUAL(d.ended_n, 2);
	CU_ASSERT_EQUAL(d.ends[1], JOB_CANCELLED);
	CU_ASSERT_EQUAL(d.ends[2], JOB_CANCELLED);
	CU_ASSERT_PTR_NULL(start(&d, &late, lane));
	sem_post(&d.go);
	CU_ASSERT_TRUE(jobs_stop(d.jobs, 30));
	CU_ASSERT_EQUAL(d.ended_n, 3);
	CU_ASSERT_EQUAL(d.ended[2], 0);
	CU_ASSERT_EQUAL(d.ends[0], JOB_DONE);
	CU_ASSERT_TRUE(t[0].cancelled);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).threads, 0);
	close_desk(&d);
}

static void *let_go_soon(void *ctx)
{
	const struct timespec a_bit = { .tv_nsec = 50000000 };
	struct desk *d = ctx;

	nanosleep(&a_bit, NULL);
	sem_post(&d->go);
	return NULL;
}

static void a_stop_is_patient_for_parts_of_a_second_too(void)
{
	struct task t = { .waits = true };
	struct timespec from, to;
	pthread_t helper;
	struct desk d;

	open_desk(&d);
	start(&d, &t, jobs_lane(d.jobs, 1, JOBS_PROMPT));
	CU_ASSERT_TRUE(comes(&d.begun));
	clock_gettime(CLOCK_MONOTONIC, &from);
	CU_ASSERT_FALSE(jobs_stop(d.jobs, 0.1));
	clock_gettime(CLOCK_MONOTONIC, &to);
	CU_ASSERT_TRUE(
		(double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9 >=
		0.1);
	CU_ASSERT_EQUAL(pthread_create(&helper, NULL, let_go_soon, &d), 0);
	close_desk(&d);
	pthread_join(helper, NULL);
}

static void settled(void *ctx)
{
	++*(unsigned *)ctx;
}

static void jobs_that_are_held_begin_when_they_are_released(void)
{
	struct task t[4] = { 0 };
	struct desk d;
	unsigned told = 0;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, 1, JOBS_PROMPT);
	for (unsigned i = 0; i < 4; i++)
		t[i] = (struct task){ .no = i, .waits = i == 0 };
	start(&d, &t[0], lane);
	start(&d, &t[1], lane); /* asked for before */
	CU_ASSERT_TRUE(comes(&d.begun));
	jobs_hold(d.jobs, settled, &told);
	start(&d, &t[2], lane);
	start(&d, &t[3], lane);
	CU_ASSERT_EQUAL(told, 0);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).waiting, 3);
	sem_post(&d.go);
	CU_ASSERT_TRUE(ends(&d, 2));
	CU_ASSERT_EQUAL(told, 1);
	jobs_cancel(d.jobs, t[2].job);
	CU_ASSERT_TRUE(ends(&d, 3));
	CU_ASSERT_EQUAL(d.ends[2], JOB_CANCELLED);
	jobs_release(d.jobs);
	CU_ASSERT_TRUE(ends(&d, 4));
	CU_ASSERT_EQUAL(d.ends[3], JOB_DONE);
	CU_ASSERT_EQUAL(told, 1);
	jobs_hold(d.jobs, settled, &told);
	start(&d, &t[1], lane);
	close_desk(&d); /* ends, also what is held */
	CU_ASSERT_EQUAL(d.ended_n, 5);
}

static void a_job_that_looks_is_not_held(void)
{
	struct task t[2] = { { .no = 0 }, { .no = 1, .looks = true } };
	struct desk d;
	unsigned told = 0;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, 1, JOBS_PROMPT);
	jobs_hold(d.jobs, settled, &told);
	start(&d, &t[0], lane);
	start(&d, &t[1], lane);
	CU_ASSERT_TRUE(ends(&d, 1));
	CU_ASSERT_EQUAL(d.ended[0], 1);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).waiting, 1);
	jobs_release(d.jobs);
	CU_ASSERT_TRUE(ends(&d, 2));
	CU_ASSERT_EQUAL(d.ended[1], 0);
	close_desk(&d);
}

static void a_job_that_ends_another_is_waited_for(void)
{
	struct task t[3] = { { .no = 0, .waits = true }, { .no = 1, .waits = true, .ends = true }, { .no = 2, .ends = true } };
	struct desk d;
	unsigned told = 0;

	open_desk(&d);
	const unsigned lane = jobs_lane(d.jobs, 1, JOBS_PROMPT);
	start(&d, &t[0], lane);
	CU_ASSERT_TRUE(comes(&d.begun));
	jobs_hold(d.jobs, settled, &told);
	start(&d, &t[1], lane);
	sem_post(&d.go);
	CU_ASSERT_TRUE(ends(&d, 1));
	CU_ASSERT_EQUAL(told, 0);
	sem_post(&d.go);
	CU_ASSERT_TRUE(ends(&d, 2));
	CU_ASSERT_EQUAL(told, 1);
	/* It has been told that nothing runs. */
	start(&d, &t[2], lane);
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).waiting, 1);
	jobs_release(d.jobs);
	CU_ASSERT_TRUE(ends(&d, 3));
	close_desk(&d);
}

void suite_jobs(void);
void suite_jobs(void)
{
	static const struct unit_case cases[] = {
		{ "jobs of a narrow lane run in order", jobs_of_a_narrow_lane_run_in_order },
		{ "no more run than a lane is wide", no_more_run_than_a_lane_is_wide },
		{ "polite jobs give way and prompt ones do not",
			polite_jobs_give_way_and_prompt_ones_do_not },
		{ "done is never called inside start", done_is_never_called_inside_start },
		{ "a job that looks is not held", a_job_that_looks_is_not_held },
		{ "a job that ends another is waited for", a_job_that_ends_another_is_waited_for },
		{ "a job that has ended may ask for another",
			a_job_that_has_ended_may_ask_for_another },
		{ "a cancelled job that waits never begins",
			a_cancelled_job_that_waits_never_begins },
		{ "the last that waits can be cancelled and another come",
			the_last_that_waits_can_be_cancelled_and_another_come },
		{ "a cancelled job that runs is asked to end",
			a_cancelled_job_that_runs_is_asked_to_end },
		{ "what runs and what waits is listed", what_runs_and_what_waits_is_listed },
		{ "a job without memory gives back all that it took",
			a_job_without_memory_gives_back_all_that_it_took },
		{ "a job without a thread waits for one",
			a_job_without_a_thread_waits_for_one },
		{ "a job without a thread waits for no thread of another manner",
			a_job_without_a_thread_waits_for_no_thread_of_another_manner },
		{ "over so many that wait none is taken",
			over_so_many_that_wait_none_is_taken },
		{ "jobs that are held begin when they are released", jobs_that_are_held_begin_when_they_are_released },
		{ "a stop cancels what waits and waits for what runs",
			a_stop_cancels_what_waits_and_waits_for_what_runs },
		{ "a stop is patient for parts of a second too",
			a_stop_is_patient_for_parts_of_a_second_too },
	};

	unit_suite("jobs/jobs", cases, UNIT_COUNT(cases));
}
