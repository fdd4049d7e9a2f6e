/* standing_inner.h - what the files of a standing share while one is made. For them alone.
 */
#ifndef STEER_STANDING_INNER_H
#define STEER_STANDING_INNER_H

#include "steer/standing.h"

struct make {
	const struct standing_opts *o;
	struct standing *s;
	struct fate *fates; /* [edge]; NULL: no edge needs another */
};

/* What comes to an edge from what it needs, by probes. */
struct fate {
	bool settled, fails, awaited;
	uint64_t changes_us;
};

/* standing_needs.c: of all edges; the caller frees them. */
struct fate *standing_fates(const struct make *m);

/* Is the edge up by the probes of that row alone? */
bool standing_is_up(const struct make *m, unsigned row, const struct edge *e);

/* What a row's probes say of a slot; NULL: nothing. */
const struct verdict *standing_verdict(const struct make *m, unsigned row, uint32_t address);

/* What the operator wants of an edge. */
struct want {
	uint8_t state;
	bool forced;
};

/* Marks the addresses that may be answered with, measures, and returns the edge's marks. */
uint8_t standing_marks_of(const struct make *m, unsigned row, unsigned edge, struct want want);

/* --- standing_own.c: what some pools see otherwise ---------------------------------------- */

/* Rows to be made: of a view, like a row of probes. */
struct own_rows {
	struct own_row {
		uint16_t view, like;
	} * of;
	uint16_t *at; /* [pool * 2] judged, calm; 0: it has none. NULL: nobody has */
	unsigned n;
};
struct own_rows standing_own_rows(const struct make *m);

/* After the rows of probes: as the row that it is like, but for the edges of which something
 * else is wanted. */
void standing_own_row(const struct make *m, unsigned row, const struct own_row *own);

/* Is it the operator who says what an edge is in that pool? */
bool standing_is_wanted(const struct make *m, unsigned pool, unsigned edge);

/* What the pool's edges and members weigh, where that is not as configured. */
void standing_put_weights(const struct make *m, unsigned pool);

/* --- standing_hours.c --------------------------------------------------------------------- */

void standing_put_hours(const struct make *m);

#endif
