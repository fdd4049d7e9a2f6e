#include "probe/check.h"

#include "base/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool check_failed(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->result.say, sizeof c->result.say, fmt, ap);
	va_end(ap);
	c->result.passed = false;
	return false;
}

static bool is_ours(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS ||
		err == EAGAIN || err == EADDRNOTAVAIL;
}

bool check_errno(struct check *c, const char *what, int err)
{
	c->result.ours = is_ours(err);
	return check_failed(c, "%s%s%s", what, *what ? ": " : "", check_errno_text(err));
}

void check_step(struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (!c->steps)
		return;
	text_addf(c->steps, "  %9.1f ms  ", (double)(clock_us() - c->started_us) / 1e3);
	va_start(ap, fmt);
	text_addv(c->steps, fmt, ap);
	va_end(ap);
	text_add_char(c->steps, '\n');
}

uint32_t check_elapsed_us(const struct check *c)
{
	const uint64_t us = clock_us() - c->started_us;

	return us == 0 ? 1 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

socklen_t check_sockaddr(const struct check *c, struct sockaddr_storage *sa)
{
	const in_port_t port = htons(c->port);

	memset(sa, 0, sizeof *sa);
	if (addr_is_v4(&c->addr)) {
		struct sockaddr_in *in = (struct sockaddr_in *)sa;
		in->sin_family = AF_INET;
		in->sin_port = port;
		memcpy(&in->sin_addr, c->addr.b + 12, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = port;
	memcpy(&in6->sin6_addr, c->addr.b, 16);
	return sizeof *in6;
}

int check_connect(struct check *c, int type)
{
	struct sockaddr_storage sa;
	const socklen_t len = check_sockaddr(c, &sa);

	const int fd = socket(sa.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		check_errno(c, "no socket", errno);
		return -1;
	}
	if (connect(fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS) {
		check_errno(c, "", errno);
		close(fd);
		return -1;
	}
	return fd;
}

const char *check_errno_text(int err)
{
	switch (err) {
	case ECONNREFUSED: return "connection refused";
	case ECONNRESET: return "connection reset";
	case EHOSTUNREACH: return "no route to the host";
	case ENETUNREACH: return "network unreachable";
	case ETIMEDOUT: return "no answer";
	default: return strerror(err);
	}
}
