#include "measure/model_inner.h"

#include "base/memory.h"
#include "base/scope.h"

#include <math.h>

/* What counts for less than this is forgotten. */
#define LEAST_WEIGHT 1e-4

enum { MEDIAN_MOST = 256 }; /* of a network's times, so many are looked at */

/* What is fitted, and with what. */
struct fit {
	struct model *m;
	const struct model_opts *opts;
	const struct latency_row *row; /* of the table */
	size_t rows;
	unsigned half_life_s;

	uint32_t *place; /* [rows] where each prefix is; 0: its place has no coordinates */
	uint32_t *asn;   /* [rows] */
	float *way_in;   /* [rows] what a network has over the line towards all edges alike */
	struct site *site;
	uint32_t sites, site_room;
	uint32_t site_of[CELLS]; /* + 1 */
	uint32_t weighed_s;      /* the time that was weighed last, and what it counts */
	double weight;
};

/* A cell in which something was measured: neighbours to all around it. */
struct site {
	struct model_point sum; /* of the points, by weight */
	double weight;
	unsigned cell;
	struct model_mean *mean; /* [columns] */
};

/* Many are of the same second: those of a file, of a report. */
static double weigh(struct fit *f, const struct latency_cell *c)
{
	if (f->weighed_s != c->at_s || f->weight == 0) {
		f->weighed_s = c->at_s;
		f->weight = latency_weight(f->half_life_s, c->at_s, f->opts->now_s);
	}
	return f->weight;
}

/* A running mean: `n` grows by `weight`. */
static void mix(struct model_mean *to, double ms, double weight)
{
	if (weight < LEAST_WEIGHT)
		return;
	to->n += (float)weight;
	to->ms += (float)(weight / (double)to->n * (ms - (double)to->ms));
}

static double shrunk(const struct model_mean *m)
{
	return (double)(m->ms * m->n / (m->n + 1));
}

/* Of a row that has a place. */
static struct model_spot spot_of(const struct fit *f, size_t row)
{
	struct model_spot at = { .error_km = 0 };

	model_spot(f->m, f->place[row], &at);
	return at;
}

static struct model_spot spot_of_edge(const struct fit *f, unsigned edge)
{
	return (struct model_spot){ f->m->edge[edge].at, MODEL_EDGE_KM };
}

/* What a measured time has over line and offset; false: it is of an edge that stands nowhere,
 * or cannot be true. */
static bool over_line(const struct fit *f, const struct model_spot *at,
	const struct latency_cell *c, double *over)
{
	const struct model_edge *e = &f->m->edge[c->edge];
	const double km = model_km(at->at, e->at), ms = (double)c->rtt_ms;

	*over = ms - model_line_ms(km) - e->offset_ms;
	return e->placed && model_is_possible(km, at->error_km, ms);
}

/* --- offsets ------------------------------------------------------------------------------ */

/* Both directions of a pair say the same; where both are known, their mean does. */
static void note_pair(double *residual, double *weight, unsigned at, double ms, double w)
{
	if (w < LEAST_WEIGHT)
		return;
	weight[at] += w;
	residual[at] = isnan(residual[at])
		? ms
		: residual[at] + w / weight[at] * (ms - residual[at]);
}

static void fit_offsets(struct fit *f)
{
	struct model *m = f->m;
	unsigned *number = memory_zeroed(m->n, sizeof *number),
		 *edge = memory_zeroed(m->n, sizeof *edge);
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++) {
		const struct latency_row *r = latency_mesh(f->opts->table, i);
		for (unsigned k = 0; k <= r->n && r->n; k++) {
			const unsigned e = k < r->n ? r->cell[k].edge : i;
			if (m->edge[e].placed && !number[e]) {
				edge[n++] = e;
				number[e] = n;
			}
		}
	}
	double *residual = memory_zeroed((size_t)n * n, sizeof *residual),
	       *weight = memory_zeroed((size_t)n * n, sizeof *weight),
	       *counts = memory_zeroed(n, sizeof *counts),
	       *offset = memory_zeroed(n, sizeof *offset);
	for (size_t i = 0; i < (size_t)n * n; i++)
		residual[i] = NAN;
	for (unsigned i = 0; i < n; i++) {
		const struct latency_row *r = latency_mesh(f->opts->table, edge[i]);
		const struct model_spot at = spot_of_edge(f, edge[i]);
		double over;
		for (unsigned k = 0; k < r->n; k++) {
			const unsigned j = number[r->cell[k].edge] - 1;
			if (!number[r->cell[k].edge] || i == j ||
				!over_line(f, &at, &r->cell[k], &over))
				continue;
			const double w = weigh(f, &r->cell[k]);
			note_pair(residual, weight, i * n + j, over, w);
			note_pair(residual, weight, j * n + i, over, w);
		}
	}
	for (size_t i = 0; i < (size_t)n * n; i++)
		counts[i / n] += fmin(weight[i], 1);
	model_offsets(residual, counts, n, offset);
	for (unsigned i = 0; i < n; i++) {
		m->edge[edge[i]].offset_ms = offset[i];
		m->edge[edge[i]].offset_n = counts[i];
	}
	memory_free(number);
	memory_free(edge);
	memory_free(residual);
	memory_free(weight);
	memory_free(counts);
	memory_free(offset);
}

