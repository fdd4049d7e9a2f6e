/* rankings.h - what is measured becomes rankings, again and again.
 *
 * The table of measurements is the publisher's; samples go into it here, at once while nobody
 * else holds it, else when the next rankings are made. When it has changed, or a file of it, or
 * when its age has begun to tell, a job makes new rankings, at most every two seconds. All
 * functions are the loop's thread's.
 */
#ifndef DAEMON_RANKINGS_H
#define DAEMON_RANKINGS_H

#include "base/addr.h"
#include "base/fault.h"
#include "daemon/builder.h"
#include "daemon/publish.h"

struct ev_loop;
struct rankings;

struct rankings_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct builder *builder;
	struct publisher *publisher;
};

struct rankings *rankings_new(const struct rankings_opts *opts);
/* Saves what is learned, for which it waits: at the end only, after jobs_stop(). */
void rankings_free(struct rankings *r);

/* Begins to save what is not saved yet, where that is wanted. */
void rankings_save(struct rankings *r);

/* A sample of a report or of a probe of our own; `src` is an edge that has measured `edge`, or
 * -1 for the network `net`. Seen by clients within some seconds. */
struct rankings_sample {
	struct prefix net;
	int src;
	unsigned edge;
	struct latency_sample sample;
	enum latency_kind kind; /* of `net` */
	bool impossible; /* it cannot be true: it is only counted against where it is from */
	bool merged;     /* no sample, but all that another server knows of it (times_record.h) */
	uint64_t number; /* ours: so many were told of before it */
};
void rankings_add(struct rankings *r, const struct rankings_sample *s);

/* Is told of each sample that is possible and not merged, before it is in the table. */
void rankings_tell_samples(struct rankings *r, void (*told)(void *ctx, const struct rankings_sample *s), void *ctx);
/* So many of those that were told of, the first ones, are in the table; or were lost. */
uint64_t rankings_taken(const struct rankings *r);
/* All that was added is in the table. */
bool rankings_is_settled(const struct rankings *r);

/* Changes of the whole table. `told` is called once, on the loop, when it is done (`n`: rows
 * that came, or cells that went) or could not be; what is in `f` then is borrowed. */
struct rankings_change {
	void *ctx;
	void (*told)(void *ctx, bool ok, size_t n, const struct faults *f);
};
/* The rows of a CSV file as samples, all of them or none. False: no memory, not even to try. */
bool rankings_import(struct rankings *r, const char *path, const struct rankings_change *c);
/* All that is measured of an edge, or with `edge` NULL, inside a prefix. */
bool rankings_forget(struct rankings *r, const char *edge, const struct prefix *net,
	const struct rankings_change *c);

/* For reports. */
struct rankings_size {
	uint64_t published, samples, lost; /* `lost`: there was no room for them to wait */
	uint64_t merged; /* cells of other servers */
	uint64_t changes; /* of the whole table */
	double last_s;                     /* how long the last rankings took */
};
struct rankings_size rankings_size(const struct rankings *r);

#endif
