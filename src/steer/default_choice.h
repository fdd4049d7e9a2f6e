/* default_choice.h - which edges answer whom nobody knows: what a pool is to those who cannot ask it.
 *
 * As choose() has it for a client of no known place, load and drains among it, but always the same while the edges
 * stand as they do: nothing is tried, and where clients take turns all edges are there that may answer. Any thread.
 */
#ifndef STEER_DEFAULT_CHOICE_H
#define STEER_DEFAULT_CHOICE_H

#include "steer/choose.h"

struct default_ask {
	const struct steer *steer;
	const struct standing *standing; /* what the choice borrows is in here */
	uint16_t pool;
	bool v6;
	uint32_t record; /* as struct choose_ask has it */
	const uint8_t *name; /* wire, lower case */
	unsigned name_len;
	struct choose_own own;
};

struct choice default_choice(const struct default_ask *ask);

/* Nothing is known of the pool's edges yet, nor of those of a pool that may stand in for it. */
bool default_choice_waits(const struct default_ask *ask);

#endif
