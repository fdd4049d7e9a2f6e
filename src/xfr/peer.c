#include "xfr/peer.h"

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "dns/rrtype.h"
#include "jobs/jobs.h"
#include "net/pipe.h"
#include "net/tls.h"
#include "net/tls_client.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SLICE_MS = 200, ROOM = 2 + 65535, READ_ROOM = 4 * ROOM };

struct talk {
	const struct peer *peer;
	struct peer_limits limits;
	struct job *job;
	struct pipe pipe; /* its fd -1: none */
	uint16_t id;
	uint64_t begun_us, bytes;
	struct tsig tsig; /* of the query at work; without a key: not signed */
	size_t from, to;  /* of what was read and not yet taken */
	uint8_t buf[READ_ROOM];
};

/* --- peers -------------------------------------------------------------------------------- */

void peer_set(struct peer *to, const char *name, const struct sockaddr *at, socklen_t len,
	const struct tsig_key *key)
{
	*to = (struct peer){ .len = len, .is_signed = key != NULL };
	snprintf(to->name, sizeof to->name, "%s", name);
	memcpy(&to->at, at, len);
	if (!key)
		return;
	const size_t n = name_len(key->name);
	to->key = *key;
	memcpy(to->key_bytes, key->name, n);
	memcpy(to->key_bytes + n, key->secret, key->secret_len);
	to->key.name = to->key_bytes;
	to->key.secret = to->key_bytes + n;
}

void peer_copy(struct peer *to, const struct peer *from)
{
	*to = *from;
	tls_client_hold(to->tls);
	if (!from->is_signed)
		return;
	to->key.name = to->key_bytes;
	to->key.secret = to->key_bytes + (from->key.secret - from->key_bytes);
}

void peer_fini(struct peer *p)
{
	tls_client_drop(p->tls);
	p->tls = NULL;
}

void peer_set_tls(struct peer *p, struct tls_client *tls, unsigned port)
{
	p->tls = tls_client_hold(tls);
	p->tls_port = (uint16_t)port;
}

/* Where it is talked to. */
static struct sockaddr_storage address_of(const struct peer *p)
{
	struct sockaddr_storage at = p->at;

	if (p->tls) /* both families have it at the same place */
		((struct sockaddr_in *)&at)->sin_port = htons(p->tls_port);
	return at;
}

const char *peer_text(char to[static PEER_TEXT], const struct peer *p)
{
	char at[ADDR_TEXT];

	const struct sockaddr_storage sa = address_of(p);

	snprintf(to, PEER_TEXT, "%s (%s%s)", p->name,
		addr_sockaddr_text(at, (const struct sockaddr *)&sa), p->tls ? ", TLS" : "");
	return to;
}

/* --- waiting ------------------------------------------------------------------------------ */

static bool fail(const struct talk *t, struct fault *why, const char *what)
{
	char name[PEER_TEXT];

	return fault(why, "%s: %s", peer_text(name, t->peer), what);
}

/* Until the socket is ready for that (POLLIN or POLLOUT), for `patience_ms` at most. Who sends a byte now and
 * then, as of a record of TLS that is never whole, gets no more time by it. */
static bool wait_for(struct talk *t, short events, unsigned patience_ms, struct fault *why)
{
	const uint64_t start = clock_us();

	for (;;) {
		struct pollfd p = { .fd = t->pipe.fd, .events = events };
		const int n = poll(&p, 1, SLICE_MS);
		const uint64_t now = clock_us();
		if (n < 0 && errno != EINTR)
			return fail(t, why, strerror(errno));
		if (t->job && job_is_cancelled(t->job))
			return fail(t, why, "given up");
		if (n <= 0 && now - start > patience_ms * UINT64_C(1000))
			return fail(t, why,
				events & POLLOUT ? "cannot be reached" : "does not answer");
		if (now - t->begun_us > t->limits.most_ms * UINT64_C(1000))
			return fail(t, why, "takes longer than a transfer may");
		if (n > 0)
			return true;
	}
}

static bool connect_to(struct talk *t, struct fault *why)
{
	const struct sockaddr_storage at = address_of(t->peer);
	const int one = 1;
	int error = 0;
	socklen_t len = sizeof error;

	const int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(t, why, strerror(errno));
	pipe_open_plain(&t->pipe, fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, (const struct sockaddr *)&at, t->peer->len) == 0)
		return true;
	if (errno != EINPROGRESS)
		return fail(t, why, strerror(errno));
	if (!wait_for(t, POLLOUT, t->limits.connect_ms, why))
		return false;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return !error || fail(t, why, strerror(error));
}

/* What the pipe waits for, as poll(2) has it. */
static short poll_of(int wants)
{
	return wants & EV_WRITE ? POLLOUT : POLLIN;
}

static bool shake_hands(struct talk *t, struct fault *why)
{
	char trouble[TLS_TROUBLE];
	struct fault reason;
	ssize_t n;

	if (!t->peer->tls)
		return true;
	if (!pipe_start_tls_client(&t->pipe, t->peer->tls, &reason))
		return fail(t, why, reason.text);
	while ((n = pipe_shake(&t->pipe)) == PIPE_AGAIN)
		if (!wait_for(t, poll_of(t->pipe.read_wants), t->limits.connect_ms, why))
			return false;
	return n == 1 || fail(t, why, pipe_tls_trouble(&t->pipe, trouble));
}

