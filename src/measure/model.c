#include "measure/model_inner.h"

#include "base/memory.h"
#include "base/scope.h"

#include <math.h>
#include <stdlib.h>

#define EARTH_KM 6371.0088

/* Nor is an estimate ever below this share of the line: nothing is that much faster, but a
 * database that has a network in the wrong place makes it seem so. */
#define LEAST_SHARE 0.25

/* What no estimate falls below. */
double model_floor_ms(double km)
{
	return fmax(model_least_ms(km), model_line_ms(km) * LEAST_SHARE);
}

struct model_point model_point_at(double lat, double lon)
{
	const double rad = M_PI / 180, c = cos(lat * rad);

	return (struct model_point){ c * cos(lon * rad), c * sin(lon * rad), sin(lat * rad) };
}

/* The arc over a chord. The polynomial is that of Abramowitz and Stegun 4.4.46, good to 2e-8:
 * 25 cm on the ground, in a third of asin()'s time; and there are tens of millions to be had.
 */
double model_km(struct model_point a, struct model_point b)
{
	static const double c[] = { 1.5707963050, -0.2145988016, 0.0889789874, -0.0501743046,
		0.0308918810, -0.0170881256, 0.0066700901, -0.0012624911 };
	const double x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;
	const double sin_half = sqrt(x * x + y * y + z * z) / 2,
		     s = sin_half < 1 ? sin_half : 1;
	const double cos_like = c[0] +
		s * (c[1] + s * (c[2] + s * (c[3] + s * (c[4] + s * (c[5] + s * (c[6] + s * c[7]))))));

	return 2 * EARTH_KM * (M_PI_2 - sqrt(1 - s) * cos_like);
}

unsigned model_cell(double lat, double lon)
{
	const int north = (int)((lat + 90) / CELL_DEGREES),
		  east = (int)((lon + 180) / CELL_DEGREES);

	return (unsigned)((north < 0                             ? 0
					  : north >= CELLS_NORTH ? CELLS_NORTH - 1
								 : north) *
			CELLS_EAST +
		((east % CELLS_EAST + CELLS_EAST) % CELLS_EAST));
}

int model_country(const struct place *p)
{
	const int a = p->country[0] - 'A', b = p->country[1] - 'A';

	return a >= 0 && a < 26 && b >= 0 && b < 26 ? a * 26 + b : -1;
}

uint32_t model_asn_slot(const struct model *m, uint32_t asn, int country)
{
	const uint64_t key = (uint64_t)asn << 32 | (uint32_t)(country + 1);
	uint32_t i = (uint32_t)hash_mix(key, 0x9e3779b97f4a7c15u) & (m->asn_slots - 1);

	while (m->asn_key[i] && m->asn_key[i] != key)
		i = (i + 1) & (m->asn_slots - 1);
	return i;
}

double model_line_ms(double km)
{
	return MODEL_BASE_MS + MODEL_MS_PER_KM * km;
}

struct model *model_new(const struct model_opts *opts)
{
	struct model *m = memory_zeroed(1, sizeof *m);

	m->refs = 1;
	m->atlas = atlas_hold(opts->atlas);
	m->n = (unsigned)opts->n_edges;
	m->edge = memory_zeroed(m->n, sizeof *m->edge);
	m->has_asn = memory_zeroed(m->atlas->asns.n + 1, sizeof *m->has_asn);
	for (unsigned i = 0; i < m->n; i++) {
		const struct model_site *e = &opts->edges[i];
		m->edge[i] = (struct model_edge){ .placed = e->placed, .trust = { 1, 0, NAN, 0, 0 }, .column = NO_COLUMN };
		if (e->placed)
			m->edge[i].at = model_point_at(e->lat, e->lon);
	}
	if (opts->table) {
		model_fit(m, opts);
		model_fit_goals(m, opts);
	}
	return m;
}

/* For a scope. */
static void let_go(void *m)
{
	model_drop(m);
}

struct model *model_hold(struct model *m)
{
	__atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
	scope_hold(m, let_go);
	return m;
}

void model_drop(struct model *m)
{
	scope_forget(m, let_go);
	if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL))
		return;
	atlas_drop(m->atlas);
	memory_free(m->edge);
	memory_free(m->near.mean);
	memory_free(m->near.changed);
	memory_free(m->country.mean);
	memory_free(m->country.changed);
	memory_free(m->siblings.mean);
	memory_free(m->siblings.changed);
	memory_free(m->sibling_at);
	memory_free(m->asn.mean);
	memory_free(m->asn.changed);
	memory_free(m->asn_key);
	memory_free(m->asn_row);
	memory_free(m->has_asn);
	for (unsigned i = 0; i < LATENCY_KINDS; i++)
		memory_free(m->kind[i].edge);
	memory_free(m);
}

/* --- asking ------------------------------------------------------------------------------- */

/* The place, when it has coordinates. */
static const struct place *known_place(const struct model *m, uint32_t place)
{
	const struct places *places = m->atlas->cities.places;

	if (place == 0 || place > places_count(places))
		return NULL;
	const struct place *p = places_get(places, place);
	return isnan(p->lat) || isnan(p->lon) ? NULL : p;
}

/* The row of a table, or NULL when there is none. */
static const struct model_mean *row_of(
	const struct model *m, const struct model_table *t, uint32_t row)
{
	return row ? t->mean + (size_t)(row - 1) * m->columns : NULL;
}

