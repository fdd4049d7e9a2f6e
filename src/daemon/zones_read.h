/* zones_read.h - the zones that a configuration names become a registry.
 *
 * Each zone by itself: one that is wrong is told and keeps what it had, and all others are
 * taken. What has not changed is shared with the registry before. Work of a job, on as many
 * processors as there are.
 */
#ifndef DAEMON_ZONES_READ_H
#define DAEMON_ZONES_READ_H

#include "base/fault.h"
#include "conf/conf.h"
#include "zone/registry.h"

struct job;

struct zones_read_opts {
	const struct conf *conf;
	const struct registry *before; /* what is served now; NULL: nothing */
	struct hash_key key;
	struct job *job; /* is told how far it is, and asked whether to end; or NULL */
	/* A zone as it was stored when we last ran: count 1. NULL: it was not, and `why` is empty; or it cannot
	 * be had. Any thread. NULL: nothing is stored. */
	struct zone *(*stored)(void *ctx, const uint8_t *apex, const struct compile_opts *opts,
		int64_t *checked_s, uint32_t *expire_s, struct fault *why);
	void *stored_ctx;
};

/* What zones are compiled with: the pools of that configuration, which is borrowed. */
struct compile_opts zones_read_compile_opts(const struct conf *c, struct hash_key key);

/* NULL when the list of zones itself is wrong (a folder that is not there, a zone that is there
 * twice), or memory has ended. Zones that are wrong are told in `f`, at least a line each, and
 * counted in the registry. */
struct registry *zones_read(const struct zones_read_opts *o, struct faults *f);

#endif
