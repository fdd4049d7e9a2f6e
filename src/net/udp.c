#include "net/udp.h"

#include "net/request.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "dns/rrtype.h"
#include "dns/writer.h"
#include "net/choice_counts_new.h"
#include "net/proxy.h"
#include "net/tap.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PAUSE_LEAST_US = 1000,  /* after an error in place of queries; doubled up to ... */
	PAUSE_MOST_US = 100000, /* ... for as long as nothing else comes */
	LINE = 64,              /* bytes of a cache line */
	QUERY_ROOM = 1280,      /* bytes; a longer query is cut and so answered with FORMERR */
	ANSWER_ROOM = (ANSWER_UDP_MOST + LINE - 1) & ~(LINE - 1),
	CONTROL_ROOM = CMSG_SPACE(sizeof(struct in6_pktinfo))
};

struct udp {
	struct stats stats;
	struct samples samples;
	struct answerer answerer;
	struct choice_counts *counts;
	const struct epoch *epoch;
	struct tap tap;
	struct tap_ends own; /* whom queries come to; `to` ::, which each packet tells */
	int fd;
	int stop;             /* atomic */
	struct mailbox *news; /* borrowed; or NULL */
	struct answer_later later; /* of the query at work */
	unsigned batch;
	/* [batch] of all of these. */
	struct mmsghdr *in, *out;
	struct answer_ask *ask;
	struct iovec *in_bytes, *out_bytes;
	struct sockaddr_storage *from;
	uint8_t (*control)[CONTROL_ROOM];
	struct answer_pending *pending;
	uint8_t (*query)[QUERY_ROOM];
	uint8_t (*answer)[ANSWER_ROOM];
};

/* Zero, on cache lines of its own; free() takes it. */
static void *lines(size_t n, size_t size)
{
	const size_t len = (n * size + LINE - 1) & ~(size_t)(LINE - 1);
	void *p = aligned_alloc(LINE, len);

	if (!p)
		die("out of memory");
	return memset(p, 0, len);
}

/* A full box loses it: who told it tells it again. */
static void post(void *box, const struct answer_news *news)
{
	mailbox_post(box, news);
}

struct udp *udp_new(int fd, const struct epoch *epoch, struct rrl *rrl, struct mailbox *news,
	unsigned batch)
{
	struct udp *u = lines(1, sizeof *u);

	u->fd = fd;
	u->epoch = epoch;
	u->news = news;
	u->batch = batch;
	u->in = lines(batch, sizeof *u->in);
	u->out = lines(batch, sizeof *u->out);
	u->in_bytes = lines(batch, sizeof *u->in_bytes);
	u->out_bytes = lines(batch, sizeof *u->out_bytes);
	u->ask = lines(batch, sizeof *u->ask);
	u->from = lines(batch, sizeof *u->from);
	u->control = lines(batch, sizeof *u->control);
	u->pending = lines(batch, sizeof *u->pending);
	u->query = lines(batch, sizeof *u->query);
	u->answer = lines(batch, sizeof *u->answer);
	u->counts = choice_counts_new();
	tap_init(&u->tap);
	u->own = tap_ends_of(fd);
	u->answerer = (struct answerer){
		.stats = &u->stats,
		.samples = &u->samples,
		.turns = u->counts->turns,
		.counts = u->counts,
		.rrl = rrl,
		.tell = news ? post : NULL,
		.tell_ctx = news,
	};
	for (unsigned i = 0; i < batch; i++) {
		u->ask[i] = (struct answer_ask){ .room = ANSWER_UDP_MOST, .later = &u->later };
		u->in_bytes[i] = (struct iovec){ u->query[i], QUERY_ROOM };
		u->in[i].msg_hdr = (struct msghdr){ .msg_name = &u->from[i],
			.msg_iov = &u->in_bytes[i],
			.msg_iovlen = 1,
			.msg_control = u->control[i] };
	}
	return u;
}

void udp_free(struct udp *u)
{
	close(u->fd);
	choice_counts_free(u->counts);
	tap_fini(&u->tap);
	free(u->in);
	free(u->out);
	free(u->in_bytes);
	free(u->out_bytes);
	free(u->ask);
	free(u->from);
	free(u->control);
	free(u->pending);
	free(u->query);
	free(u->answer);
	free(u);
}

struct choice_counts *udp_counts(const struct udp *u)
{
	return u->counts;
}

const struct stats *udp_stats(const struct udp *u)
{
	return &u->stats;
}

struct tap *udp_tap(struct udp *u)
{
	return &u->tap;
}

struct samples *udp_samples(struct udp *u)
{
	return &u->samples;
}

uint64_t udp_overflows(const struct udp *u)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof info;

	return getsockopt(u->fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 &&
			len > SK_MEMINFO_DROPS * sizeof *info
		? info[SK_MEMINFO_DROPS]
		: 0;
}

void udp_stop(struct udp *u)
{
	__atomic_store_n(&u->stop, 1, __ATOMIC_RELEASE);
	/* Not connected, so ENOTCONN is what it says; yet whoever blocks in it wakes up and
	 * finds nothing more to read. */
	shutdown(u->fd, SHUT_RDWR);
}

