/* model_inner.h - how a model lies in memory; for the model*.c files only.
 *
 * Only edges that somebody has measured have a column in the tables of residuals.
 */
#ifndef MEASURE_MODEL_INNER_H
#define MEASURE_MODEL_INNER_H

#include "measure/model.h"

/* The world in cells of two degrees: what is nearer than that is one neighbour. */
enum { CELL_DEGREES = 2, CELLS_NORTH = 90, CELLS_EAST = 180, CELLS = CELLS_NORTH * CELLS_EAST };
/* Such cells four times over, moved by half of one: each place lies well inside of one of them. */
enum { GRIDS = 4 };
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

/* What a kind takes: factor * round trip + the edge's constant. */
struct model_kind {
	double factor;
	struct model_kind_edge {
		float add_ms, n;
	} *edge; /* [n] own; NULL: nothing is measured */
};

struct model_edge {
	bool placed;
	struct model_point at;
	double offset_ms, offset_n;
	struct model_trust trust;
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
	uint32_t sibling_row[GRIDS * CELLS]; /* row + 1 in `siblings`; 0: fewer than three networks were measured there */
	struct model_table siblings;     /* over line and offset, what most have; n: networks, old ones less, 0: too few by that edge */
	struct model_point *sibling_at;  /* [siblings.rows] the middle of the networks of each */
	double siblings_apart;           /* of ratios' logarithms, a standard deviation */
	struct model_kind kind[LATENCY_KINDS];
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
unsigned model_sibling_cell(const struct place *p); /* the one that it lies best in, of all grids */
int model_country(const struct place *p); /* -1: unknown */

/* The physical floor of an estimate. */
double model_floor_ms(double km);

/* What the estimates of all edges for a place have in common. */
struct model_at {
	struct model_point at;
	const struct model_mean *near, *country; /* [columns], or NULL */
	const struct model_mean *siblings;       /* [columns], or NULL */
	double reach;                            /* 0 to 1: how near the place is to the middle of its siblings */
};
bool model_at(const struct model *m, uint32_t place, struct model_at *to); /* false: nobody knows where it is */
/* Line, offset, neighbours and country, for an edge that is placed. */
double model_bare_ms(const struct model *m, const struct model_at *at, unsigned edge, double km);

/* What is added to ms[] of some edges for networks of the place that nobody has measured. */
void model_place_move(const struct model *m, const struct model_at *at, const struct model_edges *some, float *ms);
/* The same for one edge. */
struct model_mean model_place_term(const struct model *m, const struct model_at *at, unsigned edge);
/* [columns]: what of it is not for all edges alike. */
void model_place_residuals(const struct model *m, const struct model_at *at, float *to);

/* A time that was measured of a network, or of those of a place, to one edge. */
struct model_said {
	float differs_ms; /* from the estimate; NAN: there is none */
	float agrees;     /* how far other networks of the place say so, too: 0 to 1, and `rtt_ms` is that much of its own */
	float weight;
	float rtt_ms;
	uint16_t edge, samples;
	double likely; /* 0 to 1 */
	bool moves; /* it is only possible where the network is not where the database has it */
};
enum { MODEL_SAID_MOST = 1024 };
/* Would it have to be in another place? */
bool model_moves(double km, double ms);
/* How long the way in is, which all have in common; and how likely each of them. Sorts. */
float model_judge(struct model_said *said, unsigned k);

/* The slot of an AS in a country, or the free one where it belongs. */
uint32_t model_asn_slot(const struct model *m, uint32_t asn, int country);

/* Can something so far away, give or take the error, answer after so long? */
bool model_is_possible(double km, double error_km, double ms);
/* The physical floor: nothing that is so far away answers sooner. */
double model_least_ms(double km);

/* How far other networks of the same place, three or more with it, say that a network's time can be right: 1 where they are as long, or where
 * nobody knows, down to 0. `*others_ms` is what most of them have; the time itself where nobody knows. */
double model_siblings_agree(const struct model *m, uint32_t place, const struct latency_cell *c, double *others_ms);

enum { MODEL_SAMPLES_MANY = 4 };
/* So many are behind what it has; of one that jumped alone (latency_jumps()) those before it are not. */
static inline uint16_t model_samples(const struct latency_cell *c)
{
	return c->jumps == 1 && c->n > MODEL_SAMPLES_MANY ? MODEL_SAMPLES_MANY : c->n;
}
/* How far a time that is too long to be right may be so all the same, by the samples in it: a half after MODEL_SAMPLES_MANY. */
static inline double model_often(unsigned samples)
{
	return samples / (samples + (double)MODEL_SAMPLES_MANY);
}

/* 0 of none. Sorts. */
double model_median(double *v, unsigned n);
/* The same by weight: exactly in the middle, between two. */
struct model_weighed {
	double ms, weight;
};
double model_weighed_median(struct model_weighed *v, unsigned n);

/* Fits everything but the line to what the table has. */
void model_fit(struct model *m, const struct model_opts *opts);

/* --- while it is fitted ------------------------------------------------------------------- */

/* What counts for less than this is forgotten. */
#define MODEL_LEAST_WEIGHT 1e-4

/* What is fitted, and with what. */
struct model_fit {
	struct model *m;
	const struct model_opts *opts;
	const struct latency_row *row; /* [rows] of the table */
	size_t rows;
	unsigned half_life_s;

