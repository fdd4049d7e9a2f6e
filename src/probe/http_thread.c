#include "probe/http_thread.h"

#include "base/clock.h"
#include "base/memory.h"
#include "probe/http_conn.h"
#include "probe/http_shake.h"
#include "probe/http_tls.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

enum {
	BEGIN_MOST = 8, /* in a turn in which nothing else is to be done */
	ROOM = 16       /* so few wait that there is room for more */
};

#define ASK_OF(post, member) \
	((struct http_ask *)(void *)((char *)(post)-offsetof(struct http_ask, member)))

/* --- what comes by post ------------------------------------------------------------------- */

void http_thread_post(struct http_thread *t, struct http_post *p)
{
	p->next = NULL;
	pthread_mutex_lock(&t->lock);
	*t->last = p;
	t->last = &p->next;
	pthread_mutex_unlock(&t->lock);
	ev_async_send(t->loop, &t->wake);
}

static void take_begin(struct http_thread *t, struct http_ask *a)
{
	a->next = NULL;
	*t->last_in_line = a;
	t->last_in_line = &a->next;
	ev_idle_start(t->loop, &t->begin);
}

/* One that waits in line goes when its turn comes. */
static void take_cancel(struct http_ask *a)
{
	if (!a->over && a->conn) {
		a->over = true;
		http_conn_close(a->conn);
		http_ask_drop(a); /* the thread's */
	}
	a->over = true;
	http_ask_drop(a); /* the message's */
}

static void take_forget(struct http_peer *p)
{
	if (p->idle)
		http_conn_close(p->idle);
	SSL_SESSION_free(p->session);
	http_tls_drop(p->made_by);
	http_plan_drop(p->plan);
	memory_free(p);
}

static void take_post(struct http_thread *t, struct http_post *p)
{
	switch (p->word) {
	case HTTP_BEGIN: take_begin(t, ASK_OF(p, begin)); return;
	case HTTP_CANCEL: take_cancel(ASK_OF(p, cancel)); return;
	case HTTP_FORGET: take_forget((struct http_peer *)p); return; /* its first member */
	}
}

static void on_wake(struct ev_loop *loop, ev_async *w, int events)
{
	struct http_thread *t = w->data;

	(void)events;
	pthread_mutex_lock(&t->lock);
	struct http_post *p = t->first;
	const bool ends = t->ends;
	t->first = NULL;
	t->last = &t->first;
	pthread_mutex_unlock(&t->lock);
	while (p) {
		struct http_post *next = p->next;
		take_post(t, p);
		p = next;
	}
	if (ends)
		ev_break(loop, EVBREAK_ALL);
}

/* --- the line ----------------------------------------------------------------------------- */

static void begin_one(struct http_thread *t, struct http_ask *a)
{
	if (a->over) { /* while it waited */
		http_ask_drop(a);
		return;
	}
	a->own.started_us = clock_us();
	http_conn_begin(t, a);
}

static void on_begin(struct ev_loop *loop, ev_idle *idle, int events)
{
	struct http_thread *t = idle->data;

	(void)events;
	for (unsigned n = 0; t->line && n < BEGIN_MOST; n++) {
		struct http_ask *a = t->line;
		t->line = a->next;
		if (!t->line)
			t->last_in_line = &t->line;
		if (__atomic_sub_fetch(&t->waits, 1, __ATOMIC_ACQ_REL) == ROOM)
			ev_async_send(t->box->loop, &t->box->news);
		begin_one(t, a);
	}
	if (!t->line)
		ev_idle_stop(loop, idle);
}

void http_thread_done(struct http_thread *t, struct http_ask *a)
{
	struct http_box *box = t->box;

	a->over = true;
	a->next = NULL;
	pthread_mutex_lock(&box->lock);
	*box->last = a;
	box->last = &a->next;
	pthread_mutex_unlock(&box->lock);
	ev_async_send(box->loop, &box->news);
}

/* --- start and end ------------------------------------------------------------------------ */

static void *run(void *ctx)
{
	struct http_thread *t = ctx;

	ev_run(t->loop, 0);
	return NULL;
}

static bool start(struct http_thread *t)
{
	sigset_t all, before;

	/* Signals are for the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const bool ok = pthread_create(&t->id, NULL, run, t) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ok)
		pthread_setname_np(t->id, "probes");
	return ok;
}

static void let_go(struct http_thread *t)
{
	http_tls_files_free(t->files);
	ev_loop_destroy(t->loop);
	pthread_mutex_destroy(&t->lock);
	memory_free(t);
}

struct http_thread *http_thread_new(struct http_box *box, unsigned idle_most)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);

	if (!loop)
		return NULL;
	struct http_thread *t = memory_zeroed(1, sizeof *t);
	t->box = box;
	t->loop = loop;
	t->idle_most = idle_most;
	t->files = http_tls_files_new(http_shake_session);
	t->last = &t->first;
	t->last_in_line = &t->line;
	pthread_mutex_init(&t->lock, NULL);
	ev_async_init(&t->wake, on_wake);
	ev_idle_init(&t->begin, on_begin);
	t->wake.data = t->begin.data = t;
	ev_async_start(loop, &t->wake);
	if (start(t))
		return t;
	let_go(t);
	return NULL;
}

void http_thread_free(struct http_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->ends = true;
	pthread_mutex_unlock(&t->lock);
	ev_async_send(t->loop, &t->wake);
	pthread_join(t->id, NULL);
	for (struct http_ask *a = t->line, *next; a; a = next) {
		next = a->next;
		http_ask_drop(a);
	}
	let_go(t);
}
