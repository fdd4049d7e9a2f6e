/* forcing.h - operators change the states and weights of edges: at once or later, for good or
 * for a time, in all pools or in some. Maintenance windows of the configuration are changes,
 * too.
 *
 * What follows from it is made by who has the changes (probes.h). Loop.
 */
#ifndef DAEMON_FORCING_H
#define DAEMON_FORCING_H

#include "daemon/timeline.h"
#include "daemon/publish.h"
#include "steer/forced.h"

struct ev_loop;
struct forcing;

struct forcing_opts {
	struct ev_loop *loop;
	struct publisher *publisher;
	struct timeline *timeline; /* NULL: nobody keeps one */
	/* Something else holds now, or is to be kept. */
	void (*changed)(void *ctx, bool holds);
	void *ctx;
};

struct forcing *forcing_new(const struct forcing_opts *opts);
void forcing_free(struct forcing *f);

/* Borrowed until something changes. */
const struct forced_list *forcing_list(const struct forcing *f);

/* What was kept over a restart, before forcing_begin(). */
void forcing_recall(struct forcing *f, const struct forced_list *kept);

/* What is due begins, what is over ends; and from then on by itself. */
void forcing_begin(struct forcing *f);

/* There is another configuration: its windows are those that there are. */
void forcing_configure(struct forcing *f);

struct forcing_ask {
	const char *edge, *pool; /* forced.h; "": all pools */
	const char *state; /* "up", "down", "drain", "disable" (as down), "auto": no longer;
			      NULL: `weight` */
	unsigned weight;
	int64_t from_s;  /* 0: at once */
	int64_t until_s; /* 0: not by the time of day */
	uint64_t for_ms; /* 0: not by a span; from when it begins */
	const char *why; /* "" */
	unsigned uid;
	bool here; /* other servers of the fleet do not follow */
};

/* False, and one sentence: nothing has changed. `changed` is not called. What is not "auto"
 * gets the next number. */
bool forcing_take(struct forcing *f, const struct forcing_ask *ask, struct fault *why);

/* What another server of the fleet was told: in the place of change `was`, or beside the others (0). */
void forcing_share(struct forcing *f, uint32_t was, const struct forced *x, const char *server);
/* It has ended there. */
void forcing_unshare(struct forcing *f, uint32_t id, const char *server);
/* Its version among all servers. */
void forcing_mark(struct forcing *f, uint32_t id, uint64_t fleet_at);

/* The same: one that stands, by number, ends or will not come. */
bool forcing_revoke(struct forcing *f, uint32_t id, unsigned uid, struct fault *why);

#endif
