#include "measure/model_inner.h"

#include "base/memory.h"
#include "base/scope.h"

#include <math.h>
#include <string.h>

/* A cell in which something was measured: neighbours to all around it. */
struct model_around {
	struct model_point sum; /* of the points, by weight */
	double weight;
	unsigned cell;
	struct model_mean *mean; /* [columns] of networks */
	struct model_mean *mesh; /* [columns] of edges */
};

static struct model_around *site_at(struct model_fit *f, double lat, double lon)
{
	const unsigned cell = model_cell(lat, lon);

	if (!f->site_of[cell]) {
		if (f->sites == f->site_room) {
			f->site_room = f->site_room ? f->site_room * 2 : 64;
			f->site = memory_grow(f->site, f->site_room * sizeof *f->site);
		}
		f->site[f->sites] = (struct model_around){ .cell = cell,
			.mean = memory_zeroed(f->m->columns, sizeof(struct model_mean)),
			.mesh = memory_zeroed(f->m->columns, sizeof(struct model_mean)) };
		f->site_of[cell] = ++f->sites;
	}
	return &f->site[f->site_of[cell] - 1];
}

static void add_to_site(struct model_around *s, struct model_mean *to, struct model_point at,
	struct model_mean one)
{
	const double weight = (double)one.n;

	if (weight < MODEL_LEAST_WEIGHT)
		return;
	model_fit_mix(to, (double)one.ms, weight);
	s->sum.x += at.x * weight;
	s->sum.y += at.y * weight;
	s->sum.z += at.z * weight;
	s->weight += weight;
}

static void add_prefixes(struct model_fit *f)
{
	for (size_t i = 0; i < f->rows; i++) {
		scope_check();
		if (!f->place[i])
			continue;
		const struct place *p = places_get(f->m->atlas->cities.places, f->place[i]);
		const struct model_spot at = model_fit_spot(f, i);
		struct model_around *s = site_at(f, p->lat, p->lon);
		double over;
		for (unsigned k = 0; k < f->row[i].n; k++) {
			const struct latency_cell *c = &f->row[i].cell[k];
			if (model_fit_over(f, i, k, &over))
				add_to_site(s, &s->mean[f->m->edge[c->edge].column], at.at,
					(struct model_mean){ (float)over - f->way_in[i],
						(float)model_fit_weigh(f, i, k) });
		}
	}
}

/* An edge is a network where it stands. A pair says as much of the way there as of the way
 * back, half each, since mostly both are measured. */
static void add_edges(struct model_fit *f)
{
	for (unsigned i = 0; i < f->m->n; i++) {
		const struct model_site *from = &f->opts->edges[i];
		const struct latency_row *r = latency_mesh(f->opts->table, i);
		const struct model_spot at = model_fit_spot_of_edge(f, i);
		double over;
		for (unsigned k = 0; from->placed && k < r->n; k++) {
			const struct latency_cell *c = &r->cell[k];
			const struct model_site *to = &f->opts->edges[c->edge];
			if (c->edge == i || !model_fit_over_line(f, &at, c, &over))
				continue;
			const struct model_mean half = { (float)over, 
				(float)model_fit_weigh_cell(f, c, i) / 2 };
			const struct model_edge *a = &f->m->edge[i], *b = &f->m->edge[c->edge];
			/* The line is as long both ways, but the offset is not the same edge's.
			 */
			const struct model_mean back = {
				half.ms + (float)(b->offset_ms - a->offset_ms), half.n
			};
			struct model_around *s = site_at(f, from->lat, from->lon);
			add_to_site(s, &s->mesh[b->column], a->at, half);
			s = site_at(f, to->lat, to->lon);
			add_to_site(s, &s->mesh[a->column], b->at, back);
		}
	}
}

/* A site of one measurement counts 1, of very many 2: a city that is measured a lot is still
 * one place. */
static float site_weight(float n)
{
	return 2 * n / (n + 1);
}

/* Of networks around: they count as far as there are several. */
struct others {
	float ms, n, most; /* sums by weight; the most that one network alone adds to `n` */
};

static void add_site(const struct model_fit *f, const struct model_around *s, float near,
	struct model_mean *to, struct others *others)
{
	for (unsigned c = 0; c < f->m->columns; c++) {
		const float mesh = near * site_weight(s->mesh[c].n), n = s->mean[c].n,
			    w = near * site_weight(n), alone = near * (n < 1 ? site_weight(n) : 1);
		to[c].ms += mesh * s->mesh[c].ms;
		to[c].n += mesh;
		others[c].ms += w * s->mean[c].ms;
		others[c].n += w;
		others[c].most = others[c].most > alone ? others[c].most : alone;
	}
}

/* What is known around the middle of a cell, the nearer the more. */
static void fill_near(const struct model_fit *f, struct model_mean *to, struct others *others,
	struct model_point middle)
{
	const unsigned columns = f->m->columns;

	memset(others, 0, columns * sizeof *others);
	for (uint32_t i = 0; i < f->sites; i++) {
		const struct model_around *s = &f->site[i];
		if (s->weight <= 0)
			continue;
		const double len = sqrt(
			s->sum.x * s->sum.x + s->sum.y * s->sum.y + s->sum.z * s->sum.z);
		const struct model_point at = { s->sum.x / len, s->sum.y / len,
			s->sum.z / len };
		const double km = model_km(middle, at);
		if (km <= 4 * MODEL_NEAR_KM)
			add_site(f, s, (float)exp(-km / MODEL_NEAR_KM), to, others);
	}
	for (unsigned c = 0; c < columns; c++) {
		const struct others *o = &others[c];
		const float counts = o->n > 0 ? (o->n - o->most) / o->n : 0;
		to[c].n += counts * o->n;
		to[c].ms = (to[c].ms + counts * o->ms) / (to[c].n + (float)MODEL_NEAR_PRIOR);
	}
}

/* For every cell with a place in it. */
void model_fit_near(struct model_fit *f)
{
	const struct places *places = f->m->atlas->cities.places;

	struct others *others = memory_zeroed(f->m->columns, sizeof *others);

	add_prefixes(f);
	add_edges(f);
	for (uint32_t i = 1; f->sites && i <= places_count(places); i++) {
		const struct place *p = places_get(places, i);
		if (isnan(p->lat) || isnan(p->lon))
			continue;
		const unsigned cell = model_cell(p->lat, p->lon);
		if (f->m->cell_row[cell] || (f->only_there && !f->site_of[cell]))
			continue;
		const double lat = (cell / CELLS_EAST + 0.5) * CELL_DEGREES - 90,
			     lon = (cell % CELLS_EAST + 0.5) * CELL_DEGREES - 180;
		fill_near(f, model_fit_new_row(f->m, &f->m->near), others, model_point_at(lat, lon));
		f->m->cell_row[cell] = f->m->near.rows;
	}
	for (uint32_t i = 0; i < f->sites; i++) {
		memory_free(f->site[i].mean);
		memory_free(f->site[i].mesh);
	}
	memory_free(f->site);
	memory_free(others);
	f->site = NULL;
	f->sites = f->site_room = 0;
	memset(f->site_of, 0, sizeof f->site_of);
}
