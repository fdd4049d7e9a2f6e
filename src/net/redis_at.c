#include "net/redis_at.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static int hex_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Up to `end`, with %XX as what they stand for. NULL: one of them stands for nothing, or for NUL. */
static char *decoded(const char *s, const char *end, struct arena *mem)
{
	char *to = arena_alloc(mem, (size_t)(end - s) + 1), *at = to;

	while (s < end) {
		if (*s != '%') {
			*at++ = *s++;
			continue;
		}
		const int high = end - s > 2 ? hex_of(s[1]) : -1, low = end - s > 2 ? hex_of(s[2]) : -1;
		if (high < 0 || low < 0 || high + low == 0)
			return NULL;
		*at++ = (char)(high << 4 | low);
		s += 3;
	}
	*at = 0;
	return to;
}

static bool number_of(const char *s, const char *end, unsigned most, unsigned *to)
{
	unsigned v = 0;

	if (s == end || end - s > 5)
		return false;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (unsigned)(*s - '0');
	}
	*to = v;
	return v <= most;
}

/* "user:password@" and ":password@" before the rest, which is where `*at` is then. */
static bool take_who(struct redis_at *to, const char **at, const char *end, struct arena *mem,
	struct fault *why)
{
	const char *sign = NULL;

	for (const char *p = *at; p < end; p++)
		if (*p == '@')
			sign = p;
	if (!sign)
		return true;
	const char *colon = memchr(*at, ':', (size_t)(sign - *at));
	if (!colon)
		return fault(why, "between :// and @ there must be user:password or :password");
	if (colon > *at && !(to->user = decoded(*at, colon, mem)))
		return fault(why, "a %% in the user's name must be followed by two hexadecimal digits");
	if (!(to->password = decoded(colon + 1, sign, mem)))
		return fault(why, "a %% in the password must be followed by two hexadecimal digits");
	if (!*to->password)
		return fault(why, "the password is empty");
	*at = sign + 1;
	return true;
}

static bool take_host(struct redis_at *to, const char *at, const char *end, struct arena *mem,
	struct fault *why)
{
	const char *host = at, *host_end = end, *port = NULL;

	if (*at == '[') {
		host = at + 1;
		host_end = memchr(at, ']', (size_t)(end - at));
		if (!host_end || (host_end + 1 < end && host_end[1] != ':'))
			return fault(why, "an IPv6 address stands in [ ], before :port");
		port = host_end + 1 < end ? host_end + 2 : NULL;
	} else {
		const char *colon = memchr(at, ':', (size_t)(end - at));
		if (colon && memchr(colon + 1, ':', (size_t)(end - colon - 1)))
			return fault(why, "an IPv6 address stands in [ ]");
		host_end = colon ? colon : end;
		port = colon ? colon + 1 : NULL;
	}
	if (host == host_end)
		return fault(why, "the host is missing");
	to->host = decoded(host, host_end, mem);
	to->port = to->master ? REDIS_SENTINEL_PORT : REDIS_PORT;
	if (!to->host)
		return fault(why, "that is no host");
	if (port && (!number_of(port, end, 65535, &to->port) || !to->port))
		return fault(why, "the port must be a number from 1 to 65535");
	return true;
}

/* "/db" of a Redis, "/name" and "/name/db" of a Sentinel. */
static bool take_rest(struct redis_at *to, const char *at, bool sentinel, struct arena *mem,
	struct fault *why)
{
	const char *end = at + strlen(at);

	if (sentinel) {
		const char *slash = *at ? strchr(at + 1, '/') : NULL;
		const char *name_end = slash ? slash : end;
		if (at == end || at + 1 == name_end)
			return fault(why,
				"which of its masters is meant is missing: write "
				"redis+sentinel://host:26379/NAME");
		to->master = decoded(at + 1, name_end, mem);
		if (!to->master)
			return fault(why, "that is no name of a master");
		at = slash ? slash : end;
	}
	if (at + 1 < end && !number_of(at + 1, end, REDIS_DB_MOST, &to->db))
		return fault(why, "the database must be a number from 0 to %d", REDIS_DB_MOST);
	return true;
}

static bool take_path(struct redis_at *to, const char *at, struct arena *mem, struct fault *why)
{
	const char *query = strchr(at, '?'), *end = query ? query : at + strlen(at);

	if (*at != '/')
		return fault(why, "the path of a socket begins with /: redis+unix:///run/redis.sock");
	to->path = decoded(at, end, mem);
	if (!to->path || strlen(to->path) >= sizeof ((struct sockaddr_un *)0)->sun_path)
		return fault(why, "that is no path of a socket (at most %zu bytes)",
			sizeof ((struct sockaddr_un *)0)->sun_path - 1);
	if (query && (strncmp(query, "?db=", 4) != 0 ||
		    !number_of(query + 4, query + strlen(query), REDIS_DB_MOST, &to->db)))
		return fault(why, "behind ? there may be db=NUMBER alone");
	return true;
}

static char *shown(const char *url, const char *after_scheme, const char *rest, struct arena *mem)
{
	const size_t scheme = (size_t)(after_scheme - url), len = strlen(rest);
	char *to = arena_alloc(mem, scheme + len + 1);

	memcpy(to, url, scheme);
	memcpy(to + scheme, rest, len + 1);
	return to;
}

bool redis_at_parse(struct redis_at *to, const char *url, struct arena *mem, struct fault *why)
{
	static const struct {
		const char *scheme;
		bool tls, path, sentinel;
	} schemes[] = { { "redis://", false, false, false }, { "rediss://", true, false, false },
		{ "redis+unix://", false, true, false }, { "unix://", false, true, false },
		{ "redis+sentinel://", false, false, true },
		{ "rediss+sentinel://", true, false, true } };
	struct redis_at at = { .port = 0 };
	unsigned i = 0;

	while (i < 6 && strncmp(url, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
		i++;
	if (i == 6)
		return fault(why,
			"it must begin with redis://, rediss:// (TLS), redis+unix://, redis+sentinel:// or "
			"rediss+sentinel://");
	const char *after = url + strlen(schemes[i].scheme), *rest = after;
	at.tls = schemes[i].tls;
	if (schemes[i].path) {
		if (!take_who(&at, &rest, rest + strcspn(rest, "/"), mem, why) ||
			!take_path(&at, rest, mem, why))
			return false;
	} else {
		/* A password may have a slash in it. */
		const char *sign = strrchr(rest, '@');
		if (!take_who(&at, &rest, sign ? sign + 1 : rest, mem, why))
			return false;
		const char *slash = rest + strcspn(rest, "/");
		if (!take_rest(&at, slash, schemes[i].sentinel, mem, why) ||
			!take_host(&at, rest, slash, mem, why))
			return false;
	}
	at.shown = shown(url, after, rest, mem);
	*to = at;
	return true;
}
