#include "net/udp.h"

#include "unit/net/serving.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include "answer/news.h"
#include "base/clock.h"

#include <errno.h>
#include <ev.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { SOON_MS = 20000 };

struct run {
	struct udp *udp;
	struct timespec used; /* of the processor, by the thread */
};

static void *run(void *arg)
{
	struct run *r = arg;

	udp_run(r->udp);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &r->used);
	return NULL;
}

/* What is no socket gives the same error for ever. */
static void an_error_that_lasts_is_counted_and_keeps_no_processor_busy(void)
{
	struct run r;
	struct epoch epoch = { 0 };
	pthread_t thread;
	int pipes[2];

	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	r.udp = udp_new(pipes[0], &(struct batch_opts){ &epoch, .most = 4 });
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, &r), 0);
	while (__atomic_load_n(&udp_batch(r.udp)->stats.receive_failed, __ATOMIC_RELAXED) < 10)
		usleep(1000);
	udp_stop(r.udp);
	pthread_join(thread, NULL);
	/* 1 + 2 + 4 ... 64 + 100 + 100 ms: whoever spun for so long would have used all of it.
	 */
	CU_ASSERT_EQUAL(r.used.tv_sec, 0);
	CU_ASSERT_TRUE(r.used.tv_nsec < 100000000);
	/* Nobody who spins counts so few. */
	CU_ASSERT_TRUE(udp_batch(r.udp)->stats.receive_failed < 100);
	udp_free(r.udp);
	close(pipes[1]);
}

static int error_told; /* by the mailbox */

static void take(void *ctx, const void *item)
{
	*(unsigned *)ctx += 1;
	error_told = ((const struct answer_news *)item)->error;
}

static bool has_come(void *ctx)
{
	return *(unsigned *)ctx >= 3;
}

static void errors_are_posted(void)
{
	unsigned n = 0;
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
	struct mailbox *news = mailbox_new(
		&(struct mailbox_opts){ loop, 64, sizeof(struct answer_news), &n, take });
	struct epoch epoch = { 0 };
	struct run r;
	pthread_t thread;
	int pipes[2];

	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	r.udp = udp_new(pipes[0], &(struct batch_opts){ &epoch, NULL, news, 4 });
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, &r), 0);
	CU_ASSERT_TRUE(turns_until(loop, has_come, &n));
	CU_ASSERT_EQUAL(error_told, ENOTSOCK);
	udp_stop(r.udp);
	pthread_join(thread, NULL);
	udp_free(r.udp);
	mailbox_free(news);
	ev_loop_destroy(loop);
	close(pipes[1]);
}

/* --- a socket that serves ------------------------------------------------------------------ */

static const char mail[] = "NOERROR aa | mail 300 A 192.0.2.25 | - | - | -";

static struct serving s;

struct server {
	struct net_address at;
	struct run run;
	pthread_t thread;
};

static void start(struct server *v, const char *host, struct rrl *rrl, unsigned batch)
{
	struct fault why;
	const struct net_opts opts = { .batch = batch };

	v->at = serving_address(host);
	const int fd = listen_udp(&v->at, &opts, 0, &why);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	v->run.udp = udp_new(fd, &(struct batch_opts){ &s.epoch, rrl, NULL, batch });
	CU_ASSERT_EQUAL_FATAL(pthread_create(&v->thread, NULL, run, &v->run), 0);
}

static void stop(struct server *v)
{
	udp_stop(v->run.udp);
	pthread_join(v->thread, NULL);
	udp_free(v->run.udp);
}

