/* simulate_load.h - what edges make of so much load: who is too full, and at what price.
 *
 * The prices (shed.h) that a server would find by itself once this demand has come to rest, for
 * one side of a simulation.
 */
#ifndef SIMULATE_SIMULATE_LOAD_H
#define SIMULATE_SIMULATE_LOAD_H

#include "simulate/simulate.h"

/* `asked` is a simulation of the same clients without prices, `total` the load of all of them.
 * The standing of side `new`, or else of the old one, gets its cuts. */
struct simulate_load {
	const struct simulate_opts *asked;
	bool is_new;
	struct standing *standing; /* of that side */
	double total;
};
void simulate_load(const struct simulate_load *l);

#endif
