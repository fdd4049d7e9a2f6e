#include "net/worker.h"

#include "unit/net/serving.h"
#include "unit/unit.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SOON_MS = 20000, QUIET_MS = 150 };

static const char mail[] = "NOERROR aa | mail 300 A 192.0.2.25 | - | - | -";

static struct serving s;
static struct net_address at;
static struct workers *w;

static void open_workers(unsigned n)
{
	struct fault why = { 0 };

	serving_open(&s);
	at = serving_address("127.0.0.1");
	const struct net_opts opts = { .listen = &at,
		.n = 1,
		.workers = n,
		.batch = 8,
		.tcp_clients = 10,
		.tcp_clients_per_net = 10,
		.tcp_idle_ms = 3600000 };
	w = workers_open(&opts, &s.epoch, NULL, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_TRUE_FATAL(workers_start(w, &why));
}

static void close_workers(void)
{
	workers_stop(w);
	serving_close(&s);
}

static void ask_tcp(int fd)
{
	uint8_t b[ASKING_PACKET + 2];
	const size_t len = asking_packet(b + 2, "mail A");

	be16_put(b, (unsigned)len);
	CU_ASSERT_EQUAL(send(fd, b, len + 2, MSG_NOSIGNAL), (ssize_t)len + 2);
}

static const char *told_tcp(int fd)
{
	uint8_t reply[2 + 46];

	if (recv(fd, reply, sizeof reply, MSG_WAITALL) != sizeof reply)
		return "closed";
	return asking_text(&s.x, reply + 2, sizeof reply - 2);
}

/* All that comes in is for who has the sockets, too, and stays there; then it is ours again, and answered. */
static void who_leaves_takes_nothing_and_who_returns_all(void)
{
	struct fault why = { 0 };
	struct workers_report r;
	int udp[8];
	uint8_t packet[ASKING_PACKET];
	const size_t len = asking_packet(packet, "mail A");

	open_workers(2);
	for (unsigned round = 0; round < 3; round++) {
		workers_leave(w);
		workers_report(w, &r);
		const unsigned long long before = r.sum.rcode[0];
		for (unsigned i = 0; i < 8; i++) {
			udp[i] = serving_connect(&at, SOCK_DGRAM, NULL);
			CU_ASSERT_EQUAL(send(udp[i], packet, len, 0), (ssize_t)len);
		}
		struct pollfd p[] = { { udp[0], POLLIN, 0 }, { udp[5], POLLIN, 0 } };
		CU_ASSERT_EQUAL(poll(p, 2, QUIET_MS), 0);
		workers_report(w, &r);
		CU_ASSERT_EQUAL(r.sum.rcode[0], before);
		const int tcp = serving_connect(&at, SOCK_STREAM, NULL); /* the kernel takes it in */
		ask_tcp(tcp);
		CU_ASSERT_TRUE_FATAL(workers_return(w, &why));
		for (unsigned i = 0; i < 8; i++) {
			struct pollfd one = { udp[i], POLLIN, 0 };
			CU_ASSERT_EQUAL(poll(&one, 1, SOON_MS), 1);
			CU_ASSERT_STRING_EQUAL(serving_udp(&s, udp[i], "mail A", SOON_MS), mail);
			close(udp[i]);
		}
		CU_ASSERT_STRING_EQUAL(told_tcp(tcp), mail);
		close(tcp);
	}
	close_workers();
}

/* They that are there are answered until they have nothing to ask. */
static void connections_go_on_while_new_ones_wait(void)
{
	struct fault why = { 0 };

	open_workers(1);
	const int old = serving_connect(&at, SOCK_STREAM, NULL);
	ask_tcp(old);
	CU_ASSERT_STRING_EQUAL(told_tcp(old), mail);
	ask_tcp(old);
	workers_leave(w);
	CU_ASSERT_STRING_EQUAL(told_tcp(old), mail);
	CU_ASSERT_TRUE_FATAL(workers_return(w, &why));
	CU_ASSERT_TRUE_FATAL(workers_return(w, &why)); /* who runs goes on */
	const int new = serving_connect(&at, SOCK_STREAM, NULL), udp = serving_connect(&at, SOCK_DGRAM, NULL);
	ask_tcp(new);
	CU_ASSERT_STRING_EQUAL(told_tcp(new), mail);
	CU_ASSERT_STRING_EQUAL(serving_udp(&s, udp, "mail A", SOON_MS), mail);
	close(old);
	close(new);
	close(udp);
	close_workers();
}

/* Those who have left can be stopped, too. */
static void who_has_left_can_be_stopped(void)
{
	open_workers(2);
	workers_leave(w);
	workers_leave(w);
	close_workers();
}

/* One of UDP and one of TCP for each worker; more than there is room for are counted only. */
static void all_sockets_are_told(void)
{
	int fd[8];

	open_workers(2);
	CU_ASSERT_EQUAL(workers_sockets(w, NULL, 0), 4);
	memset(fd, 0xff, sizeof fd);
	CU_ASSERT_EQUAL(workers_sockets(w, fd, 3), 4);
	CU_ASSERT_EQUAL(fd[3], -1);
	CU_ASSERT_EQUAL(workers_sockets(w, fd, 8), 4);
	CU_ASSERT_EQUAL(fd[4], -1);
	unsigned datagrams = 0, listeners = 0;
	for (unsigned i = 0; i < 4; i++) {
		int type = 0, listens = 0;
		socklen_t len = sizeof type;
		struct sockaddr_in own;
		socklen_t own_len = sizeof own;
		CU_ASSERT_EQUAL(getsockopt(fd[i], SOL_SOCKET, SO_TYPE, &type, &len), 0);
		CU_ASSERT_EQUAL(getsockopt(fd[i], SOL_SOCKET, SO_ACCEPTCONN, &listens, &len), 0);
		CU_ASSERT_EQUAL(getsockname(fd[i], (struct sockaddr *)&own, &own_len), 0);
		CU_ASSERT_EQUAL(ntohs(own.sin_port), serving_port(&at));
		for (unsigned k = 0; k < i; k++)
			CU_ASSERT_NOT_EQUAL(fd[i], fd[k]);
		datagrams += type == SOCK_DGRAM;
		listeners += type == SOCK_STREAM && listens;
	}
	CU_ASSERT(datagrams == 2 && listeners == 2);
	close_workers();
}

static const struct unit_case cases[] = {
	{ "who leaves takes nothing, and who returns all", who_leaves_takes_nothing_and_who_returns_all },
	{ "connections go on while new ones wait", connections_go_on_while_new_ones_wait },
	{ "who has left can be stopped", who_has_left_can_be_stopped },
	{ "all sockets are told", all_sockets_are_told },
};

void suite_worker_leave(void);
void suite_worker_leave(void)
{
	unit_suite("net/worker_leave", cases, UNIT_COUNT(cases));
}
