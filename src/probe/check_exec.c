/* check_exec.c - a command of the operator's: exit status 0 is up.
 *
 * It runs in a process group of its own, which is killed as a whole when its time is over or
 * its leader has ended. The first line it prints, to either output, is what it says. A pidfd
 * tells of its end, so that no signal handler is needed. Nothing of ours is open in it (all is
 * close-on-exec); it finds WAYMARK_EDGE and WAYMARK_ADDRESS in its environment. It is killed
 * when the server is.
 */
#include "base/memory.h"
#include "probe/check.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

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

/* Our environment and two words of our own. The caller frees the array, and the words are the
 * last two. */
static char **make_environment(const struct check *c)
{
	struct text edge = { 0 }, address = { 0 };
	char addr[ADDR_TEXT];
	size_t n = 0;

	while (environ[n])
		n++;
	char **env = memory_zeroed(n + 3, sizeof *env);
	memcpy(env, environ, n * sizeof *env);
	text_addf(&edge, "WAYMARK_EDGE=%s", c->edge);
	text_addf(&address, "WAYMARK_ADDRESS=%s", c->name ? c->name : addr_text(addr, &c->addr));
	env[n] = memory_need(edge.s);
	env[n + 1] = memory_need(address.s);
	return env;
}

static void free_environment(char **env)
{
	size_t n = 0;

	while (env[n])
		n++;
	memory_free(env[n - 1]);
	memory_free(env[n - 2]);
	memory_free(env);
}

/* What of the parent the child must know. */
struct birth {
	const char *const *command;
	char *const *env;
	int out;
	pid_t parent;
	volatile int err; /* why there is no command */
};

static void default_signals(void)
{
	struct sigaction how = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &how, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child, on memory that it shares with its parent until the command runs. It dies with
 * the thread that has made it, which is the loop's and ends with the server: so no command
 * outlives a server that was killed. */
static void become_command(struct birth *b)
{
	const int in = open("/dev/null", O_RDONLY),
		  out = b->out > 2 ? b->out : fcntl(b->out, F_DUPFD_CLOEXEC, 3);

	setpgid(0, 0);
	default_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != b->parent)
		return; /* it died before we asked for that */
	if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) {
		b->err = errno;
		return;
	}
	if (in > 2)
		close(in);
	execve(b->command[0], (char *const *)(uintptr_t)b->command, b->env);
	b->err = errno;
}

/* As posix_spawn() does it, which knows nothing of a parent's death: no page of a large server
 * is copied, and no handler of ours runs in the child, since all signals are blocked. */
static int spawn(pid_t *pid, const struct check *c, int out)
{
	char **env = make_environment(c);
	struct birth b = {
		.command = c->probe->command, .env = env, .out = out, .parent = getpid()
	};
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	*pid = vfork();
	if (*pid == 0) {
		become_command(&b);
		_exit(127);
	}
	const int err = *pid < 0 ? errno : b.err;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err && *pid > 0)
		waitpid(*pid, NULL, 0);
	free_environment(env);
	return err;
}

static bool start(struct checks *all, struct check *c)
{
	int pipe_fd[2];
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) != 0)
		return check_errno(c, "no pipe", errno);
	fcntl(pipe_fd[1], F_SETFL, 0); /* the command's end blocks, as it expects */
	const int err = spawn(&pid, c, pipe_fd[1]);
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
