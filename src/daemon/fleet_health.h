/* fleet_health.h - the verdicts of all servers of a fleet become those that answers go by.
 *
 * Our own are told to the others within 20 ms, theirs are taken as they come. While nobody else is there, our own
 * are what holds; but for who has lost his own network: he keeps what the fleet last knew. The loop's thread.
 */
#ifndef DAEMON_FLEET_HEALTH_H
#define DAEMON_FLEET_HEALTH_H

#include "base/text.h"
#include "fleet/fleet.h"
#include "fleet/votes.h"
#include "probe/round.h"
#include "probe/still.h"

struct fleet_health;

struct fleet_health_opts {
	struct ev_loop *loop;
	struct fleet *fleet;        /* borrowed; outlives it */
	const char *server, *region; /* copied */
	struct votes_rule rule;
	struct round *round;        /* borrowed; outlives it */
	void *ctx;
	/* Something may be judged in another way. */
	void (*changed)(void *ctx);
};

struct fleet_health *fleet_health_new(const struct fleet_health_opts *opts);
void fleet_health_free(struct fleet_health *h);

/* The round has other targets now. */
void fleet_health_plan(struct fleet_health *h);
/* A verdict of our own is another. */
void fleet_health_changed(struct fleet_health *h);

/* [round_targets()] What answers go by; borrowed until the next call. */
const struct verdict *fleet_health_judge(struct fleet_health *h);

/* Puts what holds into a picture of the round, and who says what. */
void fleet_health_show(struct fleet_health *h, struct still *s);

/* "2 of 3 say down: ams, fra; iad says up"; "" when nobody else says anything. */
void fleet_health_say(const struct fleet_health *h, uint32_t target, struct text *to);

/* A sum of what we have said last. */
uint64_t fleet_health_digest(const struct fleet_health *h);

struct fleet_health_sum {
	unsigned others;  /* vantages that live and have verdicts */
	bool blind;       /* we see nothing up, and others do */
	bool holds;       /* we see nothing up, nobody else is there, and what was last known holds */
	unsigned outvoted; /* targets whose verdict is not ours */
};
struct fleet_health_sum fleet_health_sum(const struct fleet_health *h);

#endif
