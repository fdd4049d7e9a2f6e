#include "xfr/peer.h"

#include "net/tls_client.h"
#include "unit/unit.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { MOST_MS = 300, DRIP_MS = 20, DRIPS = 1000 };

/* A nameserver that begins a record of TLS and sends a byte of it now and then, until the other
 * side has gone. */
static void *drip(void *arg)
{
	static const uint8_t head[] = { 0x16, 3, 3, 0x40, 0 };
	const int fd = accept(*(int *)arg, NULL, NULL);
	struct pollfd hello = { .fd = fd, .events = POLLIN };

	poll(&hello, 1, 10000);
	for (unsigned i = 0; i < DRIPS; i++) {
		if (send(fd, i < sizeof head ? head + i : head, 1, MSG_NOSIGNAL) != 1)
			break;
		usleep(DRIP_MS * 1000);
	}
	close(fd);
	return NULL;
}

static void bytes_that_drip_are_no_more_time(void)
{
	const struct peer_limits limits = { .connect_ms = 10000,
		.silence_ms = 10000,
		.most_ms = MOST_MS,
		.most_bytes = 1 << 20 };
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t thread = 0;
	struct peer peer;
	struct fault why;

	CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
		listen(fd, 1) == 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
		pthread_create(&thread, NULL, drip, &fd) == 0);
	struct tls_client *tls = tls_client_new(&(struct tls_client_opts){ .verify = false });
	peer_set(&peer, "slow", (struct sockaddr *)&at, sizeof at, NULL);
	peer_set_tls(&peer, tls, ntohs(at.sin_port));
	CU_ASSERT_PTR_NULL(talk_open(&peer, &limits, NULL, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "takes longer than a transfer may"));
	pthread_join(thread, NULL);
	peer_fini(&peer);
	tls_client_drop(tls);
	close(fd);
}

void suite_peer(void);
void suite_peer(void)
{
	static const struct unit_case cases[] = {
		{ "bytes that drip are no more time", bytes_that_drip_are_no_more_time },
	};

	unit_suite("xfr/peer", cases, UNIT_COUNT(cases));
}
