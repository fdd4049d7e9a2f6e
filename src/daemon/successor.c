#include "daemon/successor.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/fd_pass.h"
#include "config.h"
#include "daemon/handover.h"
#include "base/launcher.h"
#include "net/given.h"
#include "zone/view.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_S 0.01 /* whether there is something to wait for yet */
#define WAIT_S 10.0 /* ... but no longer */

enum { ANSWER_MS = 60000 };

struct successor {
	struct successor_opts opts;
	int end; /* -1: the one before has gone */
	struct given *sockets; /* NULL: they have been taken */
	char *state; /* own; NULL: none has come */
	struct handover load;
	ev_io heard;
	ev_timer look;
	double began_s;
	bool ready, serves;
	void (*take_back)(void *ctx); /* NULL */
	void *take_back_ctx;
};

struct successor *successor_new(void)
{
	const char *end = getenv(LAUNCHER_END);
	struct stat st;

	if (!end)
		return NULL;
	struct successor *s = memory_zeroed(1, sizeof *s);
	s->end = atoi(end);
	unsetenv(LAUNCHER_END);
	if (fstat(s->end, &st) != 0 || !S_ISSOCK(st.st_mode))
		die(LAUNCHER_END " is set, and file %s is no socket: it is for the server to set", end);
	fcntl(s->end, F_SETFD, FD_CLOEXEC);
	s->sockets = given_new(false);
	return s;
}

static bool say(struct successor *s, enum handover_word word, const char *text)
{
	struct handover m = { .version = HANDOVER_VERSION, .word = (uint8_t)word };

	if (text)
		snprintf(m.of.text, sizeof m.of.text, "%s", text);
	return s->end >= 0 && fd_pass_send(s->end, &m, sizeof m, NULL, 0);
}

void successor_on_failing(struct successor *s, void (*take_back)(void *ctx), void *ctx)
{
	s->take_back = take_back;
	s->take_back_ctx = ctx;
}

/* Once. */
static void take_back(struct successor *s)
{
	if (s->take_back)
		s->take_back(s->take_back_ctx);
	s->take_back = NULL;
}

void successor_fail(struct successor *s, const char *why)
{
	if (s->serves)
		return;
	take_back(s);
	say(s, HANDOVER_FAULT, why);
}

/* --- getting ------------------------------------------------------------------------------ */

static bool read_state(struct successor *s, int fd, struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fault(why, "upgrade: the state of the server before: %s", strerror(errno));
	s->state = memory_zeroed((size_t)st.st_size + 1, 1);
	const ssize_t n = pread(fd, s->state, (size_t)st.st_size, 0);
	return n == st.st_size || fault(why, "upgrade: the state of the server before cannot be read whole");
}

static bool take(struct successor *s, const struct handover *m, const int *fds, size_t n, struct fault *why)
{
	bool ok = true;

	if (m->word == HANDOVER_SOCKETS) {
		for (size_t i = 0; i < n; i++)
			if (ok)
				ok = given_add(s->sockets, fds[i], why);
			else
				close(fds[i]);
		return ok;
	}
	if (m->word == HANDOVER_LOAD && n == 1) {
		s->load = *m;
		ok = read_state(s, fds[0], why);
		n = 0;
		close(fds[0]);
		return ok;
	}
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	return m->word == HANDOVER_NOTIFY || fault(why, "upgrade: the server before says what it should not (%u)", m->word);
}

bool successor_load(struct successor *s, struct fault *why)
{
	if (!say(s, HANDOVER_HELLO, PACKAGE_VERSION))
		return fault(why, "upgrade: the server before is gone");
	while (!s->state) {
		struct handover m = { 0 };
		int fds[FD_PASS_MOST];
		size_t n;
		const ssize_t got = fd_pass_receive(s->end, &m, sizeof m, fds, &n, ANSWER_MS);
		if (got < 0 && errno == EMFILE)
			return fault(why, "upgrade: not all sockets of the server before can be open here: %s (see \"ulimit -n\")", strerror(errno));
		if (got != sizeof m)
			return fault(why, "upgrade: the server before %s", got < 0 ? "says nothing" : "is gone, or wants no other any more");
		if (!take(s, &m, fds, n, why))
			return false;
	}
	return true;
}

