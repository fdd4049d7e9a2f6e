#include "web/manage_own.h"
#include "web/route.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/unix_listen.h"
#include "web/long_answer.h"
#include "web/api_rows.h"
#include "web/events.h"
#include "web/manage_clients.h"
#include "web/manage_tls.h"
#include "web/page.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEADERS_MOST = 8 << 10, BACKLOG = 64, STREAM_BLOCK = 16 << 10 };

/* --- who is known ------------------------------------------------------------------------- */

const struct sockaddr *manage_client_of(struct MHD_Connection *at)
{
	return MHD_get_connection_info(at, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
}

static enum MHD_Result on_accept(void *ctx, const struct sockaddr *sa, socklen_t len)
{
	struct manage *m = ctx;

	(void)len;
	pthread_mutex_lock(&m->lock);
	const bool may = manage_clients_may(&m->clients, sa);
	pthread_mutex_unlock(&m->lock);
	return may ? MHD_YES : MHD_NO;
}

/* --- counting and refusing ---------------------------------------------------------------- */

struct agent_counts *manage_own_counts(struct manage *m)
{
	return &m->counts;
}

struct agent_counts manage_counts(struct manage *m)
{
	struct agent_counts c;
	uint64_t *to = (uint64_t *)&c;
	const uint64_t *from = (const uint64_t *)&m->counts;

	for (size_t i = 0; i < sizeof c / sizeof *to; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	return c;
}

bool manage_refuse(struct request *r, unsigned status, uint64_t *counter, const char *fmt, ...)
{
	struct text reason = { 0 };
	va_list ap;

	if (r->status)
		return false;
	if (counter)
		__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
	va_start(ap, fmt);
	text_addv(&reason, fmt, ap);
	va_end(ap);
	json_t *o = json_pack("{s:s}", "error", text_get(&reason));
	char *text = o ? json_dumps(o, 0) : NULL;
	text_addf(&r->answer, "%s\n",
		text ? text : "{\"error\": \"what cannot be said in UTF-8\"}");
	r->status = status;
	memory_free(text);
	json_decref(o);
	text_fini(&reason);
	return false;
}

/* --- a request, in the listener's thread -------------------------------------------------- */

static void *on_target(void *ctx, const char *target, struct MHD_Connection *at)
{
	struct request *r = calloc(1, sizeof *r);

	if (!r || !(r->target = strdup(target))) {
		memory_free(r);
		return NULL;
	}
	r->manage = ctx;
	r->at = at;
	r->is_local = manage_client_of(at)->sa_family == AF_UNIX;
	return r;
}

static void on_completed(
	void *ctx, struct MHD_Connection *at, void **own, enum MHD_RequestTerminationCode how)
{
	struct request *r = *own;

	(void)ctx;
	(void)at;
	(void)how;
	*own = NULL;
	if (!r)
		return;
	memory_free(r->target);
	text_fini(&r->body);
	text_fini(&r->answer);
	agent_report_fini(&r->report);
	if (r->api)
		api_call_fini(r->api);
	if (r->stream)
		events_leave(r->stream);
	if (r->pieces)
		long_answer_leave(r->pieces);
	free(r->api);
	memory_free(r);
}

static bool check_length(struct request *r)
{
	const char *text = MHD_lookup_connection_value(
		r->at, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return !text || strtoull(text, NULL, 10) <= r->route->body_most ||
		manage_refuse(r, MHD_HTTP_CONTENT_TOO_LARGE, &r->manage->counts.oversized,
			"a body may have %zu bytes", r->route->body_most);
}

/* False when even what is only swallowed is too much. */
static bool take_body(struct request *r, const char *data, size_t len)
{
	const size_t most = r->route ? r->route->body_most : 0;

	if (!r->status && r->body.len + len <= most) {
		text_add_bytes(&r->body, data, len);
		if (!r->body.lost)
			return true;
		manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "out of memory");
	}
	if (!r->status)
		manage_refuse(r, MHD_HTTP_CONTENT_TOO_LARGE, &r->manage->counts.oversized,
			"a body may have %zu bytes", most);
	text_fini(&r->body);
	r->swallowed += len;
	return r->swallowed <= MANAGE_SWALLOWED;
}

/* Puts the connection to sleep and the request into the queue, from where on it is the control
 * thread's. False: it is refused. */
static bool hand_over(struct request *r)
{
	struct manage *m = r->manage;

	pthread_mutex_lock(&m->lock);
	const bool open = !m->closing;
	if (open) {
		MHD_suspend_connection(r->at);
		*m->queue_end = r;
		m->queue_end = &r->next;
	}
	pthread_mutex_unlock(&m->lock);
	if (open)
		ev_async_send(m->loop, &m->wake);
	return open ||
		manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "the server is stopping");
}

/* The answer, or the stream of it, is the response's from here on. */
static struct MHD_Response *response_of(struct request *r)
{
	struct MHD_Response *response = r->stream
		? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, events_read, r->stream, events_leave)
		: r->pieces ? MHD_create_response_from_callback(
				      MHD_SIZE_UNKNOWN, STREAM_BLOCK, long_answer_read, r->pieces, long_answer_leave)
			    : MHD_create_response_from_buffer_with_free_callback(r->answer.len, r->answer.s, memory_free);

	if (!response)
		return NULL;
	r->stream = NULL;
	r->pieces = NULL;
	r->answer = (struct text){ 0 };
	return response;
}

