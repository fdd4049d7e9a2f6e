#include "measure/model_inner.h"

#include "base/memory.h"
#include "base/scope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a cell and an edge so many times are looked at: of more, a draw that is always the same. */
enum { VALUES = 9, NETWORKS_LEAST = 3 };
/* A time that counts for less says nothing of another one. */
#define WEIGHT_LEAST 0.25

/* Networks of one place have the way there in common. How far they differ all the same is a matter of ratios, as with estimates
 * (model_own.c), and is not the same everywhere: so it is found, over all places, and doubted is what lies far outside of it. */
#define NEAR_MS     5.0
#define NEAR_OFF    0.1
#define LEAST_APART 0.15 /* a standard deviation, as all of these: even where all are alike */
#define FALSE_ODDS  0.04
/* Of those that disagree, that one is taken for true to which most are so near; and where as many say this as that, the one that the line
 * says, give or take a factor. 0.16 to 0.34 of the one, and 0.4 to 1.4 of the other, make little difference. */
#define ALIKE      0.25
#define LINE_APART 0.7
/* So many of them are looked at for it; and three of four lie within 1.15 standard deviations. */
enum { APART_MOST = 4096 };
#define APART_SHARE  0.75
#define APART_SIGMAS 1.15
#define OFTEN      0.5 /* what a short one counts at least that was measured again and again: it may have a way of its own; long ones model_often() */

struct value {
	float over_ms, ms; /* over line and offset, and all of it */
};

struct values {
	struct value of[VALUES];
	uint32_t n;    /* all of them */
	float counts;  /* all of them, old ones less */
	bool is_asked; /* of the first edge's: there is a place for which this is the best of its cells */
};

/* Of the networks in a cell: sums over `n`, from the first one's place. */
struct middle {
	float lat, lon; /* the first one's */
	double north, east;
	uint32_t n;
};

/* Of all cells of one grid in which something was measured. */
struct gathered {
	struct values *of; /* [n][columns] own */
	struct middle *middle; /* [n] own */
	uint32_t n, room;
	uint32_t cell[CELLS]; /* number + 1 */
};

static unsigned cell_in(const struct place *p, unsigned grid)
{
	const double half = CELL_DEGREES / 2.0;

	return grid * CELLS + model_cell(p->lat + (grid & 1 ? half : 0), p->lon + (grid & 2 ? half : 0));
}

/* In the inner half of a cell, or else of one that is moved by a half. */
static bool is_inside(double degrees)
{
	const double at = degrees / CELL_DEGREES - floor(degrees / CELL_DEGREES);

	return at >= 0.25 && at < 0.75;
}

unsigned model_sibling_cell(const struct place *p)
{
	return cell_in(p, (is_inside(p->lat + 90) ? 0 : 1) + (is_inside(p->lon + 180) ? 0 : 2));
}

static struct values *values_of(struct model_fit *f, struct gathered *g, unsigned cell)
{
	if (!g->cell[cell]) {
		if (g->n == g->room) {
			g->room = g->room ? 2 * g->room : 64;
			g->of = memory_grow(g->of, g->room * (size_t)f->m->columns * sizeof *g->of);
			g->middle = memory_grow(g->middle, g->room * sizeof *g->middle);
		}
		memset(g->of + (size_t)g->n * f->m->columns, 0, f->m->columns * sizeof *g->of);
		g->middle[g->n] = (struct middle){ .n = 0 };
		g->cell[cell] = ++g->n;
	}
	return g->of + (size_t)(g->cell[cell] - 1) * f->m->columns;
}

static void add(struct values *v, double over, double ms, double weight)
{
	const uint64_t at = v->n < VALUES ? v->n : hash_mix(v->n, HASH_STEP) % (v->n + 1);

	v->n++;
	v->counts += (float)weight;
	if (at < VALUES)
		v->of[at] = (struct value){ (float)over, (float)ms };
}

static void add_to_middle(struct middle *to, const struct place *p)
{
	if (!to->n)
		*to = (struct middle){ .lat = (float)p->lat, .lon = (float)p->lon };
	to->north += (double)p->lat - (double)to->lat;
	to->east += remainder((double)p->lon - (double)to->lon, 360);
	to->n++;
}

