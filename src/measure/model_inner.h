/* model_inner.h - how a model lies in memory; for the model*.c files only.
 *
 * Only edges that somebody has measured have a column in the tables of residuals.
 */
#ifndef MEASURE_MODEL_INNER_H
#define MEASURE_MODEL_INNER_H

#include "measure/model.h"

/* The world in cells of two degrees: what is nearer than that is one neighbour. */
enum { CELL_DEGREES = 2, CELLS_NORTH = 90, CELLS_EAST = 180, CELLS = CELLS_NORTH * CELLS_EAST };
enum { COUNTRIES = 26 * 26, NO_COLUMN = 0xffff };

/* A point on the unit sphere. */
struct model_point {
	double x, y, z;
};

/* A mean of residuals, and what it counts for. */
struct model_mean {
	float ms, n;
};

/* Where something is, and by how much that may be wrong. */
struct model_spot {
	struct model_point at;
	double error_km;
};

struct model_edge {
	bool placed;
	struct model_point at;
	double offset_ms, offset_n;
	uint16_t column;
};

/* One row of means a key: a cell, a country, an AS in a country. */
struct model_table {
	struct model_mean *mean; /* [rows][columns] */
	bool *changed;           /* [rows] after model_follow(), else NULL */
	uint32_t rows, room;
};

struct model {
	unsigned refs;       /* atomic */
	struct atlas *atlas; /* held */
	unsigned n, columns;
	struct model_edge *edge;
	uint32_t cell_row[CELLS];        /* row + 1 in `near`; 0: no place there */
	uint32_t country_row[COUNTRIES]; /* row + 1 in `country` */
	struct model_table near, country, asn;
	uint64_t *asn_key; /* by hash: asn << 32 | country + 1 */
	uint32_t *asn_row; /* row + 1 */
	uint32_t asn_slots;
	bool *has_asn; /* [asns.n] */
};

struct model_point model_point_at(double lat, double lon);
double model_km(struct model_point a, struct model_point b);
/* False: nobody knows where that place is. */
bool model_spot(const struct model *m, uint32_t place, struct model_spot *to);
unsigned model_cell(double lat, double lon);
int model_country(const struct place *p); /* -1: unknown */

/* The slot of an AS in a country, or the free one where it belongs. */
uint32_t model_asn_slot(const struct model *m, uint32_t asn, int country);

/* Can something so far away, give or take the error, answer after so long? */
bool model_is_possible(double km, double error_km, double ms);
/* The physical floor: nothing that is so far away answers sooner. */
double model_least_ms(double km);

/* 0 of none. Sorts. */
double model_median(double *v, unsigned n);

/* Fits everything but the line to what the table has. */
void model_fit(struct model *m, const struct model_opts *opts);

#endif
