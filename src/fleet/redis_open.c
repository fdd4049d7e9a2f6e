#include "fleet/redis_open.h"

#include "base/clock.h"
#include "jobs/jobs.h"
#include "net/tls.h"

#include <errno.h>
#include <ev.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SLICE_MS = 100, REPLY_MOST = 1 << 20, HOPS_MOST = 4 };

/* One that is being made. */
struct call {
	const struct redis_open_opts *o;
	struct job *job;
	struct pipe pipe;
	uint64_t until_us; /* of the step */
	char where[REDIS_WHERE];
};

static bool fail(const struct call *c, struct fault *why, const char *what)
{
	return fault(why, "%s: %s", c->where, what);
}

static void begin_step(struct call *c)
{
	c->until_us = clock_us() + c->o->patience_ms * UINT64_C(1000);
}

static bool wait_for(struct call *c, short events, struct fault *why)
{
	for (;;) {
		struct pollfd p = { .fd = c->pipe.fd, .events = events };
		const int n = poll(&p, 1, SLICE_MS);
		if (n < 0 && errno != EINTR)
			return fail(c, why, strerror(errno));
		if (c->job && job_is_cancelled(c->job))
			return fail(c, why, "given up");
		if (n > 0)
			return true;
		if (clock_us() > c->until_us)
			return fail(c, why, events & POLLOUT ? "cannot be reached" : "does not answer");
	}
}

static short poll_of(int wants)
{
	return wants & EV_WRITE ? POLLOUT : POLLIN;
}

/* --- connecting --------------------------------------------------------------------------- */

static bool connect_to(struct call *c, const struct sockaddr *sa, socklen_t len, struct fault *why)
{
	const int one = 1;
	int error = 0;
	socklen_t error_len = sizeof error;
	const int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail(c, why, strerror(errno));
	pipe_open_plain(&c->pipe, fd);
	if (sa->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	begin_step(c);
	if (connect(fd, sa, len) == 0)
		return true;
	if (errno != EINPROGRESS)
		error = errno;
	else if (!wait_for(c, POLLOUT, why))
		error = -1;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
	if (error) {
		pipe_close(&c->pipe);
		c->pipe.fd = -1;
	}
	return !error || (error > 0 && fail(c, why, strerror(error)));
}

static bool connect_path(struct call *c, const char *path, struct fault *why)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	return connect_to(c, (const struct sockaddr *)&sa, sizeof sa, why);
}

static bool connect_host(struct call *c, const char *host, unsigned port, struct fault *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char service[8];
	bool ok = false;

	snprintf(service, sizeof service, "%u", port);
	const int error = getaddrinfo(host, service, &hints, &list);
	if (error)
		return fail(c, why, gai_strerror(error));
	for (const struct addrinfo *a = list; a && !ok; a = a->ai_next)
		ok = connect_to(c, a->ai_addr, a->ai_addrlen, why);
	freeaddrinfo(list);
	return ok;
}

static bool shake_hands(struct call *c, const char *host, struct fault *why)
{
	struct tls_client_opts o = *c->o->tls;
	char trouble[TLS_TROUBLE];
	struct fault reason;
	ssize_t n;

	o.no_dns = true;
	o.name = o.name ? o.name : host;
	struct tls_client *tls = tls_client_new(&o);
	if (!tls)
		return fail(c, why, "out of memory");
	const bool begun = pipe_start_tls_client(&c->pipe, tls, &reason);
	tls_client_drop(tls);
	if (!begun)
		return fail(c, why, reason.text);
	begin_step(c);
	while ((n = pipe_shake(&c->pipe)) == PIPE_AGAIN)
		if (!wait_for(c, poll_of(c->pipe.read_wants), why))
			return false;
	return n == 1 || fail(c, why, pipe_tls_trouble(&c->pipe, trouble));
}

static void hang_up(struct call *c)
{
	if (c->pipe.fd >= 0)
		pipe_close(&c->pipe);
	c->pipe.fd = -1;
}

/* --- commands ----------------------------------------------------------------------------- */

static bool send_all(struct call *c, const char *p, size_t len, struct fault *why)
{
	while (len) {
		const ssize_t n = pipe_write(&c->pipe, p, len);
		if (n == PIPE_BROKEN)
			return fail(c, why, "closes the connection");
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (!wait_for(c, poll_of(c->pipe.write_wants), why)) {
			return false;
		}
	}
	return true;
}

