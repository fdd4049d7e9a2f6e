/* simulate_labels.h - names on a map that lie neither on each other nor on a mark.
 *
 * In the map's units. Each name is put beside its mark where there is room, else farther away
 * with a line to it, else nowhere.
 */
#ifndef SIMULATE_SIMULATE_LABELS_H
#define SIMULATE_SIMULATE_LABELS_H

#include <stdbool.h>
#include <stddef.h>

struct label {
	double x, y;  /* of the mark */
	double width; /* of the name */
	/* Where the name goes: its left end and its base line; `far`: a line leads there. */
	bool placed, far;
	double left, base;
};

struct label_space {
	double x, y, width, height; /* that may be written on */
	double size;                /* of the letters */
	double mark;                /* the marks' radius */
};

void labels_place(struct label *l, size_t n, const struct label_space *in);

#endif