static enum MHD_Result reply(struct request *r)
{
	struct MHD_Response *response = r->page ? page_response(r->page, r->status == MHD_HTTP_NOT_MODIFIED) : response_of(r);
	char again[16];

	if (!response)
		return MHD_NO;
	if (!r->page) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
			r->type ? r->type : "application/json");
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	}
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (r->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Waymark");
	if (r->allow)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, r->allow);
	if (*r->answer_signature)
		MHD_add_response_header(response, SEAL_SIGNATURE, r->answer_signature);
	snprintf(again, sizeof again, "%u", r->again_s);
	if (r->again_s)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, again);
	const enum MHD_Result sent = MHD_queue_response(r->at, r->status, response);
	MHD_destroy_response(response);
	return sent;
}

/* False: it is refused. */
static bool begin(struct request *r, const char *method)
{
	uint64_t *counter = &r->manage->counts.malformed;

	const struct route *other;

	r->route = route_find(method, r->target, &other);
	if (r->route)
		return (!r->route->begin || r->route->begin(r)) && check_length(r);
	r->allow = other ? other->method : NULL;
	return other ? manage_refuse(r, MHD_HTTP_METHOD_NOT_ALLOWED, counter,
			       "%s takes %s only", other->path, other->method)
		     : manage_refuse(r, MHD_HTTP_NOT_FOUND, counter, "there is nothing here");
}

/* Once when the header is there, once for each piece of the body, once at its end, and once
 * more when the control thread has woken it. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *at, const char *url,
	const char *method, const char *version, const char *data, size_t *len, void **own)
{
	struct request *r = *own;

	(void)ctx;
	(void)at;
	(void)url;
	(void)version;
	if (!r)
		return MHD_NO; /* there was no memory for it */
	if (!r->begun) {
		r->begun = true;
		begin(r, method);
		return MHD_YES;
	}
	if (*len) {
		const bool on = take_body(r, data, *len);
		*len = 0;
		return on ? MHD_YES : MHD_NO;
	}
	if (!r->status && (!r->route->check || r->route->check(r)) && hand_over(r))
		return MHD_YES;
	return reply(r);
}

/* --- connections -------------------------------------------------------------------------- */

/* A closed one's descriptor is told here before it is closed, so that the clock never shuts
 * down another's. */
static void on_connection(void *ctx, struct MHD_Connection *at, void **own,
	enum MHD_ConnectionNotificationCode what)
{
	struct manage *m = ctx;

