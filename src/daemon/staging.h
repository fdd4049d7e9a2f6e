/* staging.h - a new configuration's edges, pools and rankings, tried out on a share of the
 * clients.
 *
 * What is staged is read whole beside what is served, and checked as for a reload; its steering
 * answers the groups of clients that steer/stage.h picks, its zones and all else wait for its
 * promotion. Both are probed, both follow measurements, forced states and GeoIP files. When
 * answers or probes get worse it is taken back by itself.
 *
 * Nothing of it outlives the server: one that starts anew reads its configuration, all of it.
 * Loop.
 */
#ifndef DAEMON_STAGING_H
#define DAEMON_STAGING_H

#include "daemon/reload.h"

#include <time.h>

struct ev_loop;
struct probes;
struct staging;
struct workers;

struct staging_opts {
	struct ev_loop *loop;
	struct builder *builder;
	struct publisher *publisher;
	struct reloader *reloader;
	struct probes *probes;
	struct workers *workers;
	struct pool_signing *signing;
	struct hash_key key; /* of the zones */
	struct store *store; /* NULL: nothing is kept */
	/* It was taken back by itself. NULL: nobody is told. */
	void (*taken_back)(void *ctx, const char *why);
	void *ctx;
};

struct staging *staging_new(const struct staging_opts *opts);
void staging_free(struct staging *s);

/* Reads the configuration and stages it, in the place of what was staged before; or makes what
 * is staged everybody's. False: no memory, not even to try. */
struct staging_how {
	double percent;
	bool force; /* however many zones are gone */
};
bool staging_begin(
	struct staging *s, const struct staging_how *how, const struct reload_done *done);
bool staging_promote(struct staging *s, const struct reload_done *done);

/* At once. `reason` is copied. */
bool staging_rollback(struct staging *s, const char *reason, struct fault *why);

/* For reports. */
struct staging_report {
	double percent; /* 0: no stage is on */
	time_t since;
	uint64_t answers, empty; /* from its pools; of these, without an edge */
	char last[512];          /* what became of the one before; "" */
};
struct staging_report staging_report(const struct staging *s);

#endif
