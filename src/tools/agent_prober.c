#include "tools/agent_prober.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <ev.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_S 0.02

/* Packets that a trial costs us: a connection is SYN, ACK and RST. */
enum { ECHO_COST = 1, TCP_COST = 3 };

enum probe_state { PROBE_FREE, PROBE_READY, PROBE_WAITING };

struct probe {
	struct prober *probes;
	enum probe_state state;
	bool tcp; /* this trial, or the next one */
	struct assignment assignment;
	struct echo_tag tag;
	unsigned trials, n;
	uint32_t us[PROBER_ECHOES];
	double sent_s;
	ev_io io; /* the connection; its fd is -1 when there is none */
};

struct prober {
	struct ev_loop *loop;
	struct prober_opts opts;
	ev_timer tick;
	ev_io in[2]; /* echo replies of IPv4, IPv6 */
	double filled_s, tokens;
	unsigned next; /* whose turn it is */
	uint16_t sequence;
	struct probe probe[PROBER_AT_ONCE];
};

/* --- what came of a trial ----------------------------------------------------------------- */

static void close_connection(struct probe *x)
{
	if (x->io.fd < 0)
		return;
	ev_io_stop(x->probes->loop, &x->io);
	close(x->io.fd);
	ev_io_set(&x->io, -1, EV_WRITE);
}

static void finish(struct probe *x)
{
	struct prober *p = x->probes;

	x->state = PROBE_FREE;
	p->opts.done(p->opts.ctx, &x->assignment, x->us, x->n);
}

/* `us` 0: there was no answer. */
static void ended(struct probe *x, uint32_t us)
{
	const struct prober_opts *o = &x->probes->opts;

	close_connection(x);
	if (us)
		x->us[x->n++] = us;
	x->trials++;
	x->state = PROBE_READY;
	if (x->trials >= PROBER_ECHOES || (!us && x->n == 0 && x->tcp)) {
		if (x->n || x->tcp || !o->tcp_port) {
			finish(x);
			return;
		}
		x->tcp = true; /* no echo came back: by TCP, then */
		x->trials = 0;
	}
}

static uint32_t microseconds(double s)
{
	return s <= 0 ? 1 : s > 1000 ? UINT32_MAX : (uint32_t)(s * 1e6) + 1;
}

static void on_reply(struct ev_loop *loop, ev_io *io, int events)
{
	struct prober *p = io->data;
	const bool v4 = io == &p->in[0];
	struct echo_reply r;

	(void)loop;
	(void)events;
	while (echo_next(p->opts.echo, v4, &r)) {
		const double now = clock_seconds();
		for (unsigned i = 0; i < PROBER_AT_ONCE; i++) {
			struct probe *x = &p->probe[i];
			if (x->state != PROBE_WAITING || x->tcp ||
				x->tag.token != r.tag.token ||
				memcmp(&x->assignment.host, &r.from, sizeof r.from) != 0)
				continue;
			const double took = now - x->sent_s;
			ended(x, microseconds(took - (r.waited_s < took ? r.waited_s : 0)));
			break;
		}
	}
}

/* --- by TCP ------------------------------------------------------------------------------- */

