/* fuzz_stream.c - connections whose clients send, cut, stall and close as the input says, to
 * the real stream of TCP connections.
 *
 * The input is steps of two bytes, some with bytes to send behind them. The first byte names a
 * connection and what its client does, the second how much (see step()). What comes back is
 * held against what was sent: sound framing, and answers to the queries asked, in order, none
 * left out unless the connection has had to go.
 */
#include "base/bytes.h"
#include "dns/query.h"
#include "fuzz/fuzz_world.h"
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	CLIENTS = 8,
	CLIENTS_MOST = 5, /* so that some must go */
	CLIENTS_PER_NET = 3,
	IDS_MOST = 1 << 14,
	TURNS_MOST = 100000 /* in which all that was asked is answered */
};

/* A client's own view of its connection. */
struct client {
	int fd;                  /* -1: none */
	bool ended;              /* sends no more */
	bool closed;             /* all that came has been read */
	bool doubtful;           /* perhaps it has been sent away, to make room for another */
	uint8_t sent[2 + 65535]; /* the message that is under way */
	size_t sent_len;
	uint8_t got[2 + 65535];
	size_t got_len;
	uint16_t asked[IDS_MOST]; /* ids of what must be answered */
	size_t n_asked, n_got;
	bool broken; /* a message too short was sent: what comes behind it is not answered */
};

static struct {
	struct epoch epoch;
	struct stream *stream;
	struct client clients[CLIENTS];
} desk;

static void open_desk(void)
{
	if (!epoch_open(&desk.epoch, NULL))
		abort();
	epoch_publish(&desk.epoch, fuzz_world((uint32_t)time(NULL)));
	desk.stream = stream_new(NULL, 0, &desk.epoch,
		&(struct stream_opts){ .clients = CLIENTS_MOST,
			.clients_per_net = CLIENTS_PER_NET,
			.idle_ms = 3600000 });
	epoch_join();
}

/* --- what a client sends ------------------------------------------------------------------ */

static void note_message(struct client *c, const uint8_t *m, size_t len)
{
	if (c->broken)
		return;
	c->broken = len < QUERY_HEADER;
	if (!c->broken && !(m[2] & 0x80)) {
		assert(c->n_asked < IDS_MOST);
		c->asked[c->n_asked++] = (uint16_t)be16_get(m);
	}
}

static void note_sent(struct client *c, const uint8_t *bytes, size_t len)
{
	while (len--) {
		c->sent[c->sent_len++] = *bytes++;
		if (c->sent_len < 2 || c->sent_len - 2 < be16_get(c->sent))
			continue;
		note_message(c, c->sent + 2, c->sent_len - 2);
		c->sent_len = 0;
	}
}

/* True, and there is a reason for it. */
static bool was_closed(const struct client *c)
{
	assert(c->ended || c->broken || c->doubtful);
	return true;
}

static void send_bytes(struct client *c, const uint8_t *bytes, size_t len)
{
	if (c->fd < 0 || c->ended)
		return;
	const ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		note_sent(c, bytes, (size_t)n);
	else if (n < 0 && errno != EAGAIN)
		c->ended = was_closed(c);
}

static void send_queries(struct client *c, unsigned n)
{
	static const uint8_t small[] = "\0\35zz\0\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1";
	static const uint8_t big[] = "\0\35zz\0\0\0\1\0\0\0\0\0\0\3big\7example\0\0\1\0\1";
	uint8_t all[64 * (sizeof small - 1)];
	size_t len = 0;

	if (c->n_asked > IDS_MOST / 2)
		return;
	_Static_assert(sizeof small == sizeof big, "of one length");
	for (unsigned i = 0; i <= n % 64; i++) {
		memcpy(all + len, n & 64 ? big : small, sizeof small - 1);
		be16_put(all + len + 2, (unsigned)(c->n_asked + i));
		len += sizeof small - 1;
	}
	send_bytes(c, all, len);
}

/* The length of a long message, and some of it. */
static void send_long(struct client *c, unsigned n)
{
	uint8_t bytes[2 + 4096] = { 0 };

	be16_put(bytes, n * 255);
	send_bytes(c, bytes, 2 + n * 16);
}

/* --- what comes back ---------------------------------------------------------------------- */

static void check_answer(struct client *c, const uint8_t *m, size_t len)
{
	assert(len >= QUERY_HEADER && m[2] & 0x80);
	assert(c->n_got < c->n_asked && be16_get(m) == c->asked[c->n_got]);
	c->n_got++;
}