/* The packet's own interface is for the routing table to choose, but for link-local addresses,
 * which mean one only there. */
static void let_routing_choose(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (!c)
		return;
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof info);
		info.ipi_ifindex = 0;
		memcpy(CMSG_DATA(c), &info, sizeof info);
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof info);
		if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
			info.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(c), &info, sizeof info);
	}
}

static void tell_refused(struct udp *u, const struct addr *from, enum answer_news_proxy why)
{
	stats_add(&u->stats.proxy_refused, 1);
	if (!u->news || u->answerer.told_s == u->answerer.now_s)
		return;
	u->answerer.told_s = u->answerer.now_s;
	mailbox_post(u->news,
		&(struct answer_news){ .kind = NEWS_PROXY, .error = (int)why, .from = *from });
}

/* Who asks, where a proxy may have sent it: such a one says so in each packet, and nobody else does. */
static void find_client(struct udp *u, struct answer_ask *ask)
{
	struct proxy_header h;
	const bool may = policy_is_proxy(&u->answerer.world->policy, &ask->source);
	const bool has = proxy_read(&h, ask->packet, ask->len, false) == PROXY_WHOLE;

	if (may != has) {
		tell_refused(u, &ask->source, may ? NEWS_PROXY_NO_HEADER : NEWS_PROXY_STRANGER);
		ask->len = 0;
	} else if (has) {
		ask->packet += h.len;
		ask->len -= h.len;
		if (h.told) {
			ask->source = h.client;
			ask->proven = !h.datagram;
		}
		stats_add(&u->stats.proxied, 1);
	}
}

/* What is the same of all stays as it was made. */
static void take_asks(struct udp *u, unsigned n)
{
	const bool has_proxies = u->answerer.world->policy.n_proxies > 0;

	for (unsigned i = 0; i < n; i++) {
		struct answer_ask *ask = &u->ask[i];
		ask->packet = u->query[i];
		ask->len = u->in[i].msg_len;
		ask->source = addr_from_sockaddr((const struct sockaddr *)&u->from[i]);
		ask->proven = false;
		if (has_proxies)
			find_client(u, ask);
	}
}

/* One that others look into: they answer it by our socket. */
static void keep(struct udp *u, const struct answer_ask *ask, unsigned i)
{
	struct msghdr *m = &u->in[i].msg_hdr;
	struct request *r = u->news ? request_new(ask, &u->later) : NULL;

	u->later.asked = false;
	if (!r)
		return;
	if (m->msg_controllen)
		let_routing_choose(m);
	r->fd = u->fd;
	r->from = u->from[i];
	r->from_len = m->msg_namelen;
	if (m->msg_controllen && m->msg_controllen <= sizeof r->control) {
		r->control_len = m->msg_controllen;
		memcpy(r->control, m->msg_control, m->msg_controllen);
	}
	if (!mailbox_post(u->news, &(struct answer_news){ .kind = NEWS_UPDATE, .request = r }))
		free(r);
}

/* The address that a packet came to. */
static struct addr find_own(const struct msghdr *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		memcpy(&v4.sin_addr, CMSG_DATA(c) + offsetof(struct in_pktinfo, ipi_addr),
			sizeof v4.sin_addr);
		return addr_from_sockaddr((const struct sockaddr *)&v4);
	}
	if (c && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
		memcpy(&v6.sin6_addr, CMSG_DATA(c) + offsetof(struct in6_pktinfo, ipi6_addr),
			sizeof v6.sin6_addr);
	return addr_from_sockaddr((const struct sockaddr *)&v6);
}

/* A copy for who looks on. */
static void show(struct udp *u, const struct answer_ask *ask, unsigned i, size_t len)
{
	const struct sockaddr_in6 *from = (const struct sockaddr_in6 *)&u->from[i];
	struct tap_ends ends = u->own;

	/* The port stands at the same place for both families; a proxy's is not the client's. */
	if (ask->packet == u->query[i])
		ends.port = ntohs(from->sin6_port);
	if (u->in[i].msg_hdr.msg_controllen)
		ends.to = find_own(&u->in[i].msg_hdr);
	tap_take(&u->tap, &u->answerer, ask, &ends, len);
}

