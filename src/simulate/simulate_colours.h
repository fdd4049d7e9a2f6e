/* simulate_colours.h - colours of edges that can be told apart, also by the colour-blind.
 *
 * Eight colours for a light page and eight for a dark one, found by search: any two of them,
 * and each from the page, differ by 34 or more (CIE 1976) to all eyes, and to those without one
 * of the three kinds of cones (Machado, Oliveira and Fernandes 2009). More edges than colours
 * have them again, those far from each other first, and with a core of another colour.
 */
#ifndef SIMULATE_SIMULATE_COLOURS_H
#define SIMULATE_SIMULATE_COLOURS_H

#include "base/text.h"
#include "simulate/simulate.h"

enum { SIMULATE_COLOURS = 8, COST_CLASSES = 6 };
extern const char *const simulate_light[SIMULATE_COLOURS],
	*const simulate_dark[SIMULATE_COLOURS];

/* What so many ms more are. */
struct simulate_cost {
	const char *light, *dark, *say;
};
extern const struct simulate_cost simulate_costs[COST_CLASSES];
unsigned simulate_cost_class(double ms);

enum simulate_core { CORE_NONE, CORE_PAGE, CORE_INK, CORES };
struct simulate_paint {
	uint8_t colour;          /* of SIMULATE_COLOURS */
	enum simulate_core core; /* of its dots */
};

/* Fills to[n_edges]. */
void simulate_paint(const struct simulate *s, struct simulate_paint *to);

/* The style sheet's variables: --e0 ..., --k0 ... of both pages. */
void simulate_colours_css(bool dark, struct text *out);

/* A dot of that paint for a line of text. */
void simulate_swatch(struct simulate_paint p, struct text *out);

#endif
