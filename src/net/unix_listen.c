#include "net/unix_listen.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAITING_MOST = 128 /* connections that the kernel keeps until their turn comes */ };

/* 0: somebody answers there; else why not, as errno has it: ECONNREFUSED where nobody does. */
static int why_no_answer(const struct sockaddr_un *sa)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int err = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0 ? 0 : errno;

	if (fd >= 0)
		close(fd);
	return err;
}

/* The group first: before that nobody of it may connect. */
static bool give_group(const char *path, const char *group, const char *what, struct fault *why)
{
	errno = 0;
	const struct group *g = getgrnam(group);

	if (!g)
		return fault(why, "%s %s: there is no group \"%s\" on this machine", what, path, group);
	if (chown(path, (uid_t)-1, g->gr_gid) == 0 && chmod(path, 0660) == 0)
		return true;
	return fault(why, "%s %s: it cannot be given to group %s: %s%s", what, path, group, strerror(errno),
		errno == EPERM ? " (the server's user has to be in it)" : "");
}

int unix_listen(const char *path, const char *group, const char *what, struct fault *why)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof sa.sun_path) {
		fault(why, "%s %s: the path is over %zu bytes; choose a shorter one", what, path,
			sizeof sa.sun_path - 1);
		return -1;
	}
	strcpy(sa.sun_path, path);
	const int err = why_no_answer(&sa);
	if (!err) {
		fault(why, "%s %s: another server answers there; stop it or choose another path", what, path);
		return -1;
	}
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && unlink(path) != 0) {
		if (err == ECONNREFUSED)
			fault(why, "%s %s: is left from a server that has ended, and cannot be removed: %s (its folder must be writable to us)",
				what, path, strerror(errno));
		else
			fault(why, "%s %s: is there, and we may not ask who answers at it (%s); stop the server that does, or choose another path",
				what, path, strerror(err));
		return -1;
	}
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const mode_t mask = umask(0177);
	const bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0 &&
		listen(fd, WAITING_MOST) == 0;
	umask(mask);
	if (ok && (!group || give_group(path, group, what, why)))
		return fd;
	if (!ok)
		fault(why, "%s %s: %s%s", what, path, strerror(errno),
			errno == ENOENT           ? " (its folder must exist)"
				: errno == EACCES ? " (its folder must be writable to us)"
						  : "");
	else
		unlink(path);
	if (fd >= 0)
		close(fd);
	return -1;
}

bool unix_peer(int fd, unsigned *uid)
{
	struct ucred who;
	socklen_t len = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return false;
	*uid = who.uid;
	return true;
}
