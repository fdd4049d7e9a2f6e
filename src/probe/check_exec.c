/* check_exec.c - a command of the operator's: exit status 0 is up.
 *
 * It runs in a process group of its own, which is killed as a whole when its time is over or
 * its leader has ended. The first line it prints, to either output, is what it says. A pidfd
 * tells of its end, so that no signal handler is needed. Nothing of ours is open in it (all is
 * close-on-exec); it finds WAYMARK_EDGE and WAYMARK_ADDRESS in its environment. It is killed
 * when the server is.
 */
#include "base/memory.h"
#include "base/spawn.h"
#include "probe/check.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_MOST = 160 };

struct exec {
	struct ev_loop *loop;
	ev_io ended, said; /* the pidfd; the pipe that it prints to */
	struct checks *all;
	struct check *check; /* NULL: nobody waits any more */
	struct exec *after;  /* among those that nobody waits for */
	pid_t pid;
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
	ev_io_stop(e->loop, &e->ended);
	ev_io_stop(e->loop, &e->said);
	close(e->ended.fd);
	close(e->said.fd);
	memory_free(e);
}

static void tell_result(struct check *c, const siginfo_t *how, const char *line)
{
	const bool exited = how->si_code == CLD_EXITED;

	c->result.passed = exited && how->si_status == 0;
	if (c->result.passed) {
		c->result.rtt_us = check_elapsed_us(c);
		snprintf(c->result.say, sizeof c->result.say, "exit status 0%s%s",
			*line ? ": " : "", line);
	} else {
		snprintf(c->result.say, sizeof c->result.say, "%s %d%s%s",
			exited ? "exit status" : "killed by signal", how->si_status,
			*line ? ": " : "", line);
	}
	check_step(c, "%s", c->result.say);
}

/* The leader has ended and is not reaped yet: its group's number is still its own. */
static void on_ended(struct ev_loop *loop, ev_io *io, int events)
{
	struct exec *e = io->data;
	struct check *c = e->check;
	siginfo_t how = { 0 };

	(void)loop;
	(void)events;
	kill(-e->pid, SIGKILL);
	if (waitid(P_PID, (id_t)e->pid, &how, WEXITED) != 0)
		how = (siginfo_t){ .si_code = CLD_KILLED };
	read_some(e);
	if (c)
		tell_result(c, &how, e->line);
	close_all(e);
	if (c)
		c->done(c);
}

/* --- starting it -------------------------------------------------------------------------- */

static int begin(pid_t *pid, const struct check *c, int out)
{
	struct text edge = { 0 }, address = { 0 };
	char addr[ADDR_TEXT];

	text_addf(&edge, "WAYMARK_EDGE=%s", c->edge);
	text_addf(&address, "WAYMARK_ADDRESS=%s", c->name ? c->name : addr_text(addr, &c->addr));
	char *words[] = { memory_need(edge.s), memory_need(address.s) };
	const int err = spawn(pid, &(struct spawn){ c->probe->command, words, 2, -1, out });
	memory_free(words[0]);
	memory_free(words[1]);
	return err;
}

static bool start(struct checks *all, struct check *c)
{
	int pipe_fd[2];
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) != 0)
		return check_errno(c, "no pipe", errno);
	fcntl(pipe_fd[1], F_SETFL, 0); /* the command's end blocks, as it expects */
	const int err = begin(&pid, c, pipe_fd[1]);
	close(pipe_fd[1]);
	if (err) {
		close(pipe_fd[0]);
		return check_errno(c, c->probe->command[0], err);
	}
	const int pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		check_errno(c, "no pidfd", errno);
		kill(-pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(pipe_fd[0]);
		return false;
	}
	check_step(c, "%s runs as process %d", c->probe->command[0], (int)pid);
	struct exec *e = memory_zeroed(1, sizeof *e);
	e->all = all;
	e->loop = all->loop;
	e->check = c;
	e->pid = pid;
	ev_io_init(&e->ended, on_ended, pidfd, EV_READ);
	ev_io_init(&e->said, on_said, pipe_fd[0], EV_READ);
	e->ended.data = e->said.data = e;
	ev_io_start(all->loop, &e->ended);
	ev_io_start(all->loop, &e->said);
	c->own = e;
	c->stage = "the command's end";
	return true;
}

/* Killed now; on_ended() reaps it. */
static void stop(struct checks *all, struct check *c)
{
	struct exec *e = c->own;

	kill(-e->pid, SIGKILL);
	e->check = NULL;
	e->after = all->orphans;
	all->orphans = e;
}

void check_exec_wait(struct checks *all)
{
	while (all->orphans) {
		waitpid(all->orphans->pid, NULL, 0);
		close_all(all->orphans);
	}
}

const struct check_kind check_exec_kind = { start, stop, NULL };
