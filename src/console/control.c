#include "console/control.h"

#include "base/log.h"
#include "base/memory.h"
#include "net/unix_listen.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	PATIENCE_S = 10,     /* for a client that does not write or read */
	LOOK_MS = 100,       /* whether it is time to leave */
	SESSIONS_MOST = 256, /* at once; more wait with the kernel */
	TAKEN_MOST = 64 << 20, /* bytes of commands of all together; */
	REQUEST_SMALL = 4096,  /* ... for so many there is always room */
	UNREAD_MOST = 256
		<< 20, /* bytes of answers that nobody has read yet, of all together; */
	ANSWER_SMALL = 64 << 10 /* these are always given, and so is one that is alone */
};
#define PAUSE_S 0.1 /* when there are no more descriptors */

struct control {
	struct ev_loop *loop;
	const struct commands *commands;
	char *path;
	dev_t device; /* of what was bound there */
	ino_t inode;
	ev_io io;
	ev_timer resume;
	ev_timer turn; /* one command is begun in each turn of the loop */
	struct session *ready, **last_ready; /* those that wait for it, the oldest first */
	struct session *sessions;
	unsigned n;    /* of them */
	bool is_deaf;  /* others take the connections */
	bool leaves;   /* atomic: nobody is waited for any more */
	size_t unread; /* bytes of their answers, those that are read in part as a whole */
	size_t taken;  /* bytes that there is room for, of their commands */
};

struct session {
	struct control *control;
	struct session *after, **at; /* among all; where it hangs */
	struct session *next_ready;
	ev_io io;
	ev_timer patience;
	char *in; /* [room] own; never over CONTROL_REQUEST_MOST + 1, and full when it is too long */
	size_t len, room;
	struct command_call call;
	struct text out; /* what the command says */
	char head[8];    /* its status, which goes first */
	size_t head_len, sent;
	bool waiting, running, answering;
	bool streamed; /* some of the answer has gone already, the status too */
};

static bool all_sent(const struct session *s)
{
	return s->sent == s->head_len + s->out.len;
}

/* As far as the socket takes it. False: it takes nothing, and errno says why. */
static bool send_more(struct session *s)
{
	const size_t in_out = s->sent > s->head_len ? s->sent - s->head_len : 0,
		     head = s->sent < s->head_len ? s->head_len - s->sent : 0;
	struct iovec parts[] = { { s->head + s->sent, head },
		{ s->out.s + in_out, s->out.len - in_out } };
	const struct msghdr m = { .msg_iov = parts + !head, .msg_iovlen = head ? 2 : 1 };
	const ssize_t n = sendmsg(s->io.fd, &m, MSG_NOSIGNAL);

	if (n > 0)
		s->sent += (size_t)n;
	return n >= 0;
}

static void leave_ready(struct session *s)
{
	struct control *c = s->control;
	struct session **at = &c->ready;

	if (!s->waiting)
		return;
	while (*at != s)
		at = &(*at)->next_ready;
	*at = s->next_ready;
	if (!*at)
		c->last_ready = at;
	s->waiting = false;
}

static void close_session(struct session *s)
{
	struct control *c = s->control;

	if (s->answering && !all_sent(s))
		send_more(s);
	leave_ready(s);
	if (s->running)
		s->call.forget(&s->call);
	*s->at = s->after;
	if (s->after)
		s->after->at = s->at;
	ev_io_stop(c->loop, &s->io);
	ev_timer_stop(c->loop, &s->patience);
	close(s->io.fd);
	c->taken -= s->room;
	memory_free(s->in);
	c->unread -= s->out.len;
	if (c->n-- == SESSIONS_MOST && !ev_is_active(&c->resume) && !c->is_deaf)
		ev_io_start(c->loop, &c->io);
	text_fini(&s->out);
	memory_free(s);
}

static void on_patience(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	close_session(t->data);
}

/* From now on there is something to write. */
static void answer_with(struct session *s, int status)
{
	struct ev_loop *loop = s->control->loop;

	if (s->out.lost) { /* half an answer could pass for a whole one */
		text_fini(&s->out);
		text_add(&s->out, "out of memory for the answer\n");
		status = 1;
	}
	if (s->out.len > ANSWER_SMALL && s->control->unread &&
		s->control->unread + s->out.len > UNREAD_MOST) {
		text_fini(&s->out);
		text_addf(&s->out,
			"answers of %zu MB to others wait to be read; try again when they "
			"are\n",
			s->control->unread >> 20);
		status = 1;
	}
	if (!s->streamed)
		s->head_len = (size_t)snprintf(s->head, sizeof s->head, "%d\n", status);
	s->control->unread += s->out.len;
	s->answering = true;
	ev_timer_again(loop, &s->patience);
	ev_io_stop(loop, &s->io);
	ev_io_modify(&s->io, EV_WRITE);
	ev_io_start(loop, &s->io);
}

