#include "probe/check_dns.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/rcode.h"
#include "dns/rrtype.h"
#include "probe/check.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HEADER = 12,
	UDP_MOST = 4096,
	TCP_MOST = 2 + UINT16_MAX,
	QUERY_ROOM = 2 + HEADER + NAME_MOST + 4
};

/* By UDP; where the reply is truncated once more by TCP (RFC 7766 section 5). */
struct dns {
	ev_io io;
	struct check *check;
	uint16_t id;
	uint8_t *reply; /* TCP_MOST bytes, what came by TCP with its length; NULL: it is UDP */
	size_t len;
};

/* --- a reply ------------------------------------------------------------------------------ */

/* Where the name at `at` ends; 0 when it does not. Pointers are not followed: nothing of it is
 * needed. */
static size_t skip_name(const uint8_t *m, size_t len, size_t at)
{
	while (at < len) {
		if (m[at] >= 0xc0)
			return at + 2 <= len ? at + 2 : 0;
		if (m[at] > 63)
			return 0;
		if (m[at] == 0)
			return at + 1;
		at += m[at] + 1u;
	}
	return 0;
}

/* Is our own question in it, in whatever case? */
static bool is_asked(const struct probe_opts *p, const uint8_t *m, size_t len)
{
	const size_t n = name_check(m + HEADER, m + len);

	return n && len >= HEADER + n + 4 && be16_get(m + 4) == 1 &&
		name_equal(m + HEADER, p->query) && be16_get(m + HEADER + n) == p->qtype &&
		be16_get(m + HEADER + n + 2) == RRCLASS_IN;
}

static bool has_answer(const struct probe_opts *p, const uint8_t *m, size_t len)
{
	size_t at = HEADER + name_len(p->query) + 4;

	for (unsigned i = be16_get(m + 6); i; i--) {
		at = skip_name(m, len, at);
		if (!at || at + 10 > len)
			return false;
		const size_t rdlen = be16_get(m + at + 8);
		if (at + 10 + rdlen > len)
			return false;
		if (be16_get(m + at) == p->qtype && rdlen == p->answer_len &&
			memcmp(m + at + 10, p->answer, rdlen) == 0)
			return true;
		at += 10 + rdlen;
	}
	return false;
}

enum check_dns_verdict check_dns_judge(const struct probe_opts *p, uint16_t id,
	const uint8_t *m, size_t len, char say[static 200])
{
	char name[RCODE_TEXT], expected[RCODE_TEXT];

	/* The question may be missing where the server did not get as far (FORMERR). */
	if (len < HEADER || be16_get(m) != id || !(m[2] & 0x80))
		return CHECK_DNS_FOREIGN;
	const unsigned rcode = m[3] & RCODE_BITS, answers = be16_get(m + 6);
	if (!is_asked(p, m, len) && (be16_get(m + 4) != 0 || rcode == 0))
		return CHECK_DNS_FOREIGN;
	if (!probe_expects(p, rcode)) {
		snprintf(say, 200, "DNS %s, expected %s%s", rcode_text(name, rcode),
			rcode_text(expected, p->n_expect ? p->expect[0].from : RCODE_NOERROR),
			p->n_expect > 1 ? " or others" : "");
		return CHECK_DNS_FAILED;
	}
	if (p->answer && !has_answer(p, m, len)) {
		snprintf(say, 200, "DNS: the expected record is not among %u answer%s%s",
			answers, answers == 1 ? "" : "s", m[2] & 2 ? " (truncated)" : "");
		return m[2] & 2 ? CHECK_DNS_SHORT : CHECK_DNS_FAILED;
	}
	snprintf(say, 200, "DNS %s, %u answer%s", rcode_text(name, rcode), answers,
		answers == 1 ? "" : "s");
	return CHECK_DNS_PASSED;
}

static bool ask_by_tcp(struct ev_loop *loop, struct dns *d);

/* --- a check ------------------------------------------------------------------------------ */

static void close_socket(struct ev_loop *loop, struct dns *d)
{
	ev_io_stop(loop, &d->io);
	close(d->io.fd);
	memory_free(d->reply);
	memory_free(d);
}

static void end(struct ev_loop *loop, struct dns *d, bool passed)
{
	struct check *c = d->check;

	close_socket(loop, d);
	c->result.passed = passed;
	check_step(c, "%s", c->result.say);
	c->done(c);
}

/* With room for the length in front. Returns how many bytes it has without. */
static size_t make_query(const struct check *c, uint16_t id, uint8_t to[static QUERY_ROOM])
{
	const size_t n = name_len(c->probe->query), len = HEADER + n + 4;

	memset(to, 0, QUERY_ROOM);
	be16_put(to, (uint16_t)len);
	be16_put(to + 2, id);
	to[2 + 5] = 1;
	memcpy(to + 2 + HEADER, c->probe->query, n);
	be16_put(to + 2 + HEADER + n, c->probe->qtype);
	be16_put(to + 2 + HEADER + n + 2, RRCLASS_IN);
	return len;
}

