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
	const struct model_own own = { g->rows, g->n_rows, g->half_life_s, g->now_s, g->model, g->place, g->kind };
	if (g->kind == LATENCY_LOSS)
		model_own_loss(&own, ms, n);
	else if (g->n_rows)
		model_own(&own, ms, n);
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
				  k->place, LATENCY_RTT },
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

/* --- all who ask -------------------------------------------------------------------------- */

enum {
	BLOCK_BYTES = 512 << 10, /* of estimates of a kind: they stay in a processor's cache while all who ask read them */
	BLOCK_KEYS = 1024
};

/* Estimates of a place, for the keys in it. */
struct place_base {
	uint32_t place; /* CLIENT_MAP_NEW: none yet */
	bool whole;     /* of all edges: what a measured prefix adds is weighed over all of them */
	float *ms;      /* [n_edges] */
};

/* Some keys, one after another in the map's order. */
struct block {
	const struct client_map *m;
	const struct client_map_ask *asks; /* [n_asks] */
	size_t n_asks;
	struct model_edges edges;     /* of all who ask */
	bool only_rtt;                /* nobody asks for another kind */
	struct place_base base;
	unsigned n, room;             /* keys in it */
	uint32_t key[BLOCK_KEYS];
	bool changed[BLOCK_KEYS];
	const float *told[LATENCY_KINDS][BLOCK_KEYS]; /* NULL: nobody asks */
	float *ms[LATENCY_KINDS];     /* [room][n_edges]; NULL: nobody asks for the kind */
};

/* What of a key comes to who asks. */
enum turn { TURN_NONE, TURN_AS_IT_WAS, TURN_ESTIMATES };

static enum turn turn_of(const struct client_map_ask *ask, uint32_t key, bool changed)
{
	if (ask->only)
		return ask->only(ask->only_ctx, key) ? TURN_ESTIMATES : TURN_NONE;
	return ask->all || changed ? TURN_ESTIMATES : TURN_AS_IT_WAS;
}

static void find_base(struct block *b, const struct client_key *k)
{
	struct place_base *base = &b->base;
	const bool same = base->place == k->place, all = k->own || !b->only_rtt;

	if (same && (base->whole || !all))
		return;
	base->place = k->place;
	base->whole = all;
	if (base->whole)
		model_estimate(b->m->model, k->place, base->ms);
	else
		model_estimate_some(b->m->model, k->place, &b->edges, base->ms);
}

/* Which kinds does anybody want of the block's key? */
static void find_wanted(const struct block *b, unsigned i, bool *wanted)
{
	for (size_t a = 0; a < b->n_asks; a++)
		wanted[b->asks[a].kind] = wanted[b->asks[a].kind] || turn_of(&b->asks[a], b->key[i], b->changed[i]) == TURN_ESTIMATES;
}

static void add_key(struct block *b, uint32_t id, bool may_be_kept)
{
	const struct client_map *m = b->m;
	const struct client_key k = m->cut ? m->cut->key[id] : (struct client_key){ .place = id };
	const unsigned i = b->n++;
	bool wanted[LATENCY_KINDS] = { false };

	b->key[i] = id;
	b->changed[i] = may_be_kept && is_changed(m, id, &k);
	find_wanted(b, i, wanted);
	for (unsigned kind = 0; kind < LATENCY_KINDS; kind++) {
		b->told[kind][i] = wanted[kind] ? mixed(m, &k, (enum latency_kind)kind) : NULL;
		if (!wanted[kind] || b->told[kind][i])
			continue;
		float *ms = b->ms[kind] + (size_t)i * m->n_edges;
		find_base(b, &k);
		estimate_key(m, &k, (enum latency_kind)kind, b->base.ms, ms);
		b->told[kind][i] = ms;
	}
}

static void tell_block(struct block *b)
{
	for (size_t a = 0; a < b->n_asks; a++) {
		const struct client_map_ask *ask = &b->asks[a];
		for (unsigned i = 0; i < b->n; i++) {
			const enum turn turn = turn_of(ask, b->key[i], b->changed[i]);
			if (turn != TURN_NONE)
				ask->each(ask->ctx, b->key[i], turn == TURN_ESTIMATES ? b->told[ask->kind][i] : NULL);
		}
		scope_check();
	}
	b->n = 0;
}

/* The edges of all who ask, each once: [edges.n], for memory_free(). */
static uint16_t *join_edges(struct block *b)
{
	uint16_t *all = memory_zeroed(b->m->n_edges, sizeof *all);
	bool *has = memory_zeroed(b->m->n_edges, sizeof *has);

	b->edges = (struct model_edges){ all, 0 };
	for (size_t a = 0; a < b->n_asks; a++)
		for (unsigned i = 0; i < b->asks[a].edges.n; i++) {
			const uint16_t e = b->asks[a].edges.edges ? b->asks[a].edges.edges[i] : (uint16_t)i;
			if (!has[e])
				all[b->edges.n++] = e;
			has[e] = true;
		}
	memory_free(has);
	return all;
}

static struct block *block_new(const struct client_map *m, const struct client_map_ask *asks, size_t n)
{
	struct block *b = memory_zeroed(1, sizeof *b);
	const size_t fit = BLOCK_BYTES / (m->n_edges ? m->n_edges * sizeof(float) : sizeof(float));

	b->m = m;
	b->asks = asks;
	b->n_asks = n;
	b->only_rtt = true;
	b->room = fit < 1 ? 1 : fit > BLOCK_KEYS ? (unsigned)BLOCK_KEYS : (unsigned)fit;
	b->base = (struct place_base){ CLIENT_MAP_NEW, false, memory_zeroed(m->n_edges, sizeof *b->base.ms) };
	for (size_t a = 0; a < n; a++) {
		b->only_rtt = b->only_rtt && asks[a].kind == LATENCY_RTT;
		if (!b->ms[asks[a].kind])
			b->ms[asks[a].kind] = memory_zeroed((size_t)b->room * m->n_edges, sizeof(float));
	}
	return b;
}

void client_map_each(const struct client_map *m, const struct client_map_ask *asks, size_t n)
{
	struct block *b = block_new(m, asks, n);
	uint16_t *edges = join_edges(b);
	bool may_be_kept = false;

	for (size_t a = 0; a < n; a++)
		may_be_kept = may_be_kept || (!asks[a].all && !asks[a].only);
	for (uint32_t i = 1; i < client_map_keys(m); i++) {
		scope_check();
		add_key(b, m->cut ? m->cut->order[i - 1] : i, may_be_kept);
		if (b->n == b->room)
			tell_block(b);
	}
	tell_block(b);
	for (unsigned kind = 0; kind < LATENCY_KINDS; kind++)
		memory_free(b->ms[kind]);
	memory_free(b->base.ms);
	memory_free(edges);
	memory_free(b);
}