/* Answers `n` queries; returns how many answers there are to send. */
static unsigned answer_batch(struct udp *u, unsigned n)
{
	unsigned k = 0;

	u->answerer.world = epoch_enter(u->epoch);
	u->samples.due = true;
	/* Of the vDSO: no system calls. */
	u->answerer.now_s = (uint32_t)time(NULL);
	u->answerer.now_us = clock_us();
	const bool tapped = policy_is_tapped(&u->answerer.world->policy);
	take_asks(u, n);
	for (unsigned i = 0; i < n; i++)
		answer_read(&u->answerer, &u->ask[i], &u->pending[i]);
	for (unsigned step = 0; step < answer_steps(&u->answerer); step++)
		for (unsigned i = 0; i < n; i++)
			answer_step(&u->answerer, &u->ask[i], &u->pending[i], step);
	for (unsigned i = 0; i < n; i++) {
		struct msghdr *m = &u->in[i].msg_hdr;
		struct answer_ask *ask = &u->ask[i];
		ask->to = u->answer[k];
		const size_t len = answer_write(&u->answerer, ask, &u->pending[i]);
		if (tapped)
			show(u, ask, i, len);
		if (len == 0) {
			if (u->later.asked)
				keep(u, ask, i);
			continue;
		}
		if (m->msg_controllen)
			let_routing_choose(m);
		u->out_bytes[k] = (struct iovec){ u->answer[k], len };
		u->out[k].msg_hdr = (struct msghdr){ .msg_name = m->msg_name,
			.msg_namelen = m->msg_namelen,
			.msg_iov = &u->out_bytes[k],
			.msg_iovlen = 1,
			.msg_control = m->msg_controllen ? m->msg_control : NULL,
			.msg_controllen = m->msg_controllen };
		k++;
	}
	if (u->answerer.world->policy.counts_more)
		stats_time(&u->stats, clock_us() - u->answerer.now_us, n);
	epoch_exit();
	return k;
}

/* Our own OPT record, which is the root's, in an answer of our own: where it is and how long;
 * 0: there is none. */
static size_t find_opt(const uint8_t *p, size_t at, size_t *len)
{
	const unsigned records = be16_get(p + WRITER_ANSWER) + be16_get(p + WRITER_ANSWER + 2) +
		be16_get(p + WRITER_ANSWER + 4);

	for (unsigned i = 0; i < records; i++) {
		const size_t from = at, fixed = writer_behind_name(p, at);
		at = fixed + 10 + be16_get(p + fixed + 8);
		*len = at - from;
		if (be16_get(p + fixed) == RRTYPE_OPT)
			return from;
	}
	return 0;
}

/* Larger than our own link takes in one piece: the asker is told to come by TCP. The answer
 * becomes an empty one, with the OPT record that it had (RFC 6891 section 6.1.1), and when that
 * is still too much, without. False when there is nothing left to cut. */
static bool cut_answer(struct iovec *answer)
{
	uint8_t *p = answer->iov_base;
	size_t len = QUERY_HEADER, opt_len = 0;

	if (p[5])
		len = writer_behind_name(p, len) + 4;
	const size_t opt = find_opt(p, len, &opt_len);
	if (!opt || len + opt_len >= answer->iov_len)
		opt_len = 0;
	if (len + opt_len >= answer->iov_len)
		return false;
	p[2] |= FLAG_TC >> 8;
	memset(p + WRITER_ANSWER, 0, QUERY_HEADER - WRITER_ANSWER);
	if (opt_len) {
		memmove(p + len, p + opt, opt_len);
		p[QUERY_HEADER - 1] = 1;
	}
	answer->iov_len = len + opt_len;
	return true;
}

static void send_batch(struct udp *u, unsigned n)
{
	for (unsigned done = 0; done < n;) {
		const int sent = sendmmsg(u->fd, u->out + done, n - done, 0);
		if (sent > 0) {
			done += (unsigned)sent;
		} else if (errno == EMSGSIZE && cut_answer(&u->out_bytes[done])) {
			continue;
		} else if (errno != EINTR) {
			/* This one cannot go out (port 0, no route, a full queue): the asker
			 * will ask again. */
			stats_add(&u->stats.send_failed, 1);
			done++;
		}
	}
}

/* What the kernel has written over: how long the address and the control data were. */
static void make_ready(struct udp *u, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		u->in[i].msg_hdr.msg_namelen = sizeof u->from[i];
		u->in[i].msg_hdr.msg_controllen = CONTROL_ROOM;
	}
}

/* An error that lasts (no memory, a socket that is broken) must not keep a processor busy. */
static unsigned pause_after(struct udp *u, int err, unsigned pause_us)
{
	stats_add(&u->stats.receive_failed, 1);
	if (u->news)
		mailbox_post(u->news,
			&(struct answer_news){ .kind = NEWS_RECEIVE_ERROR, .error = err });
	usleep(pause_us);
	return pause_us * 2 < PAUSE_MOST_US ? pause_us * 2 : PAUSE_MOST_US;
}

void udp_run(struct udp *u)
{
	unsigned pause_us = PAUSE_LEAST_US;

	epoch_join();
	make_ready(u, u->batch);
	while (!__atomic_load_n(&u->stop, __ATOMIC_ACQUIRE)) {
		const int n = recvmmsg(u->fd, u->in, u->batch, MSG_WAITFORONE, NULL);
		if (n < 0 && errno != EINTR)
			pause_us = pause_after(u, errno, pause_us);
		else
			pause_us = PAUSE_LEAST_US;
		if (n <= 0 || __atomic_load_n(&u->stop, __ATOMIC_ACQUIRE))
			continue;
		send_batch(u, answer_batch(u, (unsigned)n));
		make_ready(u, (unsigned)n);
	}
	epoch_leave();
}
