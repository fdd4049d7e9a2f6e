#include "measure/model_inner.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* What differs by no more doubts the same times. */
#define SIBLINGS_SAME 0.03
/* What differs by no more moves others by as much: a share, and where they are. */
#define SHARE_SAME     0.02
#define MIDDLE_SAME_KM 2.0

uint64_t model_signature(const struct model *m)
{
	uint64_t sum = m->asn.rows;

	for (uint32_t i = 0; i < m->asn_slots; i++)
		if (m->asn_key[i])
			sum += hash_mix(m->asn_key[i] ^ 0x2545f4914f6cdd1du, HASH_STEP);
	return sum;
}

/* Row `to` of a table against row `from` of the one before (0: there is none): where they are
 * near enough, it becomes what it was. */
static void follow_row(const struct model *m, struct model_table *t, uint32_t to,
	const struct model_table *before, uint32_t from)
{
	struct model_mean *new = t->mean + (size_t)to * m->columns;
	const struct model_mean *old = before->mean + (size_t)(from - 1) * m->columns;
	bool same = from > 0;

	for (unsigned i = 0; same && i < m->columns; i++)
		same = fabsf(new[i].ms - old[i].ms) <= (float)MODEL_CHANGE_MS;
	t->changed[to] = !same;
	for (unsigned i = 0; same && i < m->columns; i++)
		new[i].ms = old[i].ms;
}

/* Does a network that nobody measured get the same of them? */
static bool is_same(struct model_mean a, struct model_mean b)
{
	return fabsf(a.ms - b.ms) <= (float)MODEL_CHANGE_MS && fabsf(a.n / (a.n + 1) - b.n / (b.n + 1)) <= (float)SHARE_SAME;
}

/* How much they count for others, and where they are, matters, too. */
static void follow_siblings_row(struct model *m, uint32_t to, const struct model *before, uint32_t from)
{
	const size_t size = m->columns * sizeof(struct model_mean);
	struct model_mean *new = m->siblings.mean + (size_t)to * m->columns;
	bool same = from > 0 && model_km(m->sibling_at[to], before->sibling_at[from - 1]) <= MIDDLE_SAME_KM;

	for (unsigned i = 0; same && i < m->columns; i++)
		same = is_same(new[i], before->siblings.mean[(size_t)(from - 1) * m->columns + i]);
	m->siblings.changed[to] = !same;
	if (!same)
		return;
	memcpy(new, before->siblings.mean + (size_t)(from - 1) * m->columns, size);
	m->sibling_at[to] = before->sibling_at[from - 1];
}

static bool is_empty(const struct model *m, uint32_t row)
{
	for (unsigned i = 0; i < m->columns; i++)
		if (m->siblings.mean[(size_t)row * m->columns + i].n > 0)
			return false;
	return true;
}

/* Cells whose networks have become too few, or too old, have a row that says nothing: so it is told that they have changed. */
static void follow_siblings(struct model *m, const struct model *before)
{
	for (unsigned i = 0; i < GRIDS * CELLS; i++)
		if (before->sibling_row[i] && !m->sibling_row[i] && !is_empty(before, before->sibling_row[i] - 1)) {
			model_fit_new_row(m, &m->siblings);
			m->sibling_row[i] = m->siblings.rows;
			m->sibling_at = memory_grow(m->sibling_at, m->siblings.room * sizeof *m->sibling_at);
			m->sibling_at[m->siblings.rows - 1] = before->sibling_at[before->sibling_row[i] - 1];
		}
	m->siblings.changed = memory_zeroed(m->siblings.rows, sizeof *m->siblings.changed);
	for (unsigned i = 0; i < GRIDS * CELLS; i++)
		if (m->sibling_row[i])
			follow_siblings_row(m, m->sibling_row[i] - 1, before, before->sibling_row[i]);
}

static void follow_asns(struct model *m, const struct model *before)
{
	for (uint32_t i = 0; i < m->asn_slots; i++) {
		if (!m->asn_key[i])
			continue;
		const uint32_t asn = (uint32_t)(m->asn_key[i] >> 32),
			       slot = before->asn_slots
			? model_asn_slot(before, asn, (int)(uint32_t)m->asn_key[i] - 1)
			: 0;
		follow_row(m, &m->asn, m->asn_row[i] - 1, &before->asn,
			before->asn_slots ? before->asn_row[slot] : 0);
	}
}

static bool is_alike(const struct model *m, const struct model *before)
{
	if (m->atlas != before->atlas || m->n != before->n || m->columns != before->columns)
		return false;
	for (unsigned i = 0; i < m->n; i++) {
		const struct model_edge *a = &m->edge[i], *b = &before->edge[i];
		if (a->placed != b->placed || memcmp(&a->at, &b->at, sizeof a->at) != 0 ||
			a->column != b->column ||
			fabs(a->offset_ms - b->offset_ms) > MODEL_CHANGE_MS)
			return false;
	}
	return true;
}

bool model_follow(struct model *m, const struct model *before)
{
	if (!is_alike(m, before) || fabs(m->siblings_apart - before->siblings_apart) > SIBLINGS_SAME || !model_follow_goals(m, before))
		return false;
	m->siblings_apart = before->siblings_apart;
	for (unsigned i = 0; i < m->n; i++)
		m->edge[i].offset_ms = before->edge[i].offset_ms;
	m->near.changed = memory_zeroed(m->near.rows, sizeof *m->near.changed);
	m->country.changed = memory_zeroed(m->country.rows, sizeof *m->country.changed);
	m->asn.changed = memory_zeroed(m->asn.rows, sizeof *m->asn.changed);
	follow_siblings(m, before);
	for (unsigned i = 0; i < CELLS; i++)
		if (m->cell_row[i])
			follow_row(m, &m->near, m->cell_row[i] - 1, &before->near,
				before->cell_row[i]);
	for (unsigned i = 0; i < COUNTRIES; i++)
		if (m->country_row[i])
			follow_row(m, &m->country, m->country_row[i] - 1, &before->country,
				before->country_row[i]);
	follow_asns(m, before);
	return true;
}

bool model_is_changed(const struct model *m, uint32_t place, uint32_t asn)
{
	const struct places *places = m->atlas->cities.places;

	if (place == 0 || place > places_count(places))
		return false;
	const struct place *p = places_get(places, place);
	if (isnan(p->lat) || isnan(p->lon))
		return false;
	const int country = model_country(p);
	const uint32_t near = m->cell_row[model_cell(p->lat, p->lon)],
		       sibling = m->sibling_row[model_sibling_cell(p)],
		       of_country = country < 0 ? 0 : m->country_row[country],
		       term = model_asn(m, place, asn);
	return (near && m->near.changed[near - 1]) || (sibling && m->siblings.changed[sibling - 1]) ||
		(of_country && m->country.changed[of_country - 1]) ||
		(term && m->asn.changed[term - 1]);
}
