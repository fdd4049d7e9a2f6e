/* latency_inner.h - what the files of the table share: how its rows lie, and how they are found and made.
 *
 * Of latency.c; latency_rows.c has the rows, latency_samples.c what is put into them and taken out.
 */
#ifndef MEASURE_LATENCY_INNER_H
#define MEASURE_LATENCY_INNER_H

#include "base/arena.h"
#include "measure/latency.h"

/* Of an edge, as it counted then. */
struct came {
	double taken, impossible;
	uint32_t at_s;
};

/* Rows lie in one array and are found through a table of their numbers, at most half full. */
struct latency {
	unsigned refs; /* atomic */
	struct latency_opts opts;
	struct arena names;
	uint16_t *name_slot; /* number of an edge + 1 by hash of its name */
	unsigned name_slots;

	struct latency_row *row;
	size_t n, room;
	uint32_t *slot; /* number of a row + 1 */
	size_t slots;
	uint64_t lengths[3]; /* a bit for each prefix length, of 128, that some row has */

	struct latency_row *mesh;            /* [n_edges] */
	size_t cells, mesh_cells, cell_room; /* `cell_room`: of all rows */
	uint64_t forgotten, impossible;
	struct came *came; /* [n_edges] */
	struct resolver_clients *resolvers; /* kept (base/part.h); NULL: nothing is known */
	struct latency *of[LATENCY_KINDS]; /* own; NULL of round trips, and in a table that is not of these */
	uint16_t round, dropped;
	uint32_t last; /* the row touched last: files name a prefix many times in a row */
};

enum { LATENCY_SLOTS_FIRST = 64 };

/* Where the net's row stands in `slot`, or would. */
size_t latency_slot_of(const struct latency *t, const struct prefix *net);
void latency_fill_slots(struct latency *t);

/* The net's row; NULL: no memory for one that is not there yet. */
struct latency_row *latency_row_of(struct latency *t, const struct prefix *net);

/* The cell of an edge, made and counted when there is none (`n` is 0 then); NULL: no memory for one. */
struct latency_cell *latency_cell_of(
	struct latency *t, struct latency_row *r, unsigned edge, size_t *count);

size_t latency_bytes(const struct latency *t);

/* Takes rows out that have no cells any more. */
void latency_compact(struct latency *t);

#endif
