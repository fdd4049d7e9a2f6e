#include "web/long_answer.h"

#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NETS = 12000, ROOM = 4 << 20 };

static struct house h;
static struct net_address door;
static char secret[80];

/* With so many measurements that an export of them goes out in pieces. */
static void open_house(void)
{
	struct text times = { 0 };
	char conf[400], path[100];
	const char *words[] = { "latency", "import", path, NULL };

	door = serving_address("127.0.0.1");
	snprintf(conf, sizeof conf,
		"store: { file: w.db }\nmanagement: { listen: \"127.0.0.1:%u\", api: on }\nlatency: { half-life: 6h }\n" SITE_EDGES SITE_POOLS, serving_port(&door));
	house_open(&h, conf);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	text_add(&times, "prefix,edge,rtt_ms\n");
	for (unsigned i = 0; i < NETS; i++)
		text_addf(&times, "73.%u.%u.0/24,ams,%u.5\n", i / 256, i % 256, 60 + i % 100);
	site_put(&h.site, "times.csv", text_get(&times));
	text_fini(&times);
	snprintf(path, sizeof path, "%s/times.csv", h.site.folder);
	house_tell_words(&h, words);
	CU_ASSERT_EQUAL(h.status, 0);
	snprintf(secret, sizeof secret, "%s", house_tell(&h, "token add ci --role read"));
	secret[strcspn(secret, "\n")] = 0;
}

static int ask(void)
{
	char request[300];
	const int fd = serving_connect(&door, SOCK_STREAM, NULL);
	const int len = snprintf(request, sizeof request, "GET /api/v1/latency/export HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n", secret);

	CU_ASSERT_EQUAL(send(fd, request, (size_t)len, MSG_NOSIGNAL), len);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Until the server closes, while the loop turns. */
static size_t read_all(int fd, char *to)
{
	size_t n = 0;

	for (unsigned i = 0; i < 20000 && n < ROOM - 1; i++) {
		const ssize_t more = recv(fd, to + n, ROOM - 1 - n, 0);
		if (more == 0 || (more < 0 && errno != EAGAIN))
			break;
		n += more > 0 ? (size_t)more : 0;
		if (more < 0)
			house_pass(&h, 0.002);
	}
	to[n] = 0;
	return n;
}

/* What is in its chunks (RFC 9112 section 7.1), in place; false when the last is not there. */
static bool join_chunks(char *body)
{
	char *to = body;

	for (const char *at = body;;) {
		char *end;
		const size_t len = strtoul(at, &end, 16);
		if (end == at || strncmp(end, "\r\n", 2) != 0)
			return false;
		if (!len) {
			*to = 0;
			return true;
		}
		memmove(to, end + 2, len);
		to += len;
		at = end + 2 + len + 2;
	}
}

static unsigned networks(const char *csv)
{
	unsigned n = 0;

	for (const char *at = csv; (at = strstr(at, "\n73.")); at++)
		n++;
	return n;
}

static void a_large_answer_goes_out_in_pieces_and_is_whole(void)
{
	char *got = malloc(ROOM), net[40];

	open_house();
	const int fd = ask();
	const size_t n = read_all(fd, got);
	close(fd);
	CU_ASSERT_TRUE(n > TEXT_DRAIN);
	CU_ASSERT_EQUAL(strncmp(got, "HTTP/1.1 200 ", 13), 0);
	char *body = strstr(got, "\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "Content-Type: text/csv\r\n"));
	CU_ASSERT_TRUE_FATAL(join_chunks(body += 4));
	/* As the command says it; each network is there once. */
	CU_ASSERT_EQUAL(networks(body), NETS);
	for (unsigned i = 0; i < NETS; i += 997) {
		snprintf(net, sizeof net, "\n73.%u.%u.0/24,ams,%u.5", i / 256, i % 256, 60 + i % 100);
		CU_ASSERT_PTR_NOT_NULL(strstr(body, net));
	}
	house_stop(&h);
	house_close(&h);
	free(got);
}

/* Who goes away, or is there when the server stops, keeps nobody. */
static void who_does_not_read_it_keeps_nobody(void)
{
	char *got = malloc(ROOM);

	open_house();
	const int gone = ask();
	house_pass(&h, 0.05);
	close(gone);
	const int slow = ask();
	for (unsigned i = 0; i < 2000 && recv(slow, got, 1000, MSG_PEEK) <= 0; i++)
		house_pass(&h, 0.005);
	house_stop(&h);
	fcntl(slow, F_SETFL, 0); /* no loop turns any more */
	read_all(slow, got);
	close(slow);
	/* What came is all of it, or can be seen to be not. */
	char *body = strstr(got, "\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	CU_ASSERT_TRUE(!join_chunks(body + 4) || networks(body + 4) == NETS);
	house_close(&h);
	free(got);
}

void suite_long_answer(void);
void suite_long_answer(void)
{
	static const struct unit_case cases[] = {
		{ "a large answer goes out in pieces, and is whole", a_large_answer_goes_out_in_pieces_and_is_whole },
		{ "who does not read it keeps nobody", who_does_not_read_it_keeps_nobody },
	};

	unit_suite("web/long_answer", cases, UNIT_COUNT(cases));
}