static void queries_are_answered(void)
{
	struct server v;
	struct sample one;

	serving_open(&s);
	start(&v, "127.0.0.1", NULL, 4);
	const int fd = serving_connect(&v.at, SOCK_DGRAM, NULL);
	CU_ASSERT_STRING_EQUAL(serving_udp(&s, fd, "mail A", SOON_MS), mail);
	CU_ASSERT_STRING_EQUAL(serving_udp(&s, fd, "www A ecs=3.0.1.0/24", SOON_MS),
		"NOERROR aa | www 300 A 192.0.2.4 | - | - | 1232 ecs1/24/17");
	CU_ASSERT_STRING_EQUAL(
		serving_udp(&s, fd, "many A", SOON_MS), "NOERROR aa tc | - | - | - | -");
	CU_ASSERT_TRUE(samples_get(&udp_batch(v.run.udp)->samples, &one));
	CU_ASSERT_EQUAL(one.client.b[12], 3);
	/* As many turns as are steered: the samples of a batch are due anew. */
	serving_udp(&s, fd, "www A", SOON_MS);
	CU_ASSERT_TRUE(samples_get(&udp_batch(v.run.udp)->samples, &one));
	CU_ASSERT_EQUAL(one.client.b[12], 127);
	CU_ASSERT_EQUAL(udp_batch(v.run.udp)->stats.queries[VIA_UDP], 4);
	CU_ASSERT_EQUAL(udp_batch(v.run.udp)->stats.send_failed, 0);
	CU_ASSERT_PTR_NOT_NULL(udp_batch(v.run.udp)->counts);
	close(fd);
	stop(&v);
	serving_close(&s);
}

/* Batches of three, in which some queries get no answer. */
static void each_of_a_batch_gets_its_own_answer(void)
{
	enum { MANY = 60 };
	uint8_t packet[ASKING_PACKET], reply[600];
	bool seen[MANY] = { false };
	struct server v;

	serving_open(&s);
	start(&v, "127.0.0.1", NULL, 3);
	const int fd = serving_connect(&v.at, SOCK_DGRAM, NULL),
		  other = serving_connect(&v.at, SOCK_DGRAM, NULL);
	for (unsigned i = 0; i < MANY; i++) {
		char question[40];
		snprintf(question, sizeof question, "%s %s", i % 2 ? "mail" : "ns1",
			i % 3 ? "A" : "AAAA");
		const size_t len = asking_packet(packet, question);
		be16_put(packet, i);
		if (i % 5 == 4)
			packet[2] |= 0x80; /* a response: nobody answers that */
		send(i % 7 ? fd : other, packet, len, 0);
	}
	for (unsigned i = 0; i < MANY - MANY / 5; i++) {
		struct pollfd p[] = { { fd, POLLIN, 0 }, { other, POLLIN, 0 } };
		CU_ASSERT_TRUE_FATAL(poll(p, 2, SOON_MS) > 0);
		const ssize_t n = recv(p[0].revents ? fd : other, reply, sizeof reply, 0);
		CU_ASSERT_TRUE_FATAL(n > 12);
		const unsigned id = be16_get(reply);
		CU_ASSERT_TRUE_FATAL(id < MANY && !seen[id] && id % 5 != 4);
		seen[id] = true;
		CU_ASSERT_EQUAL(p[0].revents ? id % 7 != 0 : id % 7 == 0, true);
		const char *text = asking_text(&s.x, reply, (size_t)n);
		CU_ASSERT_PTR_NOT_NULL(strstr(text,
			id % 3           ? id % 2 ? "192.0.2.25" : "192.0.2.53"
				: id % 2 ? "SOA"
					 : "2001:db8::53"));
	}
	CU_ASSERT_EQUAL(udp_batch(v.run.udp)->stats.dropped, MANY / 5);
	close(fd);
	close(other);
	stop(&v);
	serving_close(&s);
}

/* On a socket for all addresses, from the one that was asked. */
static void the_answer_comes_from_where_the_query_went(void)
{
	static const struct {
		const char *listen, *ask;
	} row[] = { { "0.0.0.0", "127.0.0.7" }, { "0.0.0.0", "127.0.0.1" }, { "[::]", "[::1]" },
		{ "127.0.0.3", "127.0.0.3" } };

	serving_open(&s);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct server v;
		struct net_address ask = { .len = 0 };
		struct fault why;
		start(&v, row[i].listen, NULL, 8);
		CU_ASSERT_TRUE_FATAL(addr_parse_endpoint(
			&ask.sa, &ask.len, row[i].ask, serving_port(&v.at), &why));
		/* A connected socket takes nothing from anywhere else. */
		const int fd = serving_connect(&ask, SOCK_DGRAM, NULL);
		for (unsigned k = 0; k < 3; k++)
			CU_ASSERT_STRING_EQUAL(serving_udp(&s, fd, "mail A", SOON_MS), mail);
		close(fd);
		stop(&v);
	}
	serving_close(&s);
}