	uint32_t *place;  /* [rows] where each prefix is; 0: its place has no coordinates */
	uint32_t *asn;    /* [rows] */
	float *way_in;    /* [rows] what a network has over the line towards all edges alike */
	size_t *first;    /* [rows] of its cells among all */
	float *over_ms;   /* [cells] what each time has over line and offset, as far as it is believed; NAN: it cannot be true */
	uint8_t *agree;   /* [cells] of MODEL_LIKELY: how far it is what siblings have */
	uint8_t *likely;  /* [cells] of MODEL_LIKELY: how likely each time is by what is around it */
	bool only_there;  /* terms are needed where something was measured, and nowhere else */
	struct model_around *site;
	uint32_t sites, site_room;
	uint32_t site_of[CELLS]; /* + 1 */
	uint32_t weighed_s;      /* the time that was weighed last, and what it counts */
	double weight;
};
enum { MODEL_LIKELY = 255 };

/* What the cell `k` of a row counts, by its age, its source and how likely it is. */
double model_fit_weigh(struct model_fit *f, size_t row, unsigned k);
/* The same by age and source alone. */
double model_fit_weigh_cell(struct model_fit *f, const struct latency_cell *c, unsigned source);

struct model_spot model_fit_spot(const struct model_fit *f, size_t row);
struct model_spot model_fit_spot_of_edge(const struct model_fit *f, unsigned edge);
/* What a measured time has over line and offset; false: it is of an edge that stands nowhere, or
 * cannot be true. */
bool model_fit_over_line(const struct model_fit *f, const struct model_spot *at,
	const struct latency_cell *c, double *over);

/* That of cell `k` of a row. */
bool model_fit_over(const struct model_fit *f, size_t row, unsigned k, double *over);

/* A running mean: `n` grows by `weight`. */
void model_fit_mix(struct model_mean *to, double ms, double weight);
struct model_mean *model_fit_new_row(struct model *m, struct model_table *t);

/* The terms, each from what those before it leave over. */
void model_fit_trust(struct model_fit *f);
void model_fit_offsets(struct model_fit *f);
void model_fit_near(struct model_fit *f);
/* Before those, over line and offset alone: what most networks of one cell have. It takes the place of times that it contradicts. */
void model_fit_siblings(struct model_fit *f);

/* After all of them: the other kinds, by round trips as they are estimated now. */
void model_fit_goals(struct model *m, const struct model_opts *opts);
/* False: they are no longer as they were before; else they become that. */
bool model_follow_goals(struct model *m, const struct model *before);

#endif
