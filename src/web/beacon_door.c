#include "web/beacon_door.h"

#include "base/memory.h"

#include <errno.h>
#include <ev.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>

struct beacon_door {
	struct beacon_door_opts opts;
	struct MHD_Daemon *http;
	ev_io io;
	ev_timer timer; /* libmicrohttpd wants to be asked again: interop of its epoll with a loop */
};

/* A request whose body is coming. */
struct beacon_request {
	char body[BEACON_BODY_MOST];
	size_t len;
	bool too_long;
};

static const char *header(struct MHD_Connection *at, const char *name)
{
	return MHD_lookup_connection_value(at, MHD_HEADER_KIND, name);
}

struct addr beacon_door_client(const struct sockaddr *from, const char *told)
{
	const struct addr here = addr_from_sockaddr(from), peer = addr_plain(&here, NULL);
	static const uint8_t six[16] = { [15] = 1 };
	const bool is_ours = addr_is_v4(&peer) ? peer.b[12] == 127 : memcmp(peer.b, six, sizeof six) == 0;
	struct addr a;

	if (!is_ours || !told || !addr_parse(&a, told))
		return peer;
	return addr_plain(&a, NULL);
}

static struct addr client_of(struct MHD_Connection *at)
{
	return beacon_door_client(
		MHD_get_connection_info(at, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, header(at, "X-Real-IP"));
}

/* The origin that is told in the answer; NULL: it is none of ours. Who is asked for by no page sends none, and reads it all the same. */
static const char *origin_of(const struct beacon_door *d, struct MHD_Connection *at, bool *may)
{
	const char *origin = header(at, MHD_HTTP_HEADER_ORIGIN);

	*may = !origin;
	for (size_t i = 0; i < d->opts.n_origins; i++) {
		if (strcmp(d->opts.origins[i], "*") == 0 || (origin && strcmp(d->opts.origins[i], origin) == 0)) {
			*may = true;
			return strcmp(d->opts.origins[i], "*") == 0 ? "*" : origin;
		}
	}
	return NULL;
}

static enum MHD_Result send_reply(struct MHD_Connection *at, const struct beacon_reply *r, const char *origin)
{
	struct MHD_Response *response = r->own
		? MHD_create_response_from_buffer_with_free_callback(r->len, (void *)(uintptr_t)r->body, memory_free)
		: MHD_create_response_from_buffer(r->len, (void *)(uintptr_t)r->body, MHD_RESPMEM_PERSISTENT);

	if (!response) {
		if (r->own)
			memory_free((void *)(uintptr_t)r->body);
		return MHD_NO;
	}
	if (r->type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ORIGIN);
	if (origin) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, origin);
		MHD_add_response_header(response, "Timing-Allow-Origin", origin);
		MHD_add_response_header(response, "Access-Control-Expose-Headers", "Waymark-Token");
	}
	if (*r->token)
		MHD_add_response_header(response, "Waymark-Token", r->token);
	const enum MHD_Result sent = MHD_queue_response(at, r->status, response);
	MHD_destroy_response(response);
	return sent;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *at, const char *url, const char *method, const char *version,
	const char *data, size_t *len, void **own)
{
	struct beacon_door *d = ctx;
	struct beacon_request *r = *own;
	struct beacon_reply reply = { .status = MHD_HTTP_METHOD_NOT_ALLOWED };
	const bool post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
	bool may;

	(void)version;
	if (!r) {
		*own = memory_zeroed(1, sizeof *r);
		return MHD_YES;
	}
	if (*len) {
		r->too_long = r->too_long || r->len + *len > sizeof r->body;
		if (!r->too_long)
			memcpy(r->body + r->len, data, *len);
		r->len += r->too_long ? 0 : *len;
		*len = 0;
		return MHD_YES;
	}
	const char *origin = origin_of(d, at, &may);
	if (!may)
		reply.status = MHD_HTTP_FORBIDDEN;
	else if (r->too_long)
		reply.status = MHD_HTTP_CONTENT_TOO_LARGE;
	else if (post || strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
		d->opts.ask(d->opts.ctx,
			&(struct beacon_ask){ post, url, client_of(at), r->body, r->len }, &reply);
	return send_reply(at, &reply, origin);
}

static void on_completed(void *ctx, struct MHD_Connection *at, void **own, enum MHD_RequestTerminationCode how)
{
	(void)ctx;
	(void)at;
	(void)how;
	memory_free(*own);
	*own = NULL;
}

/* Its sockets are edge-triggered inside, so it says itself when it is to be asked again. */
static void run(struct beacon_door *d)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(d->http);
	ev_timer_stop(d->opts.loop, &d->timer);
	if (MHD_get_timeout(d->http, &ms) != MHD_YES)
		return;
	ev_timer_set(&d->timer, (double)ms / 1000, 0);
	ev_timer_start(d->opts.loop, &d->timer);
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	run(io->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	run(t->data);
}

struct beacon_door *beacon_door_open(const struct beacon_door_opts *opts, struct fault *why)
{
	struct beacon_door *d = memory_zeroed(1, sizeof *d);
	char text[ADDR_TEXT];

	d->opts = *opts;
	errno = 0;
	d->http = MHD_start_daemon(MHD_USE_EPOLL | (opts->listen->sa_family == AF_INET6 ? MHD_USE_IPv6 : 0), 0, NULL, NULL, on_request, d,
		MHD_OPTION_SOCK_ADDR, opts->listen, MHD_OPTION_CONNECTION_LIMIT, (unsigned)BEACON_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)BEACON_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)BEACON_HEADERS_MOST,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, d, MHD_OPTION_END);
	if (!d->http) {
		fault(why, "cannot listen at %s for beacons: %s", addr_sockaddr_text(text, opts->listen), strerror(errno));
		memory_free(d);
		return NULL;
	}
	ev_io_init(&d->io, on_io, MHD_get_daemon_info(d->http, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, EV_READ);
	ev_timer_init(&d->timer, on_timer, 0, 0);
	d->io.data = d->timer.data = d;
	ev_io_start(opts->loop, &d->io);
	return d;
}

void beacon_door_close(struct beacon_door *d)
{
	if (!d)
		return;
	ev_io_stop(d->opts.loop, &d->io);
	ev_timer_stop(d->opts.loop, &d->timer);
	MHD_stop_daemon(d->http);
	memory_free(d);
}