static void a_query_that_is_too_long_is_cut(void)
{
	static uint8_t b[4000];
	struct server v;

	serving_open(&s);
	start(&v, "127.0.0.1", NULL, 2);
	const int fd = serving_connect(&v.at, SOCK_DGRAM, NULL);
	for (size_t len = 1279; len < sizeof b; len += 1000) {
		uint8_t reply[600];
		memset(b, 0, sizeof b);
		/* An option of unknown kind up to the end. */
		const size_t n = asking_packet(b, "mail A edns");
		be16_put(b + n - 2, (unsigned)(len - n));
		be16_put(b + n, 65001);
		be16_put(b + n + 2, (unsigned)(len - n - 4));
		send(fd, b, len, 0);
		const ssize_t got = recv(fd, reply, sizeof reply, 0);
		CU_ASSERT_TRUE_FATAL(got > 0);
		const char *text = asking_text(&s.x, reply, (size_t)got);
		CU_ASSERT_EQUAL(strncmp(text, len <= 1280 ? "NOERROR" : "FORMERR", 7), 0);
	}
	close(fd);
	stop(&v);
	serving_close(&s);
}

static void rates_are_limited_for_all_of_a_socket(void)
{
	struct server v;
	struct rrl *rrl = rrl_new();

	serving_open(&s);
	s.x.policy.limits = (struct policy_limits){ .on = true, .window_s = 15 };
	s.x.policy.limits.rate[CLASS_ANSWER] = 1;
	asking_again(&s.x);
	epoch_publish(&s.epoch, world_hold(s.x.world));
	start(&v, "127.0.0.1", rrl, 4);
	const int fd = serving_connect(&v.at, SOCK_DGRAM, NULL);
	CU_ASSERT_STRING_EQUAL(serving_udp(&s, fd, "mail A", SOON_MS), mail);
	uint8_t packet[ASKING_PACKET];
	const size_t len = asking_packet(packet, "mail A");
	for (unsigned i = 0; i < 200; i++)
		send(fd, packet, len, 0);
	/* What is of no class that is limited is answered, behind all of those. */
	uint8_t reply[600];
	unsigned answers = 0;
	packet[13] = 'n';
	send(fd, packet, len, 0);
	while (recv(fd, reply, sizeof reply, 0) > 0 && (reply[3] & 15) != RCODE_NXDOMAIN)
		answers++;
	CU_ASSERT_TRUE(answers < 100);
	CU_ASSERT_TRUE(udp_batch(v.run.udp)->stats.withheld >= 100);
	close(fd);
	stop(&v);
	rrl_free(rrl);
	serving_close(&s);
}

static uint64_t timed(const struct stats *has)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < STATS_TIMES; i++)
		n += __atomic_load_n(&has->times[i], __ATOMIC_RELAXED);
	return n;
}

static void what_answers_take_is_counted_where_it_is_wanted(void)
{
	enum { QUERIES = 20 };
	struct server v;

	for (unsigned wanted = 0; wanted < 2; wanted++) {
		serving_open(&s);
		s.x.policy.counts_more = wanted;
		asking_again(&s.x);
		epoch_publish(&s.epoch, world_hold(s.x.world));
		start(&v, "127.0.0.1", NULL, 4);
		const int fd = serving_connect(&v.at, SOCK_DGRAM, NULL);
		const uint64_t from = clock_us();
		for (unsigned i = 0; i < QUERIES; i++)
			CU_ASSERT_STRING_EQUAL(serving_udp(&s, fd, "mail A", SOON_MS), mail);
		close(fd);
		const struct stats *has = &udp_batch(v.run.udp)->stats;
		for (unsigned i = 0; i < SOON_MS && wanted && timed(has) < QUERIES; i++)
			usleep(1000); /* a batch's time is counted behind its answers */
		CU_ASSERT_EQUAL(timed(has), wanted ? QUERIES : 0);
		CU_ASSERT_TRUE(has->times_us <= clock_us() - from);
		stop(&v);
		serving_close(&s);
	}
}

