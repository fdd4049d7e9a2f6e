#include "net/quic_inner.h"

#include "base/log.h"
#include "base/memory.h"
#include "jobs/mailbox.h"
#include "net/choice_counts_new.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
	DATAGRAMS = 64,     /* taken in a turn */
	CLOSES = 64,        /* idle connections closed in a turn */
	FIRST_LEAST = 1200, /* bytes of a client's first datagram (RFC 9000 section 14.1) */
	RESET_LEAST = 43,   /* a shorter one may be a reset itself (RFC 9000 section 10.3) */
	RESET_MOST = 60,
	RETRY_SHARE = 4, /* with over 1/RETRY_SHARE of the handshakes under way addresses have
			    to be proven */
	LONG = 0x80, /* bit of the first byte: a long header (RFC 9000 section 17.2) */
	TOKEN_S = 10
};

#define SWEEP_S 0.25

ngtcp2_tstamp quic_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (ngtcp2_tstamp)t.tv_sec * NGTCP2_SECONDS + (ngtcp2_tstamp)t.tv_nsec;
}

int64_t quic_now_ms(void)
{
	return (int64_t)(quic_now() / NGTCP2_MILLISECONDS);
}

void quic_random(uint8_t *to, size_t len)
{
	if (getrandom(to, len, 0) != (ssize_t)len)
		die("cannot have random numbers");
}

/* --- connection IDs ----------------------------------------------------------------------- */

static struct quic_cid **place_of(const struct quic *q, const uint8_t *bytes, size_t len)
{
	return &q->places[hash_bytes(q->key, bytes, len) & (QUIC_PLACES - 1)];
}

static struct quic_connection *find(const struct quic *q, const uint8_t *bytes, size_t len)
{
	for (const struct quic_cid *i = *place_of(q, bytes, len); i; i = i->next)
		if (i->len == len && memcmp(i->bytes, bytes, len) == 0)
			return i->to;
	return NULL;
}

bool quic_add_cid(struct quic_connection *c, const uint8_t *bytes, size_t len)
{
	struct quic_cid *new = calloc(1, sizeof *new), **at = place_of(c->quic, bytes, len);

	if (!new)
		return false;
	*new = (struct quic_cid){ .next = *at, .of_same = c->cids, .to = c, .len = len };
	memcpy(new->bytes, bytes, len);
	*at = new;
	c->cids = new;
	return true;
}

static struct quic_cid *is_that(
	struct quic_cid *i, const struct quic_connection *c, const uint8_t *bytes, size_t len)
{
	return i->to == c && i->len == len && memcmp(i->bytes, bytes, len) == 0 ? i : NULL;
}

void quic_remove_cid(struct quic_connection *c, const uint8_t *bytes, size_t len)
{
	struct quic_cid *found = NULL;

	for (struct quic_cid **p = &c->cids; *p && !found; p = *p ? &(*p)->of_same : p)
		if ((found = is_that(*p, c, bytes, len))) {
			*p = found->of_same;
			break;
		}
	if (!found)
		return;
	for (struct quic_cid **p = place_of(c->quic, bytes, len); *p; p = &(*p)->next)
		if (*p == found) {
			*p = found->next;
			break;
		}
	free(found);
}

/* --- packets of nobody we know ------------------------------------------------------------ */

struct datagram {
	struct quic_socket *socket;
	ngtcp2_path path;
	const uint8_t *bytes;
	size_t len;
};

/* Each is shorter than what it answers, or so two who know nothing of each other would go on
 * for ever. */
static void send_reset(const struct datagram *d, const ngtcp2_version_cid *id)
{
	uint8_t packet[RESET_MOST], token[NGTCP2_STATELESS_RESET_TOKENLEN], noise[RESET_MOST];
	ngtcp2_cid cid;
	const size_t len = d->len > RESET_MOST ? RESET_MOST : d->len - 1;
	const size_t some = len - sizeof token;

	if (d->len < RESET_LEAST)
		return;
	ngtcp2_cid_init(&cid, id->dcid, id->dcidlen);
	quic_random(noise, some);
	if (ngtcp2_crypto_generate_stateless_reset_token(
		    token, d->socket->quic->opts.secret, QUIC_SECRET, &cid) != 0)
		return;
	const ngtcp2_ssize n = ngtcp2_pkt_write_stateless_reset(
		packet, sizeof packet, token, noise, some);
	if (n > 0)
		quic_send(d->socket, &d->path, packet, (size_t)n);
}

