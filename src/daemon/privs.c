#include "daemon/privs.h"

#include "base/cage.h"
#include "base/log.h"
#include "base/polite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_USER "waymark"

void privs_raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	polite_allow();
}

const char *privs_user(const char *user)
{
	if (geteuid() != 0)
		return NULL;
	return user ? user : getpwnam(DEFAULT_USER) ? DEFAULT_USER : NULL;
}

static void warn_of_root(void)
{
	log_line(LOG_WARNING,
		"stays root, and so do commands of probes: there is no user \"" DEFAULT_USER
		"\" (create it: useradd --system " DEFAULT_USER
		", or name another with server: user)");
}

bool privs_drop(const char *user, struct fault *why)
{
	user = user ? user : privs_user(NULL);
	if (!user && geteuid() == 0)
		warn_of_root();
	if (user) {
		const struct passwd *pw = getpwnam(user);
		if (!pw)
			return fault(why,
				"server: user: there is no user \"%s\" (create it: useradd "
				"--system %s)",
				user, user);
		const bool already = geteuid() == pw->pw_uid;
		if (!already &&
			(initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
				setuid(pw->pw_uid) != 0))
			return fault(why,
				"cannot become user %s: %s (start as root, or leave server: "
				"user: out)",
				user, strerror(errno));
		if (!already && setuid(0) == 0)
			return fault(why,
				"became user %s and could become root again; not going on",
				user);
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	cage_close(CAGE_SERVER);
	return true;
}

/* As sd_notify_barrier(3): the manager lets go of a file once it has taken what was told before. */
enum { HEARD_MS = 2000 };

static int tell_manager(const char *state, int with);

void privs_notify(const char *state)
{
	tell_manager(state, -1);
}

void privs_notify_wait(const char *state)
{
	int ends[2];

	if (tell_manager(state, -1) < 0 || pipe2(ends, O_CLOEXEC) != 0)
		return;
	const bool told = tell_manager("BARRIER=1", ends[1]) == 0;
	close(ends[1]);
	struct pollfd p = { .fd = ends[0] }; /* its end is always told */
	if (told)
		poll(&p, 1, HEARD_MS);
	close(ends[0]);
}

/* -1: nobody wants to know. */
static int tell_manager(const char *state, int with)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof sa.sun_path)
		return -1;
	memcpy(sa.sun_path, path, strlen(path));
	if (path[0] == '@')
		sa.sun_path[0] = 0; /* the abstract namespace */
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof with)] = { 0 };
	struct iovec one = { (void *)(uintptr_t)state, strlen(state) };
	struct msghdr m = { .msg_name = &sa,
		.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)),
		.msg_iov = &one,
		.msg_iovlen = 1 };
	if (with >= 0) {
		m.msg_control = room;
		m.msg_controllen = sizeof room;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof with), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), &with, sizeof with);
	}
	const bool ok = sendmsg(fd, &m, MSG_NOSIGNAL) >= 0;
	close(fd);
	return ok ? 0 : -1;
}

/* Who is to have files that root has made. Asking for a user may read a dozen files, and a network: once for many files. */
struct owner {
	const char *name; /* NULL: nobody else */
	uid_t uid;
	gid_t gid;
};

static struct owner owner_of(const char *user)
{
	const char *name = privs_user(user);
	const struct passwd *pw = geteuid() == 0 && name ? getpwnam(name) : NULL;

	return pw ? (struct owner){ name, pw->pw_uid, pw->pw_gid } : (struct owner){ .name = NULL };
}

static bool give(const char *path, const struct owner *to, struct fault *why)
{
	if (!to->name || lchown(path, to->uid, to->gid) == 0 || errno == ENOENT)
		return true;
	return fault(why, "%s: cannot be given to user %s: %s", path, to->name, strerror(errno));
}

bool privs_give(const char *path, const char *user, struct fault *why)
{
	const struct owner to = owner_of(user);

	return give(path, &to, why);
}

bool privs_give_folder(const char *path, const char *user, struct fault *why)
{
	char file[4096];
	const struct dirent *e;
	struct stat st;
	const struct owner to = owner_of(user);
	DIR *d = to.name ? opendir(path) : NULL;
	bool ok = give(path, &to, why);

	while (d && ok && (e = readdir(d)))
		if (e->d_name[0] != '.' &&
			(size_t)snprintf(file, sizeof file, "%s/%s", path, e->d_name) <
				sizeof file &&
			lstat(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
			st.st_uid == 0)
			ok = give(file, &to, why);
	if (d)
		closedir(d);
	return ok;
}