static void gather(struct model_fit *f, struct gathered *g, unsigned grid)
{
	for (size_t i = 0; i < f->rows; i++) {
		scope_check();
		if (!f->place[i])
			continue;
		const struct place *p = places_get(f->m->atlas->cities.places, f->place[i]);
		const unsigned cell = cell_in(p, grid);
		struct values *v = values_of(f, g, cell % CELLS);
		double over;
		bool any = false;
		v->is_asked = v->is_asked || cell == model_sibling_cell(p);
		for (unsigned k = 0; k < f->row[i].n; k++) {
			const struct latency_cell *c = &f->row[i].cell[k];
			const double weight = model_fit_over(f, i, k, &over) ? model_fit_weigh_cell(f, c, c->edge) : 0;
			if (weight < WEIGHT_LEAST)
				continue;
			add(&v[f->m->edge[c->edge].column], over, (double)c->rtt_ms, weight);
			any = true;
		}
		if (any)
			add_to_middle(&g->middle[g->cell[cell % CELLS] - 1], p);
	}
}

static double log_of(double ms)
{
	return log(fmax(ms, 0) + NEAR_MS);
}

static double alike(double a, double b)
{
	return exp(-(a - b) * (a - b) / (2 * ALIKE * ALIKE));
}

/* What most have. How likely all of them are if one is true: each is as that one, or false and anything; and the truth is seldom far from
 * the line. The most likely one and who is with it are in the middle of it. */
static struct model_mean find_most(const struct values *v)
{
	const unsigned n = v->n < VALUES ? v->n : VALUES;
	const double line_ms = (double)(v->of[0].ms - v->of[0].over_ms); /* about the same for all */
	double at[VALUES], best = -1, truth = 0;
	struct model_weighed with[VALUES];

	for (unsigned i = 0; i < n; i++)
		at[i] = log_of(line_ms + (double)v->of[i].over_ms);
	for (unsigned i = 0; i < n; i++) {
		const double far = (at[i] - log_of(line_ms)) / LINE_APART;
		double likely = 1 / (1 + far * far);
		for (unsigned k = 0; k < n; k++)
			likely *= alike(at[i], at[k]) + FALSE_ODDS;
		if (likely <= best)
			continue;
		best = likely;
		truth = at[i];
	}
	for (unsigned i = 0; i < n; i++) {
		const double is = alike(at[i], truth);
		with[i] = (struct model_weighed){ (double)v->of[i].over_ms, is / (is + FALSE_ODDS) };
	}
	return (struct model_mean){ (float)model_weighed_median(with, n), v->counts };
}

static void fill_rows(struct model *m, const struct gathered *g, unsigned grid)
{
	for (unsigned cell = 0; cell < CELLS; cell++) {
		bool any = false;
		const struct values *v = g->cell[cell] ? g->of + (size_t)(g->cell[cell] - 1) * m->columns : NULL;
		for (unsigned i = 0; v && v->is_asked && i < m->columns; i++)
			any = any || v[i].n >= NETWORKS_LEAST;
		if (!any)
			continue;
		struct model_mean *row = model_fit_new_row(m, &m->siblings);
		for (unsigned i = 0; i < m->columns; i++)
			row[i] = v[i].n >= NETWORKS_LEAST ? find_most(&v[i]) : (struct model_mean){ 0, 0 };
		m->sibling_row[grid * CELLS + cell] = m->siblings.rows;
		const struct middle *at = &g->middle[g->cell[cell] - 1];
		m->sibling_at = memory_grow(m->sibling_at, m->siblings.room * sizeof *m->sibling_at);
		m->sibling_at[m->siblings.rows - 1] = model_point_at((double)at->lat + at->north / at->n, (double)at->lon + at->east / at->n);
	}
}