struct talk *talk_open(const struct peer *peer, const struct peer_limits *limits,
	struct job *job, struct fault *why)
{
	struct talk *t = malloc(sizeof *t);

	if (!t) {
		fault(why, "out of memory");
		return NULL;
	}
	memset(t, 0, offsetof(struct talk, buf));
	t->peer = peer;
	t->limits = *limits;
	t->job = job;
	t->begun_us = clock_us();
	t->pipe.fd = -1;
	if (connect_to(t, why) && shake_hands(t, why))
		return t;
	talk_close(t);
	return NULL;
}

void talk_close(struct talk *t)
{
	if (t->pipe.fd >= 0)
		pipe_close(&t->pipe);
	free(t);
}

/* --- a query ------------------------------------------------------------------------------ */

static bool send_all(struct talk *t, const uint8_t *p, size_t len, struct fault *why)
{
	while (len) {
		const ssize_t n = pipe_write(&t->pipe, p, len);
		if (n == PIPE_BROKEN)
			return fail(t, why, "breaks the connection");
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (!wait_for(t, poll_of(t->pipe.write_wants), t->limits.silence_ms, why)) {
			return false;
		}
	}
	return true;
}

bool talk_ask(struct talk *t, uint8_t query[static PEER_QUERY_ROOM], size_t len,
	struct fault *why)
{
	uint8_t framed[2 + PEER_QUERY_ROOM];

	t->id = (uint16_t)randombytes_random();
	be16_put(query, t->id);
	t->tsig.key = NULL;
	if (t->peer->is_signed)
		len = tsig_ask(&t->tsig, &t->peer->key, query, len, (uint64_t)time(NULL));
	be16_put(framed, (unsigned)len);
	memcpy(framed + 2, query, len);
	return send_all(t, framed, len + 2, why);
}

bool talk_pass(struct talk *t, const uint8_t *query, size_t len, struct fault *why)
{
	uint8_t framed[2];

	t->id = (uint16_t)be16_get(query);
	t->tsig.key = NULL;
	be16_put(framed, (unsigned)len);
	return send_all(t, framed, sizeof framed, why) && send_all(t, query, len, why);
}

/* --- answers ------------------------------------------------------------------------------ */

/* Until `n` bytes are there. */
static bool fill(struct talk *t, size_t n, struct fault *why)
{
	if (t->from + n > sizeof t->buf) {
		memmove(t->buf, t->buf + t->from, t->to - t->from);
		t->to -= t->from;
		t->from = 0;
	}
	while (t->to - t->from < n) {
		const ssize_t got = pipe_read(&t->pipe, t->buf + t->to, sizeof t->buf - t->to);
		if (got == 0)
			return fail(t, why, "closes the connection before the end");
		if (got == PIPE_BROKEN)
			return fail(t, why, "breaks the connection");
		if (got < 0) {
			if (!wait_for(t, poll_of(t->pipe.read_wants), t->limits.silence_ms, why))
				return false;
			continue;
		}
		t->to += (size_t)got;
		t->bytes += (uint64_t)got;
		if (t->bytes > t->limits.most_bytes)
			return fail(t, why, "sends more than a transfer may have");
		if (clock_us() - t->begun_us > t->limits.most_ms * UINT64_C(1000))
			return fail(t, why, "takes longer than a transfer may");
	}
	return true;
}

/* The TSIG record that ends the message, which must be there when we have signed. */
static bool check_signature(struct talk *t, const struct message *whole, struct fault *why)
{
	struct message m = *whole;
	struct message_rr rr = { .type = 0 };
	struct query_tsig tsig;
	unsigned section = 0;
	char say[128];

	if (!t->tsig.key)
		return true;
	while (message_next(&m, &rr, &section))
		;
	if (m.wrong)
		return fail(t, why, m.wrong);
	if (section != 2 || rr.type != RRTYPE_TSIG || !message_tsig(&rr, &tsig))
		return fail(t, why, "answers without a signature");
	switch (tsig_check_answer(&t->tsig, &tsig, m.bytes, (uint64_t)time(NULL))) {
	case TSIG_GOOD: return true;
	case TSIG_MALFORMED: return fail(t, why, "signs with a MAC of a wrong length");
	case TSIG_WRONG: break;
	}
	snprintf(say, sizeof say, "%s (TSIG)%s", tsig_error_text(t->tsig.error),
		t->tsig.error == TSIG_BADTIME ? ": the clocks differ by over 5 minutes" : "");
	return fail(t, why, say);
}

bool talk_next(struct talk *t, struct message *m, struct fault *why)
{
	if (!fill(t, 2, why))
		return false;
	const size_t len = be16_get(t->buf + t->from);
	if (!fill(t, 2 + len, why))
		return false;
	const uint8_t *bytes = t->buf + t->from + 2;
	t->from += 2 + len;
	if (!message_open(m, bytes, len))
		return fail(t, why, m->wrong);
	if (m->id != t->id || !(m->flags & FLAG_QR))
		return fail(t, why, "sends a message that is no answer to ours");
	return check_signature(t, m, why);
}

void talk_hurry(struct talk *t, unsigned silence_ms)
{
	if (silence_ms < t->limits.silence_ms)
		t->limits.silence_ms = silence_ms;
}

uint64_t talk_bytes(const struct talk *t)
{
	return t->bytes;
}
