/* zones_read.h - the zones that a configuration names, and those that were added, become a registry.
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
struct key_ring;
struct store;

struct zones_read_opts {
	const struct conf *conf;
	const struct registry *before; /* what is served now; NULL: nothing */
	const struct conf *staged;     /* NULL: no stage is on */
	struct hash_key key;
	struct job *job; /* is told how far it is, and asked whether to end; or NULL */
	/* A zone as it was stored when we last ran: count 1. NULL: it was not, and `why` is empty; or it cannot
	 * be had. Any thread. NULL: nothing is stored. */
	struct zone *(*stored)(void *ctx, const uint8_t *apex, const char *path,
		const struct compile_opts *opts, int64_t *checked_s, uint32_t *expire_s, struct fault *why);
	void *stored_ctx;
	struct store *store;   /* where what is signed is kept; NULL */
	struct key_ring *ring; /* NULL: what is signed keeps the keys that it has, and nothing is kept */
	const char *kept_dir;  /* where what files have become is kept (daemon/kept_images.h); NULL: nowhere */
	bool kept_stays;       /* it is another process's yet: what is of no use here may be of use there */
	/* Zones beyond the configuration, each once. Where it names one of them, too, its word is taken, and a
	 * warning tells. */
	const struct zones_read_added *added; /* [n_added] borrowed */
	size_t n_added;
	bool lacking; /* a list that is wrong is read for what it has, to be looked at */
};

struct zones_read_added {
	const uint8_t *apex; /* wire, lower case */
	struct registry_added *added;
};

/* NULL when the list of zones itself is wrong (a folder that is not there, a zone that is there
 * twice) and not `lacking`, or memory has ended. Zones that are wrong are told in `f`, at least a line each, and
 * counted in the registry. */
struct registry *zones_read(const struct zones_read_opts *o, struct faults *f);

/* The number of the rule of a zone that was added; 0, the rule of nobody, when its template is not there. */
uint32_t zones_read_rule(const struct conf *c, const struct registry_added *added);

/* One that is added, of which nothing was served before: a secondary, or what its file says. Count 1. NULL:
 * `f` says what is wrong. */
struct registry_zone *zones_read_one(const struct zones_read_opts *o,
	const struct zones_read_added *of, struct faults *f);

#endif