/* --- neighbours --------------------------------------------------------------------------- */

static void locate(struct fit *f)
{
	const struct atlas *atlas = f->m->atlas;

	f->place = memory_zeroed(f->rows, sizeof *f->place);
	f->asn = memory_zeroed(f->rows, sizeof *f->asn);
	for (size_t i = 0; i < f->rows; i++) {
		scope_check();
		const struct addr a = addr_plain(&f->row[i].net.addr, NULL);
		const uint32_t place = netmap_find(atlas->cities.map, &a).value;
		if (place == 0 || place > places_count(atlas->cities.places))
			continue;
		const struct place *p = places_get(atlas->cities.places, place);
		if (isnan(p->lat) || isnan(p->lon))
			continue;
		f->place[i] = place;
		f->asn[i] = netmap_find(atlas->asns.map, &a).value;
		if (f->asn[i] >= atlas->asns.n)
			f->asn[i] = 0;
	}
}

/* The slow way into a network makes all of its times long, and tells nothing of others: the
 * median of what it has over the line, shrunk, since of a single time nobody knows which it is.
 * Without this, edges that are measured from slow networks would seem slower than those that
 * are not. */
static void find_ways_in(struct fit *f)
{
	double over[MEDIAN_MOST];

	f->way_in = memory_zeroed(f->rows, sizeof *f->way_in);
	for (size_t i = 0; i < f->rows; i++) {
		scope_check();
		const struct latency_row *r = &f->row[i];
		double sum = 0, most = 0;
		unsigned k = 0;
		if (!f->place[i])
			continue;
		const struct model_spot at = spot_of(f, i);
		for (unsigned c = 0; c < r->n && k < MEDIAN_MOST; c++) {
			if (!over_line(f, &at, &r->cell[c], &over[k]))
				continue;
			k++;
			const double w = weigh(f, &r->cell[c]);
			sum += w;
			most = fmax(most, w);
		}
		/* How many times there are, not how old they are: sum / most. */
		f->way_in[i] = (float)(most > 0 ? model_median(over, k) * sum / (sum + most)
						: 0);
	}
}

/* In the order of the edges, so that they stay the same from one fit to the next. */
static void number_columns(struct fit *f)
{
	struct model *m = f->m;
	bool *used = memory_zeroed(m->n, sizeof *used);

	for (size_t i = 0; i < f->rows; i++)
		for (unsigned k = 0; f->place[i] && k < f->row[i].n; k++)
			used[f->row[i].cell[k].edge] = true;
	for (unsigned i = 0; i < m->n; i++) {
		const struct latency_row *r = latency_mesh(f->opts->table, i);
		for (unsigned k = 0; m->edge[i].placed && k < r->n; k++)
			used[i] = used[r->cell[k].edge] = true;
	}
	for (unsigned i = 0; i < m->n; i++)
		if (used[i] && m->edge[i].placed)
			m->edge[i].column = (uint16_t)m->columns++;
	memory_free(used);
}

static struct site *site_at(struct fit *f, double lat, double lon)
{
	const unsigned cell = model_cell(lat, lon);

	if (!f->site_of[cell]) {
		if (f->sites == f->site_room) {
			f->site_room = f->site_room ? f->site_room * 2 : 64;
			f->site = memory_grow(f->site, f->site_room * sizeof *f->site);
		}
		f->site[f->sites] = (struct site){ .cell = cell,
			.mean = memory_zeroed(f->m->columns, sizeof(struct model_mean)) };
		f->site_of[cell] = ++f->sites;
	}
	return &f->site[f->site_of[cell] - 1];
}

static void add_to_site(struct site *s, const struct model_edge *e, struct model_point at,
	struct model_mean one)
{
	const double weight = (double)one.n;