static uint32_t country_row(const struct model *m, const struct place *p)
{
	const int country = model_country(p);

	return country < 0 ? 0 : m->country_row[country];
}

uint32_t model_asn(const struct model *m, uint32_t place, uint32_t asn)
{
	if (!asn || !m->asn_slots || asn >= m->atlas->asns.n || !m->has_asn[asn])
		return 0;
	const struct place *p = known_place(m, place);
	return p ? m->asn_row[model_asn_slot(m, asn, model_country(p))] : 0;
}

bool model_at(const struct model *m, uint32_t place, struct model_at *to)
{
	const struct place *p = known_place(m, place);

	if (!p)
		return false;
	const uint32_t siblings = m->siblings.rows ? m->sibling_row[model_sibling_cell(p)] : 0;
	*to = (struct model_at){ model_point_at(p->lat, p->lon), row_of(m, &m->near, m->cell_row[model_cell(p->lat, p->lon)]),
		row_of(m, &m->country, country_row(m, p)), row_of(m, &m->siblings, siblings), 0 };
	if (siblings) {
		const double far = model_km(to->at, m->sibling_at[siblings - 1]) / MODEL_PLACE_REACH_KM;
		to->reach = exp(-far * far);
	}
	return true;
}

double model_bare_ms(const struct model *m, const struct model_at *at, unsigned edge, double km)
{
	const struct model_edge *e = &m->edge[edge];
	double sum = model_line_ms(km) + e->offset_ms;

	if (e->column != NO_COLUMN)
		sum += (double)((at->near ? at->near[e->column].ms : 0) + (at->country ? at->country[e->column].ms : 0));
	return fmax(sum, model_floor_ms(km));
}

void model_estimate_some(
	const struct model *m, uint32_t place, const struct model_edges *some, float *ms)
{
	struct model_at at;
	const bool known = model_at(m, place, &at);

	for (unsigned i = 0; i < some->n; i++) {
		const unsigned e = some->edges ? some->edges[i] : i;
		ms[e] = known && m->edge[e].placed ? (float)model_bare_ms(m, &at, e, model_km(at.at, m->edge[e].at)) : NAN;
	}
	if (known && at.siblings)
		model_place_move(m, &at, some, ms);
}

void model_estimate(const struct model *m, uint32_t place, float *ms)
{
	model_estimate_some(m, place, &(struct model_edges){ NULL, m->n }, ms);
}

void model_add_asn(const struct model *m, uint32_t place, uint32_t term, float *ms)
{
	const struct model_mean *asn = row_of(m, &m->asn, term);
	struct model_spot at;

	if (!asn || !model_spot(m, place, &at))
		return;
	for (unsigned i = 0; i < m->n; i++) {
		const struct model_edge *e = &m->edge[i];
		const float more = e->column == NO_COLUMN ? 0 : asn[e->column].ms;
		ms[i] += more;
		if (more < 0)
			ms[i] = fmaxf(ms[i], (float)model_floor_ms(model_km(at.at, e->at)));
	}
}

struct model_terms model_explain(
	const struct model *m, uint32_t place, uint32_t asn, unsigned edge)
{
	struct model_terms t = { .km = NAN, .sum_ms = NAN };
	const struct model_edge *e = &m->edge[edge];
	struct model_at at;

	if (!e->placed || !model_at(m, place, &at))
		return t;
	t.km = model_km(at.at, e->at);
	t.line_ms = model_line_ms(t.km);
	t.offset_ms = e->offset_ms;
	t.offset_n = e->offset_n;
	if (e->column != NO_COLUMN) {
		const struct model_mean *as = row_of(m, &m->asn, model_asn(m, place, asn));
		t.near_ms = at.near ? (double)at.near[e->column].ms : 0;
		t.near_n = at.near ? (double)at.near[e->column].n : 0;
		t.country_ms = at.country ? (double)at.country[e->column].ms : 0;
		t.country_n = at.country ? (double)at.country[e->column].n : 0;
		t.asn_ms = as ? (double)as[e->column].ms : 0;
		t.asn_n = as ? (double)as[e->column].n : 0;
	}
	const struct model_mean moved = model_place_term(m, &at, edge);
	t.place_ms = (double)moved.ms;
	t.place_n = (double)moved.n;
	t.sum_ms = fmax(model_bare_ms(m, &at, edge, t.km) + t.place_ms + t.asn_ms, model_floor_ms(t.km));
	t.floor_ms = t.sum_ms - (t.line_ms + t.offset_ms + t.near_ms + t.country_ms + t.place_ms + t.asn_ms);
	return t;
}

double model_distance_km(const struct model *m, uint32_t place, unsigned edge)
{
	const struct place *p = known_place(m, place);

	return p && m->edge[edge].placed ? model_km(model_point_at(p->lat, p->lon), m->edge[edge].at) : NAN;
}

struct model_term model_offset(const struct model *m, unsigned edge)
{
	return (struct model_term){ m->edge[edge].offset_ms, m->edge[edge].offset_n };
}

struct model_term model_country_term(
	const struct model *m, const char country[static 2], unsigned edge)
{
	const struct place p = { .country = { country[0], country[1] } };
	const struct model_mean *row = row_of(m, &m->country, country_row(m, &p));
	const unsigned column = m->edge[edge].column;

	if (!row || column == NO_COLUMN)
		return (struct model_term){ 0, 0 };
	return (struct model_term){ (double)row[column].ms, (double)row[column].n };
}
