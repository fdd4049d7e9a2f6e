#include "web/manage_own.h"

#include "unit/net/serving.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The listener alone, with hooks of its own. */
struct desk {
	struct ev_loop *loop;
	char dir[32], socket[64];
	struct manage_hooks hooks;
	struct fault why;
	unsigned asked;
	bool is_open, busy; /* what hooks say */
	char got[2000];
};

static enum manage_metrics metrics(void *ctx, struct request *r, bool open)
{
	struct desk *d = ctx;
	struct text body = { 0 };

	d->asked++;
	d->is_open = open;
	if (d->busy)
		return MANAGE_BUSY;
	text_add(&body, "a 1\n");
	manage_answer(r, "text/x-numbers", &body);
	text_fini(&body);
	return MANAGE_LATER;
}

static bool ready(void *ctx, struct text *say)
{
	const struct desk *d = ctx;

	text_add(say, d->busy ? "not yet: busy\n" : "ready\n");
	return !d->busy;
}

static void open_desk(struct desk *d)
{
	*d = (struct desk){ .loop = ev_loop_new(EVFLAG_NOENV), .hooks = { .ctx = d, .metrics = metrics, .ready = ready } };
	strcpy(d->dir, "/tmp/unit_manage.XXXXXX");
	if (!mkdtemp(d->dir))
		abort();
	snprintf(d->socket, sizeof d->socket, "%s/s", d->dir);
}

static void close_desk(struct desk *d)
{
	rmdir(d->dir);
	ev_loop_destroy(d->loop);
}

static struct manage *open_at(struct desk *d, const struct net_address *at, const char *socket)
{
	return manage_open(&(struct manage_opts){ .loop = d->loop, .listen = at ? (const struct sockaddr *)&at->sa : NULL, .len = at ? at->len : 0,
				   .hooks = &d->hooks, .fd = -1, .socket = socket, .socket_fd = -1 },
		&d->why);
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
		return fd;
	close(fd);
	return -1;
}

/* What comes until the server closes, while the loop turns. */
static const char *exchange(struct desk *d, int fd, const char *request)
{
	size_t n = 0;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (unsigned i = 0; i < 10000 && n < sizeof d->got - 1; i++) {
		const ssize_t more = recv(fd, d->got + n, sizeof d->got - 1 - n, 0);
		if (more == 0 || (more < 0 && errno != EAGAIN))
			break;
		n += more > 0 ? (size_t)more : 0;
		turns_now(d->loop);
		if (more < 0)
			usleep(500);
	}
	close(fd);
	d->got[n] = 0;
	return d->got;
}

#define REST " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static bool is_socket(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void an_address_that_cannot_be_had_is_told(void)
{
	struct desk d;
	struct net_address at = serving_address("127.0.0.1"), none = serving_address("127.0.0.1");
	char says[100];

	open_desk(&d);
	struct manage *m = open_at(&d, &at, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_TRUE(manage_socket(m) >= 0);
	CU_ASSERT_EQUAL(manage_local_socket(m), -1);
	CU_ASSERT_PTR_NULL(open_at(&d, &at, NULL));
	snprintf(says, sizeof says, "management: listen: 127.0.0.1:%u: Address already in use", serving_port(&at));
	CU_ASSERT_STRING_EQUAL(d.why.text, says);
	/* One of the two is enough to fail, and nothing is left of the other. */
	CU_ASSERT_PTR_NULL(open_at(&d, &at, d.socket));
	CU_ASSERT_FALSE(is_socket(d.socket));
	snprintf(d.socket, sizeof d.socket, "%s/none/s", d.dir);
	CU_ASSERT_PTR_NULL(open_at(&d, &none, d.socket));
	CU_ASSERT_PTR_EQUAL(strstr(d.why.text, "management: listen: socket"), d.why.text);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.why.text, "No such file or directory"));
	m = (manage_close(m), open_at(&d, &none, NULL));
	CU_ASSERT_PTR_NOT_NULL(m);
	manage_close(m);
	manage_close(NULL);
	close_desk(&d);
}