/* What has been run is told to who wants to know. */
static void tell_ran(struct session *s, int status)
{
	const struct commands *all = s->control->commands;
	const char *words[COMMAND_WORDS_MOST];
	size_t n = 0;

	for (const char *p = s->in; p < s->in + s->len && n < COMMAND_WORDS_MOST; p += strlen(p) + 1)
		words[n++] = p;
	commands_ran(all, &s->call, words, n, status);
}

static void on_run_done(struct command_call *c, int status)
{
	struct session *s = (struct session *)((char *)c - offsetof(struct session, call));

	s->running = false;
	tell_ran(s, status);
	answer_with(s, status);
}

/* Of the thread that makes the answer, while the loop leaves the session alone. */
static bool send_all(const struct session *s, const char *bytes, size_t len)
{
	unsigned looks = 0;

	while (len && !__atomic_load_n(&s->control->leaves, __ATOMIC_RELAXED)) {
		const ssize_t n = send(s->io.fd, bytes, len, MSG_NOSIGNAL);
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
			looks = 0;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return false;
		struct pollfd p = { .fd = s->io.fd, .events = POLLOUT };
		if (poll(&p, 1, LOOK_MS) == 0 && ++looks * LOOK_MS >= PATIENCE_S * 1000)
			return false;
	}
	return len == 0;
}

static bool send_some(struct command_call *c, const char *bytes, size_t len)
{
	struct session *s = (struct session *)((char *)c - offsetof(struct session, call));
	const bool first = !s->streamed;

	s->streamed = true;
	return (!first || send_all(s, "0\n", 2)) && send_all(s, bytes, len);
}

/* A command that takes its time is waited for as long as it takes. */
static void run(struct session *s)
{
	const char *words[COMMAND_WORDS_MOST + 1];
	size_t n = 0;

	for (char *p = s->in; p < s->in + s->len && n <= COMMAND_WORDS_MOST; p += strlen(p) + 1)
		words[n++] = p;
	s->call.out = &s->out;
	s->call.done = on_run_done;
	s->call.stream = send_some;
	s->running = true; /* it may be done before this returns */
	const int status = commands_run(s->control->commands, words, n, &s->call);
	if (status == COMMAND_LATER)
		return;
	s->running = false;
	tell_ran(s, status);
	answer_with(s, status);
}

static void on_turn(struct ev_loop *loop, ev_timer *t, int events)
{
	struct control *c = t->data;
	struct session *s = c->ready;

	(void)events;
	if (!s)
		return;
	leave_ready(s);
	if (c->ready)
		ev_timer_start(loop, t);
	run(s);
}

/* Its command is complete. */
static void wait_for_turn(struct session *s)
{
	struct control *c = s->control;

	ev_timer_stop(c->loop, &s->patience);
	ev_io_stop(c->loop, &s->io);
	s->waiting = true;
	s->next_ready = NULL;
	*c->last_ready = s;
	c->last_ready = &s->next_ready;
	if (!ev_is_active(&c->turn))
		ev_timer_start(c->loop, &c->turn);
}

static void write_more(struct session *s)
{
	const bool ok = send_more(s);

	if (!ok && (errno == EAGAIN || errno == EINTR))
		return;
	if (!ok || all_sent(s))
		close_session(s);
	else
		ev_timer_again(s->control->loop, &s->patience);
}

/* Room for more of the command. False: it is too long, or there is no memory. */
static bool make_room(struct session *s)
{
	struct control *c = s->control;
	size_t room = s->room ? 4 * s->room : REQUEST_SMALL;

	if (room > CONTROL_REQUEST_MOST + 1)
		room = CONTROL_REQUEST_MOST + 1;
	if (s->len < s->room)
		return true;
	if (room == s->room || (s->room && c->taken + room > TAKEN_MOST))
		return false;
	char *in = memory_beside(s->in, room);
	if (!in)
		return false;
	c->taken += room - s->room;
	s->in = in;
	s->room = room;
	return true;
}

