#include "probe/check_icmp.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "probe/check.h"

#include <errno.h>
#include <ev.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SLOTS = 16384, /* checks in flight; a power of two that divides all sequence numbers */
	ECHO_LEN = 16,
	READS = 256 /* in a turn */
};

struct family {
	struct check_icmp *all;
	bool v4, raw;
	int fd; /* -1: `err` says why */
	int err;
	ev_io io;
	unsigned running;
};

struct check_icmp {
	struct ev_loop *loop;
	struct family v4, v6;
	struct slot {
		struct check *check; /* NULL: free */
		uint16_t sequence;
		uint64_t cookie;
	} slots[SLOTS];
	unsigned next;
	uint16_t ident; /* of raw sockets; the kernel has its own for ping sockets */
	uint64_t secret, count;
};

bool check_icmp_read(
	struct check_icmp_echo *e, const uint8_t *bytes, size_t len, bool v4, bool ip)
{
	if (v4 && ip) {
		const size_t header = len ? (bytes[0] & 15u) * 4u : 0;
		if (header < 20 || header > len)
			return false;
		bytes += header;
		len -= header;
	}
	if (len < ECHO_LEN)
		return false;
	*e = (struct check_icmp_echo){ .type = bytes[0],
		.ident = be16_get(bytes + 4),
		.sequence = be16_get(bytes + 6),
		.cookie = be64_get(bytes + 8) };
	return bytes[1] == 0 &&
		(v4 ? e->type == ICMP_ECHO || e->type == ICMP_ECHOREPLY
		    : e->type == ICMP6_ECHO_REQUEST || e->type == ICMP6_ECHO_REPLY);
}

