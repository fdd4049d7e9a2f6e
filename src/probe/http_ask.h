/* http_ask.h - an HTTP check on its way between the loop and the thread that makes it.
 *
 * The loop makes it and posts it to a thread; the thread fills the result and hands it back.
 * Who holds it: the loop until it has the result or wants none any more, the thread until it
 * has handed it back, and each message about it on its way.
 */
#ifndef PROBE_HTTP_ASK_H
#define PROBE_HTTP_ASK_H

#include "probe/check.h"
#include "probe/http_plan.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

struct http_conn;
struct http_tls;
struct http_thread;

enum http_word { HTTP_BEGIN, HTTP_CANCEL, HTTP_FORGET };

/* A message to a thread. */
struct http_post {
	enum http_word word;
	struct http_post *next;
};

/* What stays of a target between its checks. Made by the loop; but for `plan` and `thread` it
 * is the thread's alone, until it is told to forget it. */
struct http_peer {
	struct http_post forget;
	struct http_plan *plan; /* held; the loop's */
	struct http_thread *thread;
	struct http_conn *idle;   /* it stands and may serve the next check */
	SSL_SESSION *session;     /* to resume; NULL */
	struct http_tls *made_by; /* of the session; held */
	uint64_t full_us;         /* when the last whole handshake was */
	int64_t chain_end_s;      /* time of day: the first certificate of it ends then */
};

struct http_ask {
	struct http_post begin, cancel;
	unsigned refs;       /* atomic */
	struct check *check; /* the loop's; NULL: nobody waits for it */
	struct http_peer *peer;
	struct http_plan *plan;
	char *name; /* own; how it is called where the probe says nothing; NULL: its address */
	struct sockaddr_storage to;
	socklen_t to_len;
	const char *stage; /* atomic; a literal; NULL: it has not begun */

	/* The thread's, until it is handed back. */
	struct check own; /* its probe is the plan's */
	struct http_conn *conn;
	bool over, retried;
	struct http_ask *next; /* in one of the thread's lists, or on the way back */

	pthread_mutex_t lock;
	struct text steps; /* under the lock */
};

/* A line for whoever wants to know each step. */
__attribute__((format(printf, 2, 3))) void http_ask_step(
	struct http_ask *a, const char *fmt, ...);

static inline bool http_ask_wants_steps(const struct http_ask *a)
{
	return a->own.steps != NULL;
}

static inline void http_ask_set_stage(struct http_ask *a, const char *stage)
{
	__atomic_store_n(&a->stage, stage, __ATOMIC_RELEASE);
}

struct http_ask *http_ask_hold(struct http_ask *a);
void http_ask_drop(struct http_ask *a);

#endif
