#include "probe/check_http.h"

#include "base/memory.h"
#include "probe/check.h"
#include "probe/http_ask.h"
#include "probe/http_thread.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	THREADS_MOST = 4,
	WAITING_MOST = 64, /* for each thread */
	TAKEN_MOST = 128   /* results in a turn of the loop */
};

struct check_http {
	struct http_box box;
	struct http_thread *threads[THREADS_MOST];
	unsigned n, next;         /* the next new target's */
	struct http_ask *done;    /* taken out of the box, the oldest first */
	struct http_plan **plans; /* those that were asked of late */
	size_t n_plans;
	void (*room)(void *ctx);
	void *ctx;
};

/* --- results ------------------------------------------------------------------------------ */

static void give_steps(struct http_ask *a)
{
	if (!a->check->steps)
		return;
	pthread_mutex_lock(&a->lock);
	text_add(a->check->steps, text_get(&a->steps));
	pthread_mutex_unlock(&a->lock);
}

static void take_result(struct http_ask *a)
{
	struct check *c = a->check;

	if (c) {
		give_steps(a);
		c->result = a->own.result;
		a->check = NULL;
		http_ask_drop(a); /* the loop's */
		http_ask_drop(a); /* the thread's */
		c->done(c);
	} else {
		http_ask_drop(a);
	}
}

static void on_news(struct ev_loop *loop, ev_async *w, int events)
{
	struct check_http *all = w->data;
	struct http_ask **at = &all->done;

	(void)events;
	while (*at)
		at = &(*at)->next;
	pthread_mutex_lock(&all->box.lock);
	*at = all->box.first;
	all->box.first = NULL;
	all->box.last = &all->box.first;
	pthread_mutex_unlock(&all->box.lock);
	for (unsigned n = 0; all->done && n < TAKEN_MOST; n++) {
		struct http_ask *a = all->done;
		all->done = a->next;
		take_result(a);
	}
	if (all->done)
		ev_async_send(loop, w);
	if (!check_http_is_full(all))
		all->room(all->ctx);
}

/* --- threads ------------------------------------------------------------------------------ */

/* Half of the processors are left to those that answer. */
static unsigned threads_wanted(void)
{
	const long n = sysconf(_SC_NPROCESSORS_ONLN) / 2;

	return n < 1 ? 1 : n > THREADS_MOST ? THREADS_MOST : (unsigned)n;
}

static void start_threads(struct check_http *all)
{
	const unsigned wanted = threads_wanted();
	struct rlimit files;
	unsigned idle_most = 256;

	if (all->n)
		return;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		idle_most = files.rlim_cur / 2 > 1 << 20 ? 1 << 20
							 : (unsigned)(files.rlim_cur / 2);
	while (all->n < wanted) {
		struct http_thread *t = http_thread_new(&all->box, idle_most / wanted);
		if (!t)
			break;
		all->threads[all->n++] = t;
	}
}

bool check_http_is_full(const struct check_http *all)
{
	unsigned waits = 0;

	for (unsigned i = 0; i < all->n; i++)
		waits += __atomic_load_n(&all->threads[i]->waits, __ATOMIC_ACQUIRE);
	return waits >= WAITING_MOST * (all->n ? all->n : 1);
}

/* --- plans -------------------------------------------------------------------------------- */

/* Those that nobody has any more, but this list. */
static void sweep_plans(struct check_http *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n_plans; i++)
		if (__atomic_load_n(&all->plans[i]->part.refs, __ATOMIC_ACQUIRE) > 1)
			all->plans[n++] = all->plans[i];
		else
			http_plan_drop(all->plans[i]);
	all->n_plans = n;
}

/* Held for the caller. */
static struct http_plan *plan_of(struct check_http *all, const struct probe_opts *p)
{
	for (size_t i = 0; i < all->n_plans; i++)
		if (probe_same(&all->plans[i]->opts, p) &&
			strcmp(all->plans[i]->opts.name, p->name) == 0)
			return http_plan_hold(all->plans[i]);
	sweep_plans(all);
	all->plans = memory_grow(all->plans, (all->n_plans + 1) * sizeof *all->plans);
	all->plans[all->n_plans] = http_plan_new(p);
	return http_plan_hold(all->plans[all->n_plans++]);
}