static void send_versions(const struct datagram *d, const ngtcp2_version_cid *id)
{
	static const uint32_t spoken[] = { NGTCP2_PROTO_VER_V1 };
	uint8_t packet[NGTCP2_MAX_UDP_PAYLOAD_SIZE], noise;

	if (d->len < FIRST_LEAST)
		return;
	quic_random(&noise, 1);
	const ngtcp2_ssize n = ngtcp2_pkt_write_version_negotiation(packet, sizeof packet,
		noise, id->scid, id->scidlen, id->dcid, id->dcidlen, spoken, 1);
	if (n > 0)
		quic_send(d->socket, &d->path, packet, (size_t)n);
}

static void send_retry(const struct datagram *d, const ngtcp2_pkt_hd *head)
{
	struct quic *q = d->socket->quic;
	uint8_t packet[NGTCP2_MAX_UDP_PAYLOAD_SIZE], token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN];
	ngtcp2_cid ours = { .datalen = QUIC_CID };

	quic_random(ours.data, ours.datalen);
	const ngtcp2_ssize len = ngtcp2_crypto_generate_retry_token(token, q->opts.secret,
		QUIC_SECRET, head->version, d->path.remote.addr, d->path.remote.addrlen, &ours,
		&head->dcid, quic_now());
	if (len < 0)
		return;
	const ngtcp2_ssize n = ngtcp2_crypto_write_retry(packet, sizeof packet, head->version,
		&head->scid, &ours, &head->dcid, token, (size_t)len);
	if (n <= 0)
		return;
	stats_add(&q->stats.quic_retries, 1);
	quic_send(d->socket, &d->path, packet, (size_t)n);
}

/* A token of ours that is too old, or another's: he would wait for us in vain (RFC 9000
 * section 8.1.2). */
static void send_invalid_token(const struct datagram *d, const ngtcp2_pkt_hd *head)
{
	uint8_t packet[NGTCP2_MAX_UDP_PAYLOAD_SIZE];
	const ngtcp2_ssize n = ngtcp2_crypto_write_connection_close(packet, sizeof packet,
		head->version, &head->scid, &head->dcid, NGTCP2_INVALID_TOKEN, NULL, 0);

	if (n > 0)
		quic_send(d->socket, &d->path, packet, (size_t)n);
}

/* --- new connections ---------------------------------------------------------------------- */

static void end_member(struct clients_member *m)
{
	quic_connection_end((struct quic_connection *)m, QUIC_FINE); /* its first field */
}

static struct quic_connection *of_handshake(struct handshake *h)
{
	return (struct quic_connection *)((char *)h -
		offsetof(struct quic_connection, handshake));
}

static void make_room(struct quic *q, const struct addr *source)
{
	struct handshake *h = handshakes_in_the_way(&q->handshakes);
	struct clients_member *other;

	if (h) {
		stats_add(&q->stats.tls_limited, 1);
		quic_connection_end(of_handshake(h), QUIC_EXCESSIVE);
	}
	while ((other = clients_in_the_way(&q->connected, source)))
		end_member(other);
}

/* Who comes for the first time may have forged his address: where many do he is sent away to
 * come again, and nothing is kept of him. */
static bool may_begin(
	const struct datagram *d, const ngtcp2_pkt_hd *head, const struct quic_arrival *a)
{
	struct quic *q = d->socket->quic;
	const int64_t now_ms = quic_now_ms();

	if (a->original) {
		const bool may = handshakes_may(&q->proven, &a->source, now_ms);
		stats_add(&q->stats.tls_limited, !may);
		return may;
	}
	if (q->handshakes.n < q->opts.handshakes / RETRY_SHARE &&
		handshakes_may(&q->handshakes, &a->source, now_ms))
		return true;
	send_retry(d, head);
	return false;
}