/* Feeds what comes until there is a reply. */
static bool receive(struct call *c, redisReader *reader, void **reply, struct fault *why)
{
	char buf[4096];
	size_t all = 0;

	for (;;) {
		if (redisReaderGetReply(reader, reply) != REDIS_OK)
			return fail(c, why, "does not speak the protocol of Redis");
		if (*reply)
			return true;
		const ssize_t n = pipe_read(&c->pipe, buf, sizeof buf);
		if (n == 0 || n == PIPE_BROKEN)
			return fail(c, why, "closes the connection");
		if (n < 0 && !wait_for(c, poll_of(c->pipe.read_wants), why))
			return false;
		if (n > 0 && ((all += (size_t)n) > REPLY_MOST ||
				redisReaderFeed(reader, buf, (size_t)n) != REDIS_OK))
			return fail(c, why, "sends more than belongs here");
	}
}

/* NULL and a sentence: there is no reply. */
static redisReply *ask(struct call *c, int n, const char **words, struct fault *why)
{
	char *command = NULL;
	void *reply = NULL;
	const int len = redisFormatCommandArgv(&command, n, words, NULL);
	redisReader *reader = len > 0 ? redisReaderCreate() : NULL;

	begin_step(c);
	if (!reader)
		fail(c, why, "out of memory");
	else if (send_all(c, command, (size_t)len, why) && !receive(c, reader, &reply, why))
		reply = NULL;
	if (reader)
		redisReaderFree(reader);
	if (len > 0)
		free(command);
	return reply;
}

/* True where it is no error. */
static bool asked(struct call *c, int n, const char **words, struct fault *why)
{
	redisReply *r = ask(c, n, words, why);
	const bool ok = r && r->type != REDIS_REPLY_ERROR;

	if (r && !ok)
		fail(c, why, r->str);
	if (r)
		freeReplyObject(r);
	return ok;
}

static bool say_who(struct call *c, const struct redis_at *at, struct fault *why)
{
	const char *words[] = { "AUTH", at->user ? at->user : at->password, at->password };

	if (!at->password || asked(c, at->user ? 3 : 2, words, why))
		return true;
	/* Who does not know the command may say back what came with it. */
	return strstr(why->text, at->password) ? fail(c, why, "does not know AUTH") : false;
}

/* --- a Sentinel --------------------------------------------------------------------------- */

static bool is_error(const redisReply *r, const char *code)
{
	return r && r->type == REDIS_REPLY_ERROR && strncmp(r->str, code, strlen(code)) == 0;
}

static bool find_master(struct call *c, const struct redis_at *at, char host[static 256], unsigned *port,
	struct fault *why)
{
	const char *words[] = { "SENTINEL", "get-master-addr-by-name", at->master };
	redisReply *r = ask(c, 3, words, why);

	/* Most Sentinels have no password of their own. */
	if (is_error(r, "NOAUTH") && at->password) {
		freeReplyObject(r);
		r = say_who(c, at, why) ? ask(c, 3, words, why) : NULL;
	}
	bool ok = false;
	if (!r)
		return false;
	if (r->type == REDIS_REPLY_ARRAY && r->elements == 2 &&
		r->element[0]->type == REDIS_REPLY_STRING && r->element[1]->type == REDIS_REPLY_STRING) {
		snprintf(host, 256, "%s", r->element[0]->str);
		*port = (unsigned)atoi(r->element[1]->str);
		ok = *port && *port < 65536;
	}
	if (!ok && r->type == REDIS_REPLY_ERROR)
		fail(c, why, r->str);
	else if (!ok)
		fault(why, "%s: this Sentinel knows no master \"%s\"", c->where, at->master);
	freeReplyObject(r);
	return ok;
}

/* --- the Redis ---------------------------------------------------------------------------- */

/* A replica takes no writes. Who may not ask that goes on. */
static bool is_master(struct call *c, struct fault *why)
{
	redisReply *r = ask(c, 1, (const char *[]){ "ROLE" }, why);
	const bool replica = r && r->type == REDIS_REPLY_ARRAY && r->elements &&
		r->element[0]->type == REDIS_REPLY_STRING && strcmp(r->element[0]->str, "master") != 0;

	if (replica)
		fail(c, why, "is a replica, which takes no writes");
	if (r)
		freeReplyObject(r);
	return r && !replica;
}

