#include "base/launcher.h"

#include "base/fd_pass.h"
#include "base/launched.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_ROOM = 4096, END = 3 };

struct launcher {
	int fd; /* to it */
	pid_t pid;
};

/* The launcher's own. */
struct starter {
	int fd;
	char **argv; /* NULL: it starts commands alone */
	char program[PATH_ROOM];
	struct launched commands;
	_Alignas(struct launched_order) char order[LAUNCHED_ORDER_MOST];
};

/* How programs are started is one for the whole process, as is where the log goes: the launcher's socket; -1: none was forked. */
static int orders = -1;

/* --- in the launcher ---------------------------------------------------------------------- */

/* The path that we were started by, so that another program that is put there is the one that is started. */
static bool find_program(const char *word, char to[static PATH_ROOM])
{
	if (strchr(word, '/'))
		return snprintf(to, PATH_ROOM, "%s", word) < PATH_ROOM;
	const ssize_t n = readlink("/proc/self/exe", to, PATH_ROOM - 1);
	to[n < 0 ? 0 : n] = 0;
	return n > 0;
}

/* For good; as daemon/privs has it. */
static void become(const char *user)
{
	const struct passwd *pw = getpwnam(user);

	if (!pw || (geteuid() != pw->pw_uid &&
			   (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)))
		_exit(1); /* what would stay root is not there any more */
}

/* The end is the only file beside the three that it gets. */
static void run_program(const struct starter *s, int end, int told)
{
	struct sigaction how = { .sa_handler = SIG_DFL };
	char number[16];
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &how, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* `told` closes itself, and tells by that. */
	if (told == END)
		told = fcntl(told, F_DUPFD_CLOEXEC, END + 1);
	if (end == END)
		fcntl(end, F_SETFD, 0);
	else
		dup2(end, END);
	snprintf(number, sizeof number, "%d", END);
	setenv(LAUNCHER_END, number, 1);
	if (getenv("WATCHDOG_PID")) { /* the service manager's watchdog is to be the new one's */
		snprintf(number, sizeof number, "%d", (int)getpid());
		setenv("WATCHDOG_PID", number, 1);
	}
	execv(s->program, s->argv);
	const int err = errno;
	if (write(told, &err, sizeof err) < 0)
		_exit(126);
	_exit(127);
}

static void send_news(const struct starter *s, enum launcher_kind kind, pid_t pid, int value)
{
	fd_pass_send(s->fd, &(struct launcher_news){ kind, pid, value }, sizeof(struct launcher_news), NULL, 0);
}

static void start_program(const struct starter *s, int end)
{
	int told[2], err = 0;

	if (pipe2(told, O_CLOEXEC) != 0) {
		send_news(s, LAUNCHER_NOT_STARTED, 0, errno);
		return;
	}
	const pid_t pid = fork();
	if (pid == 0) {
		close(told[0]);
		run_program(s, end, told[1]);
	}
	const int forked = pid < 0 ? errno : 0;
	close(told[1]);
	const bool failed = pid > 0 && read(told[0], &err, sizeof err) == sizeof err;
	close(told[0]);
	if (failed)
		waitpid(pid, NULL, 0);
	if (pid < 0 || failed)
		send_news(s, LAUNCHER_NOT_STARTED, 0, failed ? err : forked);
	else
		send_news(s, LAUNCHER_STARTED, pid, 0);
}

static void reap(struct starter *s)
{
	siginfo_t who = { 0 };
	int status;

	while (waitid(P_ALL, 0, &who, WEXITED | WNOHANG | WNOWAIT) == 0 && who.si_pid) {
		const pid_t pid = who.si_pid;
		if (!launched_ended(&s->commands, pid) && waitpid(pid, &status, 0) == pid)
			send_news(s, LAUNCHER_ENDED, pid, status);
		who.si_pid = 0;
	}
}