static void take_verdict(
	struct ev_loop *loop, struct dns *d, enum check_dns_verdict verdict, size_t len)
{
	struct check *c = d->check;

	switch (verdict) {
	case CHECK_DNS_FOREIGN:
		check_step(c, "%zu bytes that do not answer our question; waiting on", len);
		return;
	case CHECK_DNS_SHORT:
		if (!d->reply && ask_by_tcp(loop, d))
			return;
		end(loop, d, false);
		return;
	case CHECK_DNS_FAILED: end(loop, d, false); return;
	case CHECK_DNS_PASSED:
		c->result.rtt_us = check_elapsed_us(c);
		if (!d->reply)
			c->result.wire_us = c->result.rtt_us;
		end(loop, d, true);
		return;
	}
}

static void on_udp(struct ev_loop *loop, ev_io *io, int events)
{
	struct dns *d = io->data;
	struct check *c = d->check;
	uint8_t reply[UDP_MOST];

	(void)events;
	const ssize_t n = recv(io->fd, reply, sizeof reply, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		check_failed(c, "%s", check_errno_text(errno));
		end(loop, d, false);
		return;
	}
	take_verdict(loop, d,
		check_dns_judge(c->probe, d->id, reply, (size_t)n, c->result.say), (size_t)n);
}

/* --- by TCP ------------------------------------------------------------------------------- */

static void fail_tcp(struct ev_loop *loop, struct dns *d, const char *why)
{
	check_failed(d->check, "DNS: truncated, and by TCP: %s", why);
	end(loop, d, false);
}

static void on_reply(struct ev_loop *loop, ev_io *io, int events)
{
	struct dns *d = io->data;
	struct check *c = d->check;

	(void)events;
	const ssize_t n = recv(io->fd, d->reply + d->len, TCP_MOST - d->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail_tcp(loop, d, n ? check_errno_text(errno) : "closed without an answer");
		return;
	}
	d->len += (size_t)n;
	if (d->len < 2 || d->len < 2u + be16_get(d->reply))
		return;
	const size_t len = be16_get(d->reply);
	const enum check_dns_verdict verdict = check_dns_judge(
		c->probe, d->id, d->reply + 2, len, c->result.say);
	if (verdict == CHECK_DNS_FOREIGN)
		fail_tcp(loop, d, "not an answer to our question");
	else
		take_verdict(loop, d, verdict, len);
}

static void on_connected(struct ev_loop *loop, ev_io *io, int events)
{
	struct dns *d = io->data;
	uint8_t query[QUERY_ROOM];
	int err = 0;
	socklen_t size = sizeof err;

	(void)events;
	if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &err, &size) != 0)
		err = errno;
	const size_t len = 2 + make_query(d->check, d->id, query);
	if (!err && send(io->fd, query, len, MSG_NOSIGNAL) != (ssize_t)len)
		err = errno; /* a new connection has room for all of it */
	if (err) {
		fail_tcp(loop, d, check_errno_text(err));
		return;
	}
	check_step(d->check, "query sent by TCP");
	d->check->stage = "the answer by TCP";
	ev_io_stop(loop, io);
	ev_io_init(io, on_reply, io->fd, EV_READ);
	ev_io_start(loop, io);
}

/* False, and `result.say`: it cannot be. */
static bool ask_by_tcp(struct ev_loop *loop, struct dns *d)
{
	const int fd = check_connect(d->check, SOCK_STREAM);

	if (fd < 0)
		return false;
	check_step(d->check, "truncated; asking by TCP");
	ev_io_stop(loop, &d->io);
	close(d->io.fd);
	d->reply = memory_zeroed(1, TCP_MOST);
	ev_io_init(&d->io, on_connected, fd, EV_WRITE);
	ev_io_start(loop, &d->io);
	d->check->stage = "the connection by TCP";
	return true;
}

/* --- start and end ------------------------------------------------------------------------ */

static bool send_query(struct check *c, int fd, uint16_t id)
{
	uint8_t query[QUERY_ROOM];
	const size_t len = make_query(c, id, query);

	if (send(fd, query + 2, len, 0) < 0)
		return check_errno(c, "", errno);
	check_step(c, "query sent");
	return true;
}

static bool start(struct checks *all, struct check *c)
{
	uint16_t id = 0;
	const int fd = check_connect(c, SOCK_DGRAM);

	if (fd < 0)
		return false;
	/* The port is random, too: the kernel's. */
	if (getrandom(&id, sizeof id, GRND_NONBLOCK) < 0)
		id = (uint16_t)c->started_us;
	if (!send_query(c, fd, id)) {
		close(fd);
		return false;
	}
	struct dns *d = memory_zeroed(1, sizeof *d);
	d->check = c;
	d->id = id;
	ev_io_init(&d->io, on_udp, fd, EV_READ);
	d->io.data = d;
	ev_io_start(all->loop, &d->io);
	c->own = d;
	c->stage = "the answer";
	return true;
}

static void stop(struct checks *all, struct check *c)
{
	close_socket(all->loop, c->own);
}

const struct check_kind check_dns_kind = { start, stop, NULL };
