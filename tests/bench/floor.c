/* floor.c - what the kernel alone costs: a DNS responder that looks nothing up.
 *
 * Over UDP it receives a batch of queries, rewrites each into a fixed answer where it lies, and
 * sends them back: two system calls for up to 32 queries, as few as may be without leaving the
 * socket API. Over TCP it reads what is there, rewrites each whole message and writes once. A
 * server's own work is what it takes beyond this. Not a server: runs until it is killed.
 */
#include "bench/fixed.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 32,
	ROOM = 1280, /* of a query and its answer */
	READ_ROOM = 16 << 10, /* of what a read over TCP may bring */
	WRITE_ROOM = READ_ROOM / FIXED_HEADER * (2 + FIXED_GROWTH_MOST) + READ_ROOM,
	EVENTS = 64,
	THREADS_MOST = 64
};

struct floor_opts {
	struct in_addr address;
	struct fixed answer;
	unsigned port, threads;
	bool tcp;
};

static void fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* --- UDP ---------------------------------------------------------------------------------- */

struct batch {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec bytes[BATCH], answers[BATCH];
	struct sockaddr_storage from[BATCH];
	_Alignas(64) uint8_t room[BATCH][ROOM + FIXED_GROWTH_MOST];
};

static unsigned take_batch(struct batch *b, int fd)
{
	for (unsigned i = 0; i < BATCH; i++)
		b->in[i].msg_hdr.msg_namelen = sizeof b->from[i];
	const int n = recvmmsg(fd, b->in, BATCH, MSG_WAITFORONE, NULL);
	if (n < 0 && errno != EINTR)
		fail("recvmmsg");
	return n < 0 ? 0 : (unsigned)n;
}

static void serve_datagrams(const struct floor_opts *o, int fd)
{
	struct batch *b = aligned_alloc(64, (sizeof *b + 63) & ~(size_t)63);

	if (!b)
		fail("memory");
	memset(b, 0, sizeof *b);
	for (unsigned i = 0; i < BATCH; i++) {
		b->bytes[i] = (struct iovec){ b->room[i], ROOM };
		b->in[i].msg_hdr = (struct msghdr){
			.msg_name = &b->from[i], .msg_iov = &b->bytes[i], .msg_iovlen = 1
		};
	}
	for (;;) {
		unsigned k = 0;
		for (unsigned i = 0, n = take_batch(b, fd); i < n; i++) {
			const size_t len = fixed_answer(&o->answer, b->room[i], b->in[i].msg_len);
			if (!len)
				continue;
			b->answers[k] = (struct iovec){ b->room[i], len };
			b->out[k].msg_hdr = b->in[i].msg_hdr;
			b->out[k].msg_hdr.msg_iov = &b->answers[k];
			k++;
		}
		for (unsigned done = 0; done < k;) {
			const int sent = sendmmsg(fd, b->out + done, k - done, 0);
			done += sent > 0 ? (unsigned)sent : 1;
		}
	}
}

/* --- TCP ---------------------------------------------------------------------------------- */

struct stream {
	int fd;
	size_t len; /* read and not answered: the start of a message */
	uint8_t in[READ_ROOM];
};

static void hang_up(struct stream *s)
{
	close(s->fd);
	free(s);
}

/* Answers what is whole with one write. The answers to a full buffer of queries fit into the
 * socket's, and a client that does not read them is none of ours: it is hung up on. */
static void answer_stream(const struct floor_opts *o, struct stream *s, uint8_t *out)
{
	const ssize_t n = recv(s->fd, s->in + s->len, READ_ROOM - s->len, 0);
	size_t at = 0, out_len = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(s);
		return;
	}
	s->len += (size_t)n;
	while (s->len - at >= 2 && s->len - at - 2 >= be16_get(s->in + at)) {
		const size_t len = be16_get(s->in + at);
		memcpy(out + out_len + 2, s->in + at + 2, len);
		const size_t answer = fixed_answer(&o->answer, out + out_len + 2, len);
		be16_put(out + out_len, (unsigned)answer);
		out_len += answer ? answer + 2 : 0;
		at += len + 2;
	}
	s->len -= at;
	memmove(s->in, s->in + at, s->len);
	if (s->len == READ_ROOM ||
		(out_len && send(s->fd, out, out_len, MSG_NOSIGNAL) != (ssize_t)out_len))
		hang_up(s);
}

static void watch(int epoll, int fd, void *data)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = data };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		fail("epoll_ctl");
}

static void accept_stream(int epoll, int listener)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
	struct stream *s = fd < 0 ? NULL : malloc(sizeof *s);

	if (!s) {
		if (fd >= 0)
			close(fd);
		return;
	}
	s->fd = fd;
	s->len = 0;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	watch(epoll, fd, s);
}

static void serve_streams(const struct floor_opts *o, int listener)
{
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint8_t *out = malloc(WRITE_ROOM);
	struct epoll_event events[EVENTS];

	if (epoll < 0 || !out)
		fail("epoll");
	watch(epoll, listener, NULL);
	for (;;) {
		const int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++)
			if (events[i].data.ptr)
				answer_stream(o, events[i].data.ptr, out);
			else
				accept_stream(epoll, listener);
	}
}

/* --- start -------------------------------------------------------------------------------- */

static void *serve(void *opts)
{
	const struct floor_opts *o = opts;
	const int one = 1,
		  fd = socket(AF_INET,
			  (o->tcp ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_DGRAM) | SOCK_CLOEXEC,
			  0);
	const struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)o->port),
		.sin_addr = o->address };

	if (fd < 0)
		fail("socket");
	if (o->threads > 1)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	if (o->tcp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 ||
		(o->tcp && listen(fd, 128) < 0))
		fail("bind");
	if (o->tcp)
		serve_streams(o, fd);
	else
		serve_datagrams(o, fd);
	return NULL;
}

static unsigned number(const char *text, unsigned least, unsigned most)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < least || n > most) {
		fprintf(stderr, "floor: %s: not a number from %u to %u\n", text, least, most);
		exit(2);
	}
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	struct floor_opts o = { .address.s_addr = htonl(INADDR_LOOPBACK), .threads = 1, .answer.records = 1 };
	pthread_t thread;
	int c;

	while ((c = getopt(argc, argv, "s:p:j:r:a:T")) != -1)
		switch (c) {
		case 's':
			if (inet_pton(AF_INET, optarg, &o.address) == 1)
				break;
			fprintf(stderr, "floor: %s: not an IPv4 address\n", optarg);
			return 2;
		case 'p': o.port = number(optarg, 1, 65535); break;
		case 'j': o.threads = number(optarg, 1, THREADS_MOST); break;
		case 'r': o.answer.rcode = number(optarg, 0, 15); break;
		case 'a': o.answer.records = number(optarg, 0, FIXED_RECORDS_MOST); break;
		case 'T': o.tcp = true; break;
		default: o.port = 0; optind = argc;
		}
	if (!o.port || optind < argc) {
		fputs("usage: floor -p PORT [-s ADDRESS] [-T (TCP)] [-j THREADS] [-r RCODE] [-a "
		      "ANSWER-RECORDS]\n",
			stderr);
		return 2;
	}
	for (unsigned i = 1; i < o.threads; i++)
		if (pthread_create(&thread, NULL, serve, &o))
			fail("pthread_create");
	serve(&o);
}