	if (weight < LEAST_WEIGHT)
		return;
	mix(&s->mean[e->column], (double)one.ms, weight);
	s->sum.x += at.x * weight;
	s->sum.y += at.y * weight;
	s->sum.z += at.z * weight;
	s->weight += weight;
}

static void add_prefixes(struct fit *f)
{
	for (size_t i = 0; i < f->rows; i++) {
		scope_check();
		if (!f->place[i])
			continue;
		const struct place *p = places_get(f->m->atlas->cities.places, f->place[i]);
		const struct model_spot at = spot_of(f, i);
		struct site *s = site_at(f, p->lat, p->lon);
		double over;
		for (unsigned k = 0; k < f->row[i].n; k++) {
			const struct latency_cell *c = &f->row[i].cell[k];
			if (over_line(f, &at, c, &over))
				add_to_site(s, &f->m->edge[c->edge], at.at,
					(struct model_mean){ (float)over - f->way_in[i],
						(float)weigh(f, c) });
		}
	}
}

/* An edge is a network where it stands. A pair says as much of the way there as of the way
 * back, half each, since mostly both are measured. */
static void add_edges(struct fit *f)
{
	for (unsigned i = 0; i < f->m->n; i++) {
		const struct model_site *from = &f->opts->edges[i];
		const struct latency_row *r = latency_mesh(f->opts->table, i);
		const struct model_spot at = spot_of_edge(f, i);
		double over;
		for (unsigned k = 0; from->placed && k < r->n; k++) {
			const struct latency_cell *c = &r->cell[k];
			const struct model_site *to = &f->opts->edges[c->edge];
			if (c->edge == i || !over_line(f, &at, c, &over))
				continue;
			const struct model_mean half = { (float)over, (float)weigh(f, c) / 2 };
			const struct model_edge *a = &f->m->edge[i], *b = &f->m->edge[c->edge];
			/* The line is as long both ways, but the offset is not the same edge's.
			 */
			const struct model_mean back = {
				half.ms + (float)(b->offset_ms - a->offset_ms), half.n
			};
			add_to_site(site_at(f, from->lat, from->lon), b, a->at, half);
			add_to_site(site_at(f, to->lat, to->lon), a, b->at, back);
		}
	}
}

static struct model_mean *new_row(struct model *m, struct model_table *t)
{
	if (t->rows == t->room) {
		t->room = t->room ? t->room * 2 : 64;
		t->mean = memory_grow(t->mean, (size_t)t->room * m->columns * sizeof *t->mean);
	}
	struct model_mean *row = t->mean + (size_t)t->rows++ * m->columns;
	memset(row, 0, m->columns * sizeof *row);
	return row;
}

/* A site of one measurement counts 1, of very many 2: a city that is measured a lot is still
 * one place. */
static float site_weight(float n)
{
	return 2 * n / (n + 1);
}

/* What is known around the middle of a cell, the nearer the more. */
static void fill_near(const struct fit *f, struct model_mean *to, struct model_point middle)
{
	const unsigned columns = f->m->columns;

	for (uint32_t i = 0; i < f->sites; i++) {
		const struct site *s = &f->site[i];
		if (s->weight <= 0)
			continue;
		const double len = sqrt(
			s->sum.x * s->sum.x + s->sum.y * s->sum.y + s->sum.z * s->sum.z);
		const struct model_point at = { s->sum.x / len, s->sum.y / len,
			s->sum.z / len };
		const double km = model_km(middle, at);
		if (km > 4 * MODEL_NEAR_KM)
			continue;
		const float near = (float)exp(-km / MODEL_NEAR_KM);
		for (unsigned c = 0; c < columns; c++) {
			const float w = near * site_weight(s->mean[c].n);
			to[c].ms += w * s->mean[c].ms;
			to[c].n += w;
		}
	}
	for (unsigned c = 0; c < columns; c++)
		to[c].ms /= to[c].n + (float)MODEL_NEAR_PRIOR;
}

/* For every cell with a place in it. */
static void fit_near(struct fit *f)
{
	const struct places *places = f->m->atlas->cities.places;

	add_prefixes(f);
	add_edges(f);
	for (uint32_t i = 1; f->sites && i <= places_count(places); i++) {
		const struct place *p = places_get(places, i);
		if (isnan(p->lat) || isnan(p->lon))
			continue;
		const unsigned cell = model_cell(p->lat, p->lon);
		if (f->m->cell_row[cell])
			continue;
		const double lat = (cell / CELLS_EAST + 0.5) * CELL_DEGREES - 90,
			     lon = (cell % CELLS_EAST + 0.5) * CELL_DEGREES - 180;
		fill_near(f, new_row(f->m, &f->m->near), model_point_at(lat, lon));
		f->m->cell_row[cell] = f->m->near.rows;
	}
	for (uint32_t i = 0; i < f->sites; i++)
		memory_free(f->site[i].mean);
	memory_free(f->site);
}

