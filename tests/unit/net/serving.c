#include "unit/net/serving.h"

#include "unit/unit.h"

#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

void serving_open(struct serving *s)
{
	struct fault why;

	asking_open(&s->x, false);
	memset(&s->epoch, 0, sizeof s->epoch);
	if (!epoch_open(&s->epoch, &why))
		abort();
	epoch_publish(&s->epoch, world_hold(s->x.world));
}

void serving_close(struct serving *s)
{
	epoch_close(&s->epoch);
	asking_close(&s->x);
}

static bool is_free(const struct net_address *at, int type)
{
	const int fd = socket(at->sa.ss_family, type | SOCK_CLOEXEC, 0);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	const bool ok = bind(fd, (const struct sockaddr *)&at->sa, at->len) == 0;
	close(fd);
	return ok;
}

struct net_address serving_address(const char *host)
{
	enum { LEAST = 10000, END = 32768 }; /* behind them are those that the kernel gives to clients, of other suites, too */
	struct net_address at = { .len = 0 };
	struct fault why;

	for (;;) {
		const unsigned port = LEAST + randombytes_uniform(END - LEAST);
		CU_ASSERT_TRUE_FATAL(addr_parse_endpoint(&at.sa, &at.len, host, (uint16_t)port, &why));
		if (is_free(&at, SOCK_DGRAM) && is_free(&at, SOCK_STREAM))
			return at;
	}
}

unsigned serving_port(const struct net_address *at)
{
	return ntohs(((const struct sockaddr_in *)&at->sa)->sin_port);
}

int serving_connect(const struct net_address *at, int type, const char *from)
{
	const struct timeval patience = { .tv_sec = 20 };
	const int fd = socket(at->sa.ss_family, type | SOCK_CLOEXEC, 0);
	struct sockaddr_storage own;
	socklen_t len;
	struct fault why;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (from) {
		CU_ASSERT_TRUE_FATAL(addr_parse_endpoint(&own, &len, from, 0, &why));
		CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&own, len), 0);
	}
	CU_ASSERT_EQUAL_FATAL(connect(fd, (const struct sockaddr *)&at->sa, at->len), 0);
	return fd;
}

const char *serving_udp(struct serving *s, int fd, const char *question, int wait_ms)
{
	uint8_t packet[ASKING_PACKET], reply[2048];
	const size_t len = asking_packet(packet, question);
	struct pollfd p = { fd, POLLIN, 0 };

	CU_ASSERT_EQUAL(send(fd, packet, len, 0), (ssize_t)len);
	if (poll(&p, 1, wait_ms) != 1)
		return "nothing";
	const ssize_t n = recv(fd, reply, sizeof reply, 0);
	s->x.len = n > 0 ? (size_t)n : 0;
	return n > 0 ? asking_text(&s->x, reply, (size_t)n) : "nothing";
}

const char *serving_log(char *to, size_t room, void (*work)(void *ctx), void *ctx)
{
	FILE *log = tmpfile();
	const int err = dup(2);

	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	fflush(stderr);
	dup2(fileno(log), 2);
	work(ctx);
	fflush(stderr);
	dup2(err, 2);
	close(err);
	rewind(log);
	to[fread(to, 1, room - 1, log)] = 0;
	fclose(log);
	return to;
}
