#include "net/pipe.h"

#include <errno.h>
#include <ev.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t told(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? PIPE_AGAIN
									 : PIPE_BROKEN;
}

static ssize_t read_plain(struct pipe *p, void *to, size_t room)
{
	return told(recv(p->fd, to, room, 0));
}

static ssize_t write_plain(struct pipe *p, const void *bytes, size_t len)
{
	return told(send(p->fd, bytes, len, MSG_NOSIGNAL));
}

static const struct pipe_kind plain = { .read = read_plain, .write = write_plain };

void pipe_open_plain(struct pipe *p, int fd)
{
	*p = (struct pipe){
		.kind = &plain, .fd = fd, .read_wants = EV_READ, .write_wants = EV_WRITE
	};
}

void pipe_close(struct pipe *p)
{
	if (p->kind->close)
		p->kind->close(p);
	close(p->fd);
}
