#include "jobs/jobs.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"

#include <errno.h>
#include <ev.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	IDLE_MOST_S = 20, /* a thread without work goes after so long */
	POLITE = 19,      /* nice */
	RETRY_MS = 200,   /* when no thread could be had */
	SETTLE_US = 1000  /* within one turn of the loop; what is left has the next */
};

struct job {
	struct job *next; /* in the list that it is in */
	struct job_opts opts;
	char about[JOB_ABOUT];
	enum job_end end;
	bool cancelled; /* atomic */
	uint64_t since_us;
	uint64_t n, of; /* atomic */
};

/* In the order in which they came. */
struct queue {
	struct job *first, **last;
};

struct lane {
	unsigned width, running;
	enum jobs_manner manner;
};

/* The helper threads of one manner. */
struct helpers {
	pthread_cond_t more;
	unsigned n;
};

struct jobs {
	struct ev_loop *loop;
	ev_async news;
	ev_timer retry;
	struct lane lanes[JOBS_LANES_MOST];
	unsigned n_lanes;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t less;
	struct helpers helpers[JOBS_MANNERS];
	struct queue waiting, running, over;
	unsigned n_waiting;
	bool stopping;
	struct jobs_counts counts;
};

/* --- queues ------------------------------------------------------------------------------- */

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void push(struct queue *q, struct job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
}

/* `at` points to the job in its queue. */
static struct job *take_at(struct queue *q, struct job **at)
{
	struct job *job = *at;

	*at = job->next;
	if (!*at)
		q->last = at;
	return job;
}

static struct job *take(struct queue *q, const struct job *which)
{
	for (struct job **at = &q->first; *at; at = &(*at)->next)
		if (*at == which)
			return take_at(q, at);
	return NULL;
}

/* The oldest whose lane has room, for a thread of that manner. */
static struct job *take_ready(struct jobs *j, enum jobs_manner manner)
{
	for (struct job **at = &j->waiting.first; *at; at = &(*at)->next) {
		const struct lane *lane = &j->lanes[(*at)->opts.lane];
		if (lane->manner != manner || lane->running == lane->width)
			continue;
		j->n_waiting--;
		return take_at(&j->waiting, at);
	}
	return NULL;
}

/* --- helper threads ----------------------------------------------------------------------- */

static void work(void *ctx)
{
	struct job *job = ctx;

	job->opts.work(job->opts.ctx, job);
}

/* With the lock held, but for the work itself. */
static void run(struct jobs *j, struct job *job)
{
	struct lane *lane = &j->lanes[job->opts.lane];

	lane->running++;
	job->since_us = clock_us();
	push(&j->running, job);
	pthread_mutex_unlock(&j->lock);
	if (job_is_cancelled(job))
		job->end = JOB_CANCELLED;
	else
		job->end = scope_run(work, job) ? JOB_DONE : JOB_NO_MEMORY;
	pthread_mutex_lock(&j->lock);
	lane->running--;
	take(&j->running, job);
	push(&j->over, job);
	ev_async_send(j->loop, &j->news);
}

/* Until there has been nothing to do for a while. */
static void help(struct jobs *j, enum jobs_manner manner)
{
	struct helpers *mine = &j->helpers[manner];
	bool late = false;

	pthread_mutex_lock(&j->lock);
	for (;;) {
		struct job *job = take_ready(j, manner);
		if (job) {
			run(j, job);
			continue;
		}
		if (late || j->stopping)
			break;
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += IDLE_MOST_S;
		late = pthread_cond_timedwait(&mine->more, &j->lock, &until) == ETIMEDOUT;
	}
	mine->n--;
	pthread_cond_broadcast(&j->less);
	pthread_mutex_unlock(&j->lock);
}

static void *help_promptly(void *jobs)
{
	pthread_setname_np(pthread_self(), "job");
	help(jobs, JOBS_PROMPT);
	return NULL;
}

static void *help_politely(void *jobs)
{
	pthread_setname_np(pthread_self(), "job-polite");
	setpriority(PRIO_PROCESS, (id_t)gettid(), POLITE); /* Linux: of this thread alone */
	help(jobs, JOBS_POLITE);
	return NULL;
}

static bool start_thread(struct jobs *j, enum jobs_manner manner)
{
	pthread_attr_t attr;
	pthread_t id;
	sigset_t all, before;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all); /* signals are the loop's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const bool ok = pthread_create(&id, &attr,
				manner == JOBS_PROMPT ? help_promptly : help_politely, j) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return ok;
}

/* With the lock held: as many threads as there is work for. One that does not run a job takes
 * the next, whether it waits for it or has only just been started. False when a thread could
 * not be had. */
