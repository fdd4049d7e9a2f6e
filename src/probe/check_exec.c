/* check_exec.c - a command of the operator's: exit status 0 is up.
 *
 * The launcher starts it (base/spawn), in a process group of its own, which is killed as a
 * whole when its time is over or its leader has ended. The first line it prints, to either
 * output, is what it says. Nothing of ours is open in it; it finds WAYMARK_EDGE and WAYMARK_ADDRESS in its environment. It is killed
 * when the server is.
 */
#include "base/memory.h"
#include "base/spawn.h"
#include "probe/check.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_MOST = 160 };

struct exec {
	struct ev_loop *loop;
	ev_io heard, said; /* what becomes of it; the pipe that it prints to */
	struct checks *all;
	struct check *check; /* NULL: nobody waits any more */
	struct exec *after;  /* among those that nobody waits for */
	char line[LINE_MOST];
	size_t len;
	bool line_ended;
};

/* Control characters do not go into logs. */
static void keep_line(struct exec *e, const char *text, size_t len)
{
	for (size_t i = 0; i < len && !e->line_ended; i++) {
		if (text[i] == '\n' || text[i] == '\r')
			e->line_ended = e->len > 0;
		else if (e->len < sizeof e->line - 1)
			e->line[e->len++] = (unsigned char)text[i] < ' ' || text[i] == 0x7f
				? '?'
				: text[i];
	}
	e->line[e->len] = 0;
}

/* What it has printed so far; what it prints after the first line is thrown away, so that it
 * does not wait for a reader. False at the end. */
static bool read_some(struct exec *e)
{
	char buf[4096];

	const ssize_t n = read(e->said.fd, buf, sizeof buf);
	if (n > 0)
		keep_line(e, buf, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void on_said(struct ev_loop *loop, ev_io *io, int events)
{
	struct exec *e = io->data;

	(void)events;
	if (!read_some(e))
		ev_io_stop(loop, io);
}

static void close_all(struct exec *e)
{
	struct exec **at = &e->all->orphans;

	while (*at && *at != e)
		at = &(*at)->after;
	if (*at)
		*at = e->after;
	ev_io_stop(e->loop, &e->heard);
	ev_io_stop(e->loop, &e->said);
	close(e->heard.fd);
	close(e->said.fd);
	memory_free(e);
}

static void tell_result(struct check *c, int status, const char *line)
{
	const bool exited = WIFEXITED(status);
	const int value = exited ? WEXITSTATUS(status) : WTERMSIG(status);

	c->result.passed = exited && value == 0;
	if (c->result.passed)
		c->result.rtt_us = check_elapsed_us(c);
	snprintf(c->result.say, sizeof c->result.say, "%s %d%s%s", exited ? "exit status" : "killed by signal", value, *line ? ": " : "", line);
	check_step(c, "%s", c->result.say);
}

static void on_heard(struct ev_loop *loop, ev_io *io, int events)
{
	struct exec *e = io->data;
	struct check *c = e->check;
	struct spawn_news news;

	(void)loop;
	(void)events;
	if (!spawn_hear(io->fd, &news))
		return;
	if (news.kind == SPAWN_RUNS) {
		if (c)
			check_step(c, "%s runs as process %d", c->probe->command[0], news.value);
		return;
	}
	read_some(e);
	if (c && news.kind == SPAWN_ENDED)
		tell_result(c, news.value, e->line);
	else if (c)
		check_errno(c, c->probe->command[0], news.value);
	close_all(e);
	if (c)
		c->done(c);
}

/* --- starting it -------------------------------------------------------------------------- */

static int begin(const struct check *c, int out)
{
	struct text edge = { 0 }, address = { 0 };
	char addr[ADDR_TEXT];

	text_addf(&edge, "WAYMARK_EDGE=%s", c->edge);
	text_addf(&address, "WAYMARK_ADDRESS=%s", c->name ? c->name : addr_text(addr, &c->addr));
	char *words[] = { memory_need(edge.s), memory_need(address.s) };
	const int end = spawn(&(struct spawn){ c->probe->command, words, 2, -1, out });
	const int err = errno;
	memory_free(words[0]);
	memory_free(words[1]);
	errno = err;
	return end;
}

static bool start(struct checks *all, struct check *c)
{
	int pipe_fd[2];

	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) != 0)
		return check_errno(c, "no pipe", errno);
	fcntl(pipe_fd[1], F_SETFL, 0); /* the command's end blocks, as it expects */
	const int end = begin(c, pipe_fd[1]), err = errno;
	close(pipe_fd[1]);
	if (end < 0) {
		close(pipe_fd[0]);
		return check_errno(c, c->probe->command[0], err);
	}
	struct exec *e = memory_zeroed(1, sizeof *e);
	e->all = all;
	e->loop = all->loop;
	e->check = c;
	ev_io_init(&e->heard, on_heard, end, EV_READ);
	ev_io_init(&e->said, on_said, pipe_fd[0], EV_READ);
	e->heard.data = e->said.data = e;
	ev_io_start(all->loop, &e->heard);
	ev_io_start(all->loop, &e->said);
	c->own = e;
	c->stage = "the command's end";
	return true;
}

/* Killed now; on_heard() lets go of it. */
static void stop(struct checks *all, struct check *c)
{
	struct exec *e = c->own;

	spawn_kill(e->heard.fd);
	e->check = NULL;
	e->after = all->orphans;
	all->orphans = e;
}

void check_exec_wait(struct checks *all)
{
	while (all->orphans) {
		spawn_wait(all->orphans->heard.fd);
		close_all(all->orphans);
	}
}

const struct check_kind check_exec_kind = { start, stop, NULL };
