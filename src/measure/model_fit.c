#include "measure/model_inner.h"

#include "base/memory.h"
#include "base/scope.h"

#include <math.h>
#include <stdlib.h>

enum { MEDIAN_MOST = 256 }; /* of a network's times, so many are looked at */

/* A time that differs by this much from what is around it counts in full, and then less and less. Found with
 * real measurements of which a tenth had been made false: half or twice as much makes little difference. */
#define LIKELY_MS    40.0
#define LIKELY_SHARE 0.3 /* of the line */
enum { ROUNDS = 3, SETTLED = 16 /* of MODEL_LIKELY: what changes by no more has settled */ };

/* Many are of the same second: those of a file, of a report. */
double model_fit_weigh_cell(struct model_fit *f, const struct latency_cell *c, unsigned source)
{
	if (f->weighed_s != c->at_s || f->weight == 0) {
		f->weighed_s = c->at_s;
		f->weight = latency_weight(f->half_life_s, c->at_s, f->opts->now_s);
	}
	return f->weight * f->m->edge[source].trust.share;
}

double model_fit_weigh(struct model_fit *f, size_t row, unsigned k)
{
	const struct latency_cell *c = &f->row[row].cell[k];

	return model_fit_weigh_cell(f, c, c->edge) * f->likely[f->first[row] + k] / MODEL_LIKELY;
}

/* A running mean: `n` grows by `weight`. */
void model_fit_mix(struct model_mean *to, double ms, double weight)
{
	if (weight < MODEL_LEAST_WEIGHT)
		return;
	to->n += (float)weight;
	to->ms += (float)(weight / (double)to->n * (ms - (double)to->ms));
}

/* One network alone says nothing of others. */
static double shrunk(const struct model_mean *m)
{
	return (double)(m->n > 1 ? m->ms * (m->n - 1) / m->n : 0);
}

struct model_spot model_fit_spot(const struct model_fit *f, size_t row)
{
	struct model_spot at = { .error_km = 0 };

	model_spot(f->m, f->place[row], &at);
	return at;
}

struct model_spot model_fit_spot_of_edge(const struct model_fit *f, unsigned edge)
{
	return (struct model_spot){ f->m->edge[edge].at, MODEL_EDGE_KM };
}

bool model_fit_over_line(const struct model_fit *f, const struct model_spot *at,
	const struct latency_cell *c, double *over)
{
	const struct model_edge *e = &f->m->edge[c->edge];
	const double km = model_km(at->at, e->at), ms = (double)c->rtt_ms;

	*over = ms - model_line_ms(km) - e->offset_ms;
	return e->placed && model_is_possible(km, at->error_km, ms);
}

bool model_fit_over(const struct model_fit *f, size_t row, unsigned k, double *over)
{
	*over = (double)f->over_ms[f->first[row] + k];
	return !isnan(*over);
}

/* --- what there is ------------------------------------------------------------------------ */

static void locate(struct model_fit *f)
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
static float way_into(struct model_fit *f, size_t row)
{
	const struct latency_row *r = &f->row[row];
	struct model_weighed over[MEDIAN_MOST];
	double sum = 0, most = 0;
	unsigned k = 0;

	for (unsigned c = 0; c < r->n && k < MEDIAN_MOST; c++) {
		if (!model_fit_over(f, row, c, &over[k].ms))
			continue;
		const double age = model_fit_weigh_cell(f, &r->cell[c], r->cell[c].edge);
		over[k].weight = f->likely[f->first[row] + c];
		k += over[k].weight > 0 && age > 0;
		sum += age * f->likely[f->first[row] + c] / MODEL_LIKELY;
		most = fmax(most, age);
	}
	/* How many times there are, not how old they are: sum / most. */
	return (float)(most > 0 && k ? model_weighed_median(over, k) * sum / (sum + most) : 0);
}

static void find_ways_in(struct model_fit *f)
{
	for (size_t i = 0; i < f->rows; i++) {
		scope_check();
		if (f->place[i])
			f->way_in[i] = way_into(f, i);
	}
}

