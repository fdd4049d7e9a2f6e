/* model.h - how long would it take from this edge to a network that nobody has measured?
 *
 * An estimate is a sum of terms, each fitted to what those before it leave over, and each
 * shrunk towards 0 by n / (n + 1) where little is known (n counts measurements, old ones less):
 *
 *     line        MODEL_BASE_MS + MODEL_MS_PER_KM * great-circle distance
 *     offset      of the edge, fitted robustly to what edges measure of each other
 *     neighbours  what networks and edges nearby have over that, the nearer the more
 *     country     what networks of the country have over that
 *     place       what three networks and more of the place have over that, by their median
 *     asn         what networks of the same AS in that country have over that
 *
 * Means are soon moved by what is false, so each time counts as far as what is known around it
 * makes it likely: what differs by more than some tens of milliseconds and a third of the line
 * counts less, by the square (iteratively reweighted, after Holland and Welsch 1977). One network alone
 * moves nobody: what it has over the rest goes to others as far as a second one is there, too. And what
 * an edge measures counts as far as it is believed (model_trust()).
 *
 * Two things bound it. A time that light in fibre could not have made (with what may be wrong
 * about the places) is a mistake or a lie: whoever brings one is refused
 * (model_net_could_take()), and where one is in the table all the same, since a database or an
 * edge's place has changed, it counts for nothing. And no sum falls below what light needs:
 * whatever is measured elsewhere, an edge on another continent is not near.
 *
 * Only residuals travel from one network to another, never times: those of another place would
 * be wrong by the way to it. A network's own times come last (model_own()), and fade into the
 * sum as they age. With nothing measured the line is all.
 *
 * Immutable once built, shared by count; any thread reads.
 */
#ifndef MEASURE_MODEL_H
#define MEASURE_MODEL_H

#include "geo/atlas.h"
#include "measure/latency.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 16 ms per 1000 km: light in fibre needs 10, and paths are no great circles. */
#define MODEL_MS_PER_KM 0.016
/* What even a neighbour costs: access and the hosts themselves. */
#define MODEL_BASE_MS 5.0
/* So far away a neighbour counts 1/e; and the n of that term's n / (n + MODEL_NEAR_PRIOR).
 * Found by leaving cities out of real measurements; half or twice as much makes little
 * difference. */
#define MODEL_NEAR_KM    1500.0
#define MODEL_NEAR_PRIOR 0.3

/* So far from the middle of those that were measured a place takes 1/e of what they have, twice as far 1/55. */
#define MODEL_PLACE_REACH_KM 50.0

/* In fibre light goes 200 km in a millisecond, and there and back is twice the way. */
#define MODEL_KM_PER_MS 100.0
/* GeoIP has a network so far from where it is, at most: the largest accuracy radius that
 * MaxMind's databases tell. One that is known by its country only may stand at the middle of a
 * continent. Edges stand in the city that their operator names. */
#define MODEL_PLACE_KM  1000.0
#define MODEL_COARSE_KM 3000.0
#define MODEL_EDGE_KM   100.0

/* Where an edge stands. */
struct model_site {
	bool placed;     /* else the line says nothing of it */
	double lat, lon; /* degrees */
};

struct model_opts {
	struct atlas *atlas;
	const struct model_site *edges; /* borrowed while building */
	size_t n_edges;
	const struct latency *table; /* read while building; NULL: nothing is measured. Its
				      * edges have the same numbers */
	uint32_t now_s;
};

struct model;

/* Never NULL. */
struct model *model_new(const struct model_opts *opts);
struct model *model_hold(struct model *m);
void model_drop(struct model *m);

/* All terms for one edge, in ms; 0 where there is none. */
struct model_terms {
	double km; /* NAN: the edge or the place has no coordinates, and there is no estimate */
	double line_ms, offset_ms, near_ms, country_ms, place_ms, asn_ms;
	double offset_n, near_n, country_n, asn_n;
	double place_n; /* networks by that edge; 0: it is what they have by others */
	double floor_ms; /* what the sum lacks to what is possible */
	double sum_ms;
};
struct model_terms model_explain(
	const struct model *m, uint32_t place, uint32_t asn, unsigned edge);

/* NAN: nobody knows. */
double model_distance_km(const struct model *m, uint32_t place, unsigned edge);

/* How far what an edge has measured is believed, from 1 down to 0, and why. What cannot be true is
 * refused; an edge much of whose times is of that kind says nothing that can be told from it, and
 * one that has others' ways to it and back differ has its own clock, or lies. */
struct model_trust {
	double share;      /* 0 to 1 */
	double impossible; /* share of what came, of late */
	double at_odds;    /* share of the other edges that measure another time to it; NAN: too few do */
	double late;       /* share of its times that are a second and more over the way */
	double early;      /* of those to networks over 100 km away, share that is shorter than light needs, 100 km taken off */
};
struct model_trust model_trust(const struct model *m, unsigned edge);

/* One term by itself, for reports: an edge's offset; what a country (two letters) has for it.
 */
