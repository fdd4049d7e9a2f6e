#include "base/launched.h"

#include "base/cage.h"
#include "base/fd_pass.h"
#include "base/landlock.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void send_news(int end, enum spawn_kind kind, int value)
{
	fd_pass_send(end, &(struct spawn_news){ kind, value }, sizeof(struct spawn_news), NULL, 0);
}

/* --- in the child ------------------------------------------------------------------------- */

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

static bool put_files(const int *fds, size_t n)
{
	const int out = above(fds[1]), in = above(n > 2 ? fds[2] : open("/dev/null", O_RDONLY | O_CLOEXEC));

	return in >= 0 && out >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0;
}

static _Noreturn void run_command(char **words, char **environment, const int *fds, size_t n, pid_t launcher)
{
	const int end = above(fds[0]);

	setpgid(0, 0);
	default_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launcher)
		_exit(127); /* it died before we asked for that */
	if (access(words[0], X_OK) != 0 || !put_files(fds, n)) {
		send_news(end, SPAWN_FAILED, errno);
		_exit(127);
	}
	send_news(end, SPAWN_RUNS, getpid());
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	landlock_signals();
	cage_close(CAGE_COMMAND);
	execve(words[0], words, environment);
	send_news(end, SPAWN_FAILED, errno);
	_exit(127);
}

/* --- in the launcher ---------------------------------------------------------------------- */

/* `n` words in a row, from *at on; false: they are not there. */
static bool cut_words(char **to, unsigned n, char **at, const char *stop)
{
	for (unsigned i = 0; i < n; i++) {
		if (*at >= stop)
			return false;
		to[i] = *at;
		*at += strlen(*at) + 1;
	}
	to[n] = NULL;
	return true;
}

void launched_start(struct launched *l, struct launched_order *order, size_t len, const int *fds, size_t n)
{
	char *words[LAUNCHED_WORDS_MOST + 2], *at = order->text;
	char **environment = words + order->n_command + 1;
	const char *stop = (const char *)order + len;

	if (n < 2)
		return;
	if (len < sizeof *order || !order->n_command || order->n_command + order->n_words > LAUNCHED_WORDS_MOST ||
		!cut_words(words, order->n_command, &at, stop) || !cut_words(environment, order->n_words, &at, stop)) {
		send_news(fds[0], SPAWN_FAILED, E2BIG);
		return;
	}
	const pid_t launcher = getpid(), pid = l->n < LAUNCHED_MOST ? fork() : -1;
	if (pid == 0)
		run_command(words, environment, fds, n, launcher);
	const int end = pid < 0 ? -1 : fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	if (end < 0) {
		send_news(fds[0], SPAWN_FAILED, EAGAIN);
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		return;
	}
	setpgid(pid, pid); /* whoever of the two is first */
	l->of[l->n].pid = pid;
	l->of[l->n].end = end;
	l->of[l->n++].killed = false;
}

unsigned launched_wait(const struct launched *l, struct pollfd *to)
{
	for (unsigned i = 0; i < l->n; i++)
		to[i] = (struct pollfd){ l->of[i].killed ? -1 : l->of[i].end, POLLIN | POLLRDHUP, 0 };
	return l->n;
}

void launched_look(struct launched *l, const struct pollfd *of)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (!of[i].revents)
			continue;
		l->of[i].killed = true;
		kill(-l->of[i].pid, SIGKILL);
	}
}

/* Its leader is not waited for yet: the group's number is still its own. */
bool launched_ended(struct launched *l, pid_t pid)
{
	int status = 0;

	for (unsigned i = 0; i < l->n; i++) {
		if (l->of[i].pid != pid)
			continue;
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		send_news(l->of[i].end, SPAWN_ENDED, status);
		close(l->of[i].end);
		l->of[i] = l->of[--l->n];
		return true;
	}
	return false;
}

void launched_kill_all(struct launched *l)
{
	for (unsigned i = 0; i < l->n; i++)
		kill(-l->of[i].pid, SIGKILL);
}
