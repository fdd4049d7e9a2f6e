#include "net/pipe.h"

#include <errno.h>
#include <ev.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t told(struct pipe *p, ssize_t n, int wants)
{
	if (n >= 0)
		return n;
	p->wants = wants;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? PIPE_AGAIN
									 : PIPE_BROKEN;
}

static ssize_t read_plain(struct pipe *p, void *to, size_t room)
{
	return told(p, recv(p->fd, to, room, 0), EV_READ);
}

static ssize_t write_plain(struct pipe *p, const void *bytes, size_t len)
{
	return told(p, send(p->fd, bytes, len, MSG_NOSIGNAL), EV_WRITE);
}

static const struct pipe_kind plain = { .read = read_plain, .write = write_plain };

void pipe_open_plain(struct pipe *p, int fd)
{
	*p = (struct pipe){ .kind = &plain, .fd = fd, .wants = EV_READ };
}

void pipe_close(struct pipe *p)
{
	if (p->kind->close)
		p->kind->close(p);
	close(p->fd);
}