static void on_session(struct ev_loop *loop, ev_io *io, int events)
{
	struct session *s = io->data;

	(void)loop;
	if (events & EV_ERROR) { /* the kernel has no memory to watch it: nobody would be told of it any more */
		close_session(s);
		return;
	}
	if (s->answering) {
		write_more(s);
		return;
	}
	if (!make_room(s)) {
		close_session(s);
		return;
	}
	const ssize_t n = recv(io->fd, s->in + s->len, s->room - s->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		s->len += (size_t)n;
	if (n < 0 || s->len > CONTROL_REQUEST_MOST) {
		close_session(s);
		return;
	}
	if (n > 0)
		return;
	/* The end of the command: the last word must be a whole one. */
	if (s->len == 0 || s->in[s->len - 1] != 0) {
		close_session(s);
		return;
	}
	wait_for_turn(s);
}

static bool may_command(int fd, unsigned *uid)
{
	return unix_peer(fd, uid) && (*uid == 0 || *uid == geteuid());
}

static void on_resume(struct ev_loop *loop, ev_timer *t, int events)
{
	struct control *c = t->data;

	(void)events;
	if (c->n < SESSIONS_MOST)
		ev_io_start(loop, &c->io);
}

static void on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	struct control *c = io->data;
	const int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 || events & EV_ERROR) {
		if (fd >= 0)
			close(fd);
		/* Who waits goes on waiting, and would be told of over and over. Or, with EV_ERROR, not at all. */
		if (events & EV_ERROR || errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			ev_io_stop(loop, io);
			ev_timer_set(&c->resume, PAUSE_S, 0);
			ev_timer_start(loop, &c->resume);
		}
		return;
	}
	unsigned uid;
	struct session *s = may_command(fd, &uid) ? memory_beside(NULL, sizeof *s) : NULL;
	if (!s) {
		close(fd);
		return;
	}
	*s = (struct session){ 0 };
	s->control = c;
	s->call.uid = uid;
	s->at = &c->sessions;
	s->after = c->sessions;
	if (s->after)
		s->after->at = &s->after;
	c->sessions = s;
	if (++c->n == SESSIONS_MOST)
		ev_io_stop(loop, io);
	ev_io_init(&s->io, on_session, fd, EV_READ);
	ev_init(&s->patience, on_patience);
	s->patience.repeat = PATIENCE_S;
	s->io.data = s->patience.data = s;
	ev_io_start(loop, &s->io);
	ev_timer_again(loop, &s->patience);
}

struct control *control_open(struct ev_loop *loop, const char *path,
	const struct commands *commands, struct fault *why)
{
	const int fd = unix_listen(path, NULL, "control socket", why);

	return fd < 0 ? NULL : control_take(loop, path, fd, commands);
}

struct control *control_take(struct ev_loop *loop, const char *path, int fd, const struct commands *commands)
{
	struct control *c = calloc(1, sizeof *c);
	if (!c || !(c->path = strdup(path)))
		die("out of memory");
	struct stat st;
	if (lstat(path, &st) == 0) {
		c->device = st.st_dev;
		c->inode = st.st_ino;
	}
	c->loop = loop;
	c->commands = commands;
	ev_io_init(&c->io, on_accept, fd, EV_READ);
	c->io.data = c;
	ev_init(&c->resume, on_resume);
	ev_timer_init(&c->turn, on_turn, 0, 0);
	c->resume.data = c->turn.data = c;
	c->last_ready = &c->ready;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	ev_io_start(loop, &c->io);
	return c;
}

void control_listen(struct control *c, bool listens)
{
	if (!c)
		return;
	c->is_deaf = !listens;
	ev_timer_stop(c->loop, &c->resume);
	if (listens && c->n < SESSIONS_MOST)
		ev_io_start(c->loop, &c->io);
	else
		ev_io_stop(c->loop, &c->io);
}

int control_socket(const struct control *c)
{
	return c ? c->io.fd : -1;
}

void control_leave(struct control *c)
{
	struct stat st;

	if (!c)
		return;
	__atomic_store_n(&c->leaves, true, __ATOMIC_RELAXED);
	/* What a successor has bound there meanwhile is its own. */
	if (lstat(c->path, &st) == 0 && st.st_dev == c->device && st.st_ino == c->inode)
		unlink(c->path);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	ev_io_stop(c->loop, &c->io);
	ev_timer_stop(c->loop, &c->resume);
	ev_timer_stop(c->loop, &c->turn);
	while (c->sessions)
		close_session(c->sessions);
	ev_io_stop(c->loop, &c->io); /* a place among the sessions has started it */
	control_leave(c);
	close(c->io.fd);
	memory_free(c->path);
	memory_free(c);
}