/* In the order of the edges, so that they stay the same from one fit to the next. */
static void number_columns(struct model_fit *f)
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

struct model_mean *model_fit_new_row(struct model *m, struct model_table *t)
{
	if (t->rows == t->room) {
		t->room = t->room ? t->room * 2 : 64;
		t->mean = memory_grow(t->mean, (size_t)t->room * m->columns * sizeof *t->mean);
	}
	struct model_mean *row = t->mean + (size_t)t->rows++ * m->columns;
	memset(row, 0, m->columns * sizeof *row);
	return row;
}

/* --- countries, ASNs ---------------------------------------------------------------------- */

static struct model_mean *country_of(struct model *m, int country)
{
	if (!m->country_row[country]) {
		model_fit_new_row(m, &m->country);
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
		model_fit_new_row(m, &m->asn);
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

/* What is there for all networks of a place, beside their way in: [columns], kept for each. */
struct residuals {
	uint32_t *of; /* [places + 1] number + 1 */
	float *ms;    /* [n][columns] */
	uint32_t n, room;
};

static const float *residuals_at(const struct model *m, struct residuals *r, uint32_t place)
{
	struct model_at at;

	if (!r->of[place]) {
		if (r->n == r->room) {
			r->room = r->room ? 2 * r->room : 64;
			r->ms = memory_grow(r->ms, (size_t)r->room * m->columns * sizeof *r->ms);
		}
		model_at(m, place, &at);
		model_place_residuals(m, &at, r->ms + (size_t)r->n * m->columns);
		r->of[place] = ++r->n;
	}
	return r->ms + (size_t)(r->of[place] - 1) * m->columns;
}

/* What the prefixes of a country, or of an AS in it, have over the terms so far. */
static void fit_residuals(struct model_fit *f, bool by_asn)
{
	struct model *m = f->m;
	struct residuals places = { .of = by_asn ? memory_zeroed(places_count(m->atlas->cities.places) + 1, sizeof *places.of) : NULL };

	for (size_t i = 0; i < f->rows; i++) {
		scope_check();
		if (!f->place[i] || (by_asn && !f->asn[i]))
			continue;
		const struct place *p = places_get(m->atlas->cities.places, f->place[i]);
		const int country = model_country(p);
		const uint32_t cell = m->cell_row[model_cell(p->lat, p->lon)];
		if (country < 0 || !cell)
			continue;
		double over;
		const struct model_mean *near = m->near.mean + (size_t)(cell - 1) * m->columns;
		struct model_mean *to = by_asn ? asn_of(m, f->asn[i], country)
					       : country_of(m, country);
		const struct model_mean *known = by_asn ? country_of(m, country) : NULL;
		const float *there = by_asn ? residuals_at(m, &places, f->place[i]) : NULL;
		for (unsigned k = 0; k < f->row[i].n; k++) {
			const struct latency_cell *c = &f->row[i].cell[k];
			const unsigned column = m->edge[c->edge].column;
			if (column == NO_COLUMN || !model_fit_over(f, i, k, &over))
				continue;
			const double before = (double)(f->way_in[i] + near[column].ms +
				(known ? known[column].ms + there[column] : 0));
			model_fit_mix(&to[column], over - before, model_fit_weigh(f, i, k));
		}
	}
	memory_free(places.of);
	memory_free(places.ms);
	shrink(m, by_asn ? &m->asn : &m->country);
}

/* --- which times are likely --------------------------------------------------------------- */

/* By what is left of them over all terms so far. How many have changed. */
static size_t judge_row(struct model_fit *f, size_t row)
{
	const struct latency_row *r = &f->row[row];
	const struct model_spot at = model_fit_spot(f, row);
	const struct place *p = places_get(f->m->atlas->cities.places, f->place[row]);
	const uint32_t cell = f->m->cell_row[model_cell(p->lat, p->lon)];
	const int country = model_country(p);
	const uint32_t of = country < 0 ? 0 : f->m->country_row[country];
	size_t changed = 0;
	double over;

	for (unsigned k = 0; k < r->n && cell; k++) {
		const unsigned column = f->m->edge[r->cell[k].edge].column;
		if (column == NO_COLUMN || !model_fit_over(f, row, k, &over))
			continue;
		over -= (double)(f->way_in[row] +
			f->m->near.mean[(size_t)(cell - 1) * f->m->columns + column].ms +
			(of ? f->m->country.mean[(size_t)(of - 1) * f->m->columns + column].ms : 0));
		const double km = model_km(at.at, f->m->edge[r->cell[k].edge].at),
			     likely = LIKELY_MS + LIKELY_SHARE * model_line_ms(km),
			     much = fabs(over) > likely ? likely / fabs(over) : 1;
		uint8_t *now = &f->likely[f->first[row] + k], before = *now;
		*now = (uint8_t)lrint(much * much * f->agree[f->first[row] + k]);
		changed += abs(*now - before) > SETTLED;
	}
	return changed;
}

static void forget_terms(struct model *m)
{
	m->near.rows = m->country.rows = 0;
	memset(m->cell_row, 0, sizeof m->cell_row);
	memset(m->country_row, 0, sizeof m->country_row);
}

/* The terms tell which times are likely, and those make better terms. */
static void find_likely(struct model_fit *f)
{
	bool settled = false;

	f->only_there = true;
	for (unsigned round = 0; round < ROUNDS && !settled; round++) {
		size_t changed = 0;
		find_ways_in(f);
		model_fit_near(f);
		fit_residuals(f, false);
		for (size_t i = 0; i < f->rows; i++) {
			scope_check();
			if (f->place[i])
				changed += judge_row(f, i);
		}
		settled = changed <= f->first[f->rows] / 1000;
		forget_terms(f->m);
	}
	f->only_there = false;
}

static void make_room(struct model_fit *f)
{
	size_t cells = 0;

	f->way_in = memory_zeroed(f->rows, sizeof *f->way_in);
	f->first = memory_zeroed(f->rows + 1, sizeof *f->first);
	for (size_t i = 0; i < f->rows; i++) {
		f->first[i] = cells;
		cells += f->row[i].n;
	}
	f->first[f->rows] = cells;
	f->over_ms = memory_zeroed(cells + 1, sizeof *f->over_ms);
	f->agree = memory_zeroed(cells + 1, 1);
	f->likely = memory_zeroed(cells + 1, 1);
	memset(f->agree, MODEL_LIKELY, cells);
	memset(f->likely, MODEL_LIKELY, cells);
}

static void find_overs(struct model_fit *f)
{
	for (size_t i = 0; i < f->rows; i++) {
		const struct model_spot at = model_fit_spot(f, i);
		scope_check();
		for (unsigned k = 0; k < f->row[i].n; k++) {
			double over;
			f->over_ms[f->first[i] + k] = f->place[i] && model_fit_over_line(f, &at, &f->row[i].cell[k], &over) ? (float)over : NAN;
		}
	}
}

void model_fit(struct model *m, const struct model_opts *opts)
{
	struct model_fit *f = memory_zeroed(1, sizeof *f);

	f->m = m;
	f->opts = opts;
	f->row = latency_rows(opts->table, &f->rows);
	f->half_life_s = latency_options(opts->table)->half_life_s;
	locate(f);
	model_fit_trust(f);
	model_fit_offsets(f);
	make_room(f);
	number_columns(f);
	if (m->columns) {
		find_overs(f);
		model_fit_siblings(f);
		if (f->rows > 1)
			find_likely(f);
		find_ways_in(f);
		model_fit_near(f);
		fit_residuals(f, false);
		fit_residuals(f, true);
	}
	memory_free(f->first);
	memory_free(f->likely);
	memory_free(f->over_ms);
	memory_free(f->agree);
	memory_free(f->place);
	memory_free(f->asn);
	memory_free(f->way_in);
	memory_free(f);
}