	pthread_mutex_lock(&m->lock);
	if (what != MHD_CONNECTION_NOTIFY_CLOSED) {
		*own = manage_clients_join(&m->clients,
			MHD_get_connection_info(at, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
			manage_client_of(at));
	} else if (*own) {
		manage_clients_leave(*own);
		*own = NULL;
	}
	pthread_mutex_unlock(&m->lock);
}

static void on_clock(struct ev_loop *loop, ev_timer *t, int events)
{
	struct manage *m = t->data;

	(void)loop;
	(void)events;
	pthread_mutex_lock(&m->lock);
	manage_see_clock(m);
	manage_clients_end(&m->clients);
	pthread_mutex_unlock(&m->lock);
}

/* --- the control thread ------------------------------------------------------------------- */

static struct request *take_queue(struct manage *m, bool closing)
{
	pthread_mutex_lock(&m->lock);
	struct request *first = m->queue;
	m->queue = NULL;
	m->queue_end = &m->queue;
	m->closing = closing;
	pthread_mutex_unlock(&m->lock);
	return first;
}

static void serve(const struct request *r, bool on)
{
	pthread_mutex_lock(&r->manage->lock);
	if (on)
		manage_clients_know(&r->manage->clients, manage_client_of(r->at));
	manage_clients_serve(
		MHD_get_connection_info(r->at, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context, on);
	pthread_mutex_unlock(&r->manage->lock);
}

void manage_welcome(const struct request *r)
{
	serve(r, true);
}

void manage_answered(struct request *r)
{
	serve(r, r->stream || r->pieces); /* these take their time */
	MHD_resume_connection(r->at); /* it is the listener's again */
}

void manage_answer(struct request *r, const char *type, const struct text *body)
{
	if (body)
		text_add_bytes(&r->answer, text_get(body), body->len);
	if (body && !r->answer.lost) {
		r->type = type;
		r->status = MHD_HTTP_OK;
	} else {
		text_fini(&r->answer);
		manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "out of memory");
	}
	manage_answered(r);
}

static void on_wake(struct ev_loop *loop, ev_async *a, int events)
{
	struct manage *m = a->data;

	(void)loop;
	(void)events;
	for (struct request *r = take_queue(m, false), *next; r; r = next) {
		next = r->next;
		if (r->route->act(r, m->hooks))
			manage_answered(r);
	}
}

/* --- opening and closing ------------------------------------------------------------------ */

static int open_listener(const struct sockaddr *sa, socklen_t len, struct fault *why)
{
	const int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int one = 1;
	char text[ADDR_TEXT];

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (sa->sa_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
		if (bind(fd, sa, len) == 0 && listen(fd, BACKLOG) == 0)
			return fd;
	}
	fault(why, "management: listen: %s: %s", addr_sockaddr_text(text, sa), strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Signals are the control thread's. With `fd` -1 connections come by take_front(). */
static struct MHD_Daemon *start_http(struct manage *m, int fd, unsigned most, unsigned of_one)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	struct MHD_Daemon *http = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			(fd < 0 ? MHD_USE_NO_LISTEN_SOCKET : 0),
		0, on_accept, m, on_request, m, MHD_OPTION_CONNECTION_LIMIT, most,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, of_one, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)MANAGE_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HEADERS_MOST, MHD_OPTION_URI_LOG_CALLBACK, on_target, m,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, m, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, m, fd < 0 ? MHD_OPTION_END : MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return http;
}

/* The thread of TLS. */
static bool take_front(void *ctx, int fd, const struct sockaddr *from, socklen_t len)
{
	const struct manage *m = ctx;

	return MHD_add_connection(m->http, fd, from, len) == MHD_YES;
}

/* Takes `fd` where it succeeds. */
static bool start(struct manage *m, int fd, bool tls, struct fault *why)
{
	m->http = start_http(m, tls ? -1 : fd, MANAGE_CONNECTIONS, MANAGE_CONNECTIONS_PER_IP);
	if (!m->http)
		return fault(why, "management: listen: libmicrohttpd does not start");
	m->listener = fd;
	if (!tls)
		return true;
	m->tls = manage_tls_new(fd, take_front, m);
	if (!m->tls || !manage_tls_start(m->tls))
		return fault(why, "management: listen: there is no memory or no thread for TLS");
	return true;
}

static bool open_address(struct manage *m, const struct manage_opts *opts, struct fault *why)
{
	const int fd = opts->fd >= 0 ? opts->fd : open_listener(opts->listen, opts->len, why);

	if (fd < 0)
		return false;
	manage_see_clock(m); /* the address was nobody else's from here on */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (start(m, fd, opts->tls, why))
		return true;
	m->listener = -1;
	close(fd);
	return false;
}

static bool open_socket(struct manage *m, const struct manage_opts *opts, struct fault *why)
{
	struct stat st;
	const int fd = opts->socket_fd >= 0
		? opts->socket_fd
		: unix_listen(opts->socket, opts->group, "management: listen: socket", why);

	if (fd < 0)
		return false;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (lstat(opts->socket, &st) == 0) {
		m->device = st.st_dev;
		m->inode = st.st_ino;
	}
	m->local = start_http(m, fd, MANAGE_LOCAL, 0);
	if (m->local) {
		m->local_fd = fd;
		m->path = memory_strdup(opts->socket);
		return true;
	}
	if (opts->socket_fd < 0)
		unlink(opts->socket);
	close(fd);
	return fault(why, "management: listen: libmicrohttpd does not start");
}

/* What a successor has, or has bound there, is its own. */
static void forget_socket(struct manage *m)
{
	struct stat st;

	if (m->local_fd >= 0 && m->left)
		close(m->local_fd);
	else if (m->path && lstat(m->path, &st) == 0 && st.st_dev == m->device && st.st_ino == m->inode)
		unlink(m->path);
	memory_free(m->path);
}

struct manage *manage_open(const struct manage_opts *opts, struct fault *why)
{
	struct manage *m = memory_zeroed(1, sizeof *m);

