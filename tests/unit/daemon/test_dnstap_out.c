#include "daemon/dnstap_out.h"

#include "unit/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char path[64];
static const struct dnstap_source source = { "me", "v" };
static struct {
	struct tap_head head;
	uint8_t bytes[512];
} said = { .head = { .query_len = 12, .answer_len = 500 } };

static int listen_there(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(path, sizeof path, "/tmp/unit_dnstap.%d", (int)getpid());
	unlink(path);
	strcpy(sa.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 4), 0);
	return fd;
}

/* The reader's end, once it is greeted; `takes` is what it says that it takes. */
static int greet(struct dnstap_out *o, int listener, const uint8_t *accept, size_t len)
{
	uint8_t got[DNSTAP_CONTROL_MOST], ready[DNSTAP_CONTROL_MOST];
	struct pollfd p;

	dnstap_out_step(o, &p);
	const int fd = accept4(listener, NULL, NULL, 0);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	const size_t n = dnstap_control(ready, DNSTAP_READY);
	CU_ASSERT_EQUAL(recv(fd, got, sizeof got, 0), (ssize_t)n);
	CU_ASSERT_EQUAL(memcmp(got, ready, n), 0);
	CU_ASSERT_EQUAL(send(fd, accept, len, 0), (ssize_t)len);
	dnstap_out_step(o, &p);
	return fd;
}

static int greet_well(struct dnstap_out *o, int listener)
{
	uint8_t accept[DNSTAP_CONTROL_MOST];

	return greet(o, listener, accept, dnstap_control(accept, DNSTAP_ACCEPT));
}

static void who_reads_gets_a_stream_with_its_start_and_end(void)
{
	uint8_t got[4096], control[DNSTAP_CONTROL_MOST];
	const int listener = listen_there();
	struct dnstap_out *o = dnstap_out_new();
	struct pollfd p;

	dnstap_out_aim(o, path, &source);
	const int fd = greet_well(o, listener);
	CU_ASSERT_TRUE(dnstap_out_counts(o).talks);
	dnstap_out_put(o, &said.head, false);
	dnstap_out_put(o, &said.head, true);
	dnstap_out_step(o, &p);
	CU_ASSERT_EQUAL(dnstap_out_counts(o).sent, 2);
	/* The answer to STOP is there already. */
	send(fd, control, dnstap_control(control, DNSTAP_FINISH), 0);
	dnstap_out_end(o, 100000);
	size_t n = 0;
	for (ssize_t more; (more = recv(fd, got + n, sizeof got - n, 0)) > 0;)
		n += (size_t)more;
	const size_t start = dnstap_control(control, DNSTAP_START);
	CU_ASSERT_EQUAL(memcmp(got, control, start), 0);
	const size_t stop = dnstap_control(control, DNSTAP_STOP);
	CU_ASSERT_TRUE(n > start + 512 + stop && memcmp(got + n - stop, control, stop) == 0);
	CU_ASSERT_EQUAL(dnstap_out_counts(o).lost, 0);
	close(fd);
	close(listener);
	dnstap_out_free(o);
	unlink(path);
}

static void who_stops_reading_keeps_nobody_waiting(void)
{
	const int listener = listen_there();
	struct dnstap_out *o = dnstap_out_new();
	const unsigned all = 3 * DNSTAP_OUT_ROOM / 500;
	struct pollfd p;

	dnstap_out_aim(o, path, &source);
	const int fd = greet_well(o, listener);
	for (unsigned i = 0; i < all; i++) {
		dnstap_out_put(o, &said.head, true);
		if (i % 1000 == 0)
			dnstap_out_step(o, &p);
	}
	CU_ASSERT_TRUE(dnstap_out_counts(o).lost > all / 3);
	CU_ASSERT_EQUAL(p.events & POLLOUT, POLLOUT);
	/* Gone: what waits is lost, too. */
	close(fd);
	dnstap_out_step(o, &p);
	CU_ASSERT_FALSE(dnstap_out_counts(o).talks);
	CU_ASSERT_EQUAL(dnstap_out_counts(o).sent + dnstap_out_counts(o).lost, all);
	dnstap_out_put(o, &said.head, true);
	CU_ASSERT_EQUAL(dnstap_out_counts(o).sent + dnstap_out_counts(o).lost, all + 1);
	close(listener);
	dnstap_out_free(o);
	unlink(path);
}

static void who_is_not_there_or_takes_other_things_is_tried_again(void)
{
	struct dnstap_out *o = dnstap_out_new();
	struct pollfd p;

	snprintf(path, sizeof path, "/tmp/unit_dnstap.%d", (int)getpid());
	unlink(path);
	dnstap_out_aim(o, path, &source);
	dnstap_out_step(o, &p);
	CU_ASSERT_EQUAL(p.fd, -1);
	const int listener = listen_there();
	dnstap_out_aim(o, NULL, NULL);
	dnstap_out_aim(o, path, &source); /* at once, not when its time has come */
	int fd = greet(o, listener, (const uint8_t *)"\0\0\0\0\0\0\0\xd\0\0\0\1\0\0\0\1\0\0\0\1x", 21);
	CU_ASSERT_FALSE(dnstap_out_counts(o).talks);
	close(fd);
	dnstap_out_aim(o, NULL, NULL);
	dnstap_out_aim(o, path, &source);
	fd = greet(o, listener, (const uint8_t *)"HTTP/1.1 400", 12);
	CU_ASSERT_FALSE(dnstap_out_counts(o).talks);
	close(fd);
	dnstap_out_aim(o, NULL, NULL);
	dnstap_out_aim(o, path, &source);
	fd = greet_well(o, listener);
	CU_ASSERT_TRUE(dnstap_out_counts(o).talks);
	close(fd);
	close(listener);
	dnstap_out_free(o);
	unlink(path);
}

static const struct unit_case cases[] = {
	{ "who reads gets a stream with its start and end",
		who_reads_gets_a_stream_with_its_start_and_end },
	{ "who stops reading keeps nobody waiting", who_stops_reading_keeps_nobody_waiting },
	{ "who is not there or takes other things is tried again",
		who_is_not_there_or_takes_other_things_is_tried_again },
};

void suite_dnstap_out(void);
void suite_dnstap_out(void)
{
	unit_suite("daemon/dnstap_out", cases, UNIT_COUNT(cases));
}
