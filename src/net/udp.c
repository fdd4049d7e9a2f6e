#include "net/udp.h"

#include "base/log.h"
#include "net/batch.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PAUSE_LEAST_US = 1000,  /* after an error in place of queries; doubled up to ... */
	PAUSE_MOST_US = 100000, /* ... for as long as nothing else comes */
	CONTROL_ROOM = CMSG_SPACE(sizeof(struct in6_pktinfo))
};

struct udp {
	struct batch batch;
	struct tap_ends own; /* whom queries come to; `to` ::, which each packet tells */
	int fd;
	int stop; /* atomic: enum udp_end */
	/* [batch.most] of all of these. */
	struct mmsghdr *in, *out;
	struct iovec *in_bytes, *out_bytes;
	struct sockaddr_storage *from;
	uint8_t (*control)[CONTROL_ROOM];
	uint8_t (*query)[BATCH_QUERY_ROOM];
	uint8_t (*answer)[BATCH_ANSWER_ROOM];
};

enum udp_end { UDP_RUNS, UDP_STOPS, UDP_LEAVES };

struct udp *udp_new(int fd, const struct batch_opts *opts)
{
	struct udp *u = batch_lines(1, sizeof *u);
	const unsigned n = opts->most;

	batch_init(&u->batch, opts);
	u->fd = fd;
	u->in = batch_lines(n, sizeof *u->in);
	u->out = batch_lines(n, sizeof *u->out);
	u->in_bytes = batch_lines(n, sizeof *u->in_bytes);
	u->out_bytes = batch_lines(n, sizeof *u->out_bytes);
	u->from = batch_lines(n, sizeof *u->from);
	u->control = batch_lines(n, sizeof *u->control);
	u->query = batch_lines(n, sizeof *u->query);
	u->answer = batch_lines(n, sizeof *u->answer);
	u->own = tap_ends_of(fd);
	for (unsigned i = 0; i < n; i++) {
		u->in_bytes[i] = (struct iovec){ u->query[i], BATCH_QUERY_ROOM };
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
	batch_fini(&u->batch);
	free(u->in);
	free(u->out);
	free(u->in_bytes);
	free(u->out_bytes);
	free(u->from);
	free(u->control);
	free(u->query);
	free(u->answer);
	free(u);
}

struct batch *udp_batch(struct udp *u)
{
	return &u->batch;
}

int udp_socket(const struct udp *u)
{
	return u->fd;
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
	__atomic_store_n(&u->stop, UDP_STOPS, __ATOMIC_RELEASE);
	/* Not connected, so ENOTCONN is what it says; yet whoever blocks in it wakes up and
	 * finds nothing more to read. */
	shutdown(u->fd, SHUT_RDWR);
}

void udp_leave(struct udp *u)
{
	__atomic_store_n(&u->stop, UDP_LEAVES, __ATOMIC_RELEASE);
}

void udp_return(struct udp *u)
{
	__atomic_store_n(&u->stop, UDP_RUNS, __ATOMIC_RELEASE);
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

/* One that others look into: they answer it by our socket. */
static void keep(struct udp *u, unsigned i)
{
	struct msghdr *m = &u->in[i].msg_hdr;
	struct request *r = batch_later(&u->batch, i);

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
	batch_post_later(&u->batch, r);
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
static void show(struct udp *u, unsigned i, size_t len)
{
	const struct sockaddr_in6 *from = (const struct sockaddr_in6 *)&u->from[i];
	struct tap_ends ends = u->own;

	/* The port stands at the same place for both families; a proxy's is not the client's. */
	if (u->batch.ask[i].packet == u->query[i])
		ends.port = ntohs(from->sin6_port);
	if (u->in[i].msg_hdr.msg_controllen)
		ends.to = find_own(&u->in[i].msg_hdr);
	batch_show(&u->batch, i, &ends, len);
}

/* Answers `n` queries; returns how many answers there are to send. */
static unsigned answer_batch(struct udp *u, unsigned n)
{
	struct batch *b = &u->batch;
	unsigned k = 0;

	batch_begin(b);
	for (unsigned i = 0; i < n; i++) {
		batch_take(b, i, u->query[i], u->in[i].msg_len,
			addr_from_sockaddr((const struct sockaddr *)&u->from[i]));
	}
	batch_read(b, n);
	for (unsigned i = 0; i < n; i++) {
		struct msghdr *m = &u->in[i].msg_hdr;
		const size_t len = batch_write(b, i, u->answer[k]);
		if (b->tapped)
			show(u, i, len);
		if (len == 0) {
			if (b->later.asked)
				keep(u, i);
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
	batch_end(b, n);
	return k;
}

static void send_batch(struct udp *u, unsigned n)
{
	for (unsigned done = 0; done < n;) {
		const int sent = sendmmsg(u->fd, u->out + done, n - done, 0);
		if (sent > 0) {
			done += (unsigned)sent;
		} else if (errno == EMSGSIZE && batch_cut(&u->out_bytes[done])) {
			continue;
		} else if (errno != EINTR) {
			/* This one cannot go out (port 0, no route, a full queue): the asker
			 * will ask again. */
			stats_add(&u->batch.stats.send_failed, 1);
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
	stats_add(&u->batch.stats.receive_failed, 1);
	if (u->batch.news)
		mailbox_post(u->batch.news,
			&(struct answer_news){ .kind = NEWS_RECEIVE_ERROR, .error = err });
	usleep(pause_us);
	return pause_us * 2 < PAUSE_MOST_US ? pause_us * 2 : PAUSE_MOST_US;
}

void udp_run(struct udp *u)
{
	unsigned pause_us = PAUSE_LEAST_US;

	epoch_join();
	make_ready(u, u->batch.most);
	while (!__atomic_load_n(&u->stop, __ATOMIC_ACQUIRE)) {
		const int n = recvmmsg(u->fd, u->in, u->batch.most, MSG_WAITFORONE, NULL);
		if (n < 0 && errno != EINTR)
			pause_us = pause_after(u, errno, pause_us);
		else
			pause_us = PAUSE_LEAST_US;
		/* What was taken from a socket that others go on with is answered yet. */
		if (n <= 0 || __atomic_load_n(&u->stop, __ATOMIC_ACQUIRE) == UDP_STOPS)
			continue;
		send_batch(u, answer_batch(u, (unsigned)n));
		make_ready(u, (unsigned)n);
	}
	epoch_leave();
}