struct model_term {
	double ms, n; /* n 0: there is none */
};
struct model_term model_offset(const struct model *m, unsigned edge);
struct model_term model_country_term(
	const struct model *m, const char country[static 2], unsigned edge);

/* The sum without the ASN's term, for every edge: ms[n_edges], NAN when unknown. `place` is a
 * number in the atlas, 0 when unknown. */
void model_estimate(const struct model *m, uint32_t place, float *ms);

/* The same for some edges; what ms[] has for others stays. */
struct model_edges {
	const uint16_t *edges; /* [n] numbers; NULL: all of them, from 0 on */
	unsigned n;
};
void model_estimate_some(
	const struct model *m, uint32_t place, const struct model_edges *some, float *ms);

/* Which term the networks of an AS (index in the atlas's asns) have at a place; 0: none of
 * their own. Adds it to ms[n_edges]. */
uint32_t model_asn(const struct model *m, uint32_t place, uint32_t asn);
void model_add_asn(const struct model *m, uint32_t place, uint32_t term, float *ms);

/* Can a network, or another edge, have answered an edge after so long? True where nobody knows
 * how far that is. On false `doubt` says why. A prefix is where its first address or its last
 * is. */
struct model_doubt {
	double km, error_km; /* so far apart, by so much wrong at most */
	double least_ms;     /* and so long it takes at least */
};
bool model_net_could_take(const struct model *m, const struct prefix *net, unsigned edge,
	double ms, struct model_doubt *doubt);
bool model_edge_could_take(const struct model *m, unsigned src, unsigned dst, double ms,
	struct model_doubt *doubt);

/* For who keeps what was made of a model before this one: terms that differ by no more than
 * MODEL_CHANGE_MS keep their value from before, so that what was made of them is still right.
 * False when nothing can be kept. Before `m` is shared. */
#define MODEL_CHANGE_MS 1.0
bool model_follow(struct model *m, const struct model *before);
/* After it: has any term of that place and AS changed? */
bool model_is_changed(const struct model *m, uint32_t place, uint32_t asn);

/* Two models with the same signature have terms for the same ASNs in the same countries. */
uint64_t model_signature(const struct model *m);

/* --- other goals than the round trip ---
 *
 * What another kind takes (latency.h) is estimated by the round trip, so many times as long, and a constant of the edge: what its
 * servers need. Both are fitted to networks that it was measured for: the factor over all edges by medians of slopes (Theil 1950, Sen
 * 1968), where there are enough of them, and else it is what TCP needs at least; the constant by medians, shrunk by n / (n + 4) to that
 * of all edges, which counts as two networks more in the median: what one network says by itself moves no other. So the order is that of round trips while nothing is measured. */
struct model_goal {
	double factor, add_ms, n; /* n: networks that say so of this edge */
};
struct model_goal model_goal(const struct model *m, enum latency_kind kind, unsigned edge);
/* From round trips, own ones and all, to what the kind takes: ms[n_edges]. With losses that is the round trip and what the edge's
 * networks lose in the middle, no more: who loses packets on the way to one edge may lose none on another. */
void model_goal_estimate(const struct model *m, enum latency_kind kind, float *ms);

/* A network's own times, over a model's estimates. */
struct model_own {
	const struct latency_row *const *rows; /* the narrowest prefix first; each fills in what
						* those before it lack */
	unsigned n_rows;
	unsigned half_life_s;
	uint32_t now_s;
	/* Where it is: times that are not possible from there are passed over. Without a model
	 * all are taken. */
	const struct model *model;
	uint32_t place;
	enum latency_kind kind; /* whose times these are: other networks of the place are witnesses of round trips alone */
};

/* Changes ms[n]: edges that were measured get their own time, faded towards the estimate by
 * age. The others are shifted by the median of what the measured ones have over it, for that is
 * mostly the network's own way in: shrunk by n / (n + 1/2), since a single time may as well be
 * long on its own way; and never down, since where one edge is near, mostly the map was wrong.
 * Of several times most of which are as estimated, one that is far from it counts less.
 * And one that other networks of its place contradict (three or more, by the same edge) gives way to what they have, also alone.
 */
void model_own(const struct model_own *own, float *ms, unsigned n);

/* What the own time to one edge counts, 0 to 1: by its age, by who measured it, and by how well it fits those to others.
 * ms[n]: the estimates before. 0: there is none, or it cannot be true. */
double model_own_counts(const struct model_own *own, const float *ms, unsigned n, unsigned edge);

/* What the network itself loses takes the place of what its edges' networks lose in the middle, in ms[n] of the goal LATENCY_LOSS: as
 * far as its packets are many, n / (n + 100), and by age and source. Its model is needed. */
void model_own_loss(const struct model_own *own, float *ms, unsigned n);

/* Estimated milliseconds from a distance alone. */
double model_line_ms(double km);

/* The fit of the offsets: residuals of `n` edges, NAN where unknown, row by row, and what each
 * edge's count for. Pure. */
void model_offsets(const double *residual, const double *counts, unsigned n, double *offset);

#endif