/* --- countries, ASNs ---------------------------------------------------------------------- */

static struct model_mean *country_of(struct model *m, int country)
{
	if (!m->country_row[country]) {
		new_row(m, &m->country);
		m->country_row[country] = m->country.rows;
	}
	return m->country.mean + (size_t)(m->country_row[country] - 1) * m->columns;
}

static void grow_asns(struct model *m)
{
	struct model old = *m;

	m->asn_slots = old.asn_slots ? old.asn_slots * 2 : 256;
	m->asn_key = memory_zeroed(m->asn_slots, sizeof *m->asn_key);
	m->asn_row = memory_zeroed(m->asn_slots, sizeof *m->asn_row);
	for (uint32_t i = 0; i < old.asn_slots; i++) {
		if (!old.asn_key[i])
			continue;
		const uint32_t to = model_asn_slot(
			m, (uint32_t)(old.asn_key[i] >> 32), (int)(uint32_t)old.asn_key[i] - 1);
		m->asn_key[to] = old.asn_key[i];
		m->asn_row[to] = old.asn_row[i];
	}
	memory_free(old.asn_key);
	memory_free(old.asn_row);
}

static struct model_mean *asn_of(struct model *m, uint32_t asn, int country)
{
	if (m->asn.rows * 2 >= m->asn_slots)
		grow_asns(m);
	const uint32_t i = model_asn_slot(m, asn, country);
	if (!m->asn_row[i]) {
		new_row(m, &m->asn);
		m->asn_key[i] = (uint64_t)asn << 32 | (uint32_t)(country + 1);
		m->asn_row[i] = m->asn.rows;
		m->has_asn[asn] = true;
	}
	return m->asn.mean + (size_t)(m->asn_row[i] - 1) * m->columns;
}

static void shrink(struct model *m, struct model_table *t)
{
	for (size_t i = 0; i < (size_t)t->rows * m->columns; i++)
		t->mean[i].ms = (float)shrunk(&t->mean[i]);
}

/* What the prefixes of a country, or of an AS in it, have over the terms so far. */
static void fit_residuals(struct fit *f, bool by_asn)
{
	struct model *m = f->m;

	for (size_t i = 0; i < f->rows; i++) {
		scope_check();
		if (!f->place[i] || (by_asn && !f->asn[i]))
			continue;
		const struct place *p = places_get(m->atlas->cities.places, f->place[i]);
		const int country = model_country(p);
		const uint32_t cell = m->cell_row[model_cell(p->lat, p->lon)];
		if (country < 0 || !cell)
			continue;
		const struct model_spot at = spot_of(f, i);
		double over;
		const struct model_mean *near = m->near.mean + (size_t)(cell - 1) * m->columns;
		struct model_mean *to = by_asn ? asn_of(m, f->asn[i], country)
					       : country_of(m, country);
		const struct model_mean *known = by_asn ? country_of(m, country) : NULL;
		for (unsigned k = 0; k < f->row[i].n; k++) {
			const struct latency_cell *c = &f->row[i].cell[k];
			const unsigned column = m->edge[c->edge].column;
			if (column == NO_COLUMN || !over_line(f, &at, c, &over))
				continue;
			const double before = (double)(f->way_in[i] + near[column].ms +
				(known ? known[column].ms : 0));
			mix(&to[column], over - before, weigh(f, c));
		}
	}
	shrink(m, by_asn ? &m->asn : &m->country);
}

void model_fit(struct model *m, const struct model_opts *opts)
{
	struct fit *f = memory_zeroed(1, sizeof *f);

	f->m = m;
	f->opts = opts;
	f->row = latency_rows(opts->table, &f->rows);
	f->half_life_s = latency_options(opts->table)->half_life_s;
	fit_offsets(f);
	locate(f);
	find_ways_in(f);
	number_columns(f);
	if (m->columns) {
		fit_near(f);
		fit_residuals(f, false);
		fit_residuals(f, true);
	}
	memory_free(f->place);
	memory_free(f->asn);
	memory_free(f->way_in);
	memory_free(f);
}
