#include "unit/xfr/nameserver.h"

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/query.h"
#include "dns/rrtype.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool read_all(int fd, uint8_t *to, size_t len)
{
	for (size_t n = 0; n < len;) {
		const ssize_t more = recv(fd, to + n, len - n, 0);
		if (more <= 0)
			return false;
		n += (size_t)more;
	}
	return true;
}

static void note(struct nameserver *s, const uint8_t *query)
{
	static const uint8_t plain[QUERY_HEADER - 4] = { 0, 1 };
	char name[NAME_TEXT];

	if (s->n == NAMESERVER_ASKED)
		return;
	name_text(name, query + QUERY_HEADER);
	/* One question, and no flag but those of a NOTIFY. */
	const bool odd = (query[2] & ~0x24) || query[3] || memcmp(query + 4, plain, sizeof plain - 2) != 0;
	snprintf(s->asked[s->n++], sizeof s->asked[0], "%.260s %u%s", name, be16_get(query + QUERY_HEADER + name_len(query + QUERY_HEADER)),
		odd ? " (an odd header)" : "");
}

static void serve(struct nameserver *s, int fd)
{
	static _Thread_local uint8_t query[NAMESERVER_ROOM], to[2 * NAMESERVER_ROOM];
	size_t len;

	while (read_all(fd, query, 2) && (len = be16_get(query)) <= sizeof query && read_all(fd, query, len)) {
		note(s, query);
		const size_t n = s->answer(s->ctx, query, len, to);
		if (!n || send(fd, to, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
	}
	close(fd);
}

static void *run(void *arg)
{
	struct nameserver *s = arg;

	for (int fd; (fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
		serve(s, fd);
	return NULL;
}

void nameserver_open(struct nameserver *s, size_t (*answer)(void *ctx, const uint8_t *query, size_t len, uint8_t *to), void *ctx)
{
	socklen_t len = sizeof s->at;

	*s = (struct nameserver){ .at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, .answer = answer, .ctx = ctx };
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(bind(s->fd, (struct sockaddr *)&s->at, len) == 0 && listen(s->fd, 8) == 0 && getsockname(s->fd, (struct sockaddr *)&s->at, &len) == 0);
	peer_set(&s->peer, "parent", (struct sockaddr *)&s->at, sizeof s->at, NULL);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&s->thread, NULL, run, s), 0);
}

void nameserver_close(struct nameserver *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	peer_fini(&s->peer);
}

/* --- answers ------------------------------------------------------------------------------ */

size_t nameserver_begin(uint8_t *to, const uint8_t *query, size_t len, unsigned flags)
{
	const size_t question = QUERY_HEADER + name_len(query + QUERY_HEADER) + 4;

	(void)len;
	memcpy(to + 2, query, question);
	be16_put(to + 4, flags);
	memset(to + 2 + 6, 0, 6);
	return question;
}

size_t nameserver_add(uint8_t *to, size_t at, unsigned section, const char *owner, uint16_t type, uint32_t ttl_s, const void *rdata, size_t rdlen)
{
	uint8_t *counts = to + 2 + 6, *p = to + 2 + at;
	size_t len;

	be16_put(counts + 2 * section, be16_get(counts + 2 * section) + 1);
	CU_ASSERT_EQUAL_FATAL(name_parse(p, &len, owner, strlen(owner), (const uint8_t *)""), NAME_OK);
	p += len;
	be16_put(p, type);
	be16_put(p + 2, RRCLASS_IN);
	be32_put(p + 4, ttl_s);
	be16_put(p + 8, (unsigned)rdlen);
	memcpy(p + 10, rdata, rdlen);
	return at + len + 10 + rdlen;
}

size_t nameserver_end(uint8_t *to, size_t at)
{
	be16_put(to, (unsigned)at);
	return 2 + at;
}
