#include "probe/resolver.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "probe/resolver_wait.h"

#include <ares.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_US = 5000000, TRY_MS = 1000, TRIES = 3 };

struct resolver_ask {
	struct resolver *of;
	void (*told)(void *ctx, const struct resolver_answer *a); /* NULL: forgotten */
	void *ctx;
	bool within; /* resolver_ask() has not returned */
	bool all;
	bool over;
};

/* A socket of c-ares. */
struct watched {
	ev_io io;
	struct resolver *of;
	struct watched *next;
};

struct resolver {
	struct ev_loop *loop;
	bool dns;
	char *servers; /* own; NULL */
	ares_channel channel;
	bool open, ends;
	unsigned asks; /* in flight */
	ev_timer timer;
	struct watched *sockets;
	struct file_stamp conf;
	uint64_t looked_us;
};

/* --- sockets and time --------------------------------------------------------------------- */

static void set_timer(struct resolver *r)
{
	ev_timer_stop(r->loop, &r->timer);
	if (!r->open || !r->asks)
		return;
	ev_timer_set(&r->timer, resolver_wait_s(r->channel), 0);
	ev_timer_start(r->loop, &r->timer);
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct watched *w = io->data;
	struct resolver *r = w->of;

	(void)loop;
	ares_process_fd(r->channel, events & EV_READ ? io->fd : ARES_SOCKET_BAD,
		events & EV_WRITE ? io->fd : ARES_SOCKET_BAD); /* may free `w` */
	set_timer(r);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct resolver *r = timer->data;

	(void)loop;
	(void)events;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(r);
}

