/* redis_open.h - a connection to the Redis of a fleet, up to where commands may be sent.
 *
 * For helper threads: names are resolved, Sentinels asked, TLS and passwords shaken out, all with a bound in time
 * and ended soon when the job is cancelled. What comes out is a pipe for the loop.
 */
#ifndef FLEET_REDIS_OPEN_H
#define FLEET_REDIS_OPEN_H

#include "base/fault.h"
#include "net/pipe.h"
#include "net/redis_at.h"
#include "net/tls_client.h"

#include <stdbool.h>
#include <stddef.h>

struct job;

enum { REDIS_WHERE = 320 };

struct redis_open_opts {
	const struct redis_at *at; /* [n] tried one after the other */
	size_t n;
	const struct tls_client_opts *tls; /* for those of TLS; without a name: that of the host */
	const char *key;    /* one of those that will be asked for: of a cluster, the node that has it is wanted */
	unsigned patience_ms; /* for each step */
};

struct redis_opened {
	struct pipe pipe;
	char where[REDIS_WHERE]; /* for people */
};

/* False and a sentence: nobody of them can be had; `pipe.fd` is -1. */
bool redis_open(struct redis_opened *to, const struct redis_open_opts *o, struct job *job,
	struct fault *why);

#endif