/* --- a check ------------------------------------------------------------------------------ */

static void forget(struct check *c)
{
	struct http_peer *p = c->peer;

	if (!p)
		return;
	c->peer = NULL;
	p->forget.word = HTTP_FORGET;
	http_thread_post(p->thread, &p->forget);
}

static struct http_peer *peer_of(struct check_http *all, struct check *c)
{
	if (c->peer && !probe_same(&c->peer->plan->opts, c->probe))
		forget(c);
	if (c->peer)
		return c->peer;
	c->peer = memory_zeroed(1, sizeof *c->peer);
	c->peer->plan = plan_of(all, c->probe);
	c->peer->thread = all->threads[all->next++ % all->n];
	return c->peer;
}

static struct http_ask *make_ask(struct check *c, struct http_peer *peer)
{
	struct http_ask *a = memory_beside(NULL, sizeof *a);

	if (!a)
		return NULL;
	*a = (struct http_ask){ .refs = 2, /* the loop's and the thread's */
		.begin = { .word = HTTP_BEGIN },
		.cancel = { .word = HTTP_CANCEL },
		.check = c,
		.peer = peer,
		.plan = http_plan_hold(peer->plan),
		.name = c->name ? memory_strdup(c->name) : NULL };
	a->own = (struct check){ .probe = &a->plan->opts,
		.addr = c->addr,
		.port = c->port,
		.edge = "",
		.started_us = c->started_us,
		.result = { .load = NAN },
		.steps = c->steps ? &a->steps : NULL };
	a->to_len = check_sockaddr(c, &a->to);
	pthread_mutex_init(&a->lock, NULL);
	return a;
}

static bool start(struct checks *tools, struct check *c)
{
	struct check_http *all = tools->http;

	start_threads(all);
	if (!all->n)
		return check_errno(c, "no thread", EAGAIN);
	struct http_peer *peer = peer_of(all, c);
	struct http_ask *a = make_ask(c, peer);
	if (!a)
		return check_errno(c, "", ENOMEM);
	c->own = a;
	__atomic_add_fetch(&peer->thread->waits, 1, __ATOMIC_ACQ_REL);
	http_thread_post(peer->thread, &a->begin);
	return true;
}

/* What it has come to is for the thread to say; that it has not begun is our own fault. */
static void stop(struct checks *tools, struct check *c)
{
	struct http_ask *a = c->own;

	(void)tools;
	c->stage = __atomic_load_n(&a->stage, __ATOMIC_ACQUIRE);
	if (!c->stage) {
		c->stage = "one of our threads";
		c->result.ours = true;
	}
	give_steps(a);
	a->check = NULL;
	http_ask_hold(a); /* the message's */
	http_thread_post(a->peer->thread, &a->cancel);
	http_ask_drop(a); /* the loop's */
}

const struct check_kind check_http_kind = { start, stop, forget };

struct check_http *check_http_new(struct ev_loop *loop, void (*room)(void *ctx), void *ctx)
{
	struct check_http *all = memory_zeroed(1, sizeof *all);

	all->room = room;
	all->ctx = ctx;
	all->box.loop = loop;
	all->box.last = &all->box.first;
	pthread_mutex_init(&all->box.lock, NULL);
	ev_async_init(&all->box.news, on_news);
	all->box.news.data = all;
	ev_async_start(loop, &all->box.news);
	return all;
}

void check_http_free(struct check_http *all)
{
	for (unsigned i = 0; i < all->n; i++)
		http_thread_free(all->threads[i]);
	for (struct http_ask *a = all->done, *next; a; a = next) {
		next = a->next;
		http_ask_drop(a);
	}
	for (struct http_ask *a = all->box.first, *next; a; a = next) {
		next = a->next;
		http_ask_drop(a);
	}
	for (size_t i = 0; i < all->n_plans; i++)
		http_plan_drop(all->plans[i]);
	memory_free(all->plans);
	ev_async_stop(all->box.loop, &all->box.news);
	pthread_mutex_destroy(&all->box.lock);
	memory_free(all);
}
