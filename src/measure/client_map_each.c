#include "measure/client_map_inner.h"

#include "base/memory.h"
#include "base/scope.h"

#include <math.h>
#include <string.h>

enum { ROWS_MOST = 8 }; /* measured prefixes inside each other that are looked at */

void client_map_reach(const struct client_map_goal *g, float *ms, unsigned n)
{
	if (g->kind == LATENCY_RTT)
		return;
	model_goal_estimate(g->model, g->kind, ms);
	if (g->n_rows)
		model_own(&(struct model_own){ g->rows, g->n_rows, g->half_life_s, g->now_s, g->model, g->place }, ms, n);
}

/* Of a kind, the narrowest first; how many. */
static unsigned own_rows(const struct client_map *m, uint32_t own, enum latency_kind kind, const struct latency_row *rows[ROWS_MOST])
{
	unsigned n = 0;

	for (; own && n < ROWS_MOST; own = m->cut->around[own - 1]) {
		rows[n] = m->row[(size_t)(own - 1) * LATENCY_KINDS + kind];
		n += rows[n] != NULL;
	}
	return n;
}

/* The estimates of a key whose place has those of `base`. */
static void estimate_key(const struct client_map *m, const struct client_key *k, enum latency_kind kind, const float *base, float *ms)
{
	const struct latency_row *rows[ROWS_MOST];
	const unsigned n = own_rows(m, k->own, LATENCY_RTT, rows);

	memcpy(ms, base, m->n_edges * sizeof *ms);
	if (k->asn)
		model_add_asn(m->model, k->place, model_asn(m->model, k->place, k->asn), ms);
	if (n)
		model_own(&(struct model_own){ rows, n, m->half_life_s, m->now_s, m->model,
				  k->place },
			ms, m->n_edges);
	if (kind != LATENCY_RTT) {
		const unsigned more = own_rows(m, k->own, kind, rows);
		client_map_reach(&(struct client_map_goal){ kind, m->model, rows, more, m->half_life_s, m->now_s, k->place }, ms, m->n_edges);
	}
}

/* The mean over a resolver's clients; `base` is room for the work, [2][n_edges]. Where nothing is
 * known of them, it is as any other. */
static void estimate_mix(const struct client_map *m, uint32_t mix, enum latency_kind kind, float *base, float *ms)
{
	float *one = base + m->n_edges;
	const struct client_mix *x = &m->cut->mix;
	struct client_mean mean;

	client_mean_init(&mean, m->n_edges);
	for (uint32_t i = x->first[mix]; i < x->first[mix + 1]; i++) {
		const struct client_key *k = &m->cut->key[x->part[i].key];
		model_estimate(m->model, k->place, base);
		estimate_key(m, k, kind, base, one);
		client_mean_add(&mean, one, (double)x->part[i].weight);
	}
	if (!client_mean_get(&mean, 1, ms))
		ms[0] = INFINITY; /* no estimate is that */
	client_mean_fini(&mean);
}

void client_map_mix(struct client_map *m, enum latency_kind kind)
{
	const size_t n = m->n_edges;
	float *room = memory_zeroed(2 * n, sizeof *room);

	m->mixed[kind] = memory_zeroed(m->cut->mix.n * n, sizeof *m->mixed[kind]);
	for (uint32_t i = 0; i < m->cut->mix.n; i++) {
		scope_check();
		estimate_mix(m, i, kind, room, m->mixed[kind] + i * n);
	}
	memory_free(room);
}

/* NULL: a key like any other. */
static const float *mixed(const struct client_map *m, const struct client_key *k, enum latency_kind kind)
{
	const float *all = m->mixed[kind], *ms = k->mix && all ? all + (size_t)(k->mix - 1) * m->n_edges : NULL;

	return ms && !isinf(ms[0]) ? ms : NULL;
}

/* Is there anything about a key that was not so before? */
static bool is_changed(const struct client_map *m, uint32_t id, const struct client_key *k)
{
	unsigned n = 0;

	if (m->partly && k->mix) {
		const struct client_mix *x = &m->cut->mix;
		for (uint32_t i = x->first[k->mix - 1]; i < x->first[k->mix]; i++) {
			struct client_key part = m->cut->key[x->part[i].key];
			part.mix = 0; /* a resolver among a resolver's clients is a client */
			if (is_changed(m, x->part[i].key, &part))
				return true;
		}
	}

	if (!m->partly || client_map_was(m, id) == CLIENT_MAP_NEW ||
		model_is_changed(m->model, k->place, k->asn))
		return true;
	for (uint32_t own = k->own; own && n < ROWS_MOST; own = m->cut->around[own - 1], n++)
		for (unsigned i = 0; i < LATENCY_KINDS; i++) {
			const struct latency_row *row = m->row[(size_t)(own - 1) * LATENCY_KINDS + i];
			if (row && latency_is_later(row->round, m->since))
				return true;
		}
	return false;
}

/* Estimates of a place, for the keys in it. */
struct place_base {
	uint32_t place; /* CLIENT_MAP_NEW: none yet */
	bool whole;     /* of all edges: what a measured prefix adds is weighed over all of them */
	float *ms;
};

static void find_base(const struct client_map *m, const struct client_map_ask *ask,
	const struct client_key *k, struct place_base *base)
{
	const bool same = base->place == k->place, all = k->own || ask->kind != LATENCY_RTT;

	if (same && (base->whole || !all))
		return;
	base->place = k->place;
	base->whole = all;
	if (base->whole)
		model_estimate(m->model, k->place, base->ms);
	else
		model_estimate_some(m->model, k->place, &ask->edges, base->ms);
}

void client_map_each(const struct client_map *m, const struct client_map_ask *ask,
	void (*each)(void *ctx, uint32_t key, const float *ms), void *ctx)
{
	struct place_base base = { CLIENT_MAP_NEW, false,
		memory_zeroed(m->n_edges, sizeof *base.ms) };
	float *ms = memory_zeroed(m->n_edges, sizeof *ms);

	for (uint32_t i = 1; i < client_map_keys(m); i++) {
		scope_check();
		const uint32_t id = m->cut ? m->cut->order[i - 1] : i;
		const struct client_key k = m->cut ? m->cut->key[id] : (struct client_key){ .place = i };
		if (ask->only && !ask->only(ask->only_ctx, id))
			continue;
		if (!ask->all && !ask->only && !is_changed(m, id, &k)) {
			each(ctx, id, NULL);
			continue;
		}
		const float *means = mixed(m, &k, ask->kind);
		if (!means) {
			find_base(m, ask, &k, &base);
			estimate_key(m, &k, ask->kind, base.ms, ms);
		}
		each(ctx, id, means ? means : ms);
	}
	memory_free(base.ms);
	memory_free(ms);
}