/* In a network of its own, whose loopback takes 600 bytes in one piece. */
static void *in_small_pieces(void *ctx)
{
	struct ifreq lo = { .ifr_name = "lo" };
	bool *skipped = ctx;
	struct server v;

	if (unshare(CLONE_NEWNET) != 0) {
		*skipped = true;
		return NULL;
	}
	const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	lo.ifr_flags = IFF_UP;
	CU_ASSERT_EQUAL(ioctl(any, SIOCSIFFLAGS, &lo), 0);
	lo.ifr_mtu = 600;
	CU_ASSERT_EQUAL(ioctl(any, SIOCSIFMTU, &lo), 0);
	close(any);
	start(&v, "127.0.0.1", NULL, 4);
	const int fd = serving_connect(&v.at, SOCK_DGRAM, NULL);
	/* 600 less 28 of the headers: 33 records of 16 bytes and 26 + 11 are 565, 34 are not.
	 */
	CU_ASSERT_PTR_NOT_NULL(
		strstr(serving_udp(&s, fd, "exactly A size=4096", SOON_MS), "10.2.0.30"));
	const char *text = serving_udp(&s, fd, "elevenbytes A size=4096", SOON_MS);
	CU_ASSERT_STRING_EQUAL(text, "NOERROR aa tc | - | - | - | 1232"); /* with OPT */
	text = serving_udp(&s, fd, "mail A", SOON_MS);
	CU_ASSERT_STRING_EQUAL(text, mail);
	CU_ASSERT_EQUAL(udp_batch(v.run.udp)->stats.send_failed, 0);
	close(fd);
	stop(&v);
	return NULL;
}

static void what_our_own_link_does_not_take_is_truncated(void)
{
	bool skipped = false;
	pthread_t thread;

	serving_open(&s);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, in_small_pieces, &skipped), 0);
	pthread_join(thread, NULL);
	if (skipped)
		printf("  no network of its own is allowed: nothing was tried\n");
	serving_close(&s);
}

static void what_cannot_go_out_is_counted_and_the_rest_goes(void)
{
	uint8_t packet[ASKING_PACKET];
	struct server v;

	serving_open(&s);
	start(&v, "127.0.0.1", NULL, 4);
	const int fd = serving_connect(&v.at, SOCK_DGRAM, NULL),
		  raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	if (raw >= 0) {
		/* From port 0, where nothing can be sent to. */
		const size_t len = asking_packet(packet, "mail A");
		uint8_t datagram[8 + ASKING_PACKET] = { 0 };
		be16_put(datagram + 2, serving_port(&v.at));
		be16_put(datagram + 4, (unsigned)(8 + len));
		memcpy(datagram + 8, packet, len);
		struct sockaddr_storage to = v.at.sa;
		sendto(raw, datagram, 8 + len, 0, (struct sockaddr *)&to, v.at.len);
		close(raw);
		CU_ASSERT_STRING_EQUAL(serving_udp(&s, fd, "mail A", SOON_MS), mail);
		CU_ASSERT_EQUAL(udp_batch(v.run.udp)->stats.send_failed, 1);
	}
	close(fd);
	stop(&v);
	serving_close(&s);
}

void suite_udp(void);
void suite_udp(void)
{
	static const struct unit_case cases[] = {
		{ "an error that lasts is counted and keeps no processor busy",
			an_error_that_lasts_is_counted_and_keeps_no_processor_busy },
		{ "errors are posted", errors_are_posted },
		{ "queries are answered", queries_are_answered },
		{ "each of a batch gets its own answer", each_of_a_batch_gets_its_own_answer },
		{ "the answer comes from where the query went",
			the_answer_comes_from_where_the_query_went },
		{ "a query that is too long is cut", a_query_that_is_too_long_is_cut },
		{ "rates are limited for all of a socket",
			rates_are_limited_for_all_of_a_socket },
		{ "what answers take is counted where it is wanted",
			what_answers_take_is_counted_where_it_is_wanted },
		{ "what our own link does not take is truncated",
			what_our_own_link_does_not_take_is_truncated },
		{ "what cannot go out is counted, and the rest goes",
			what_cannot_go_out_is_counted_and_the_rest_goes },
	};

	unit_suite("net/udp", cases, UNIT_COUNT(cases));
}