static void on_socket(void *ctx, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = ctx;
	struct watched **at = &r->sockets;

	while (*at && (*at)->io.fd != fd)
		at = &(*at)->next;
	struct watched *w = *at;
	if (w)
		ev_io_stop(r->loop, &w->io);
	if (!readable && !writable) {
		if (w) {
			*at = w->next;
			memory_free(w);
		}
		return;
	}
	if (!w) {
		w = memory_zeroed(1, sizeof *w);
		w->of = r;
		w->next = r->sockets;
		r->sockets = w;
	}
	ev_io_init(&w->io, on_io, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	w->io.data = w;
	ev_io_start(r->loop, &w->io);
}

/* --- the channel -------------------------------------------------------------------------- */

static void close_channel(struct resolver *r)
{
	if (r->open)
		ares_destroy(r->channel); /* all in flight are told */
	r->open = false;
}

static bool open_channel(struct resolver *r)
{
	char dns[] = "b";
	struct ares_options o = { .flags = ARES_FLAG_NOSEARCH,
		.lookups = dns,
		.timeout = TRY_MS,
		.tries = TRIES,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = r };
	const uint64_t now = clock_us();
	struct file_stamp conf;

	if (r->open && now - r->looked_us < LOOK_US)
		return true;
	r->looked_us = now;
	file_stamp("/etc/resolv.conf", &conf);
	if (r->open && (r->asks || file_stamp_same(&conf, &r->conf)))
		return true;
	close_channel(r);
	r->conf = conf;
	r->open = ares_init_options(&r->channel, &o,
			  ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
				  (r->dns ? ARES_OPT_FLAGS | ARES_OPT_LOOKUPS : 0)) ==
		ARES_SUCCESS;
	if (r->open && r->servers &&
		ares_set_servers_ports_csv(r->channel, r->servers) != ARES_SUCCESS)
		close_channel(r);
	return r->open;
}

struct resolver *resolver_new(struct ev_loop *loop)
{
	struct resolver *r = memory_zeroed(1, sizeof *r);

	r->loop = loop;
	ev_timer_init(&r->timer, on_timer, 0, 0);
	r->timer.data = r;
	return r;
}

struct resolver *resolver_new_dns(struct ev_loop *loop, const char *servers)
{
	struct resolver *r = resolver_new(loop);

	r->dns = true;
	r->servers = servers ? memory_strdup(servers) : NULL;
	return r;
}

void resolver_free(struct resolver *r)
{
	r->ends = true;
	close_channel(r);
	ev_timer_stop(r->loop, &r->timer);
	memory_free(r->servers);
	memory_free(r);
}

/* --- names -------------------------------------------------------------------------------- */

static enum resolver_result result_of(int status)
{
	switch (status) {
	case ARES_SUCCESS: return RESOLVER_FOUND;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_EBADNAME: return RESOLVER_NONE;
	default: return RESOLVER_FAILED;
	}
}

static struct resolver_answer answer_of(int status, const struct ares_addrinfo *found)
{
	struct resolver_answer a = { .result = result_of(status),
		.say = ares_strerror(status) };
	const struct ares_addrinfo_node *n = found ? found->nodes : NULL;

	if (a.result != RESOLVER_FOUND)
		return a;
	if (!n) {
		a.result = RESOLVER_NONE;
		a.say = "it has no address";
		return a;
	}
	a.say = "";
	a.addr = addr_from_sockaddr(n->ai_addr);
	a.ttl_s = n->ai_ttl > 0 ? (uint32_t)n->ai_ttl : 0;
	return a;
}

enum { ALL_MOST = 64 };

/* All of them, for as long as the first of what leads to them ends. */
static void add_all(struct resolver_answer *a, const struct ares_addrinfo *found,
	struct addr all[static ALL_MOST])
{
	a->all = all;
	for (const struct ares_addrinfo_node *n = found->nodes; n && a->n < ALL_MOST; n = n->ai_next) {
		all[a->n++] = addr_from_sockaddr(n->ai_addr);
		if (n->ai_ttl >= 0 && (uint32_t)n->ai_ttl < a->ttl_s)
			a->ttl_s = (uint32_t)n->ai_ttl;
	}
	for (const struct ares_addrinfo_cname *c = found->cnames; c; c = c->next)
		if (c->ttl >= 0 && (uint32_t)c->ttl < a->ttl_s)
			a->ttl_s = (uint32_t)c->ttl;
}

static void on_found(void *ctx, int status, int timeouts, struct ares_addrinfo *found)
{
	struct resolver_ask *ask = ctx;
	struct resolver_answer a = answer_of(status, found);
	struct addr all[ALL_MOST];

	(void)timeouts;
	if (ask->all && a.result == RESOLVER_FOUND)
		add_all(&a, found, all);
	ask->of->asks--;
	ask->over = true;
	if (ask->told)
		ask->told(ask->ctx, &a);
	if (found)
		ares_freeaddrinfo(found);
	if (!ask->within)
		memory_free(ask);
}

static struct resolver_ask *start(struct resolver *r, const char *name,
	const struct ares_addrinfo_hints *hints, struct resolver_ask like)
{
	void (*told)(void *ctx, const struct resolver_answer *a) = like.told;
	void *ctx = like.ctx;

	if (!open_channel(r)) {
		told(ctx,
			&(struct resolver_answer){
				.result = RESOLVER_FAILED, .say = "no resolver" });
		return NULL;
	}
	struct resolver_ask *ask = memory_zeroed(1, sizeof *ask);
	*ask = like;
	ask->of = r;
	ask->within = true;
	r->asks++;
	ares_getaddrinfo(r->channel, name, NULL, hints, on_found, ask);
	ask->within = false;
	set_timer(r);
	if (!ask->over)
		return ask;
	memory_free(ask);
	return NULL;
}

struct resolver_ask *resolver_ask(struct resolver *r, const char *name,
	void (*told)(void *ctx, const struct resolver_answer *a), void *ctx)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };

	return start(r, name, &hints, (struct resolver_ask){ .told = told, .ctx = ctx });
}

struct resolver_ask *resolver_ask_all(struct resolver *r, const char *name, bool v6,
	void (*told)(void *ctx, const struct resolver_answer *a), void *ctx)
{
	const struct ares_addrinfo_hints hints = { .ai_family = v6 ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = ARES_AI_NOSORT };

	return start(r, name, &hints,
		(struct resolver_ask){ .told = told, .ctx = ctx, .all = true });
}

void resolver_forget(struct resolver_ask *a)
{
	a->told = NULL;
}
