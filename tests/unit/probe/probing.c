#include "unit/probe/probing.h"

#include "unit/net/serving.h"
#include "unit/steer/small_world.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- a round ------------------------------------------------------------------------------ */

static void changed(void *ctx, bool soon)
{
	struct probing *p = ctx;

	p->changes++;
	p->soon += soon;
}

static void had_first(void *ctx)
{
	((struct probing *)ctx)->firsts++;
}

void probing_open(struct probing *p, const char *const *addresses, unsigned n, unsigned port)
{
	static const char *const names[PROBING_EDGES] = { "e0", "e1", "e2", "e3", "e4", "e5",
		"e6", "e7" };
	static struct addr v4[PROBING_EDGES], v6[PROBING_EDGES];
	struct edge_opts edges[PROBING_EDGES];
	uint16_t all[PROBING_EDGES];

	memset(p, 0, sizeof *p);
	p->loop = ev_loop_new(EVFLAG_NOENV);
	p->atlas = small_atlas();
	for (unsigned i = 0; i < n; i++) {
		char text[100], *rest = text;
		const char *one;
		edges[i] = (struct edge_opts){
			.name = names[i], .weight = 1, .a = &v4[i], .aaaa = &v6[i]
		};
		snprintf(text, sizeof text, "%s", addresses[i]);
		while ((one = strsep(&rest, " ")) != NULL) {
			struct addr a;
			CU_ASSERT_TRUE_FATAL(addr_parse(&a, one));
			if (addr_is_v4(&a))
				v4[i] = a, edges[i].n_a = 1;
			else
				v6[i] = a, edges[i].n_aaaa = 1;
		}
		all[i] = (uint16_t)i;
		p->asked[i] = 1;
	}
	const struct pool_opts pool = { .name = "web", .edges = all, .n = n, .answers = 1 };
	p->steer = steer_new(&(struct steer_opts){ edges, n, &pool, 1, NULL, NULL }, p->atlas, NULL);
	p->probe = (struct probe_opts){ .name = "probe",
		.kind = PROBE_TCP,
		.port = port,
		.every_ms = 3600000,
		.timeout_ms = 20000,
		.rise = 1,
		.fall = 1 };
	p->round = round_new(&(struct round_opts){ .loop = p->loop,
		.seed = 77,
		.ctx = p,
		.changed = changed,
		.first = had_first });
}

void probing_close(struct probing *p)
{
	round_free(p->round);
	steer_drop(p->steer);
	atlas_drop(p->atlas);
	ev_loop_destroy(p->loop);
}

void probing_plan(struct probing *p)
{
	round_plan(p->round, p->steer, &(struct round_row){ &p->probe, p->asked }, 1);
}

static void told(struct round_ask *a, const struct round_view *v, const char *steps)
{
	struct probing *p = (struct probing *)((char *)a - offsetof(struct probing, ask));

	p->view = *v;
	snprintf(p->say, sizeof p->say, "%s", v->say);
	snprintf(p->steps, sizeof p->steps, "%s", steps);
}

static bool is_told(void *ctx)
{
	return ((struct probing *)ctx)->ask.left == 0;
}

const char *probing_now(struct probing *p, uint32_t target)
{
	p->ask.told = told;
	CU_ASSERT_TRUE_FATAL(round_ask(p->round, &target, 1, &p->ask));
	CU_ASSERT_TRUE_FATAL(turns_until(p->loop, is_told, p));
	return p->say;
}

struct goal {
	struct probing *p;
	uint64_t n;
};

static bool is_reached(void *ctx)
{
	const struct goal *g = ctx;

	return round_totals(g->p->round).probes >= g->n;
}

bool probing_until(struct probing *p, uint64_t n)
{
	struct goal g = { p, n };

	return turns_until(p->loop, is_reached, &g);
}

/* --- a server ------------------------------------------------------------------------------ */

static void on_data(struct ev_loop *loop, ev_io *io, int events)
{
	struct probed *s = io->data;

	(void)events;
	const ssize_t n = recv(io->fd, s->got, sizeof s->got - 1, 0);
	s->got_len = n > 0 ? (size_t)n : 0;
	s->got[s->got_len] = 0;
	if (n > 0 && !s->reply)
		return;
	if (n > 0)
		send(io->fd, s->reply, s->reply_len ? s->reply_len : strlen(s->reply),
			MSG_NOSIGNAL);
	if (n > 0 && s->keeps)
		return;
	ev_io_stop(loop, io);
	close(io->fd);
}

static void on_one(struct ev_loop *loop, ev_io *io, int events)
{
	struct probed *s = io->data;

	(void)events;
	const int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	s->came++;
	if (ev_is_active(&s->one)) {
		ev_io_stop(loop, &s->one);
		close(s->one.fd);
	}
	ev_io_init(&s->one, on_data, fd, EV_READ);
	s->one.data = s;
	ev_io_start(loop, &s->one);
}

static void on_datagram(struct ev_loop *loop, ev_io *io, int events)
{
	struct probed *s = io->data;
	struct sockaddr_storage from;
	socklen_t len = sizeof from;

	(void)loop;
	(void)events;
	const ssize_t n = recvfrom(
		io->fd, s->got, sizeof s->got, 0, (struct sockaddr *)&from, &len);
	s->came++;
	s->got_len = n > 0 ? (size_t)n : 0;
	if (n > 2 && s->reply) {
		char b[600];
		memcpy(b, s->reply, s->reply_len);
		memcpy(b, s->got, 2); /* the ID */
		sendto(io->fd, b, s->reply_len, 0, (struct sockaddr *)&from, len);
	}
}

void probed_open(struct probed *s, struct ev_loop *loop, const char *host, int type)
{
	probed_open_at(s, loop, host, type, 0);
}

void probed_open_at(struct probed *s, struct ev_loop *loop, const char *host, int type, unsigned port)
{
	struct net_address at = serving_address(host);

	if (port) /* of both families at the same place */
		((struct sockaddr_in *)&at.sa)->sin_port = htons((uint16_t)port);
	memset(s, 0, sizeof *s);
	s->loop = loop;
	s->port = serving_port(&at);
	s->fd = socket(at.sa.ss_family, type | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(s->fd, (struct sockaddr *)&at.sa, at.len), 0);
	if (type == SOCK_STREAM)
		CU_ASSERT_EQUAL_FATAL(listen(s->fd, 64), 0);
	ev_io_init(&s->io, type == SOCK_STREAM ? on_one : on_datagram, s->fd, EV_READ);
	s->io.data = s;
	ev_io_start(loop, &s->io);
}

void probed_close(struct probed *s)
{
	ev_io_stop(s->loop, &s->io);
	if (ev_is_active(&s->one)) {
		ev_io_stop(s->loop, &s->one);
		close(s->one.fd);
	}
	close(s->fd);
}
