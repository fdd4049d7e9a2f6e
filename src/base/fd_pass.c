#include "base/fd_pass.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = CMSG_SPACE(FD_PASS_MOST * sizeof(int)) };

bool fd_pass_pair(int ends[static 2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;
}

bool fd_pass_send(int to, const void *bytes, size_t len, const int *fds, size_t n)
{
	_Alignas(struct cmsghdr) char room[ROOM] = { 0 };
	struct iovec one = { (void *)(uintptr_t)bytes, len };
	struct msghdr m = { .msg_iov = &one, .msg_iovlen = 1 };
	ssize_t sent;

	if (n) {
		m.msg_control = room;
		m.msg_controllen = CMSG_SPACE(n * sizeof *fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof *fds);
		memcpy(CMSG_DATA(c), fds, n * sizeof *fds);
	}
	do
		sent = sendmsg(to, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)len;
}

static void take_files(struct msghdr *m, int fds[static FD_PASS_MOST], size_t *n)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		*n = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
		memcpy(fds, CMSG_DATA(c), *n * sizeof *fds);
	}
}

ssize_t fd_pass_receive(int from, void *bytes, size_t room, int fds[static FD_PASS_MOST], size_t *n, int most_ms)
{
	_Alignas(struct cmsghdr) char control[ROOM];
	struct iovec one = { bytes, room };
	struct msghdr m = { .msg_iov = &one, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct pollfd p = { .fd = from, .events = POLLIN };
	ssize_t got;

	*n = 0;
	if (poll(&p, 1, most_ms) == 0) {
		errno = EAGAIN;
		return -1;
	}
	do
		got = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got >= 0)
		take_files(&m, fds, n);
	if (got >= 0 && m.msg_flags & MSG_CTRUNC) { /* some are lost */
		while (*n)
			close(fds[--*n]);
		errno = EMFILE;
		return -1;
	}
	return got < 0 && errno == ECONNRESET ? 0 : got; /* it ended with words of ours unread */
}

ssize_t fd_pass_hear(int from, void *bytes, size_t room)
{
	int fds[FD_PASS_MOST];
	size_t n;
	const ssize_t got = fd_pass_receive(from, bytes, room, fds, &n, 0);

	while (n--)
		close(fds[n]);
	return got;
}
