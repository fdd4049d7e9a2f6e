#include "measure/model_inner.h"

#include "base/memory.h"
#include "base/scope.h"

#include <math.h>
#include <stdlib.h>

/* Of a cell and an edge so many times are looked at: of more, a draw that is always the same. */
enum { VALUES = 9, NETWORKS_LEAST = 3 };
/* A time that counts for less says nothing of another one. */
#define WEIGHT_LEAST 0.25

/* Networks of one place have the way there in common. How far they differ all the same is a matter of ratios, as with estimates
 * (model_own.c), and is not the same everywhere: so it is found, over all places, and doubted is what lies far outside of it. */
#define NEAR_MS     5.0
#define NEAR_OFF    0.3
#define LEAST_APART 0.15 /* a standard deviation, as the next: even where all are alike */
#define FALSE_ODDS  0.04
/* So many of them are looked at for it; and three of four lie within 1.15 standard deviations. */
enum { APART_MOST = 4096 };
#define APART_SHARE  0.75
#define APART_SIGMAS 1.15
#define OFTEN      0.5 /* what one counts at least that was measured again and again: it may have a way of its own */
enum { SAMPLES_MANY = 4 };

struct values {
	float over[VALUES];
	uint32_t n; /* all of them */
};

/* Of all cells in which something was measured. */
struct gathered {
	struct values *of; /* [n][columns] own */
	uint32_t n, room;
	uint32_t cell[CELLS]; /* number + 1 */
};

static struct values *values_of(struct model_fit *f, struct gathered *g, unsigned cell)
{
	if (!g->cell[cell]) {
		if (g->n == g->room) {
			g->room = g->room ? 2 * g->room : 64;
			g->of = memory_grow(g->of, g->room * (size_t)f->m->columns * sizeof *g->of);
		}
		for (unsigned i = 0; i < f->m->columns; i++)
			g->of[(size_t)g->n * f->m->columns + i].n = 0;
		g->cell[cell] = ++g->n;
	}
	return g->of + (size_t)(g->cell[cell] - 1) * f->m->columns;
}

static void add(struct values *v, float over)
{
	const uint64_t at = v->n < VALUES ? v->n : hash_mix(v->n, HASH_STEP) % (v->n + 1);

	v->n++;
	if (at < VALUES)
		v->over[at] = over;
}

static void gather(struct model_fit *f, struct gathered *g)
{
	for (size_t i = 0; i < f->rows; i++) {
		scope_check();
		if (!f->place[i])
			continue;
		const struct place *p = places_get(f->m->atlas->cities.places, f->place[i]);
		struct values *v = values_of(f, g, model_cell(p->lat, p->lon));
		const struct model_spot at = model_fit_spot(f, i);
		double over;
		for (unsigned k = 0; k < f->row[i].n; k++) {
			const struct latency_cell *c = &f->row[i].cell[k];
			if (model_fit_over_line(f, &at, c, &over) && model_fit_weigh_cell(f, c, c->edge) >= WEIGHT_LEAST)
				add(&v[f->m->edge[c->edge].column], (float)over);
		}
	}
}

static struct model_mean middle(const struct values *v)
{
	const unsigned n = v->n < VALUES ? v->n : VALUES;
	double sorted[VALUES];

	for (unsigned i = 0; i < n; i++)
		sorted[i] = (double)v->over[i];
	return (struct model_mean){ (float)model_median(sorted, n), (float)v->n };
}

static void find_middles(struct model_fit *f)
{
	struct model *m = f->m;
	struct gathered *g = memory_zeroed(1, sizeof *g);

	gather(f, g);
	for (unsigned cell = 0; cell < CELLS; cell++) {
		bool any = false;
		const struct values *v = g->cell[cell] ? g->of + (size_t)(g->cell[cell] - 1) * m->columns : NULL;
		for (unsigned i = 0; v && i < m->columns; i++)
			any = any || v[i].n >= NETWORKS_LEAST;
		if (!any)
			continue;
		struct model_mean *row = model_fit_new_row(m, &m->siblings);
		for (unsigned i = 0; i < m->columns; i++)
			row[i] = v[i].n >= NETWORKS_LEAST ? middle(&v[i]) : (struct model_mean){ 0, 0 };
		m->sibling_row[cell] = m->siblings.rows;
	}
	memory_free(g->of);
	memory_free(g);
}

/* By Bayes' rule, as model_own.c has it. */
static double agrees(double x, double apart, unsigned samples)
{
	const double more = fmax(fabs(x) - NEAR_OFF - apart, 0), odds = FALSE_ODDS / ((double)samples * samples),
		     variance = LEAST_APART * LEAST_APART + apart * apart,
		     fits = (1 + odds) / (1 + odds * exp(fmin(more * more / (2 * variance), 50)));

	return samples >= SAMPLES_MANY ? fmax(fits, OFTEN) : fits;
}

/* What the siblings have in the middle; NAN: too few were measured. */
static double others_ms_of(const struct model *m, uint32_t place, unsigned edge)
{
	const struct model_edge *e = &m->edge[edge];
	struct model_spot at;

	if (!m->siblings.rows || e->column == NO_COLUMN || !e->placed || !model_spot(m, place, &at))
		return NAN;
	const struct place *p = places_get(m->atlas->cities.places, place);
	const uint32_t row = m->sibling_row[model_cell(p->lat, p->lon)];
	const struct model_mean *mean = row ? &m->siblings.mean[(size_t)(row - 1) * m->columns + e->column] : NULL;
	if (!mean || mean->n <= 0)
		return NAN;
	const double km = model_km(at.at, e->at);
	return fmax(model_line_ms(km) + e->offset_ms + (double)mean->ms, model_least_ms(km));
}

static double apart(const struct latency_cell *c, double others_ms)
{
	return log(((double)c->rtt_ms + NEAR_MS) / (others_ms + NEAR_MS));
}

double model_siblings_agree(const struct model *m, uint32_t place, const struct latency_cell *c, double *others_ms)
{
	const double others = others_ms_of(m, place, c->edge);

	*others_ms = isnan(others) ? (double)c->rtt_ms : others;
	return isnan(others) ? 1 : agrees(apart(c, others), m->siblings_apart, c->n ? c->n : 1);
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
				v[n++] = fabs(apart(&f->row[i].cell[k], others));
		}
	qsort(v, n, sizeof *v, by_value);
	const double sigma = n ? v[(unsigned)(APART_SHARE * n)] / APART_SIGMAS : 0;
	memory_free(v);
	return sigma;
}

void model_fit_siblings(struct model_fit *f)
{
	find_middles(f);
	f->m->siblings_apart = find_apart(f);
}
