#include "daemon/busiest.h"

#include "base/bytes.h"
#include "unit/answer/asking.h"
#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct house h;

static void query(int fd, const char *question)
{
	uint8_t packet[ASKING_PACKET], reply[1300];
	struct pollfd p = { fd, POLLIN, 0 };
	const size_t len = asking_packet(packet, question);

	CU_ASSERT_TRUE_FATAL(send(fd, packet, len, 0) == (ssize_t)len && poll(&p, 1, 20000) == 1 && recv(fd, reply, sizeof reply, 0) > 12);
}

/* Whoever looks begins it: 16 queries are one at first, and 100 of a name in 150 are the most. */
static void who_is_asked_for_most_is_told_while_somebody_looks(void)
{
	char got[4000] = "";

	house_open(&h, SITE_EDGES SITE_POOLS);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	house_tell(&h, "busiest --json");
	CU_ASSERT_EQUAL(h.status, 0);
	const int fd = serving_connect(&h.at, SOCK_DGRAM, NULL);
	for (unsigned i = 0; i < 40 && !strstr(got, "\"ns.a.example."); i++) {
		for (unsigned k = 0; k < 300; k++)
			query(fd, k % 3 ? "w.a.example. A ecs=198.51.100.0/24" : "ns.a.example. A ecs=2001:db8:7::/48");
		house_pass(&h, 0.05);
		snprintf(got, sizeof got, "%s", house_tell(&h, "busiest --json"));
	}
	const char *first = strstr(got, "\"w.a.example."), *next = strstr(got, "\"ns.a.example.");
	CU_ASSERT_TRUE(first && next && first < next);
	/* Nets that queries come from, and those that they are for. */
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "\"127.0.0.0/24\""));
	first = strstr(got, "\"198.51.100.0/24\"");
	next = strstr(got, "\"2001:db8:7::/48\"");
	CU_ASSERT_TRUE(first && next && first < next);
	close(fd);
	house_stop(&h);
	house_close(&h);
}

void suite_busiest(void);
void suite_busiest(void)
{
	static const struct unit_case cases[] = {
		{ "who is asked for most is told while somebody looks", who_is_asked_for_most_is_told_while_somebody_looks },
	};

	unit_suite("daemon/busiest", cases, UNIT_COUNT(cases));
}
