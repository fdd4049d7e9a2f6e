/* health.h - from single probes to up or down: pure, no clock, no thread.
 *
 * `fall` probes in a row must fail before what was up is down, `rise` must pass before what was
 * down is up.
 */
#ifndef STEER_HEALTH_H
#define STEER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

enum { HEALTH_RULE_MOST = 100 };

struct health_rule {
	uint16_t rise, fall; /* 1 to HEALTH_RULE_MOST */
};

struct health {
	uint16_t score; /* 0 to rise + fall - 1; from `rise` on it is up */
};

/* At an end, where a state begins. */
struct health health_begin(struct health_rule r, bool up);

/* After one more probe. */
struct health health_after(struct health h, struct health_rule r, bool passed);

bool health_up(struct health h, struct health_rule r);

/* How many probes in a row, from now on, change up to down or down to up at the soonest. */
unsigned health_left(struct health h, struct health_rule r);

/* Is a change nearer than it is after many probes alike? */
bool health_shaky(struct health h, struct health_rule r);

#endif
