#include "unit/fleet/engine.h"

#include "unit/unit.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct engine_line of_a_master[] = {
	{ "PING", "+PONG\r\n" },
	{ "ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n" },
	{ "EXISTS", ":0\r\n" },
	{ "SUBSCRIBE", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n" },
	{ "", "+OK\r\n" },
};

static void end_call(struct engine_call *c)
{
	if (c->fd < 0)
		return;
	ev_io_stop(c->e->loop, &c->io);
	redisReaderFree(c->reader);
	close(c->fd);
	c->fd = -1;
	c->e->live--;
}

void engine_send_to(struct engine_call *c, const char *bytes, size_t len)
{
	while (len && c->fd >= 0) {
		const ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN) /* who asked is gone */
			return;
		ev_run(c->e->loop, EVRUN_NOWAIT); /* it is the same loop that takes it */
	}
}

void engine_send(struct engine *e, const char *bytes, size_t len)
{
	CU_ASSERT_NOT_EQUAL_FATAL(e->n, 0);
	engine_send_to(&e->of[e->n - 1], bytes, len);
}

/* --- commands ----------------------------------------------------------------------------- */

static void note(struct engine *e, const redisReply *m, char words[static ENGINE_WORDS])
{
	size_t len = 0;

	words[0] = 0;
	for (size_t i = 0; i < m->elements && len < ENGINE_WORDS; i++)
		len += (size_t)snprintf(words + len, ENGINE_WORDS - len, "%s%s", i ? " " : "", m->element[i]->str);
	len = strlen(words);
	const size_t at = strlen(e->notes);
	if (at + len + 2 < sizeof e->notes)
		snprintf(e->notes + at, sizeof e->notes - at, "%s|", words);
	e->commands++;
}

static const char *reply_of(const struct engine *e, const char *words)
{
	for (const struct engine_line *l = e->script; l && l->begins; l++)
		if (strncmp(words, l->begins, strlen(l->begins)) == 0)
			return l->reply;
	const struct engine_line *l = of_a_master;
	while (strncmp(words, l->begins, strlen(l->begins)) != 0)
		l++;
	return l->reply;
}

static void take(struct engine_call *c, const redisReply *m)
{
	char words[ENGINE_WORDS];

	CU_ASSERT_EQUAL_FATAL(m->type, REDIS_REPLY_ARRAY);
	note(c->e, m, words);
	if (c->e->answer && c->e->answer(c->e->ctx, c, m))
		return;
	const char *reply = reply_of(c->e, words);
	if (reply)
		engine_send_to(c, reply, strlen(reply));
	else
		end_call(c);
}

static void on_bytes(struct ev_loop *loop, ev_io *io, int events)
{
	struct engine_call *c = io->data;
	char buf[65536];
	void *m = NULL;

	(void)loop;
	(void)events;
	const ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end_call(c);
		return;
	}
	CU_ASSERT_EQUAL(redisReaderFeed(c->reader, buf, (size_t)n), REDIS_OK);
	while (c->fd >= 0 && redisReaderGetReply(c->reader, &m) == REDIS_OK && m) {
		take(c, m);
		freeReplyObject(m);
	}
}

/* --- connections -------------------------------------------------------------------------- */

static void on_call(struct ev_loop *loop, ev_io *io, int events)
{
	struct engine *e = io->data;
	const int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	if (e->n == ENGINE_CALLS) {
		CU_FAIL("more connections than an engine has room for");
		close(fd);
		return;
	}
	struct engine_call *c = &e->of[e->n++];
	*c = (struct engine_call){ .e = e, .fd = fd, .reader = redisReaderCreate() };
	ev_io_init(&c->io, on_bytes, fd, EV_READ);
	c->io.data = c;
	ev_io_start(loop, &c->io);
	e->live++;
}

void engine_open(struct engine *e, struct ev_loop *loop)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*e = (struct engine){ .loop = loop };
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&at, len), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 16), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	e->port = ntohs(at.sin_port);
	ev_io_init(&e->io, on_call, fd, EV_READ);
	e->io.data = e;
	ev_io_start(loop, &e->io);
}

void engine_hang_up(struct engine *e)
{
	for (unsigned i = 0; i < e->n; i++)
		end_call(&e->of[i]);
}

void engine_forget(struct engine *e)
{
	e->notes[0] = 0;
	e->commands = 0;
}

void engine_close(struct engine *e)
{
	engine_hang_up(e);
	ev_io_stop(e->loop, &e->io);
	close(e->io.fd);
}