static void numbers_are_told_at_the_unix_socket(void)
{
	struct desk d;

	open_desk(&d);
	struct manage *m = open_at(&d, NULL, d.socket);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_TRUE(is_socket(d.socket) && manage_local_socket(m) >= 0);
	CU_ASSERT_EQUAL(manage_socket(m), -1);
	const char *got = exchange(&d, connect_to(d.socket), "GET /metrics" REST);
	CU_ASSERT_EQUAL(strncmp(got, "HTTP/1.1 200 ", 13), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "Content-Type: text/x-numbers\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "\r\n\r\na 1\n"));
	CU_ASSERT_TRUE(d.asked == 1 && !d.is_open);
	/* A prober's wish for OpenMetrics is heard. */
	exchange(&d, connect_to(d.socket), "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: application/openmetrics-text;version=1.0.0\r\n\r\n");
	CU_ASSERT_TRUE(d.asked == 2 && d.is_open);
	got = exchange(&d, connect_to(d.socket), "GET /readyz" REST);
	CU_ASSERT_TRUE(strncmp(got, "HTTP/1.1 200 ", 13) == 0 && strstr(got, "\r\n\r\nready\n"));
	d.busy = true;
	got = exchange(&d, connect_to(d.socket), "GET /readyz" REST);
	CU_ASSERT_TRUE(strncmp(got, "HTTP/1.1 503 ", 13) == 0 && strstr(got, "not yet: busy\n"));
	got = exchange(&d, connect_to(d.socket), "GET /metrics" REST);
	CU_ASSERT_EQUAL(strncmp(got, "HTTP/1.1 503 ", 13), 0);
	manage_close(m);
	CU_ASSERT_FALSE(is_socket(d.socket));
	close_desk(&d);
}

/* A successor listens there by now: what it has bound is its own. */
static void another_ones_socket_stays(void)
{
	struct desk d;

	open_desk(&d);
	struct manage *m = open_at(&d, NULL, d.socket);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(unlink(d.socket), 0);
	struct manage *next = open_at(&d, NULL, d.socket);
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	manage_close(m);
	CU_ASSERT_TRUE(is_socket(d.socket));
	CU_ASSERT_EQUAL(strncmp(exchange(&d, connect_to(d.socket), "GET /readyz" REST), "HTTP/1.1 200 ", 13), 0);
	/* One that was handed over: its socket is taken by the other, and who has left takes nobody in. */
	struct manage *heir = manage_open(&(struct manage_opts){ .loop = d.loop, .hooks = &d.hooks, .fd = -1, .socket = d.socket,
						  .socket_fd = dup(manage_local_socket(next)) },
		&d.why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(heir);
	manage_leave(next);
	manage_leave(next);
	CU_ASSERT_EQUAL(strncmp(exchange(&d, connect_to(d.socket), "GET /readyz" REST), "HTTP/1.1 200 ", 13), 0);
	manage_close(next);
	CU_ASSERT_TRUE(is_socket(d.socket));
	CU_ASSERT_EQUAL(strncmp(exchange(&d, connect_to(d.socket), "GET /readyz" REST), "HTTP/1.1 200 ", 13), 0);
	manage_close(heir);
	CU_ASSERT_FALSE(is_socket(d.socket));
	close_desk(&d);
}

/* The listener's thread has handed over a request. */
static bool waits(struct manage *m)
{
	pthread_mutex_lock(&m->lock);
	const bool is = m->queue;
	pthread_mutex_unlock(&m->lock);
	return is;
}

/* Who waits for an answer when the server stops gets one that says so. */
static void who_waits_is_told_that_the_server_stops(void)
{
	struct desk d;
	static const char request[] = "GET /readyz" REST;

	open_desk(&d);
	struct manage *m = open_at(&d, NULL, d.socket);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	const int fd = connect_to(d.socket);
	CU_ASSERT_EQUAL(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
	for (unsigned i = 0; i < 10000 && !waits(m); i++)
		usleep(200);
	CU_ASSERT_TRUE(waits(m));
	manage_close(m);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	const ssize_t n = recv(fd, d.got, sizeof d.got - 1, 0);
	d.got[n > 0 ? n : 0] = 0;
	close(fd);
	CU_ASSERT_TRUE(n <= 0 || strncmp(d.got, "HTTP/1.1 503 ", 13) == 0); /* libmicrohttpd may hang up first */
	CU_ASSERT_EQUAL(d.asked, 0);
	close_desk(&d);
}

static const struct unit_case cases[] = {
	{ "an address that cannot be had is told", an_address_that_cannot_be_had_is_told },
	{ "numbers are told at the Unix socket", numbers_are_told_at_the_unix_socket },
	{ "another one's socket stays", another_ones_socket_stays },
	{ "who waits is told that the server stops", who_waits_is_told_that_the_server_stops },
};

void suite_manage(void);
void suite_manage(void)
{
	unit_suite("web/manage", cases, UNIT_COUNT(cases));
}