static void receive(struct client *c, size_t most)
{
	while (c->fd >= 0 && most) {
		size_t room = sizeof c->got - c->got_len;
		room = room < most ? room : most;
		const ssize_t n = recv(c->fd, c->got + c->got_len, room, MSG_DONTWAIT);
		if (n <= 0) {
			if (n == 0 || errno != EAGAIN)
				c->closed = was_closed(c);
			return;
		}
		most -= (size_t)n;
		c->got_len += (size_t)n;
		size_t at = 0;
		while (c->got_len - at >= 2 && c->got_len - at - 2 >= be16_get(c->got + at)) {
			const size_t len = be16_get(c->got + at);
			check_answer(c, c->got + at + 2, len);
			at += 2 + len;
		}
		memmove(c->got, c->got + at, c->got_len - at);
		c->got_len -= at;
	}
}

/* --- connections -------------------------------------------------------------------------- */

/* Clients 0 to 3 and 4 to 7 are of two nets. */
static void connect_client(unsigned i)
{
	const struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000001u + (i / 4 << 8) + i) };
	struct client *c = &desk.clients[i];
	const int smallest = 1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		abort();
	/* Answers to every other one do not fit: some of what is sent is kept. */
	if (i & 1)
		setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest);
	c->fd = pair[0];
	c->ended = c->closed = c->broken = c->doubtful = false;
	c->sent_len = c->got_len = c->n_asked = c->n_got = 0;
	const unsigned before = stream_clients(desk.stream);
	stream_adopt(desk.stream, pair[1], (const struct sockaddr *)&from, NET_PLAIN, NULL);
	assert(stream_clients(desk.stream) <= CLIENTS_MOST);
	if (stream_clients(desk.stream) == before)
		for (unsigned k = 0; k < CLIENTS; k++)
			desk.clients[k].doubtful = desk.clients[k].doubtful || k != i;
}

static void close_client(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* Reads all answers, which must come without more ado unless the client was sent away, and then
 * up to the end. */
static void finish(struct client *c)
{
	if (c->fd < 0)
		return;
	for (unsigned i = 0; !c->closed && c->n_got < c->n_asked && i < TURNS_MOST; i++) {
		stream_turn(desk.stream);
		receive(c, SIZE_MAX);
	}
	assert(c->doubtful || c->n_got == c->n_asked);
	shutdown(c->fd, SHUT_WR);
	c->ended = true;
	for (unsigned i = 0; !c->closed && i < TURNS_MOST; i++) {
		stream_turn(desk.stream);
		receive(c, SIZE_MAX);
	}
	assert(c->closed);
	assert(c->doubtful || c->got_len == 0);
	close_client(c);
}

/* --- the input ---------------------------------------------------------------------------- */

/* Returns how many bytes of `data` it has used. */
static size_t step(const uint8_t *data, size_t len)
{
	struct client *c = &desk.clients[data[0] & 7];
	const unsigned much = data[1];
	size_t n = 0;

	if (c->fd < 0)
		connect_client(data[0] & 7);
	switch (data[0] >> 3 & 7) {
	case 0:
	case 1: /* bytes of the input */
		n = much < len - 2 ? much : len - 2;
		send_bytes(c, data + 2, n);
		break;
	case 2: send_queries(c, much); break;
	case 3: send_long(c, much); break;
	case 4: receive(c, much * 64u); break;
	case 5:
		shutdown(c->fd, SHUT_WR);
		c->ended = true;
		break;
	case 6:
		if (much & 1)
			close_client(c);
		else
			finish(c);
		break;
	case 7: break; /* only turns */
	}
	if (!(data[0] & 0x80)) /* else the next step comes in the same segment, or turn */
		for (unsigned i = 0; i <= much % 4; i++)
			stream_turn(desk.stream);
	return 2 + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!desk.stream)
		open_desk();
	if (len > 1 << 16)
		return 0;
	for (unsigned i = 0; i < CLIENTS; i++)
		desk.clients[i].fd = -1;
	while (len >= 2) {
		const size_t n = step(data, len);
		data += n;
		len -= n;
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		finish(&desk.clients[i]);
	for (unsigned i = 0; stream_clients(desk.stream) && i < TURNS_MOST; i++)
		stream_turn(desk.stream);
	assert(stream_clients(desk.stream) == 0);
	return 0;
}
