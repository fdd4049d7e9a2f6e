/* tell.h - what the probes find, in words: for the log, and for who has a probe run by hand.
 */
#ifndef DAEMON_TELL_H
#define DAEMON_TELL_H

#include "base/text.h"
#include "probe/rows.h"
#include "steer/standing.h"

#include <stdbool.h>

struct fleet_health;
struct timeline;

struct tell {
	const struct steer *steer;
	const struct standing *before, *now; /* of the same rows */
	const struct round *round;
	const struct rows *rows;
	struct timeline *timeline; /* NULL: nobody keeps one */
	const struct verdict *verdicts; /* [round_targets()] what holds */
	const struct fleet_health *fleet; /* who else says something of them; or NULL */
};

/* Logs the edges that went up or down and the pools that fell into panic or out of it; of many,
 * some. */
void tell_changes(const struct tell *t);

/* The edges that are down at the end of the first round, and why; of many, some. `before` is of
 * no use. */
void tell_down(const struct tell *t);

/* Probes run by hand, told one after the other. */
struct tell_steps {
	struct text *out;
	void *list; /* JSON, or NULL */
	bool passed;
};
struct tell_steps tell_steps_begin(struct text *out, bool json);
void tell_steps(struct tell_steps *t, const struct round_view *v, const char *steps);
/* Writes what is left; with `out` NULL, nowhere. */
void tell_steps_end(struct tell_steps *t);

#endif
