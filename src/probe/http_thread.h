/* http_thread.h - a thread that makes HTTP checks, with a loop of its own.
 *
 * A handshake takes a fraction of a millisecond, and there are thousands: the loop that
 * everything else stands on does not wait for them. Asks come by post and go back in a box;
 * both ways never wait.
 */
#ifndef PROBE_HTTP_THREAD_H
#define PROBE_HTTP_THREAD_H

#include "probe/http_ask.h"

#include <ev.h>
#include <pthread.h>

/* Where asks that are done wait for the loop. Any thread puts them there. */
struct http_box {
	pthread_mutex_t lock;
	struct http_ask *first, **last; /* under the lock */
	ev_async news;                  /* of the loop; sent when there is something to do */
	struct ev_loop *loop;
};

struct http_thread {
	pthread_t id;
	struct http_box *box;
	unsigned waits; /* atomic: asks that it has not begun */

	pthread_mutex_t lock;
	struct http_post *first, **last; /* under the lock */
	bool ends;                       /* under the lock */

	/* The thread's own. */
	struct ev_loop *loop;
	ev_async wake;
	ev_idle begin; /* one begins when nothing that is in flight wants to go on */
	struct http_ask *line, **last_in_line; /* that came and are not begun */
	struct http_tls_files *files;
	unsigned n_idle, idle_most; /* connections that are kept */
};

/* NULL: the system has no thread for it. */
struct http_thread *http_thread_new(struct http_box *box, unsigned idle_most);

/* What it has in flight is let go of. */
void http_thread_free(struct http_thread *t);

/* The loop: takes the message, and what it is part of, with one count of the ask. */
void http_thread_post(struct http_thread *t, struct http_post *p);

/* The thread: its result is there; goes back. */
void http_thread_done(struct http_thread *t, struct http_ask *a);

#endif
