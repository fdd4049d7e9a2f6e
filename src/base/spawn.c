#include "base/spawn.h"

#include "base/clock.h"
#include "base/fd_pass.h"
#include "base/launched.h"
#include "base/launcher.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LINE_MOST = 160, LOOK_MS = 100 };

/* --- starting it -------------------------------------------------------------------------- */

/* NULL: it is too long. */
static struct launched_order *make_order(const struct spawn *s, size_t *len)
{
	struct launched_order *order = memory_zeroed(1, LAUNCHED_ORDER_MOST);
	char *const *const lists[] = { (char *const *)(uintptr_t)s->command, environ, s->words };
	const size_t most[] = { SIZE_MAX, SIZE_MAX, s->n_words };
	size_t at = sizeof *order, words = 0;

	order->kind = LAUNCHER_COMMAND;
	for (unsigned k = 0; k < sizeof lists / sizeof *lists; k++)
		for (size_t i = 0; i < most[k] && lists[k] && lists[k][i]; i++, words++) {
			const size_t n = strlen(lists[k][i]) + 1;
			if (n > LAUNCHED_ORDER_MOST - 1 - at || words == LAUNCHED_WORDS_MOST) {
				memory_free(order);
				return NULL;
			}
			memcpy((char *)order + at, lists[k][i], n);
			at += n;
			*(k ? &order->n_words : &order->n_command) += 1;
		}
	*len = at;
	return order;
}

static bool give_order(const struct spawn *s, int end)
{
	const int fds[] = { end, s->out, s->in };
	size_t len;
	struct launched_order *order = make_order(s, &len);

	if (!order) {
		errno = E2BIG;
		return false;
	}
	const bool ok = fd_pass_send(launcher_orders(), order, len, fds, s->in < 0 ? 2 : 3);
	if (!ok && (errno == EPIPE || errno == ECONNRESET || errno == EBADF))
		errno = EAGAIN; /* it is gone, which says nothing of the command */
	memory_free(order);
	return ok;
}

int spawn(const struct spawn *s)
{
	int ends[2];

	if (!fd_pass_pair(ends))
		return -1;
	const bool ok = give_order(s, ends[1]);
	const int err = errno;
	close(ends[1]);
	if (ok)
		return ends[0];
	close(ends[0]);
	errno = err;
	return -1;
}

bool spawn_hear(int end, struct spawn_news *to)
{
	const ssize_t got = fd_pass_hear(end, to, sizeof *to);

	if (got == sizeof *to)
		return true;
	if (got < 0 && errno == EAGAIN)
		return false;
	*to = (struct spawn_news){ SPAWN_FAILED, EAGAIN };
	return true;
}

void spawn_wait(int end)
{
	struct spawn_news news;
	int none[FD_PASS_MOST];
	size_t n;

	while (fd_pass_receive(end, &news, sizeof news, none, &n, -1) == sizeof news && news.kind != SPAWN_ENDED)
		;
}

void spawn_kill(int end)
{
	shutdown(end, SHUT_WR);
}

/* --- to its end --------------------------------------------------------------------------- */

struct running {
	const struct spawn_run *r;
	int end;
	int in, out; /* our ends of its pipes; -1: closed */
	size_t written;
	char line[LINE_MOST]; /* the first that it prints */
	size_t len;
	bool line_ended;
};

/* Control characters do not go into logs. */
static void keep_line(struct running *x, const char *text, size_t len)
{
	for (size_t i = 0; i < len && !x->line_ended; i++) {
		if (text[i] == '\n' || text[i] == '\r')
			x->line_ended = x->len > 0;
		else if (x->len < sizeof x->line - 1)
			x->line[x->len++] = (unsigned char)text[i] < ' ' || text[i] == 0x7f
				? '?'
				: text[i];
	}
	x->line[x->len] = 0;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void write_some(struct running *x)
{
	const ssize_t n = write(x->in, x->r->input + x->written, x->r->len - x->written);

	if (n > 0)
		x->written += (size_t)n;
	/* It may have seen enough. */
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || x->written == x->r->len)
		shut(&x->in);
}

static void read_some(struct running *x)
{
	char buf[4096];
	const ssize_t n = read(x->out, buf, sizeof buf);

	if (n > 0)
		keep_line(x, buf, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		shut(&x->out);
}

/* Until its leader has ended. NULL, or why it was not waited for any longer. */
static const char *attend(struct running *x, struct spawn_news *how)
{
	const double until = clock_seconds() + x->r->most_ms / 1000.0;

	for (;;) {
		struct pollfd fds[] = { { x->in, POLLOUT, 0 }, { x->out, POLLIN, 0 }, { x->end, POLLIN, 0 } };
		poll(fds, 3, LOOK_MS);
		if (fds[0].revents)
			write_some(x);
		if (fds[1].revents)
			read_some(x);
		while (fds[2].revents && spawn_hear(x->end, how))
			if (how->kind != SPAWN_RUNS)
				return NULL;
		if (clock_seconds() > until)
			return "its time is over";
		if (x->r->wanted && !x->r->wanted(x->r->ctx))
			return "it is given up";
	}
}

static bool begin(struct running *x, struct fault *why)
{
	const struct spawn_run *r = x->r;
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) != 0)
		return fault(why, "%s: no pipe: %s", r->command[0], strerror(errno));
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return fault(why, "%s: no pipe: %s", r->command[0], strerror(errno));
	}
	x->end = spawn(&(struct spawn){ r->command, r->words, r->n_words, in[0], out[1] });
	const int err = errno;
	close(in[0]);
	close(out[1]);
	x->in = in[1];
	x->out = out[0];
	fcntl(x->in, F_SETFL, O_NONBLOCK);
	fcntl(x->out, F_SETFL, O_NONBLOCK);
	if (x->end >= 0)
		return true;
	shut(&x->in);
	shut(&x->out);
	return fault(why, "%s: %s", r->command[0], strerror(err));
}

bool spawn_run(const struct spawn_run *r, struct fault *why)
{
	struct running x = { .r = r, .in = -1, .out = -1 };
	struct spawn_news how = { SPAWN_RUNS, 0 };
	sigset_t broken, before;

	if (!begin(&x, why))
		return false;
	/* A command that reads no more is no reason to die of it, in any program. */
	sigemptyset(&broken);
	sigaddset(&broken, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &broken, &before);
	const char *late = attend(&x, &how);
	while (sigtimedwait(&broken, NULL, &(struct timespec){ 0 }) > 0)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (late) {
		spawn_kill(x.end);
		spawn_wait(x.end);
	}
	while (x.out >= 0 && !late && !x.line_ended) {
		const size_t had = x.len;
		read_some(&x);
		if (x.len == had)
			break;
	}
	shut(&x.in);
	shut(&x.out);
	shut(&x.end);
	if (late)
		return fault(why, "%s: %s%s%s", r->command[0], late, x.len ? ": " : "", x.line);
	if (how.kind == SPAWN_FAILED)
		return fault(why, "%s: %s", r->command[0], strerror(how.value));
	if (WIFEXITED(how.value) && WEXITSTATUS(how.value) == 0)
		return true;
	return fault(why, "%s: %s %d%s%s", r->command[0], WIFEXITED(how.value) ? "exit status" : "killed by signal",
		WIFEXITED(how.value) ? WEXITSTATUS(how.value) : WTERMSIG(how.value), x.len ? ": " : "", x.line);
}
