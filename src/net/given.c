#include "net/given.h"

#include "base/addr.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

struct socket_given {
	int fd; /* -1: it was taken */
	int type;
	socklen_t len;
	struct sockaddr_storage sa;
	bool used;
};

struct given {
	bool shared;
	size_t n;
	struct socket_given *of;
};

struct given *given_new(bool shared)
{
	struct given *g = memory_zeroed(1, sizeof *g);

	g->shared = shared;
	return g;
}

bool given_add(struct given *g, int fd, struct fault *why)
{
	struct socket_given one = { .fd = fd, .len = sizeof one.sa };
	socklen_t len = sizeof one.type;

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &one.type, &len) != 0 ||
		getsockname(fd, (struct sockaddr *)&one.sa, &one.len) != 0)
		return fault(why, "file %d, which was given to us to listen on, is no socket: %s", fd, strerror(errno));
	g->of = memory_grow(g->of, (g->n + 1) * sizeof *g->of);
	g->of[g->n++] = one;
	return true;
}

size_t given_count(const struct given *g)
{
	return g->n;
}

/* Address and port; a scope and a flow are not what tells two sockets apart. */
static bool same(const struct socket_given *s, int type, const struct sockaddr *sa, socklen_t len)
{
	if (s->type != type || s->sa.ss_family != sa->sa_family)
		return false;
	if (sa->sa_family == AF_UNIX) {
		const struct sockaddr_un *a = (const struct sockaddr_un *)&s->sa, *b = (const struct sockaddr_un *)sa;
		return s->len > offsetof(struct sockaddr_un, sun_path) && strcmp(a->sun_path, b->sun_path) == 0;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)&s->sa, *b = (const struct sockaddr_in6 *)sa;
		return a->sin6_port == b->sin6_port && a->sin6_scope_id == b->sin6_scope_id &&
			memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0;
	}
	const struct sockaddr_in *a = (const struct sockaddr_in *)&s->sa, *b = (const struct sockaddr_in *)sa;
	return len >= sizeof *a && a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

int given_take(struct given *g, int type, const struct sockaddr *sa, socklen_t len, unsigned k)
{
	struct socket_given *nth = NULL;
	unsigned n = 0;

	for (size_t i = 0; g && i < g->n; i++)
		n += same(&g->of[i], type, sa, len);
	if (!n || (!g->shared && k >= n))
		return -1;
	k %= n;
	for (size_t i = 0; i < g->n; i++)
		if (same(&g->of[i], type, sa, len) && k-- == 0)
			nth = &g->of[i];
	nth->used = true;
	if (g->shared)
		return fcntl(nth->fd, F_DUPFD_CLOEXEC, 3);
	const int fd = nth->fd;
	nth->fd = -1;
	return fd;
}

int given_take_path(struct given *g, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof sa.sun_path)
		return -1;
	strcpy(sa.sun_path, path);
	return given_take(g, SOCK_STREAM, (const struct sockaddr *)&sa, sizeof sa, 0);
}

bool given_has(const struct given *g, int type, const struct sockaddr *sa, socklen_t len)
{
	for (size_t i = 0; g && i < g->n; i++)
		if (same(&g->of[i], type, sa, len))
			return true;
	return false;
}

static bool others_are_used(const struct given *g, const struct socket_given *s)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->of[i].used && same(&g->of[i], s->type, (const struct sockaddr *)&s->sa, s->len))
			return true;
	return false;
}

bool given_end(struct given *g, struct fault *why)
{
	char text[ADDR_TEXT];
	bool ok = true;

	for (size_t i = 0; g && i < g->n; i++) {
		struct socket_given *s = &g->of[i];
		if (s->fd < 0)
			continue;
		if (!s->used && g->shared)
			log_line(LOG_WARNING,
				"the service manager has opened a socket that the configuration does not name: %s; nobody answers there",
				s->sa.ss_family == AF_UNIX ? "a path" : addr_sockaddr_text(text, (const struct sockaddr *)&s->sa));
		if (!s->used && s->sa.ss_family != AF_UNIX && others_are_used(g, s))
			ok = fault(why,
				"server: workers: there are more sockets at %s than workers, so some of its queries would be lost (fewer workers "
				"than before need a restart)",
				addr_sockaddr_text(text, (const struct sockaddr *)&s->sa));
		close(s->fd);
	}
	if (g)
		memory_free(g->of);
	memory_free(g);
	return ok;
}
