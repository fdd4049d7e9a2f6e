/* simulate_map.h - maps of a simulation, drawn as SVG from coordinates alone.
 */
#ifndef SIMULATE_SIMULATE_MAP_H
#define SIMULATE_SIMULATE_MAP_H

#include "base/text.h"
#include "simulate/simulate.h"

enum simulate_map { MAP_OLD, MAP_NEW, MAP_COST };

void simulate_map(const struct simulate *s, enum simulate_map what, struct text *out);

/* The colour of an edge, for CSS. */
const char *simulate_colour(char to[static 32], int edge);

/* A colour for so many ms more. */
enum { COST_CLASSES = 6 };
struct simulate_cost {
	const char *colour, *say;
};
extern const struct simulate_cost simulate_costs[COST_CLASSES];

/* Text as HTML has it. */
void simulate_escape(struct text *out, const char *s);

#endif