	m->loop = opts->loop;
	m->listener = m->local_fd = -1;
	m->hooks = opts->hooks;
	manage_see_clock(m);
	m->queue_end = &m->queue;
	manage_clients_init(&m->clients);
	pthread_mutex_init(&m->lock, NULL);
	ev_async_init(&m->wake, on_wake);
	ev_timer_init(&m->clock, on_clock, 1, 1);
	m->wake.data = m->clock.data = m;
	ev_async_start(m->loop, &m->wake);
	ev_timer_start(m->loop, &m->clock);
	if ((!opts->listen || open_address(m, opts, why)) && (!opts->socket || open_socket(m, opts, why)))
		return m;
	manage_close(m);
	return NULL;
}

int manage_socket(const struct manage *m)
{
	return m->listener;
}

int manage_local_socket(const struct manage *m)
{
	return m->local_fd;
}

void manage_leave(struct manage *m)
{
	if (m->left)
		return;
	m->left = true;
	if (m->tls)
		manage_tls_stop(m->tls); /* who comes again finds the others */
	else if (m->http)
		MHD_quiesce_daemon(m->http);
	if (m->local)
		MHD_quiesce_daemon(m->local);
}

void manage_set_tls(struct manage *m, struct tls *shown)
{
	if (m->tls)
		manage_tls_show(m->tls, shown);
}

void manage_close(struct manage *m)
{
	if (!m)
		return;
	if (m->tls)
		manage_tls_stop(m->tls);
	for (struct request *r = take_queue(m, true), *next; r; r = next) {
		next = r->next;
		manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "the server is stopping");
		MHD_resume_connection(r->at);
	}
	if (m->http)
		MHD_stop_daemon(m->http);
	if (m->local)
		MHD_stop_daemon(m->local);
	forget_socket(m);
	const bool tls = m->tls;
	if (m->tls)
		manage_tls_free(m->tls);
	if (m->listener >= 0 && (m->left || tls))
		close(m->listener);
	ev_async_stop(m->loop, &m->wake);
	ev_timer_stop(m->loop, &m->clock);
	pthread_mutex_destroy(&m->lock);
	for (size_t i = 0; i < m->n_agents; i++) {
		memory_free(m->agents[i].edge);
		memory_free(m->agents[i].certificate);
	}
	memory_free(m->agents);
	memory_free(m);
}
