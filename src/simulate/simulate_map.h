/* simulate_map.h - maps of a simulation, drawn as SVG from coordinates alone.
 *
 * The world, and insets of regions where edges stand so close that their names would lie on
 * each other; the names stand in the inset then.
 */
#ifndef SIMULATE_SIMULATE_MAP_H
#define SIMULATE_SIMULATE_MAP_H

#include "base/text.h"
#include "simulate/simulate.h"
#include "simulate/simulate_colours.h"

enum simulate_map { MAP_OLD, MAP_NEW, MAP_COST };

struct simulate_drawing {
	const struct simulate *s;
	const struct simulate_paint *paint; /* [n_edges] */
};

/* What all maps draw on; once a page, before them. */
void simulate_map_land(struct text *out);
void simulate_map(const struct simulate_drawing *d, enum simulate_map what, struct text *out);

/* An SVG path in tenths of degrees, east and north; ends with NULL. */
extern const char *const simulate_coast[];

/* Text as HTML has it. */
void simulate_escape(struct text *out, const char *s);

#endif
