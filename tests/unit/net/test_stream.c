#include "net/stream.h"

#include "unit/net/serving.h"
#include "unit/unit.h"

#include "base/clock.h"
#include "jobs/mailbox.h"
#include "net/request.h"
#include "net/stream_inner.h"

#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A stream that turns when the test says so, and its clients. */
enum {
	HOUR_MS = 3600000,
	PATIENCE_MS = 20000,
	MAIL = 46 /* bytes of the answer to "mail A" */
};

static struct serving s;
static struct net_address at;
static struct stream *stream;

static int open_world(void)
{
	serving_open(&s);
	epoch_join();
	return 0;
}

static int close_world(void)
{
	epoch_leave();
	serving_close(&s);
	return 0;
}

static void start_with(const struct stream_opts *opts, int send_buffer)
{
	struct fault why;

	at = serving_address("127.0.0.1");
	const int fd = listen_tcp(&at, &(struct net_opts){ 0 }, 0, &why);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	if (send_buffer) /* connections inherit it */
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
	stream = stream_new(&(struct stream_listener){ fd, NET_PLAIN, NULL }, 1, &s.epoch, opts);
}

static void start(const struct stream_opts *opts)
{
	start_with(opts, 0);
}

static void stop(void)
{
	stream_free(stream);
}

static int client(const char *from)
{
	const int fd = serving_connect(&at, SOCK_STREAM, from);
	const unsigned before = (unsigned)stream_stats(stream)->tcp_connections;

	for (int i = 0; i < PATIENCE_MS && stream_stats(stream)->tcp_connections == before;
		i++) {
		stream_turn(stream);
		usleep(100);
	}
	CU_ASSERT_EQUAL(stream_stats(stream)->tcp_connections, before + 1);
	return fd;
}

static void turns(unsigned n)
{
	while (n--)
		stream_turn(stream);
}

/* A message with its length in front; returns how many bytes. */
static size_t put(uint8_t *to, const char *question)
{
	const size_t len = asking_packet(to + 2, question);

	be16_put(to, (unsigned)len);
	return len + 2;
}