static bool call_help(struct jobs *j)
{
	unsigned wanted[JOBS_MANNERS] = { 0 }, busy[JOBS_MANNERS] = { 0 },
		 room[JOBS_LANES_MOST];
	bool ok = true;

	for (unsigned i = 0; i < j->n_lanes; i++) {
		room[i] = j->lanes[i].width - j->lanes[i].running;
		busy[j->lanes[i].manner] += j->lanes[i].running;
	}
	for (const struct job *job = j->waiting.first; job; job = job->next)
		if (room[job->opts.lane]) {
			room[job->opts.lane]--;
			wanted[j->lanes[job->opts.lane].manner]++;
		}
	for (unsigned m = 0; m < JOBS_MANNERS; m++) {
		struct helpers *h = &j->helpers[m];
		while (h->n - busy[m] < wanted[m] && h->n < JOBS_THREADS_MOST && ok) {
			ok = start_thread(j, (enum jobs_manner)m);
			h->n += ok;
		}
		pthread_cond_broadcast(&h->more);
	}
	return ok;
}

static unsigned threads(const struct jobs *j)
{
	unsigned n = 0;

	for (unsigned m = 0; m < JOBS_MANNERS; m++)
		n += j->helpers[m].n;
	return n;
}

/* --- the loop's side ---------------------------------------------------------------------- */

static struct job *next_over(struct jobs *j)
{
	pthread_mutex_lock(&j->lock);
	struct job *job = j->over.first ? take_at(&j->over, &j->over.first) : NULL;
	if (job && job->end == JOB_DONE)
		j->counts.done++;
	if (job && job->end == JOB_NO_MEMORY)
		j->counts.no_memory++;
	if (job && job->end == JOB_CANCELLED)
		j->counts.cancelled++;
	pthread_mutex_unlock(&j->lock);
	return job;
}

/* Until none is left, or with `until_us` not 0, until then. False: some may be left. */
static bool settle(struct jobs *j, uint64_t until_us)
{
	struct job *job;

	while ((job = next_over(j))) {
		if (job->end == JOB_NO_MEMORY)
			log_line(LOG_ERROR, "out of memory: %s%s%s was given up",
				job->opts.name, *job->about ? " " : "", job->about);
		job->opts.done(job->opts.ctx, job->end);
		free(job);
		if (until_us && clock_us() >= until_us)
			return false;
	}
	return true;
}

/* Threads that could not be had when there was work are asked for again. */
static void see_to_threads(struct jobs *j)
{
	pthread_mutex_lock(&j->lock);
	const bool ok = call_help(j);
	pthread_mutex_unlock(&j->lock);
	if (ok)
		ev_timer_stop(j->loop, &j->retry);
	else
		ev_timer_again(j->loop, &j->retry);
}

static void on_news(struct ev_loop *loop, ev_async *a, int events)
{
	(void)events;
	if (!settle(a->data, clock_us() + SETTLE_US))
		ev_async_send(loop, a);
	see_to_threads(a->data);
}

static void on_retry(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	see_to_threads(t->data);
}

struct jobs *jobs_new(struct ev_loop *loop)
{
	struct jobs *j = memory_zeroed(1, sizeof *j);
	pthread_condattr_t attr;

	j->loop = loop;
	queue_init(&j->waiting);
	queue_init(&j->running);
	queue_init(&j->over);
	pthread_mutex_init(&j->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	for (unsigned m = 0; m < JOBS_MANNERS; m++)
		pthread_cond_init(&j->helpers[m].more, &attr);
	pthread_cond_init(&j->less, &attr);
	pthread_condattr_destroy(&attr);
	ev_async_init(&j->news, on_news);
	ev_init(&j->retry, on_retry);
	j->retry.repeat = RETRY_MS / 1000.0;
	j->news.data = j->retry.data = j;
	ev_async_start(loop, &j->news);
	return j;
}

unsigned jobs_lane(struct jobs *j, unsigned width, enum jobs_manner manner)
{
	if (j->n_lanes == JOBS_LANES_MOST)
		die("there are over %d lanes of jobs", JOBS_LANES_MOST);
	j->lanes[j->n_lanes] = (struct lane){ .width = width, .manner = manner };
	return j->n_lanes++;
}

struct job *jobs_start(struct jobs *j, const struct job_opts *opts)
{
	struct job *job = calloc(1, sizeof *job);

