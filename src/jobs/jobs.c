#include "jobs/jobs.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/polite.h"
#include "base/scope.h"

#include <errno.h>
#include <ev.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	IDLE_MOST_S = 20, /* a thread without work goes after so long */
	IDLE_LOOK_S = 5,
	RETRY_MS = 200,  /* when no thread could be had */
	SETTLE_US = 1000 /* within one turn of the loop; what is left has the next */
};

struct job {
	struct job *next;  /* in the list that it is in */
	struct job *below; /* among those that are handed back */
	struct job_opts opts;
	char about[JOB_ABOUT];
	struct helper *helper; /* that runs it; NULL: it is told to end behind it, and may be gone */
	enum job_end end;      /* the helper's, until it has ended */
	bool cancelled;        /* atomic */
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

/* A thread. At each `go` it runs what it has been given; nothing: it ends. */
struct helper {
	struct helper *next; /* among those that have nothing to do */
	struct jobs *owner;
	enum jobs_manner manner;
	sem_t go;
	struct job *job; /* atomic: what it is given, until it takes it */
	uint64_t idle_us;
};

/* The helper threads of one manner. */
struct helpers {
	unsigned n;
	struct helper *idle; /* who has worked last comes first */
};

/* All of it is the loop's, but for what is said to be atomic. There is no lock: a polite thread
 * that holds one, and gets no processor, would hold up the loop with it. */
struct jobs {
	struct ev_loop *loop;
	ev_async news;
	ev_timer retry, idle;
	struct lane lanes[JOBS_LANES_MOST];
	unsigned n_lanes;
	struct helpers helpers[JOBS_MANNERS];
	unsigned least;   /* threads of each manner that stay */
	unsigned started; /* threads in all; each posts `left` as its last act */
	sem_t left;
	struct queue waiting, running, over;
	struct queue later; /* while they are held: those that came since */
	bool held;
	void (*settled)(void *ctx); /* NULL: it has been told */
	void *settled_ctx;
	struct job *ended; /* atomic: helpers put what they have done on top */
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

/* --- helper threads ----------------------------------------------------------------------- */

static void work(void *ctx)
{
	struct job *job = ctx;

	job->opts.work(job->opts.ctx, job);
}

static void hand_back(struct jobs *j, struct job *job)
{
	job->below = __atomic_load_n(&j->ended, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(
		&j->ended, &job->below, job, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	ev_async_send(j->loop, &j->news);
}

static void *help(void *ctx)
{
	struct helper *h = ctx;
	struct jobs *j = h->owner;

	if (h->manner == JOBS_POLITE)
		polite_begin();
	pthread_setname_np(pthread_self(), h->manner == JOBS_POLITE ? "job-polite" : "job");
	for (;;) {
		while (sem_wait(&h->go) != 0)
			; /* a signal */
		struct job *job = __atomic_exchange_n(&h->job, NULL, __ATOMIC_ACQUIRE);
		if (!job)
			break;
		if (job_is_cancelled(job))
			job->end = JOB_CANCELLED;
		else
			job->end = scope_run_until(work, job, &job->cancelled) ? JOB_DONE
				: job_is_cancelled(job)                        ? JOB_CANCELLED
										: JOB_NO_MEMORY;
		hand_back(j, job);
	}
	sem_destroy(&h->go);
	free(h);
	sem_post(&j->left);
	return NULL;
}

static bool start_thread(struct helper *h)
{
	pthread_attr_t attr;
	pthread_t id;
	sigset_t all, before;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all); /* signals are the loop's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const bool ok = pthread_create(&id, &attr, help, h) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return ok;
}

static void give(struct helper *h, struct job *job)
{
	__atomic_store_n(&h->job, job, __ATOMIC_RELEASE);
	sem_post(&h->go);
}

/* One that has nothing to do, or a new one; NULL: there is none to be had. */
static struct helper *find_helper(struct jobs *j, enum jobs_manner manner)
{
	struct helpers *all = &j->helpers[manner];
	struct helper *h = all->idle;

	if (h) {
		all->idle = h->next;
		return h;
	}
	if (all->n == JOBS_THREADS_MOST || !(h = calloc(1, sizeof *h)))
		return NULL;
	h->owner = j;
	h->manner = manner;
	sem_init(&h->go, 0, 0);
	if (!start_thread(h)) {
		sem_destroy(&h->go);
		free(h);
		return NULL;
	}
	all->n++;
	j->started++;
	return h;
}

/* Once it has done what it was given; it is not to be touched again. */
static void send_away(struct jobs *j, struct helper *h)
{
	j->helpers[h->manner].n--;
	sem_post(&h->go);
}

/* --- the loop's side ---------------------------------------------------------------------- */

static void begin(struct jobs *j, struct job *job, struct helper *h)
{
	j->n_waiting--;
	j->lanes[job->opts.lane].running++;
	job->since_us = clock_us();
	job->helper = h;
	push(&j->running, job);
	give(h, job);
}

/* Those that may begin, the oldest first. Threads that could not be had when there was work are
 * asked for again. */
static void go_on(struct jobs *j)
{
	bool none[JOBS_MANNERS] = { false };

	for (struct job **at = &j->waiting.first; *at;) {
		const struct lane *lane = &j->lanes[(*at)->opts.lane];
		struct helper *h = NULL;
		if (lane->running < lane->width && !none[lane->manner]) {
			h = find_helper(j, lane->manner);
			none[lane->manner] = !h;
		}
		if (h)
			begin(j, take_at(&j->waiting, at), h);
		else
			at = &(*at)->next;
	}
	bool stuck = false;
	for (unsigned m = 0; m < JOBS_MANNERS; m++)
		stuck = stuck || (none[m] && !j->helpers[m].n);
	if (stuck)
		ev_timer_again(j->loop, &j->retry);
	else
		ev_timer_stop(j->loop, &j->retry);
}

/* What helpers have handed back is over; they are free for something else. */
static void collect(struct jobs *j)
{
	struct job *job = __atomic_exchange_n(&j->ended, NULL, __ATOMIC_ACQUIRE);
	struct job *first = NULL;

	while (job) { /* the last one is on top */
		struct job *below = job->below;
		job->below = first;
		first = job;
		job = below;
	}
	while (first) {
		job = first;
		first = job->below;
		struct helper *h = job->helper;
		take(&j->running, job);
		j->lanes[job->opts.lane].running--;
		push(&j->over, job);
		if (j->stopping)
			continue; /* it is gone already */
		h->idle_us = clock_us();
		h->next = j->helpers[h->manner].idle;
		j->helpers[h->manner].idle = h;
	}
}

static void count(struct jobs *j, enum job_end end)
{
	j->counts.done += end == JOB_DONE;
	j->counts.no_memory += end == JOB_NO_MEMORY;
	j->counts.cancelled += end == JOB_CANCELLED;
}

/* Until none is left, or with `until_us` not 0, until then. False: some may be left. */
static bool settle(struct jobs *j, uint64_t until_us)
{
	while (j->over.first) {
		struct job *job = take_at(&j->over, &j->over.first);
		count(j, job->end);
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

static void on_news(struct ev_loop *loop, ev_async *a, int events)
{
	struct jobs *j = a->data;

	(void)events;
	collect(j);
	go_on(j);
	if (!settle(j, clock_us() + SETTLE_US))
		ev_async_send(loop, a);
	else if (j->settled && !j->waiting.first && !j->running.first) {
		void (*settled)(void *ctx) = j->settled;
		j->settled = NULL;
		settled(j->settled_ctx);
	}
}

static void on_retry(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	go_on(t->data);
}

static void on_idle(struct ev_loop *loop, ev_timer *t, int events)
{
	struct jobs *j = t->data;
	const uint64_t now_us = clock_us();

	(void)loop;
	(void)events;
	for (unsigned m = 0; m < JOBS_MANNERS; m++)
		for (struct helper **at = &j->helpers[m].idle; *at;) {
			struct helper *h = *at;
			if (j->helpers[m].n <= j->least ||
				now_us - h->idle_us < IDLE_MOST_S * UINT64_C(1000000)) {
				at = &h->next;
				continue;
			}
			*at = h->next;
			send_away(j, h);
		}
}

struct jobs *jobs_new(struct ev_loop *loop)
{
	struct jobs *j = memory_zeroed(1, sizeof *j);

	j->loop = loop;
	queue_init(&j->waiting);
	queue_init(&j->running);
	queue_init(&j->over);
	queue_init(&j->later);
	sem_init(&j->left, 0, 0);
	ev_async_init(&j->news, on_news);
	ev_init(&j->retry, on_retry);
	j->retry.repeat = RETRY_MS / 1000.0;
	ev_timer_init(&j->idle, on_idle, IDLE_LOOK_S, IDLE_LOOK_S);
	j->news.data = j->retry.data = j->idle.data = j;
	ev_async_start(loop, &j->news);
	ev_timer_start(loop, &j->idle);
	return j;
}

void jobs_stay_ready(struct jobs *j)
{
	j->least = 1;
	for (unsigned m = 0; m < JOBS_MANNERS; m++) {
		struct helper *h = j->helpers[m].idle ? NULL
						      : find_helper(j, (enum jobs_manner)m);
		if (!h)
			continue;
		h->idle_us = clock_us();
		h->next = NULL;
		j->helpers[m].idle = h;
	}
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
	struct job *job = j->stopping || j->n_waiting == JOBS_QUEUE_MOST
		? NULL
		: calloc(1, sizeof *job);

	if (!job)
		return NULL;
	job->opts = *opts;
	job->since_us = clock_us();
	if (opts->about)
		strncpy(job->about, opts->about, JOB_ABOUT - 1);
	job->opts.about = NULL;
	const bool held = j->held && !opts->looks && !(opts->ends && j->settled);
	push(held ? &j->later : &j->waiting, job);
	j->n_waiting++;
	if (!held)
		go_on(j);
	return job;
}

void jobs_cancel(struct jobs *j, struct job *job)
{
	__atomic_store_n(&job->cancelled, true, __ATOMIC_RELAXED);
	if (take(&j->waiting, job) || take(&j->later, job)) {
		j->n_waiting--;
		job->end = JOB_CANCELLED;
		push(&j->over, job);
		ev_async_send(j->loop, &j->news);
	}
}

/* What came while they were held. */
static void take_later(struct jobs *j)
{
	while (j->later.first)
		push(&j->waiting, take_at(&j->later, &j->later.first));
}

void jobs_hold(struct jobs *j, void (*settled)(void *ctx), void *ctx)
{
	j->held = true;
	j->settled = settled;
	j->settled_ctx = ctx;
	ev_async_send(j->loop, &j->news);
}

void jobs_release(struct jobs *j)
{
	j->held = false;
	j->settled = NULL;
	take_later(j);
	go_on(j);
}

void jobs_cancel_running(struct jobs *j)
{
	for (struct job *job = j->running.first; job; job = job->next)
		__atomic_store_n(&job->cancelled, true, __ATOMIC_RELAXED);
}

static void cancel_all(struct jobs *j)
{
	jobs_cancel_running(j);
	take_later(j);
	j->n_waiting = 0;
	while (j->waiting.first) {
		struct job *job = take_at(&j->waiting, &j->waiting.first);
		job->end = JOB_CANCELLED;
		push(&j->over, job);
	}
}

/* Those that work end when they have done so. */
static void send_all_away(struct jobs *j)
{
	for (unsigned m = 0; m < JOBS_MANNERS; m++)
		while (j->helpers[m].idle) {
			struct helper *h = j->helpers[m].idle;
			j->helpers[m].idle = h->next;
			send_away(j, h);
		}
	for (struct job *job = j->running.first; job; job = job->next) {
		if (job->helper)
			send_away(j, job->helper);
		job->helper = NULL;
	}
}

bool jobs_stop(struct jobs *j, double patience_s)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	const double most_ns = (double)until.tv_nsec + patience_s * 1e9;
	until.tv_sec += (time_t)(most_ns / 1e9);
	until.tv_nsec = (long)fmod(most_ns, 1e9);
	collect(j);
	j->stopping = true;
	cancel_all(j);
	send_all_away(j);
	while (j->started && err != ETIMEDOUT) {
		err = sem_timedwait(&j->left, &until) == 0 ? 0 : errno;
		j->started -= err == 0;
	}
	collect(j);
	settle(j, 0);
	return j->started == 0;
}

void jobs_free(struct jobs *j)
{
	ev_async_stop(j->loop, &j->news);
	ev_timer_stop(j->loop, &j->retry);
	ev_timer_stop(j->loop, &j->idle);
	sem_destroy(&j->left);
	free(j);
}

bool jobs_are_stopped(const struct jobs *j)
{
	return j->stopping;
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
	const size_t running = list(&j->running, true, to, 0, most);

	const size_t waiting = list(&j->waiting, false, to, running, most);

	return list(&j->later, false, to, waiting, most);
}

struct jobs_counts jobs_counts(struct jobs *j)
{
	struct jobs_counts c = j->counts;

	c.waiting = j->n_waiting;
	for (unsigned m = 0; m < JOBS_MANNERS; m++)
		c.threads += j->helpers[m].n;
	for (const struct job *job = j->running.first; job; job = job->next)
		c.running++;
	return c;
}
