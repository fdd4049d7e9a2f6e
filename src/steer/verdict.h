/* verdict.h - what probes say of one address now; and of several together.
 */
#ifndef STEER_VERDICT_H
#define STEER_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VERDICT_PARTS_MOST = 16 };

/* What the probes last said of one address; one per target. */
struct verdict {
	bool known; /* else `up` is what the configuration has it begin with */
	bool up;
	bool awaited; /* nothing at all says how it is: neither a probe nor a state from before */
	uint64_t changes_us; /* monotonic: the soonest that `up` can change; UINT64_MAX while it
				has been steady, 0 before the first verdict */
	float rtt_ms, load;  /* smoothed; NAN: not measured */
};

/* Up while at least `least` of its parts are; pure. It is known as soon as what is not known of
 * the parts can change nothing. The time is that of the first part that is up and has one, the
 * load the highest of those that are up. 1 <= least <= n <= VERDICT_PARTS_MOST. */
struct verdict verdict_of_parts(const struct verdict *parts, unsigned n, unsigned least);

#endif