static void find_siblings(struct model_fit *f)
{
	struct gathered *g = memory_zeroed(1, sizeof *g);

	for (unsigned grid = 0; grid < GRIDS; grid++) {
		gather(f, g, grid);
		fill_rows(f->m, g, grid);
		g->n = 0;
		memset(g->cell, 0, sizeof g->cell);
	}
	memory_free(g->of);
	memory_free(g->middle);
	memory_free(g);
}

/* By Bayes' rule, as model_own.c has it. */
static double agrees(double x, double apart, unsigned samples)
{
	const double more = fmax(fabs(x) - NEAR_OFF - apart, 0), odds = FALSE_ODDS / ((double)samples * samples),
		     variance = LEAST_APART * LEAST_APART + apart * apart,
		     fits = (1 + odds) / (1 + odds * exp(fmin(more * more / (2 * variance), 50)));

	return samples < MODEL_SAMPLES_MANY ? fits : fmax(fits, x > 0 ? model_often(samples) : OFTEN);
}

/* What most of the siblings have; NAN: too few were measured. */
static double others_ms_of(const struct model *m, uint32_t place, unsigned edge)
{
	const struct model_edge *e = &m->edge[edge];
	struct model_spot at;

	if (!m->siblings.rows || e->column == NO_COLUMN || !e->placed || !model_spot(m, place, &at))
		return NAN;
	const struct place *p = places_get(m->atlas->cities.places, place);
	const uint32_t row = m->sibling_row[model_sibling_cell(p)];
	const struct model_mean *mean = row ? &m->siblings.mean[(size_t)(row - 1) * m->columns + e->column] : NULL;
	if (!mean || mean->n <= 0)
		return NAN;
	const double km = model_km(at.at, e->at);
	return fmax(model_line_ms(km) + e->offset_ms + (double)mean->ms, model_least_ms(km));
}

double model_siblings_agree(const struct model *m, uint32_t place, const struct latency_cell *c, double *others_ms)
{
	const double others = others_ms_of(m, place, c->edge);

	*others_ms = isnan(others) ? (double)c->rtt_ms : others;
	return isnan(others) ? 1 : agrees(log_of((double)c->rtt_ms) - log_of(others), m->siblings_apart, c->n ? model_samples(c) : 1);
}

static int by_value(const void *va, const void *vb)
{
	const double a = *(const double *)va, b = *(const double *)vb;

	return (a > b) - (a < b);
}

/* Over all places, from some of the networks. */
static double find_apart(const struct model_fit *f)
{
	double *v = memory_zeroed(APART_MOST, sizeof *v);
	const size_t step = f->rows / (APART_MOST / 4) + 1;
	unsigned n = 0;

	for (size_t i = 0; i < f->rows; i += step)
		for (unsigned k = 0; f->place[i] && k < f->row[i].n && n < APART_MOST; k++) {
			const double others = others_ms_of(f->m, f->place[i], f->row[i].cell[k].edge);
			if (!isnan(others))
				v[n++] = fabs(log_of((double)f->row[i].cell[k].rtt_ms) - log_of(others));
		}
	qsort(v, n, sizeof *v, by_value);
	const double sigma = n ? v[(unsigned)(APART_SHARE * n)] / APART_SIGMAS : 0;
	memory_free(v);
	return sigma;
}

/* What they contradict is taken to be what they have, and is no witness of its own of that. */
static void believe(struct model_fit *f, size_t row)
{
	for (unsigned k = 0; k < f->row[row].n; k++) {
		const struct latency_cell *c = &f->row[row].cell[k];
		const size_t at = f->first[row] + k;
		double others_ms;
		const double agree = model_siblings_agree(f->m, f->place[row], c, &others_ms);
		f->over_ms[at] += (float)((1 - agree) * (others_ms - (double)c->rtt_ms));
		f->agree[at] = (uint8_t)lrint(MODEL_LIKELY * agree);
	}
}

void model_fit_siblings(struct model_fit *f)
{
	find_siblings(f);
	f->m->siblings_apart = find_apart(f);
	for (size_t i = 0; i < f->rows && f->m->siblings.rows; i++) {
		scope_check();
		if (f->place[i])
			believe(f, i);
	}
}