static void take_stranger(const struct datagram *d)
{
	struct quic *q = d->socket->quic;
	ngtcp2_pkt_hd head;
	ngtcp2_cid original;
	struct quic_arrival a = { .head = &head,
		.path = &d->path,
		.source = addr_from_sockaddr(d->path.remote.addr) };

	if (d->len < FIRST_LEAST || !q->tls || !tls_quic(q->tls) ||
		ngtcp2_accept(&head, d->bytes, d->len) != 0)
		return;
	if (head.token.len &&
		ngtcp2_crypto_verify_retry_token(&original, head.token.base, head.token.len,
			q->opts.secret, QUIC_SECRET, head.version, d->path.remote.addr,
			d->path.remote.addrlen, &head.dcid, TOKEN_S * NGTCP2_SECONDS,
			quic_now()) == 0)
		a.original = &original;
	else if (head.token.len && head.token.base[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
		send_invalid_token(d, &head);
		return;
	}
	if (!may_begin(d, &head, &a))
		return;
	make_room(q, &a.source);
	struct quic_connection *c = quic_connection_open(d->socket, &a);
	if (!c)
		return;
	/* The sweep ends handshakes that take too long, and who is idle. */
	if (!ev_is_active(&q->sweep))
		ev_timer_again(q->loop, &q->sweep);
	quic_connection_read(c, &d->path, d->bytes, d->len);
}

static void take_datagram(const struct datagram *d)
{
	ngtcp2_version_cid id;
	const int what = ngtcp2_pkt_decode_version_cid(&id, d->bytes, d->len, QUIC_CID);

	if (what == NGTCP2_ERR_VERSION_NEGOTIATION) {
		send_versions(d, &id);
		return;
	}
	if (what != 0)
		return;
	struct quic_connection *c = find(d->socket->quic, id.dcid, id.dcidlen);
	if (c && c->socket == d->socket)
		quic_connection_read(c, &d->path, d->bytes, d->len);
	else if (!(d->bytes[0] & LONG))
		send_reset(d, &id);
	else if (id.version) /* or it answers what nobody here has said: its IDs may have any length */
		take_stranger(d);
}

/* --- what the kernel has ------------------------------------------------------------------ */

static void take_message(struct quic_socket *s, struct msghdr *m, size_t len)
{
	struct sockaddr_storage local;
	const uint8_t *bytes = m->msg_iov->iov_base;

	quic_local(s, m, &local);
	const struct datagram d = { s,
		{ { (struct sockaddr *)&local, s->at_len }, { m->msg_name, m->msg_namelen },
			NULL },
		bytes, len };
	if (len && !(m->msg_flags & MSG_TRUNC))
		take_datagram(&d);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct quic_socket *s = io->data;
	uint8_t packet[QUIC_PACKET];

	(void)loop;
	(void)events;
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		_Alignas(struct cmsghdr)
			uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct sockaddr_storage from;
		struct iovec v = { packet, sizeof packet };
		struct msghdr m = { .msg_name = &from,
			.msg_namelen = sizeof from,
			.msg_iov = &v,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof control };
		const ssize_t n = recvmsg(io->fd, &m, MSG_DONTWAIT);
		if (n < 0)
			return;
		take_message(s, &m, (size_t)n);
	}
}

void quic_take(
	struct quic *q, size_t i, const struct sockaddr *from, const uint8_t *bytes, size_t len)
{
	const socklen_t room = from->sa_family == AF_INET ? sizeof(struct sockaddr_in)
							  : sizeof(struct sockaddr_in6);
	struct iovec v = { (void *)(uintptr_t)bytes, len };
	struct msghdr m = { .msg_name = (void *)(uintptr_t)from,
		.msg_namelen = room,
		.msg_iov = &v,
		.msg_iovlen = 1 };

	take_message(&q->sockets[i], &m, len);
}

/* --- who has been here for too long ------------------------------------------------------- */

static void on_sweep(struct ev_loop *loop, ev_timer *t, int events)
{
	struct quic *q = t->data;
	const struct handshakes *h = &q->handshakes;
	struct clients_member *oldest;
	const int64_t now = quic_now_ms();

	(void)events;
	for (unsigned n = 0;
		h->oldest && now - h->oldest->since_ms >= q->opts.handshake_ms && n < CLOSES;
		n++)
		quic_connection_end(of_handshake(h->oldest), QUIC_EXCESSIVE);
	for (unsigned n = 0; (oldest = q->connected.all.oldest) &&
		now - oldest->since_ms >= q->opts.idle_ms && n < CLOSES;
		n++)
		end_member(oldest);
	if (!q->connected.n)
		ev_timer_stop(loop, t);
}

/* --- the thread --------------------------------------------------------------------------- */

static void on_stop(struct ev_loop *loop, ev_async *a, int events)
{
	struct quic *q = a->data;

	(void)events;
	if (__atomic_exchange_n(&q->leaves, false, __ATOMIC_ACQ_REL))
		while (q->connected.all.oldest)
			end_member(q->connected.all.oldest);
	ev_break(loop, EVBREAK_ALL);
}

static void on_tls(struct ev_loop *loop, ev_async *a, int events)
{
	struct quic *q = a->data;
	struct tls *next = __atomic_exchange_n(&q->tls_next, NULL, __ATOMIC_ACQ_REL);

	(void)loop;
	(void)events;
	if (!next)
		return;
	tls_drop(q->tls);
	q->tls = next;
}

