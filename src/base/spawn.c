#include "base/spawn.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LINE_MOST = 160, LOOK_MS = 100 };

/* --- starting it -------------------------------------------------------------------------- */

static char **make_environment(const struct spawn *s)
{
	size_t n = 0;

	while (environ[n])
		n++;
	char **env = memory_zeroed(n + s->n_words + 1, sizeof *env);
	memcpy(env, environ, n * sizeof *env);
	for (size_t i = 0; i < s->n_words; i++)
		env[n + i] = s->words[i];
	return env;
}

/* What of the parent the child must know. */
struct birth {
	const struct spawn *of;
	char *const *env;
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

/* Above the three that it gets. */
static int above(int fd)
{
	return fd > 2 || fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* In the child, on memory that it shares with its parent until the command runs. */
static void become_command(struct birth *b)
{
	const int in = above(b->of->in >= 0 ? b->of->in : open("/dev/null", O_RDONLY | O_CLOEXEC)),
		  out = above(b->of->out);

	setpgid(0, 0);
	default_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != b->parent)
		return; /* it died before we asked for that */
	if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) {
		b->err = errno;
		return;
	}
	execve(b->of->command[0], (char *const *)(uintptr_t)b->of->command, b->env);
	b->err = errno;
}

/* As posix_spawn() does it, which knows nothing of a parent's death: no page of a large server
 * is copied, and no handler of ours runs in the child, since all signals are blocked. */
int spawn(pid_t *pid, const struct spawn *s)
{
	char **env = make_environment(s);
	struct birth b = { .of = s, .env = env, .parent = getpid() };
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
	memory_free(env);
	return err;
}

/* --- to its end --------------------------------------------------------------------------- */

struct running {
	const struct spawn_run *r;
	pid_t pid;
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
static const char *attend(struct running *x, siginfo_t *how)
{
	const double until = clock_seconds() + x->r->most_ms / 1000.0;

	for (;;) {
		struct pollfd fds[2] = { { x->in, POLLOUT, 0 }, { x->out, POLLIN, 0 } };
		/* A signal that nobody can send us may be missed; its end is looked for at each turn. */
		poll(fds, 2, x->out < 0 ? LOOK_MS / 10 : LOOK_MS);
		if (fds[0].revents)
			write_some(x);
		if (fds[1].revents)
			read_some(x);
		how->si_pid = 0;
		if (waitid(P_PID, (id_t)x->pid, how, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			how->si_pid == x->pid)
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
	const int err = spawn(&x->pid,
		&(struct spawn){ r->command, r->words, r->n_words, in[0], out[1] });
	close(in[0]);
	close(out[1]);
	x->in = in[1];
	x->out = out[0];
	fcntl(x->in, F_SETFL, O_NONBLOCK);
	fcntl(x->out, F_SETFL, O_NONBLOCK);
	if (!err)
		return true;
	shut(&x->in);
	shut(&x->out);
	return fault(why, "%s: %s", r->command[0], strerror(err));
}

bool spawn_run(const struct spawn_run *r, struct fault *why)
{
	struct running x = { .r = r, .in = -1, .out = -1 };
	siginfo_t how = { 0 };
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
	/* Its leader is not reaped yet: the group's number is still its own. */
	kill(-x.pid, SIGKILL);
	waitid(P_PID, (id_t)x.pid, &how, WEXITED);
	while (x.out >= 0 && !late && !x.line_ended) {
		const size_t had = x.len;
		read_some(&x);
		if (x.len == had)
			break;
	}
	shut(&x.in);
	shut(&x.out);
	if (late)
		return fault(why, "%s: %s%s%s", r->command[0], late, x.len ? ": " : "", x.line);
	if (how.si_code == CLD_EXITED && how.si_status == 0)
		return true;
	return fault(why, "%s: %s %d%s%s", r->command[0],
		how.si_code == CLD_EXITED ? "exit status" : "killed by signal", how.si_status,
		x.len ? ": " : "", x.line);
}