static void ask(int fd, const char *question)
{
	uint8_t b[ASKING_PACKET + 2];
	const size_t len = put(b, question);

	CU_ASSERT_EQUAL(send(fd, b, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* `n` bytes, while the stream turns. False when the connection ends or time is over. */
static bool get(int fd, uint8_t *to, size_t n)
{
	const uint64_t end = clock_us() + PATIENCE_MS * 1000ull;

	for (size_t have = 0; have < n;) {
		const ssize_t got = recv(fd, to + have, n - have, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN) || clock_us() > end)
			return false;
		have += got > 0 ? (size_t)got : 0;
		if (got < 0) {
			stream_turn(stream);
			usleep(50);
		}
	}
	return true;
}

/* The next answer, as text. */
static const char *answered(int fd)
{
	static uint8_t b[65536];

	if (!get(fd, b, 2) || !get(fd, b + 2, be16_get(b)))
		return "closed";
	s.x.len = be16_get(b);
	return asking_text(&s.x, b + 2, s.x.len);
}

static bool is_closed(int fd)
{
	uint8_t b;

	return !get(fd, &b, 1);
}

/* Nothing comes, however often the stream turns, and it stays. */
static bool is_quiet(int fd)
{
	uint8_t b;

	turns(20);
	return recv(fd, &b, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static const struct stream_opts usual = { .clients = 100, .clients_per_net = 100, .idle_ms = HOUR_MS };
static const char mail[] = "NOERROR aa | mail 300 A 192.0.2.25 | - | - | -";

static void queries_are_answered_in_order(void)
{
	start(&usual);
	const int fd = client(NULL);
	const uint64_t queries = stream_stats(stream)->queries[VIA_TCP];

	CU_ASSERT_EQUAL(stream_clients(stream), 1);
	for (unsigned i = 0; i < 50; i++) {
		ask(fd, "mail A");
		ask(fd, "nope A");
		ask(fd, "many A");
	}
	for (unsigned i = 0; i < 50; i++) {
		CU_ASSERT_STRING_EQUAL(answered(fd), mail);
		CU_ASSERT_EQUAL(strncmp(answered(fd), "NXDOMAIN", 8), 0);
		answered(fd);
		CU_ASSERT_EQUAL(s.x.len, 1470);
	}
	CU_ASSERT_EQUAL(stream_stats(stream)->queries[VIA_TCP], queries + 150);
	CU_ASSERT_TRUE(is_quiet(fd));
	close(fd);
	stop();
}

static void a_query_in_pieces_is_one(void)
{
	uint8_t b[ASKING_PACKET + 2];
	const size_t len = put(b, "mail A");

	start(&usual);
	const int fd = client(NULL);
	for (size_t i = 0; i < len; i++) {
		CU_ASSERT_TRUE(is_quiet(fd));
		send(fd, b + i, 1, MSG_NOSIGNAL);
	}
	CU_ASSERT_STRING_EQUAL(answered(fd), mail);
	/* Half of the next one with the first. */
	memmove(b + len, b, len);
	send(fd, b, len + len / 2, MSG_NOSIGNAL);
	CU_ASSERT_STRING_EQUAL(answered(fd), mail);
	CU_ASSERT_TRUE(is_quiet(fd));
	send(fd, b + len + len / 2, len - len / 2, MSG_NOSIGNAL);
	CU_ASSERT_STRING_EQUAL(answered(fd), mail);
	close(fd);
	stop();
}

/* What stands behind the question means nothing: queries of any length. */
static void long_queries_are_taken(void)
{
	static const size_t row[] = { 1021, 1022, 1023, 1024, 1025, 2000, 65535 };
	static uint8_t b[65537];

	start(&usual);
	const int fd = client(NULL);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		memset(b, 0, sizeof b);
		put(b, "mail A");
		be16_put(b, (unsigned)row[i]);
		send(fd, b, row[i] + 2, MSG_NOSIGNAL);
		ask(fd, "mail A");
		CU_ASSERT_STRING_EQUAL(answered(fd), mail);
		CU_ASSERT_STRING_EQUAL(answered(fd), mail);
	}
	close(fd);
	stop();
}

/* Its idle time is an hour: whoever is closed now is closed for what it sent. */
static void what_is_too_short_for_a_header_closes(void)
{
	uint8_t b[100] = { 0 };

	for (unsigned len = 0; len <= 12; len++) {
		start(&usual);
		const int fd = client(NULL);
		ask(fd, "mail A");
		be16_put(b, len);
		send(fd, b, 2 + len, MSG_NOSIGNAL);
		ask(fd, "mail A");
		CU_ASSERT_STRING_EQUAL(answered(fd), mail);
		if (len < 12) {
			CU_ASSERT_TRUE(is_closed(fd));
			CU_ASSERT_EQUAL(stream_clients(stream), 0);
			CU_ASSERT_EQUAL(stream_stats(stream)->queries[VIA_TCP], 1);
		} else {
			CU_ASSERT_EQUAL(strncmp(answered(fd), "FORMERR", 7), 0);
			CU_ASSERT_STRING_EQUAL(answered(fd), mail);
		}
		close(fd);
		stop();
	}
}

static void a_response_is_passed_over(void)
{
	uint8_t b[ASKING_PACKET + 2];
	const size_t len = put(b, "mail A");

	start(&usual);
	const int fd = client(NULL);
	b[4] |= 0x80;
	send(fd, b, len, MSG_NOSIGNAL);
	CU_ASSERT_TRUE(is_quiet(fd));
	ask(fd, "mail A");
	CU_ASSERT_STRING_EQUAL(answered(fd), mail);
	CU_ASSERT_TRUE(is_quiet(fd));
	CU_ASSERT_EQUAL(stream_stats(stream)->dropped, 1);
	close(fd);
	stop();
}

static void who_closes_its_side_gets_its_answers(void)
{
	start(&usual);
	const int fd = client(NULL), other = client(NULL), half = client(NULL);
	for (unsigned i = 0; i < 40; i++)
		ask(fd, "many A");
	shutdown(fd, SHUT_WR);
	for (unsigned i = 0; i < 40; i++) {
		answered(fd);
		CU_ASSERT_EQUAL(s.x.len, 1470);
	}
	CU_ASSERT_TRUE(is_closed(fd));
	send(half,
		"\0\x30"
		"abc",
		5, MSG_NOSIGNAL);
	shutdown(half, SHUT_WR);
	CU_ASSERT_TRUE(is_closed(half));
	CU_ASSERT_EQUAL(stream_clients(stream), 1);
	ask(other, "mail A");
	CU_ASSERT_STRING_EQUAL(answered(other), mail);
	close(fd);
	close(half);
	close(other);
	stop();
}

/* Two clients, of whom one keeps asking: that one stays. */
static void who_asks_nothing_for_the_idle_time_is_closed(void)
{
	start(&(struct stream_opts){ .clients = 100, .clients_per_net = 100, .idle_ms = 300 });
	const uint64_t begun = clock_us();
	const int quiet = client(NULL), trickling = client(NULL);
	CU_ASSERT_TRUE(is_quiet(quiet));
	send(trickling, "\0", 1, MSG_NOSIGNAL);
	CU_ASSERT_TRUE(is_closed(quiet));
	CU_ASSERT_TRUE(clock_us() - begun >= 290000);
	CU_ASSERT_TRUE(is_closed(trickling));
	const int later = client(NULL);
	const uint64_t again = clock_us();
	usleep(100000);
	ask(later, "mail A");
	CU_ASSERT_STRING_EQUAL(answered(later), mail);
	const uint64_t asked = clock_us();
	CU_ASSERT_TRUE(is_closed(later));
	/* From its last query on, not from its start. */
	CU_ASSERT_TRUE(clock_us() - again >= 390000);
	CU_ASSERT_TRUE(clock_us() - asked >= 200000);
	CU_ASSERT_EQUAL(stream_clients(stream), 0);
	close(quiet);
	close(trickling);
	close(later);
	stop();
}

static void the_one_idle_longest_makes_room(void)
{
	start(&(struct stream_opts){ .clients = 3, .clients_per_net = 2, .idle_ms = HOUR_MS });
	const int a = client("127.0.1.1"), b = client("127.0.2.1"), c = client("127.0.3.1");
	ask(a, "mail A");
	CU_ASSERT_STRING_EQUAL(answered(a), mail);
	const int d = client("127.0.4.1");
	CU_ASSERT_TRUE(is_closed(b));
	CU_ASSERT_EQUAL(stream_clients(stream), 3);
	CU_ASSERT_TRUE(is_quiet(a) && is_quiet(c) && is_quiet(d));
	/* Of a net there are two at most. */
	const int e = client("127.0.4.2");
	CU_ASSERT_TRUE(is_closed(c));
	const int f = client("127.0.4.3");
	CU_ASSERT_TRUE(is_closed(d));
	CU_ASSERT_TRUE(is_quiet(a) && is_quiet(e) && is_quiet(f));
	CU_ASSERT_EQUAL(stream_stats(stream)->tcp_connections, 6);
	for (int *fd = (int[]){ a, b, c, d, e, f, -1 }; *fd >= 0; fd++)
		close(*fd);
	stop();
}

/* Who does not read what it asks for is not read from, and others are answered. */
static void who_does_not_read_is_not_read_from(void)
{
	enum { MANY = 20000 };
	static uint8_t b[MANY * 32];
	uint8_t one[ASKING_PACKET + 2];
	const size_t len = put(one, "many A");
	size_t sent = 0, all = 0;

	start(&usual);
	const int fd = client(NULL), other = client("127.0.5.1");
	for (unsigned i = 0; i < MANY; i++, all += len)
		memcpy(b + all, one, len);
	for (unsigned quiet = 0; quiet < 200; quiet++) {
		const ssize_t n = send(fd, b + sent, all - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		quiet = n > 0 ? 0 : quiet;
		turns(10);
	}
	const uint64_t before = stream_stats(stream)->queries[VIA_TCP];
	CU_ASSERT_TRUE(before < sent / len);
	turns(100);
	CU_ASSERT_EQUAL(stream_stats(stream)->queries[VIA_TCP], before);
	ask(other, "mail A");
	CU_ASSERT_STRING_EQUAL(answered(other), mail);
	/* Now it does. */
	for (size_t i = 0; i < sent / len; i++) {
		uint8_t reply[2000];
		if (!get(fd, reply, 2 + 1470) || be16_get(reply) != 1470) {
			CU_FAIL("an answer is missing");
			break;
		}
	}
	CU_ASSERT_EQUAL(stream_stats(stream)->queries[VIA_TCP], sent / len + 1);
	close(fd);
	close(other);
	stop();
}

/* Answers of 50 KB into a socket that takes a few: what it does not take goes later. */
static void an_answer_goes_out_in_pieces(void)
{
	static uint8_t first[65536], b[65536];

	start_with(&usual, 5000);
	const int fd = client(NULL), slow = client(NULL);
	ask(fd, "huge TXT");
	CU_ASSERT_TRUE_FATAL(get(fd, first, 2) && get(fd, first + 2, be16_get(first)));
	CU_ASSERT_TRUE(be16_get(first) > 40000);
	for (unsigned i = 0; i < 10; i++)
		ask(slow, "huge TXT");
	ask(slow, "mail A");
	for (unsigned i = 0; i < 10; i++) {
		CU_ASSERT_TRUE_FATAL(get(slow, b, 2) && get(slow, b + 2, be16_get(b)));
		CU_ASSERT_EQUAL(be16_get(b), be16_get(first));
		CU_ASSERT_EQUAL(memcmp(b, first, 2u + be16_get(first)), 0);
	}
	CU_ASSERT_STRING_EQUAL(answered(slow), mail);
	/* Who is gone meanwhile is let go. */
	for (unsigned i = 0; i < 10; i++)
		ask(slow, "huge TXT");
	turns(100);
	close(slow);
	for (unsigned i = 0; i < PATIENCE_MS && stream_clients(stream) > 1; i++) {
		stream_turn(stream);
		usleep(1000);
	}
	CU_ASSERT_EQUAL(stream_clients(stream), 1);
	ask(fd, "mail A");
	CU_ASSERT_STRING_EQUAL(answered(fd), mail);
	close(fd);
	stop();
}

/* --- updates ------------------------------------------------------------------------------ */

static struct request *asked, *each_asked[4];
static unsigned n_asked;

static void take_news(void *ctx, const void *item)
{
	const struct answer_news *news = item;

	(void)ctx;
	if (news->kind != NEWS_UPDATE)
		return;
	asked = each_asked[n_asked++ % UNIT_COUNT(each_asked)] = news->request;
}

/* The world anew, where anybody may change any zone, or nobody. */
static void let_update(bool may)
{
	static const struct policy_allow anybody = { .net.bits = 0 };
	static const struct policy_update all = { .who = { &anybody, 1 } };
	static const struct policy_zone rules = { .update = &all, .n_update = 1 };

	s.x.policy.zones = may ? &rules : NULL;
	struct world *before = world_hold(epoch_current(&s.epoch));
	asking_again(&s.x);
	epoch_publish(&s.epoch, world_hold(s.x.world));
	/* Another thread lets go of it, and would be taken for who keeps memory. */
	for (unsigned i = 0; i < PATIENCE_MS && __atomic_load_n(&before->refs, __ATOMIC_ACQUIRE) > 1; i++)
		usleep(1000);
	world_drop(before);
}

/* A pipe that takes so many bytes more. */
static size_t takes;

static ssize_t read_all(struct pipe *p, void *to, size_t room)
{
	const ssize_t n = recv(p->fd, to, room, 0);

	return n < 0 ? PIPE_AGAIN : n;
}

static ssize_t write_some(struct pipe *p, const void *bytes, size_t len)
{
	const ssize_t n = takes ? send(p->fd, bytes, len < takes ? len : takes, MSG_NOSIGNAL) : -1;

	takes -= n > 0 ? (size_t)n : 0;
	return n < 0 ? PIPE_AGAIN : n;
}

static const struct pipe_kind narrow = { .read = read_all, .write = write_some };

/* What was answered before is not all sent yet when the update's answer comes. */
static void the_answer_to_an_update_is_sent_behind_those_before_it(void)
{
	static const uint8_t done[QUERY_HEADER] = "\x12\x34\xa8";
	uint8_t b[ASKING_PACKET * 3], reply[2000];
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
	struct stream_opts opts = usual;

	let_update(true);
	opts.news = mailbox_new(&(struct mailbox_opts){
		.loop = loop, .room = 4, .item = sizeof(struct answer_news), .take = take_news });
	start(&opts);
	const int fd = client(NULL);
	((struct connection *)stream->connected.all.newest)->pipe.kind = &narrow;
	size_t len = put(b, "many A");
	len += put(b + len, "@ SOA opcode=5");
	len += put(b + len, "mail A");
	takes = 100;
	asked = NULL;
	CU_ASSERT_EQUAL(send(fd, b, len, MSG_NOSIGNAL), (ssize_t)len);
	for (int i = 0; i < PATIENCE_MS && !asked; i++) {
		stream_turn(stream);
		ev_run(loop, EVRUN_NOWAIT);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(asked);
	request_answer(asked, done, sizeof done);
	turns(20);
	CU_ASSERT_EQUAL(takes, 0);
	takes = SIZE_MAX;
	CU_ASSERT_TRUE(get(fd, reply, 2 + 1470) && be16_get(reply) == 1470);
	CU_ASSERT_TRUE(get(fd, reply, 2 + sizeof done) && be16_get(reply) == sizeof done);
	CU_ASSERT_EQUAL(memcmp(reply + 2, done, sizeof done), 0);
	CU_ASSERT_STRING_EQUAL(answered(fd), mail);
	close(fd);
	stop();
	mailbox_free(opts.news);
	ev_loop_destroy(loop);
	let_update(false);
}

/* Nobody looks into it, or they have all that they can hold: who asks is not left to wait. */
static void who_sends_an_update_that_nobody_takes_is_closed(void)
{
	static const uint8_t done[QUERY_HEADER] = "\x12\x34\xa8";
	uint8_t reply[2 + QUERY_HEADER];
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
	struct stream_opts opts = usual;

	let_update(true);
	for (unsigned room = 0; room <= 2; room += 2) {
		int kept[2];
		if (room)
			opts.news = mailbox_new(&(struct mailbox_opts){
				.loop = loop, .room = room, .item = sizeof(struct answer_news), .take = take_news });
		start(&opts);
		for (unsigned i = 0; i < room; i++) {
			kept[i] = client(NULL);
			ask(kept[i], "@ SOA opcode=5");
			CU_ASSERT_TRUE(is_quiet(kept[i]));
		}
		const int fd = client(NULL), other = client(NULL);
		ask(fd, "mail A");
		ask(fd, "@ SOA opcode=5");
		CU_ASSERT_STRING_EQUAL(answered(fd), mail);
		CU_ASSERT_TRUE(is_closed(fd));
		ask(other, "mail A");
		CU_ASSERT_STRING_EQUAL(answered(other), mail);
		close(fd);
		close(other);
		n_asked = 0;
		for (int i = 0; i < PATIENCE_MS && n_asked < room; i++)
			ev_run(loop, EVRUN_NOWAIT);
		CU_ASSERT_EQUAL_FATAL(n_asked, room);
		for (unsigned i = 0; i < room; i++) {
			request_answer(each_asked[i], done, sizeof done);
			CU_ASSERT_TRUE(get(kept[i], reply, sizeof reply));
			close(kept[i]);
		}
		stop();
		if (room)
			mailbox_free(opts.news);
	}
	ev_loop_destroy(loop);
	let_update(false);
}

/* 16 KB of answers a turn: the other does not wait for all of the first's. */
static void clients_take_turns(void)
{
	start(&usual);
	uint8_t b[30 * 32 + ASKING_PACKET];
	size_t len = 0;
	const int greedy = client(NULL), other = client(NULL);
	for (unsigned i = 0; i < 30; i++)
		len += put(b + len, "many A");
	send(greedy, b, len, MSG_NOSIGNAL);
	ask(other, "mail A");
	usleep(1000);
	turns(1);
	/* A kilobyte was read: 29 of the queries of 30 + 2 bytes, of which 12 are enough. */
	CU_ASSERT_EQUAL(stream_stats(stream)->queries[VIA_TCP], 12 + 1);
	turns(1);
	CU_ASSERT_EQUAL(stream_stats(stream)->queries[VIA_TCP], 24 + 1);
	turns(3);
	CU_ASSERT_EQUAL(stream_stats(stream)->queries[VIA_TCP], 30 + 1);
	close(greedy);
	close(other);
	stop();
}

static void limit_files(rlim_t n)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = n;
	setrlimit(RLIMIT_NOFILE, &r);
}

static void without_descriptors_the_oldest_goes_or_all_wait(void)
{
	struct rlimit before;

	getrlimit(RLIMIT_NOFILE, &before);
	start(&usual);
	const int old = client(NULL), young = client(NULL);
	ask(young, "mail A");
	CU_ASSERT_STRING_EQUAL(answered(young), mail);
	const int next = serving_connect(&at, SOCK_STREAM, NULL);
	const int lowest = dup(0);
	close(lowest);
	limit_files((rlim_t)lowest);
	ask(next, "mail A");
	CU_ASSERT_STRING_EQUAL(answered(next), mail);
	CU_ASSERT_TRUE(is_closed(old));
	CU_ASSERT_EQUAL(stream_clients(stream), 2);
	limit_files(before.rlim_cur);
	close(old);
	close(young);
	close(next);
	for (unsigned i = 0; i < PATIENCE_MS && stream_clients(stream); i++) {
		stream_turn(stream);
		usleep(1000);
	}
	CU_ASSERT_EQUAL_FATAL(stream_clients(stream), 0);
	/* Nobody is there to go: it listens again after a while. */
	const int waits = serving_connect(&at, SOCK_STREAM, NULL), none = dup(0);
	close(none);
	limit_files((rlim_t)none);
	const uint64_t begun = clock_us();
	turns(50);
	CU_ASSERT_EQUAL(stream_clients(stream), 0);
	limit_files(before.rlim_cur);
	/* The first look found no descriptor, and the next is 100 ms later. */
	ask(waits, "mail A");
	CU_ASSERT_STRING_EQUAL(answered(waits), mail);
	CU_ASSERT_TRUE(clock_us() - begun >= 90000);
	close(waits);
	stop();
}

static void those_who_are_there_are_closed_with_it(void)
{
	start(&usual);
	const int fd = client(NULL);
	stop();
	uint8_t b;
	CU_ASSERT_EQUAL(recv(fd, &b, 1, 0), 0);
	close(fd);
}

static void the_idle_time_is_told(void)
{
	static const struct {
		unsigned idle_ms;
		const char *option;
	} row[] = {
		{ 1500, "keepalive15" },
		{ 6553400, "keepalive65534" },
		{ 6553500, "keepalive65535" },
		{ 9000000, "keepalive65535" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		start(&(struct stream_opts){ .clients = 10, .clients_per_net = 10, .idle_ms = row[i].idle_ms });
		const int fd = client(NULL);
		ask(fd, "mail A keepalive");
		const char *text = answered(fd), *told = strstr(text, "keepalive");
		CU_ASSERT_PTR_NOT_NULL_FATAL(told);
		CU_ASSERT_STRING_EQUAL(told, row[i].option);
		close(fd);
		stop();
	}
}

/* Another process serves in its place: who is here is answered and told to go, who comes now is the other's. */
static void who_leaves_takes_nobody_new_until_it_comes_back(void)
{
	start(&(struct stream_opts){ .clients = 10, .clients_per_net = 10, .idle_ms = 5000 });
	const int fd = client(NULL);
	stream_leave(stream, true);
	turns(5);
	const int later = serving_connect(&at, SOCK_STREAM, NULL);
	ask(later, "mail A");
	CU_ASSERT_TRUE(is_quiet(later));
	CU_ASSERT_EQUAL(stream_clients(stream), 1);
	ask(fd, "mail A keepalive");
	CU_ASSERT_STRING_EQUAL(strstr(answered(fd), "keepalive"), "keepalive0");
	CU_ASSERT_EQUAL(stream->opts.idle_ms, 2000);
	stream_leave(stream, false);
	CU_ASSERT_STRING_EQUAL(answered(later), mail);
	ask(fd, "mail A keepalive");
	CU_ASSERT_STRING_EQUAL(strstr(answered(fd), "keepalive"), "keepalive50");
	CU_ASSERT_EQUAL(stream->opts.idle_ms, 5000);
	close(fd);
	close(later);
	stop();
}

static void *run(void *ctx)
{
	stream_run(ctx);
	return NULL;
}

/* Its own thread sleeps until somebody wakes it. */
static void a_thread_runs_until_it_is_stopped(void)
{
	pthread_t thread;
	uint8_t b[2 + MAIL];

	start(&usual);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, stream), 0);
	const int fd = serving_connect(&at, SOCK_STREAM, NULL);
	ask(fd, "mail A");
	CU_ASSERT_EQUAL(recv(fd, b, sizeof b, MSG_WAITALL), sizeof b);
	CU_ASSERT_EQUAL(be16_get(b), MAIL);
	CU_ASSERT_EQUAL(stream_clients(stream), 1);
	stream_stop(stream);
	pthread_join(thread, NULL);
	CU_ASSERT_PTR_NOT_NULL(stream_counts(stream));
	close(fd);
	stop();
}

/* What a worker keeps of whom it steers. */
static void steered_clients_are_sampled_and_counted(void)
{
	struct sample one;
	char text[ADDR_TEXT];

	start(&usual);
	const int fd = client(NULL);
	ask(fd, "www A");
	answered(fd);
	CU_ASSERT_TRUE_FATAL(samples_get(stream_samples(stream), &one));
	CU_ASSERT_STRING_EQUAL(addr_text(text, &one.client), "127.0.0.1");
	ask(fd, "www A");
	answered(fd);
	CU_ASSERT_TRUE(samples_get(stream_samples(stream), &one));
	CU_ASSERT_EQUAL(stream_stats(stream)->steered, 2);
	close(fd);
	stop();
}

static const struct unit_case cases[] = {
	{ "queries are answered in order", queries_are_answered_in_order },
	{ "a query in pieces is one", a_query_in_pieces_is_one },
	{ "long queries are taken", long_queries_are_taken },
	{ "what is too short for a header closes", what_is_too_short_for_a_header_closes },
	{ "a response is passed over", a_response_is_passed_over },
	{ "who closes its side gets its answers", who_closes_its_side_gets_its_answers },
	{ "who asks nothing for the idle time is closed",
		who_asks_nothing_for_the_idle_time_is_closed },
	{ "the one idle longest makes room", the_one_idle_longest_makes_room },
	{ "who does not read is not read from", who_does_not_read_is_not_read_from },
	{ "an answer goes out in pieces", an_answer_goes_out_in_pieces },
	{ "the answer to an update is sent behind those before it",
		the_answer_to_an_update_is_sent_behind_those_before_it },
	{ "who sends an update that nobody takes is closed", who_sends_an_update_that_nobody_takes_is_closed },
	{ "clients take turns", clients_take_turns },
	{ "without descriptors the oldest goes, or all wait",
		without_descriptors_the_oldest_goes_or_all_wait },
	{ "those who are there are closed with it", those_who_are_there_are_closed_with_it },
	{ "the idle time is told", the_idle_time_is_told },
	{ "who leaves takes nobody new until it comes back", who_leaves_takes_nobody_new_until_it_comes_back },
	{ "a thread runs until it is stopped", a_thread_runs_until_it_is_stopped },
	{ "steered clients are sampled and counted", steered_clients_are_sampled_and_counted },
};

void suite_stream(void);
void suite_stream(void)
{
	unit_suite_with("net/stream", cases, UNIT_COUNT(cases), open_world, close_world);
}