static bool is_loading(struct call *c, struct fault *why)
{
	redisReply *r = ask(c, 1, (const char *[]){ "PING" }, why);
	const bool ok = r && r->type != REDIS_REPLY_ERROR;

	if (r && !ok && !is_error(r, "NOPERM"))
		fail(c, why, r->str);
	const bool waits = !r || (!ok && !is_error(r, "NOPERM"));
	if (r)
		freeReplyObject(r);
	return waits;
}

/* Of a cluster: where the key is. 0: here; 1: there; -1: a fault. */
static int moved(struct call *c, char host[static 256], unsigned *port, struct fault *why)
{
	redisReply *r = ask(c, 2, (const char *[]){ "EXISTS", c->o->key }, why);
	int is = r ? 0 : -1;

	if (is_error(r, "MOVED ")) {
		const char *at = strrchr(r->str, ' '), *colon = strrchr(r->str, ':');
		if (at && colon > at && colon - at - 1 < 256) {
			snprintf(host, 256, "%.*s", (int)(colon - at - 1), at + 1);
			*port = (unsigned)atoi(colon + 1);
			is = 1;
		}
	} else if (r && r->type == REDIS_REPLY_ERROR) {
		is = -1;
		fail(c, why, r->str);
	}
	if (r)
		freeReplyObject(r);
	return is;
}

static bool enter(struct call *c, const struct redis_at *at, struct fault *why)
{
	char db[16];

	snprintf(db, sizeof db, "%u", at->db);
	return say_who(c, at, why) && !is_loading(c, why) &&
		(!at->db || asked(c, 2, (const char *[]){ "SELECT", db }, why)) && is_master(c, why);
}

static bool reach(struct call *c, const struct redis_at *at, const char *host, unsigned port,
	struct fault *why)
{
	if (at->path)
		return connect_path(c, at->path, why);
	return connect_host(c, host, port, why) && (!at->tls || shake_hands(c, host, why));
}

static void set_where(struct call *c, const struct redis_at *at, const char *host, unsigned port)
{
	if (host == at->host || !host)
		snprintf(c->where, sizeof c->where, "%s", at->shown);
	else
		snprintf(c->where, sizeof c->where, strchr(host, ':') ? "%s ([%s]:%u)" : "%s (%s:%u)",
			at->shown, host, port);
}

static bool open_one(struct call *c, const struct redis_at *at, struct fault *why)
{
	char host[256], next[256];
	unsigned port = at->port;

	snprintf(host, sizeof host, "%s", at->host ? at->host : "");
	set_where(c, at, at->host, port);
	if (at->master) {
		if (!reach(c, at, host, port, why) || !find_master(c, at, host, &port, why))
			return false;
		hang_up(c);
		set_where(c, at, host, port);
	}
	for (unsigned i = 0; i < HOPS_MOST; i++) {
		if (!reach(c, at, host, port, why) || !enter(c, at, why))
			return false;
		const int is = moved(c, next, &port, why);
		if (is <= 0)
			return is == 0;
		hang_up(c);
		if (*next) /* else it is the same host */
			memcpy(host, next, sizeof host);
		set_where(c, at, host, port);
	}
	return fail(c, why, "its cluster sends us in circles");
}

bool redis_open(struct redis_opened *to, const struct redis_open_opts *o, struct job *job,
	struct fault *why)
{
	struct call c = { .o = o, .job = job, .pipe = { .fd = -1 } };
	struct fault one;

	why->text[0] = 0;
	for (size_t i = 0; i < o->n && !(job && job_is_cancelled(job)); i++) {
		if (open_one(&c, &o->at[i], &one)) {
			to->pipe = c.pipe;
			memcpy(to->where, c.where, sizeof to->where);
			return true;
		}
		hang_up(&c);
		const size_t len = strlen(why->text);
		snprintf(why->text + len, sizeof why->text - len, "%s%s", len ? "; " : "", one.text);
	}
	to->pipe.fd = -1;
	return false;
}