struct given *successor_sockets(struct successor *s)
{
	struct given *g = s->sockets;

	s->sockets = NULL;
	return g;
}

const char *successor_state(const struct successor *s)
{
	return s->state;
}

const uint8_t *successor_cookies(const struct successor *s)
{
	return s->load.of.load.cookies;
}

const uint8_t *successor_quic(const struct successor *s)
{
	return s->load.of.load.quic;
}

/* --- taking over -------------------------------------------------------------------------- */

static void serve(struct successor *s)
{
	struct fault why;

	ev_timer_stop(s->opts.loop, &s->look);
	if (s->serves)
		return;
	if (!s->opts.serve(s->opts.ctx, &why)) {
		log_line(LOG_ERROR, "%s", why.text);
		successor_fail(s, why.text);
		_exit(1); /* what others have yet is left as it is */
	}
	s->serves = true;
	say(s, HANDOVER_SERVES, NULL);
}

static void on_gone(struct successor *s)
{
	ev_io_stop(s->opts.loop, &s->heard);
	close(s->end);
	s->end = -1;
	if (s->serves)
		return;
	log_line(LOG_WARNING, "upgrade: the process before has gone before its time; serving from what it has left");
	serve(s);
}

static void on_heard(struct ev_loop *loop, ev_io *io, int events)
{
	struct successor *s = io->data;
	struct handover m = { 0 };
	const ssize_t got = fd_pass_hear(io->fd, &m, sizeof m);

	(void)loop;
	if (events & EV_ERROR && !s->serves) { /* what it says, and that it is gone, would not be heard */
		successor_fail(s, "no memory to hear what the process before says");
		_exit(1);
	}
	if (got < 0 && errno == EAGAIN)
		return;
	if (got != sizeof m) {
		on_gone(s);
	} else if (m.word == HANDOVER_GO) {
		serve(s);
	} else if (m.word == HANDOVER_END) {
		log_line(LOG_NOTICE, "upgrade: the process before was told to stop, and so does this one");
		if (!s->serves) {
			take_back(s);
			_exit(0);
		}
		raise(SIGTERM); /* it had not heard yet that we serve */
	} else if (m.word == HANDOVER_NOTIFY && name_check(m.of.notify.name, m.of.notify.name + NAME_MOST)) {
		s->opts.notified(s->opts.ctx, m.of.notify.name, &m.of.notify.from);
	}
}

void successor_empty(struct successor *s, const uint8_t *id)
{
	struct handover m = { .version = HANDOVER_VERSION, .word = HANDOVER_EMPTY };

	memcpy(m.of.empty, id, (size_t)(view_apex(id) - id) + name_len(view_apex(id)));
	fd_pass_send(s->end, &m, sizeof m, NULL, 0);
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct successor *s = t->data;

	(void)events;
	if (s->opts.waits(s->opts.ctx) && clock_seconds() - s->began_s < WAIT_S)
		return;
	ev_timer_stop(loop, t);
	s->ready = true;
	if (s->end < 0 || s->serves)
		return;
	s->opts.tell(s->opts.ctx, s);
	say(s, HANDOVER_READY, NULL);
}

void successor_follow(struct successor *s, const struct successor_opts *opts)
{
	s->opts = *opts;
	s->began_s = clock_seconds();
	ev_io_init(&s->heard, on_heard, s->end, EV_READ);
	ev_timer_init(&s->look, on_look, 0, LOOK_S);
	s->heard.data = s->look.data = s;
	ev_io_start(opts->loop, &s->heard);
	ev_timer_start(opts->loop, &s->look);
}

bool successor_waits(const struct successor *s)
{
	return s && !s->serves;
}

bool successor_is_watched(const struct successor *s)
{
	return s->end >= 0;
}

void successor_free(struct successor *s)
{
	if (!s)
		return;
	say(s, HANDOVER_END, NULL);
	if (s->opts.loop) {
		ev_io_stop(s->opts.loop, &s->heard);
		ev_timer_stop(s->opts.loop, &s->look);
	}
	if (s->end >= 0)
		close(s->end);
	if (s->sockets)
		given_end(s->sockets, &(struct fault){ "" });
	memory_free(s->state);
	explicit_bzero(&s->load, sizeof s->load);
	memory_free(s);
}
