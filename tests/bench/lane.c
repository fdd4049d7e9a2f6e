#include "bench/lane.h"

#include "base/bytes.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	ANSWER_ROOM = 4096,      /* of a UDP answer: what is longer is cut */
	STREAM_ROOM = 256 << 10, /* of answers that a read over TCP may bring */
	QUEUE_ROOM = 64 << 10,   /* of queries that the kernel has not taken yet */
	SOCKET_ROOM = 4 << 20
};

struct lane {
	struct lane_opts opts;
	bool tcp;
	int fd;
	struct flight flight;
	struct mmsghdr in[LANE_BATCH], out[LANE_BATCH];
	struct iovec in_bytes[LANE_BATCH], out_bytes[LANE_BATCH];
	size_t in_len, queue_len;
	uint8_t room[STREAM_ROOM]; /* LANE_BATCH answers, or a stream */
	uint8_t queue[QUEUE_ROOM];
};

_Static_assert(LANE_BATCH *ANSWER_ROOM <= STREAM_ROOM, "a batch of answers has its room");

uint64_t lane_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int dial(const struct lane_opts *opts, bool tcp)
{
	const int fd = socket(
		opts->to.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	const int one = 1, room = SOCKET_ROOM;

	if (fd < 0)
		return -1;
	if (tcp)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	else
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room,
			sizeof room); /* as much as the system allows */
	if (connect(fd, (const struct sockaddr *)&opts->to, opts->to_len) == 0)
		return fd;
	close(fd);
	return -1;
}

struct lane *lane_open(const struct lane_opts *opts, bool tcp)
{
	struct lane *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->opts = *opts;
	l->tcp = tcp;
	flight_init(&l->flight, opts->window);
	for (unsigned i = 0; i < LANE_BATCH; i++) {
		l->in_bytes[i] = (struct iovec){ l->room + i * ANSWER_ROOM, ANSWER_ROOM };
		l->in[i].msg_hdr = (struct msghdr){ .msg_iov = &l->in_bytes[i],
			.msg_iovlen = 1 };
		l->out[i].msg_hdr = (struct msghdr){ .msg_iov = &l->out_bytes[i],
			.msg_iovlen = 1 };
	}
	l->fd = dial(opts, tcp);
	if (l->fd >= 0)
		return l;
	free(l);
	return NULL;
}

void lane_close(struct lane *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

const struct flight *lane_flight(const struct lane *l)
{
	return &l->flight;
}

void lane_give_up(struct lane *l, uint64_t before, struct flight_tally *to)
{
	flight_give_up(&l->flight, before, to);
}

/* The connection is gone, and with it all that was on its way; a new one takes over. */
static void dial_again(struct lane *l, struct flight_tally *to)
{
	if (l->fd >= 0) {
		close(l->fd);
		to->refused++;
		flight_give_up(&l->flight, UINT64_MAX, to);
		l->flight.owed = 0;
	}
	l->in_len = l->queue_len = 0;
	l->fd = dial(&l->opts, true);
}

/* --- coming in ---------------------------------------------------------------------------- */

static bool receive_datagrams(struct lane *l, struct flight_tally *to)
{
	const int n = recvmmsg(l->fd, l->in, LANE_BATCH, MSG_DONTWAIT, NULL);

	if (n < 0)
		to->refused += errno == ECONNREFUSED;
	if (n <= 0)
		return false;
	const uint64_t now = lane_now();
	for (int i = 0; i < n; i++)
		flight_land(&l->flight, l->room + i * ANSWER_ROOM, l->in[i].msg_len, now, to);
	return true;
}

static bool receive_stream(struct lane *l, struct flight_tally *to)
{
	const ssize_t n = recv(
		l->fd, l->room + l->in_len, STREAM_ROOM - l->in_len, MSG_DONTWAIT);
	size_t at = 0;

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			dial_again(l, to);
		return false;
	}
	const uint64_t now = lane_now();
	l->in_len += (size_t)n;
	while (l->in_len - at >= 2 && l->in_len - at - 2 >= be16_get(l->room + at)) {
		const size_t len = be16_get(l->room + at);
		flight_land(&l->flight, l->room + at + 2, len, now, to);
		at += len + 2;
	}
	l->in_len -= at;
	memmove(l->room, l->room + at, l->in_len);
	return true;
}

bool lane_receive(struct lane *l, struct flight_tally *to)
{
	if (l->fd < 0) {
		dial_again(l, to);
		return false;
	}
	if (!l->flight.owed)
		return false;
	return l->tcp ? receive_stream(l, to) : receive_datagrams(l, to);
}

/* --- going out ---------------------------------------------------------------------------- */

/* Puts the next query at `to`, with its id, behind its length if it goes over TCP. How long
 * that is. */
static size_t put_query(struct lane *l, struct lane_source *from, uint8_t *to, uint64_t since)
{
	const struct flight_query *q = &from->queries[from->next];
	uint8_t *message = to + (l->tcp ? 2 : 0);

	if (++from->next == from->n)
		from->next = 0;
	if (l->tcp)
		be16_put(to, q->len);
	memcpy(message, q->message, q->len);
	be16_put(message, flight_start(&l->flight, q, since));
	return q->len + (l->tcp ? 2u : 0u);
}

static void send_datagrams(struct lane *l, unsigned n)
{
	for (unsigned done = 0; done < n;) {
		const int sent = sendmmsg(l->fd, l->out + done, n - done, 0);
		if (sent > 0)
			done += (unsigned)sent;
		else if (errno != EINTR)
			done++; /* it counts as sent and will be lost */
	}
}

static void send_queue(struct lane *l)
{
	const ssize_t n = send(l->fd, l->queue, l->queue_len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n <= 0)
		return; /* full; or gone, which the next read tells */
	l->queue_len -= (size_t)n;
	memmove(l->queue, l->queue + n, l->queue_len);
}

unsigned lane_send(
	struct lane *l, struct lane_source *from, unsigned most, uint64_t since, double step)
{
	unsigned n = 0;

	if (l->queue_len)
		send_queue(l);
	if (l->fd < 0 || l->queue_len)
		return 0;
	if (most > l->flight.n_free)
		most = l->flight.n_free;
	for (size_t at = 0; n < most && n < l->opts.together; n++) {
		const uint64_t due = since + (uint64_t)(step * n);
		const size_t len = put_query(l, from, l->queue + at, due);
		l->out_bytes[n] = (struct iovec){ l->queue + at, len };
		at += len;
		l->queue_len = at;
	}
	if (l->tcp) {
		if (l->queue_len)
			send_queue(l);
		return n;
	}
	send_datagrams(l, n);
	l->queue_len = 0;
	return n;
}