static bool obey(struct starter *s)
{
	int fds[FD_PASS_MOST];
	size_t n;
	const ssize_t got = fd_pass_receive(s->fd, s->order, sizeof s->order - 1, fds, &n, -1);

	if (got == 0 || (got < 0 && errno != EMFILE))
		return false;
	s->order[got < 0 ? 0 : got] = 0;
	switch (s->order[0]) {
	case LAUNCHER_USER: become(s->order + 1); break;
	case LAUNCHER_PROGRAM:
		if (n && s->argv)
			start_program(s, fds[0]);
		break;
	case LAUNCHER_COMMAND: launched_start(&s->commands, (struct launched_order *)(void *)s->order, (size_t)got, fds, n); break;
	}
	while (n--)
		close(fds[n]);
	return true;
}

/* All that was open but the three, and `s->fd`, is not ours. */
static void close_others(struct starter *s)
{
	if (s->fd != END) {
		dup2(s->fd, END);
		s->fd = END;
	}
	fcntl(s->fd, F_SETFD, FD_CLOEXEC);
	close_range(END + 1, ~0u, 0);
}

static _Noreturn void be_launcher(struct starter *s)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR2 };
	sigset_t child;

	prctl(PR_SET_NAME, "waymark-launch");
	close_others(s);
	/* Those are the server's, even where they are sent to all of its processes (systemd stops a service so); it ends with it. */
	for (unsigned i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	struct pollfd on[2 + LAUNCHED_MOST] = { { s->fd, POLLIN, 0 },
		{ signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK), POLLIN, 0 } };
	for (;;) {
		struct signalfd_siginfo info;
		const unsigned n = launched_wait(&s->commands, on + 2);
		if (poll(on, 2 + n, -1) < 0)
			continue;
		while (read(on[1].fd, &info, sizeof info) > 0)
			;
		launched_look(&s->commands, on + 2);
		reap(s);
		if (on[0].revents && !obey(s)) {
			launched_kill_all(&s->commands);
			_exit(0);
		}
	}
}

/* --- in the server ------------------------------------------------------------------------ */

/* Our end of it; -1: it could not be. */
static int fork_starter(char **argv, pid_t *pid)
{
	struct starter s = { .argv = argv };
	int ends[2];

	if ((argv && !find_program(argv[0], s.program)) || !fd_pass_pair(ends))
		return -1;
	*pid = fork();
	if (*pid == 0) {
		s.fd = ends[1];
		be_launcher(&s);
	}
	close(ends[1]);
	if (*pid > 0)
		return orders = ends[0];
	close(ends[0]);
	return -1;
}

struct launcher *launcher_fork(char **argv)
{
	pid_t pid;
	const int fd = fork_starter(argv, &pid);

	if (fd < 0)
		return NULL;
	struct launcher *l = memory_zeroed(1, sizeof *l);
	*l = (struct launcher){ fd, pid };
	return l;
}

static void fork_late(void)
{
	pid_t pid; /* its end is ours: for good */

	if (orders < 0)
		fork_starter(NULL, &pid);
}

int launcher_orders(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fork_late);
	return orders;
}

void launcher_become(struct launcher *l, const char *user)
{
	char order[LOGIN_NAME_MAX + 2];

	if (!l || !user)
		return;
	snprintf(order, sizeof order, "%c%s", LAUNCHER_USER, user);
	fd_pass_send(l->fd, order, strlen(order), NULL, 0);
}

bool launcher_start(struct launcher *l, int end, struct fault *why)
{
	if (l && fd_pass_send(l->fd, &(char){ LAUNCHER_PROGRAM }, 1, &end, 1))
		return true;
	return fault(why, "the process that starts programs for us is gone%s%s", l ? ": " : "", l ? strerror(errno) : "");
}

int launcher_fd(const struct launcher *l)
{
	return l ? l->fd : -1;
}

bool launcher_hear(struct launcher *l, struct launcher_news *to, bool *gone)
{
	const ssize_t got = fd_pass_hear(l->fd, to, sizeof *to);

	*gone = got == 0;
	return got == sizeof *to;
}

void launcher_free(struct launcher *l)
{
	if (!l)
		return;
	close(l->fd);
	waitpid(l->pid, NULL, 0);
	memory_free(l);
}