/* Of a connection that stands the kernel knows best; a refusal came just now. */
static void on_connected(struct ev_loop *loop, ev_io *io, int events)
{
	struct probe *x = io->data;
	const uint32_t took = microseconds(clock_seconds() - x->sent_s);
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info, error_len = sizeof(int);
	int error = 0;

	(void)loop;
	(void)events;
	getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
	if (error == 0 && getsockopt(io->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
		info.tcpi_rtt && info.tcpi_rtt <= took)
		ended(x, info.tcpi_rtt);
	else
		ended(x, error == 0 || error == ECONNREFUSED ? took : 0);
}

static bool begin_connection(struct probe *x)
{
	const struct addr *to = &x->assignment.host;
	const bool v4 = addr_is_v4(to);
	const uint16_t port = htons((uint16_t)x->probes->opts.tcp_port);
	struct sockaddr_in sa4 = { .sin_family = AF_INET, .sin_port = port };
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6, .sin6_port = port };
	const struct linger at_once = { 1, 0 };
	const int fd = socket(
		v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	memcpy(&sa4.sin_addr, to->b + 12, 4);
	memcpy(&sa6.sin6_addr, to->b, 16);
	ev_io_set(&x->io, fd, EV_WRITE);
	if (connect(fd, v4 ? (const struct sockaddr *)&sa4 : (const struct sockaddr *)&sa6,
		    v4 ? sizeof sa4 : sizeof sa6) != 0 &&
		errno != EINPROGRESS) {
		close_connection(x);
		return false;
	}
	ev_io_start(x->probes->loop, &x->io);
	return true;
}

/* --- whose turn it is --------------------------------------------------------------------- */

static void send_one(struct probe *x)
{
	struct prober *p = x->probes;

	x->sent_s = clock_seconds();
	x->state = PROBE_WAITING;
	if (!x->tcp) {
		x->tag.sequence = p->sequence++;
		randombytes_buf(&x->tag.token, sizeof x->tag.token);
	}
	if (x->tcp ? !begin_connection(x)
		   : !echo_send(p->opts.echo, &x->assignment.host, &x->tag))
		ended(x, 0);
}

static void give_up_late_ones(struct prober *p)
{
	const double late = clock_seconds() - p->opts.timeout_ms / 1000.0;

	for (unsigned i = 0; i < PROBER_AT_ONCE; i++)
		if (p->probe[i].state == PROBE_WAITING && p->probe[i].sent_s < late)
			ended(&p->probe[i], 0);
}

/* At most a second's packets at a time. */
static void fill_budget(struct prober *p)
{
	const double now = clock_seconds(),
		     most = p->opts.packets > TCP_COST ? p->opts.packets : TCP_COST;

	p->tokens += (now - p->filled_s) * p->opts.packets;
	p->filled_s = now;
	if (p->tokens > most)
		p->tokens = most;
}

/* In turns, so that a slow one keeps nobody waiting; nobody is passed over for what it costs.
 */
static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	struct prober *p = t->data;

	(void)loop;
	(void)events;
	give_up_late_ones(p);
	fill_budget(p);
	for (unsigned k = 0; k < PROBER_AT_ONCE; k++) {
		struct probe *x = &p->probe[p->next];
		const double cost = x->tcp ? TCP_COST : ECHO_COST;
		if (x->state == PROBE_READY && p->tokens < cost)
			return;
		p->next = (p->next + 1) % PROBER_AT_ONCE;
		if (x->state != PROBE_READY)
			continue;
		p->tokens -= cost;
		send_one(x);
	}
}

/* --- the public side ---------------------------------------------------------------------- */

static bool same_assignment(const struct assignment *a, const struct assignment *b)
{
	return memcmp(&a->host, &b->host, sizeof a->host) == 0 && a->net.bits == b->net.bits &&
		memcmp(&a->net.addr, &b->net.addr, sizeof a->net.addr) == 0 &&
		strcmp(a->edge, b->edge) == 0;
}

void prober_add(struct prober *p, const struct assignment *e)
{
	struct probe *free_one = NULL;

	if (!*e->edge && (!prefix_has(&e->net, &e->host) || !addr_is_global(&e->host, NULL)))
		return;
	for (unsigned i = 0; i < PROBER_AT_ONCE; i++) {
		struct probe *x = &p->probe[i];
		if (x->state == PROBE_FREE)
			free_one = free_one ? free_one : x;
		else if (same_assignment(&x->assignment, e))
			return;
	}
	const bool can_echo = p->opts.echo && echo_fd(p->opts.echo, addr_is_v4(&e->host)) >= 0;
	if (!free_one || (!can_echo && !p->opts.tcp_port))
		return;
	free_one->assignment = *e;
	free_one->state = PROBE_READY;
	free_one->tcp = !can_echo;
	free_one->trials = free_one->n = 0;
}

struct prober *prober_new(struct ev_loop *loop, const struct prober_opts *opts)
{
	struct prober *p = memory_zeroed(1, sizeof *p);

	p->loop = loop;
	p->opts = *opts;
	p->filled_s = clock_seconds();
	for (unsigned i = 0; i < PROBER_AT_ONCE; i++) {
		struct probe *x = &p->probe[i];
		x->probes = p;
		ev_io_init(&x->io, on_connected, -1, EV_WRITE);
		x->io.data = x;
	}
	for (unsigned k = 0; k < 2; k++) {
		const int fd = opts->echo ? echo_fd(opts->echo, k == 0) : -1;
		ev_io_init(&p->in[k], on_reply, fd, EV_READ);
		p->in[k].data = p;
		if (fd >= 0)
			ev_io_start(loop, &p->in[k]);
	}
	ev_timer_init(&p->tick, on_tick, TICK_S, TICK_S);
	p->tick.data = p;
	ev_timer_start(loop, &p->tick);
	return p;
}

void prober_free(struct prober *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < PROBER_AT_ONCE; i++)
		close_connection(&p->probe[i]);
	for (unsigned k = 0; k < 2; k++)
		ev_io_stop(p->loop, &p->in[k]);
	ev_timer_stop(p->loop, &p->tick);
	free(p);
}
