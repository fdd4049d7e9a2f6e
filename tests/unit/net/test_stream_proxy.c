#include "net/stream.h"

#include "unit/net/serving.h"
#include "unit/unit.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* A stream with a thread of its own, whose clients at 127.0.5.1 are proxies. */
struct server {
	struct serving s;
	struct net_address at;
	struct stream *stream;
	pthread_t thread;
};

static void *run(void *stream)
{
	stream_run(stream);
	return NULL;
}

static void start(struct server *v)
{
	static struct prefix proxies;
	const struct stream_opts opts = { .clients = 10, .clients_per_net = 2, .idle_ms = 3600000 };
	struct fault why;

	CU_ASSERT_TRUE_FATAL(prefix_parse(&proxies, "127.0.5.1/32", &why));
	serving_open(&v->s);
	v->s.x.policy.proxies = &proxies;
	v->s.x.policy.n_proxies = 1;
	asking_again(&v->s.x);
	epoch_publish(&v->s.epoch, world_hold(v->s.x.world));
	v->at = serving_address("127.0.0.1");
	const int fd = listen_tcp(&v->at, &(struct net_opts){ 0 }, 0, &why);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	v->stream = stream_new(&(struct stream_listener){ fd, NET_PLAIN, NULL }, 1, &v->s.epoch, &opts);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&v->thread, NULL, run, v->stream), 0);
}

static void stop(struct server *v)
{
	stream_stop(v->stream);
	pthread_join(v->thread, NULL);
	stream_free(v->stream);
	serving_close(&v->s);
}

/* A connection that says `header` and asks; "closed" when there is no answer. */
static const char *asked(struct server *v, int fd, const char *header)
{
	static uint8_t b[65536];
	uint8_t q[200 + ASKING_PACKET];
	const size_t head = strlen(header);

	memcpy(q, header, head);
	const size_t len = asking_packet(q + head + 2, "www A");
	be16_put(q + head, (unsigned)len);
	CU_ASSERT_EQUAL(send(fd, q, head + 2 + len, MSG_NOSIGNAL), (ssize_t)(head + 2 + len));
	if (recv(fd, b, 2, MSG_WAITALL) != 2 || recv(fd, b + 2, be16_get(b), MSG_WAITALL) != (ssize_t)be16_get(b))
		return "closed";
	v->s.x.len = be16_get(b);
	return asking_text(&v->s.x, b + 2, v->s.x.len);
}

static const char *asked_from(struct server *v, const char *from, const char *header)
{
	const int fd = serving_connect(&v->at, SOCK_STREAM, from);
	const char *text = asked(v, fd, header);

	close(fd);
	return text;
}

static void the_client_is_who_the_proxy_says(void)
{
	struct server v;
	struct sample one;
	char text[ADDR_TEXT];

	start(&v);
	CU_ASSERT_EQUAL(strncmp(asked_from(&v, "127.0.5.1", "PROXY TCP4 192.0.2.7 192.0.2.1 4000 53\r\n"), "NOERROR", 7), 0);
	CU_ASSERT_TRUE_FATAL(samples_get(stream_samples(v.stream), &one));
	CU_ASSERT_STRING_EQUAL(addr_text(text, &one.client), "192.0.2.7");
	/* What it checks for itself. */
	CU_ASSERT_EQUAL(strncmp(asked_from(&v, "127.0.5.1", "PROXY UNKNOWN\r\n"), "NOERROR", 7), 0);
	CU_ASSERT_EQUAL(stream_stats(v.stream)->proxied, 2);
	CU_ASSERT_EQUAL(stream_stats(v.stream)->proxy_refused, 0);
	stop(&v);
}

static void proxies_say_so_and_nobody_else(void)
{
	struct server v;

	start(&v);
	CU_ASSERT_EQUAL(strncmp(asked_from(&v, "127.0.5.2", ""), "NOERROR", 7), 0);
	CU_ASSERT_STRING_EQUAL(asked_from(&v, "127.0.5.2", "PROXY TCP4 192.0.2.7 192.0.2.1 4000 53\r\n"), "closed");
	CU_ASSERT_STRING_EQUAL(asked_from(&v, "127.0.5.1", ""), "closed");
	CU_ASSERT_STRING_EQUAL(asked_from(&v, "127.0.5.1", "PROXY TCP4 192.0.2.7\r\n"), "closed");
	CU_ASSERT_EQUAL(stream_stats(v.stream)->proxied, 0);
	CU_ASSERT_EQUAL(stream_stats(v.stream)->proxy_refused, 3);
	stop(&v);
}

/* Of a net there are as many as of one without a proxy. */
static void the_limit_of_a_net_is_that_of_the_clients(void)
{
	static const char *const header[] = { "PROXY TCP4 192.0.2.7 192.0.2.1 4000 53\r\n", "PROXY TCP4 192.0.2.8 192.0.2.1 4000 53\r\n",
		"PROXY TCP4 198.51.100.7 192.0.2.1 4000 53\r\n", "PROXY TCP4 192.0.2.9 192.0.2.1 4000 53\r\n" };
	struct server v;
	int fd[4];
	uint8_t b;

	start(&v);
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = serving_connect(&v.at, SOCK_STREAM, "127.0.5.1");
		CU_ASSERT_EQUAL(strncmp(asked(&v, fd[i], header[i]), "NOERROR", 7), 0);
	}
	CU_ASSERT_EQUAL(recv(fd[0], &b, 1, 0), 0); /* the oldest of the net made room */
	for (unsigned i = 1; i < 4; i++)
		CU_ASSERT_EQUAL(strncmp(asked(&v, fd[i], ""), "NOERROR", 7), 0);
	for (unsigned i = 0; i < 4; i++)
		close(fd[i]);
	stop(&v);
}

void suite_stream_proxy(void);
void suite_stream_proxy(void)
{
	static const struct unit_case cases[] = {
		{ "the client is who the proxy says", the_client_is_who_the_proxy_says },
		{ "proxies say so, and nobody else", proxies_say_so_and_nobody_else },
		{ "the limit of a net is that of the clients", the_limit_of_a_net_is_that_of_the_clients },
	};

	unit_suite("net/stream, behind a proxy", cases, UNIT_COUNT(cases));
}