static uint16_t checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += be16_get(p + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The check that this echo is of, or NULL. */
static struct slot *slot_of(struct check_icmp *i, const struct check_icmp_echo *e, bool v4)
{
	struct slot *s = &i->slots[e->sequence % SLOTS];

	return s->check && s->sequence == e->sequence && s->cookie == e->cookie &&
			addr_is_v4(&s->check->addr) == v4
		? s
		: NULL;
}

static void release(struct family *f, struct slot *s)
{
	s->check = NULL;
	if (--f->running == 0)
		ev_io_stop(f->all->loop, &f->io);
}

static void take_reply(
	struct family *f, const uint8_t *bytes, size_t len, const struct addr *from)
{
	struct check_icmp_echo e;

	if (!check_icmp_read(&e, bytes, len, f->v4, f->raw) ||
		e.type != (f->v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) ||
		(f->raw && e.ident != f->all->ident))
		return;
	struct slot *s = slot_of(f->all, &e, f->v4);
	if (!s || memcmp(from, &s->check->addr, sizeof *from) != 0)
		return;
	struct check *c = s->check;
	release(f, s);
	c->result.passed = true;
	c->result.rtt_us = c->result.wire_us = check_elapsed_us(c);
	check_step(c, "echo reply");
	snprintf(c->result.say, sizeof c->result.say, "echo reply");
	c->done(c);
}

/* A router or the host itself said no: our own request comes back with the reason. */
static bool take_error(struct family *f)
{
	uint8_t bytes[256], control[512];
	struct iovec iov = { bytes, sizeof bytes };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control };
	struct check_icmp_echo e;
	int err = 0;

	const ssize_t n = recvmsg(f->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
	if (n < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
			(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			err = (int)((struct sock_extended_err *)CMSG_DATA(c))->ee_errno;
	if (!err || !check_icmp_read(&e, bytes, (size_t)n, f->v4, false))
		return true;
	struct slot *s = slot_of(f->all, &e, f->v4);
	if (!s)
		return true;
	struct check *c = s->check;
	release(f, s);
	check_step(c, "%s", check_errno_text(err));
	check_failed(c, "%s", check_errno_text(err));
	c->done(c);
	return true;
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct family *f = io->data;
	struct sockaddr_storage sa;
	uint8_t bytes[512];

	(void)loop;
	(void)events;
	for (unsigned i = 0; i < READS && f->running; i++) {
		socklen_t len = sizeof sa;
		const ssize_t n = recvfrom(
			f->fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&sa, &len);
		if (n < 0 && !take_error(f))
			return;
		if (n < 0)
			continue;
		const struct addr from = addr_from_sockaddr((struct sockaddr *)&sa);
		take_reply(f, bytes, (size_t)n, &from);
	}
}

/* --- checks ------------------------------------------------------------------------------- */

static struct slot *free_slot(struct check_icmp *i)
{
	for (unsigned tries = 0; tries < SLOTS; tries++) {
		const unsigned sequence = i->next++ & 0xffff;
		struct slot *s = &i->slots[sequence % SLOTS];
		if (s->check)
			continue;
		s->sequence = (uint16_t)sequence;
		s->cookie = hash_mix(i->secret ^ ++i->count, i->secret | 1);
		return s;
	}
	return NULL;
}

static bool complain(struct check *c, const struct family *f)
{
	if (f->err == EACCES || f->err == EPERM)
		return check_failed(c,
			"no permission for ICMP: let our group %u have it (sysctl "
			"net.ipv4.ping_group_range=\"%u %u\"), or give us CAP_NET_RAW, and "
			"restart",
			(unsigned)getegid(), (unsigned)getegid(), (unsigned)getegid());
	return check_failed(c, "no ICMP socket: %s", strerror(f->err));
}

static bool start(struct checks *all, struct check *c)
{
	struct check_icmp *i = all->icmp;
	struct family *f = addr_is_v4(&c->addr) ? &i->v4 : &i->v6;
	struct sockaddr_storage sa;
	uint8_t echo[ECHO_LEN] = { f->v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST };

	if (f->fd < 0)
		return complain(c, f);
	struct slot *s = free_slot(i);
	if (!s)
		return check_failed(c, "too many echo requests in flight");
	be16_put(echo + 4, i->ident);
	be16_put(echo + 6, s->sequence);
	be64_put(echo + 8, s->cookie);
	if (f->v4)
		be16_put(echo + 2, checksum(echo, sizeof echo));
	const socklen_t len = check_sockaddr(c, &sa);
	ssize_t sent = sendto(f->fd, echo, sizeof echo, 0, (struct sockaddr *)&sa, len);
	if (sent < 0) /* it may have told an older request's error */
		sent = sendto(f->fd, echo, sizeof echo, 0, (struct sockaddr *)&sa, len);
	if (sent < 0)
		return check_errno(c, "", errno);
	check_step(c, "echo request sent");
	s->check = c;
	if (f->running++ == 0)
		ev_io_start(i->loop, &f->io);
	c->own = s;
	c->stage = "an echo reply";
	return true;
}

static void stop(struct checks *all, struct check *c)
{
	release(addr_is_v4(&c->addr) ? &all->icmp->v4 : &all->icmp->v6, c->own);
}

const struct check_kind check_icmp_kind = { start, stop, NULL };

/* --- sockets ------------------------------------------------------------------------------ */

static void open_family(struct check_icmp *i, struct family *f, bool v4)
{
	const int family = v4 ? AF_INET : AF_INET6,
		  protocol = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC, on = 1;

	f->all = i;
	f->v4 = v4;
	f->fd = socket(family, SOCK_DGRAM | flags, protocol);
	f->err = errno;
	if (f->fd < 0) {
		f->fd = socket(family, SOCK_RAW | flags, protocol);
		f->raw = f->fd >= 0;
	}
	if (f->fd < 0)
		return;
	setsockopt(f->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on,
		sizeof on);
	ev_io_init(&f->io, on_io, f->fd, EV_READ);
	f->io.data = f;
}

struct check_icmp *check_icmp_new(struct ev_loop *loop, uint64_t seed)
{
	struct check_icmp *i = memory_zeroed(1, sizeof *i);

	i->loop = loop;
	i->secret = hash_mix(seed ^ HASH_STEP, seed | 1);
	i->ident = (uint16_t)(i->secret >> 32);
	open_family(i, &i->v4, true);
	open_family(i, &i->v6, false);
	return i;
}

void check_icmp_free(struct check_icmp *i)
{
	struct family *both[] = { &i->v4, &i->v6 };

	for (unsigned k = 0; k < 2; k++) {
		if (both[k]->fd < 0)
			continue;
		ev_io_stop(i->loop, &both[k]->io);
		close(both[k]->fd);
	}
	memory_free(i);
}