	if (!job)
		return NULL;
	job->opts = *opts;
	job->since_us = clock_us();
	if (opts->about)
		strncpy(job->about, opts->about, JOB_ABOUT - 1);
	job->opts.about = NULL;
	pthread_mutex_lock(&j->lock);
	if (j->stopping || j->n_waiting == JOBS_QUEUE_MOST) {
		pthread_mutex_unlock(&j->lock);
		free(job);
		return NULL;
	}
	push(&j->waiting, job);
	j->n_waiting++;
	pthread_mutex_unlock(&j->lock);
	see_to_threads(j);
	return job;
}

void jobs_cancel(struct jobs *j, struct job *job)
{
	__atomic_store_n(&job->cancelled, true, __ATOMIC_RELAXED);
	pthread_mutex_lock(&j->lock);
	if (take(&j->waiting, job)) {
		j->n_waiting--;
		job->end = JOB_CANCELLED;
		push(&j->over, job);
		ev_async_send(j->loop, &j->news);
	}
	pthread_mutex_unlock(&j->lock);
}

/* With the lock held. */
static void cancel_all(struct jobs *j)
{
	for (struct job *job = j->running.first; job; job = job->next)
		__atomic_store_n(&job->cancelled, true, __ATOMIC_RELAXED);
	j->n_waiting = 0;
	while (j->waiting.first) {
		struct job *job = take_at(&j->waiting, &j->waiting.first);
		job->end = JOB_CANCELLED;
		push(&j->over, job);
	}
}

bool jobs_stop(struct jobs *j, double patience_s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	const double most_ns = (double)until.tv_nsec + patience_s * 1e9;
	until.tv_sec += (time_t)(most_ns / 1e9);
	until.tv_nsec = (long)fmod(most_ns, 1e9);
	pthread_mutex_lock(&j->lock);
	j->stopping = true;
	cancel_all(j);
	for (unsigned m = 0; m < JOBS_MANNERS; m++)
		pthread_cond_broadcast(&j->helpers[m].more);
	while (threads(j) && pthread_cond_timedwait(&j->less, &j->lock, &until) == 0)
		;
	const bool all = threads(j) == 0;
	pthread_mutex_unlock(&j->lock);
	settle(j, 0);
	return all;
}

/* It is set on this thread alone. */
bool jobs_are_stopped(const struct jobs *j)
{
	return j->stopping;
}

void jobs_free(struct jobs *j)
{
	ev_async_stop(j->loop, &j->news);
	ev_timer_stop(j->loop, &j->retry);
	pthread_mutex_destroy(&j->lock);
	for (unsigned m = 0; m < JOBS_MANNERS; m++)
		pthread_cond_destroy(&j->helpers[m].more);
	pthread_cond_destroy(&j->less);
	free(j);
}

/* --- what is told ------------------------------------------------------------------------- */

bool job_is_cancelled(const struct job *job)
{
	return __atomic_load_n(&job->cancelled, __ATOMIC_RELAXED);
}

void job_progress(struct job *job, uint64_t n, uint64_t of)
{
	__atomic_store_n(&job->of, of, __ATOMIC_RELAXED);
	__atomic_store_n(&job->n, n, __ATOMIC_RELAXED);
}

static size_t list(const struct queue *q, bool runs, struct job_view *to, size_t n, size_t most)
{
	for (const struct job *job = q->first; job; job = job->next, n++) {
		if (n >= most)
			continue;
		to[n] = (struct job_view){ .name = job->opts.name,
			.runs = runs,
			.since_us = job->since_us,
			.n = __atomic_load_n(&job->n, __ATOMIC_RELAXED),
			.of = __atomic_load_n(&job->of, __ATOMIC_RELAXED) };
		memcpy(to[n].about, job->about, sizeof to[n].about);
	}
	return n;
}

size_t jobs_list(struct jobs *j, struct job_view *to, size_t most)
{
	pthread_mutex_lock(&j->lock);
	const size_t running = list(&j->running, true, to, 0, most),
		     n = list(&j->waiting, false, to, running, most);
	pthread_mutex_unlock(&j->lock);
	return n;
}

struct jobs_counts jobs_counts(struct jobs *j)
{
	pthread_mutex_lock(&j->lock);
	struct jobs_counts c = j->counts;
	c.waiting = j->n_waiting;
	c.threads = threads(j);
	for (const struct job *job = j->running.first; job; job = job->next)
		c.running++;
	pthread_mutex_unlock(&j->lock);
	return c;
}