void quic_set_tls(struct quic *q, struct tls *t)
{
	tls_drop(__atomic_exchange_n(&q->tls_next, tls_hold(t), __ATOMIC_ACQ_REL));
	ev_async_send(q->loop, &q->tls_change);
}

static void post(void *box, const struct answer_news *news)
{
	mailbox_post(box, news);
}

static void open_socket(struct quic *q, const struct quic_listener *l)
{
	struct quic_socket *s = &q->sockets[q->n_sockets++];

	*s = (struct quic_socket){
		.quic = q, .any = listen_is_any(l->at), .at = l->at->sa, .at_len = l->at->len
	};
	ev_io_init(&s->io, on_readable, l->fd, EV_READ);
	s->io.data = s;
	ev_io_start(q->loop, &s->io);
}

struct quic *quic_new(const struct quic_listener *listeners, size_t n,
	const struct epoch *epoch, const struct quic_opts *opts)
{
	struct quic *q = aligned_alloc(64, (sizeof *q + 63) & ~(size_t)63);

	if (!q)
		return NULL;
	memset(q, 0, sizeof *q);
	q->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!q->loop) {
		free(q);
		return NULL;
	}
	q->epoch = epoch;
	q->opts = *opts;
	q->counts = choice_counts_new();
	q->answerer = (struct answerer){ .stats = &q->stats,
		.samples = &q->samples,
		.turns = q->counts->turns,
		.counts = q->counts,
		.tell = opts->news ? post : NULL,
		.tell_ctx = opts->news };
	q->begun = memory_zeroed(1, sizeof *q->begun);
	q->places = memory_zeroed(QUIC_PLACES, sizeof(struct quic_cid *));
	tap_init(&q->tap);
	q->sockets = memory_zeroed(n, sizeof *q->sockets);
	quic_random((uint8_t *)&q->key, sizeof q->key);
	clients_init(&q->connected, opts->clients, opts->clients_per_net);
	handshakes_init(&q->handshakes, opts->handshakes, opts->handshakes_per_net);
	handshakes_init(&q->proven, opts->handshakes, opts->handshakes_per_net);
	ev_async_init(&q->stopper, on_stop);
	ev_async_init(&q->tls_change, on_tls);
	ev_timer_init(&q->sweep, on_sweep, 0, SWEEP_S);
	q->tls_change.data = q->sweep.data = q->stopper.data = q;
	ev_async_start(q->loop, &q->stopper);
	ev_async_start(q->loop, &q->tls_change);
	for (size_t i = 0; i < n; i++)
		open_socket(q, &listeners[i]);
	return q;
}

void quic_free(struct quic *q)
{
	while (q->connected.all.oldest)
		end_member(q->connected.all.oldest);
	for (size_t i = 0; i < q->n_sockets; i++) {
		ev_io_stop(q->loop, &q->sockets[i].io);
		close(q->sockets[i].io.fd);
	}
	ev_loop_destroy(q->loop);
	clients_fini(&q->connected);
	handshakes_fini(&q->handshakes);
	handshakes_fini(&q->proven);
	tls_drop(q->tls);
	tls_drop(q->tls_next);
	choice_counts_free(q->counts);
	tap_fini(&q->tap);
	memory_free(q->sockets);
	memory_free(q->places);
	memory_free(q->begun);
	free(q);
}

void quic_run(struct quic *q)
{
	epoch_join();
	on_tls(q->loop, &q->tls_change, 0); /* before the first client */
	ev_run(q->loop, 0);
	epoch_leave();
}

void quic_turn(struct quic *q)
{
	ev_run(q->loop, EVRUN_NOWAIT);
}

void quic_stop(struct quic *q)
{
	ev_async_send(q->loop, &q->stopper);
}

void quic_leave(struct quic *q)
{
	__atomic_store_n(&q->leaves, true, __ATOMIC_RELEASE);
	ev_async_send(q->loop, &q->stopper);
}

int quic_socket(const struct quic *q, size_t i)
{
	return i < q->n_sockets ? q->sockets[i].io.fd : -1;
}

struct samples *quic_samples(struct quic *q)
{
	return &q->samples;
}

struct tap *quic_tap(struct quic *q)
{
	return &q->tap;
}

struct choice_counts *quic_counts(const struct quic *q)
{
	return q->counts;
}

const struct stats *quic_stats(const struct quic *q)
{
	return &q->stats;
}

unsigned quic_clients(const struct quic *q)
{
	return __atomic_load_n(&q->clients, __ATOMIC_RELAXED);
}
