/* redis_at.h - where a Redis, or one of its Sentinels, is: a URL becomes its parts.
 *
 *     redis://[[user]:password@]host[:port][/db]      TCP
 *     rediss://...                                    TLS
 *     redis+unix:///path[?db=N]                       a Unix socket; [user]:password@ before the path
 *     redis+sentinel://[[user]:password@]host[:port]/name[/db]      ask that Sentinel where "name" is
 *     rediss+sentinel://...                           the same, both over TLS
 *
 * User and password may have %XX in them. Pure; any thread.
 */
#ifndef NET_REDIS_AT_H
#define NET_REDIS_AT_H

#include "base/arena.h"
#include "base/fault.h"

#include <stdbool.h>

enum { REDIS_PORT = 6379, REDIS_SENTINEL_PORT = 26379, REDIS_DB_MOST = 65535 };

struct redis_at {
	const char *shown; /* the URL without user and password: for people */
	const char *host;  /* a name or an address; NULL: `path` */
	unsigned port;
	const char *path;  /* of a Unix socket; NULL */
	bool tls;
	const char *user, *password; /* NULL */
	unsigned db;
	const char *master; /* it is a Sentinel, which knows where that is; NULL: it is the Redis itself */
};

/* All of it lives in `mem`. False, and a sentence that does not say what is secret: nothing is changed. */
bool redis_at_parse(struct redis_at *to, const char *url, struct arena *mem, struct fault *why);

#endif
