#include "measure/model_inner.h"

#include "base/memory.h"
#include "base/scope.h"
#include "measure/client_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROWS_AROUND = 8,
	PAIRS_MOST = 32768, /* of a round trip and what the kind took: of more, some */
	SLOPES_MOST = 8192,
	SLOPES_LEAST = 100, /* with fewer the factor is as without any */
	ADD_PRIOR = 4,
	ADD_AGREE = 2, /* networks that say of an edge what all say: one that is odd by itself moves nobody else */
	LOSS_PRIOR = 100 /* packets */
};
#define SLOPE_MS     20.0 /* two round trips that differ by less say little of the factor */
#define FACTOR_LEAST 0.5
#define FACTOR_MOST  4.0
#define FACTOR_SAME  0.02

/* 100,000 bytes are 69 segments of 1448; the first ten come a round trip after the request, then twenty, then forty (RFC 6928, RFC 5681):
 * three of them. */
static const double factor_of[] = { [LATENCY_RTT] = 1, [LATENCY_TTFB] = 1, [LATENCY_TRANSFER] = 3, [LATENCY_LOSS] = 1 };

struct pair {
	double rtt_ms, ms, weight;
	uint16_t edge;
};

struct pairs {
	struct pair *of; /* [n] */
	size_t n;
};

/* The round trips to a network as they are estimated now. */
static void round_trips(const struct model *m, const struct model_opts *o, const struct addr *a, float *ms)
{
	const struct latency_row *rows[ROWS_AROUND];
	const uint32_t place = netmap_find(m->atlas->cities.map, a).value, asn = netmap_find(m->atlas->asns.map, a).value;
	const unsigned n = client_map_own_rows(o->table, a, rows, ROWS_AROUND);

	model_estimate(m, place, ms);
	model_add_asn(m, place, model_asn(m, place, asn), ms);
	if (n)
		model_own(&(struct model_own){ rows, n, latency_options(o->table)->half_life_s, o->now_s, m, place, LATENCY_RTT }, ms, m->n);
}

/* Losses come on top of a round trip. */
static void find_pairs(const struct model *m, const struct model_opts *o, enum latency_kind kind, struct pairs *to)
{
	const struct latency *t = latency_kind_of(o->table, kind);
	const unsigned half_life_s = latency_options(t)->half_life_s;
	const size_t cells = latency_size(t).cells, step = cells / PAIRS_MOST + 1;
	float *ms = memory_zeroed(m->n, sizeof *ms);
	size_t n;
	const struct latency_row *row = latency_rows(t, &n);

	const size_t room = cells < 2 * PAIRS_MOST ? cells : 2 * PAIRS_MOST;
	to->of = memory_zeroed(room + 1, sizeof *to->of);
	for (size_t i = 0; i < n && to->n < room; i += step) {
		const struct addr a = addr_plain(&row[i].net.addr, NULL);
		scope_check();
		round_trips(m, o, &a, ms);
		for (unsigned k = 0; k < row[i].n && to->n < room; k++) {
			const struct latency_cell *c = &row[i].cell[k];
			const double weight = m->edge[c->edge].trust.share * latency_weight(half_life_s, c->at_s, o->now_s);
			if (!isnan(ms[c->edge]) && weight >= MODEL_LEAST_WEIGHT)
				to->of[to->n++] = (struct pair){ (double)ms[c->edge], (double)c->rtt_ms + (kind == LATENCY_LOSS ? (double)ms[c->edge] : 0),
					weight, c->edge };
		}
	}
	memory_free(ms);
}

/* The median of slopes between pairs that are far enough from each other: each with some of the others, always the same. */
static double find_factor(const struct pairs *p, double otherwise)
{
	double *slope = memory_zeroed(SLOPES_MOST, sizeof *slope);
	unsigned n = 0;

	for (size_t step = 1; step < p->n && n < SLOPES_MOST; step = 2 * step + 1)
		for (size_t i = 0; i + step < p->n && n < SLOPES_MOST; i++) {
			const struct pair *a = &p->of[i], *b = &p->of[i + step];
			if (fabs(a->rtt_ms - b->rtt_ms) >= SLOPE_MS)
				slope[n++] = (b->ms - a->ms) / (b->rtt_ms - a->rtt_ms);
		}
	const double median = n >= SLOPES_LEAST ? model_median(slope, n) : otherwise;
	memory_free(slope);
	return fmin(fmax(median, FACTOR_LEAST * otherwise), FACTOR_MOST * otherwise);
}

static int by_edge(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;

	return (a->edge > b->edge) - (a->edge < b->edge);
}

/* What is left of [n] pairs, in the middle, with one more that is `other` where it has a weight; `counts`: the pairs' weights. */
static double left_over(const struct pair *p, size_t n, double factor, struct model_weighed other, double *counts)
{
	struct model_weighed *over = memory_zeroed(n + 1, sizeof *over);

	*counts = 0;
	over[n] = other;
	for (size_t i = 0; i < n; i++) {
		over[i] = (struct model_weighed){ p[i].ms - factor * p[i].rtt_ms, p[i].weight };
		*counts += p[i].weight;
	}
	const double middle = model_weighed_median(over, (unsigned)n + (other.weight > 0));
	memory_free(over);
	return middle;
}

static void find_constants(struct model *m, struct model_kind *to, struct pairs *p)
{
	double counts, all;

	qsort(p->of, p->n, sizeof *p->of, by_edge);
	const double common = left_over(p->of, p->n, to->factor, (struct model_weighed){ 0, 0 }, &all);
	to->edge = memory_zeroed(m->n, sizeof *to->edge);
	for (unsigned e = 0; e < m->n; e++)
		to->edge[e].add_ms = (float)common;
	for (size_t i = 0, end; i < p->n; i = end) {
		for (end = i; end < p->n && p->of[end].edge == p->of[i].edge;)
			end++;
		const double own = left_over(p->of + i, end - i, to->factor, (struct model_weighed){ common, ADD_AGREE }, &counts);
		to->edge[p->of[i].edge].n = (float)counts;
		to->edge[p->of[i].edge].add_ms = (float)(common + (own - common) * counts / (counts + ADD_PRIOR));
	}
}

void model_fit_goals(struct model *m, const struct model_opts *opts)
{
	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++) {
		const struct latency *t = latency_kind_of(opts->table, i);
		struct pairs p = { NULL, 0 };
		if (t == opts->table || !latency_size(t).cells)
			continue;
		find_pairs(m, opts, (enum latency_kind)i, &p);
		m->kind[i].factor = i == LATENCY_LOSS ? 1 : find_factor(&p, factor_of[i]);
		if (p.n)
			find_constants(m, &m->kind[i], &p);
		memory_free(p.of);
	}
}

static double factor(const struct model *m, enum latency_kind kind)
{
	return m->kind[kind].edge ? m->kind[kind].factor : factor_of[kind];
}

struct model_goal model_goal(const struct model *m, enum latency_kind kind, unsigned edge)
{
	const struct model_kind_edge *e = m->kind[kind].edge;

	return (struct model_goal){ factor(m, kind), e ? (double)e[edge].add_ms : 0, e ? (double)e[edge].n : 0 };
}

void model_goal_estimate(const struct model *m, enum latency_kind kind, float *ms)
{
	const struct model_kind_edge *e = m->kind[kind].edge;
	const float times = (float)factor(m, kind);

	for (unsigned i = 0; kind != LATENCY_RTT && i < m->n; i++)
		ms[i] = fmaxf(times * ms[i] + (e ? e[i].add_ms : 0), ms[i]); /* no kind takes less than a round trip; NAN stays */
}

void model_own_loss(const struct model_own *own, float *ms, unsigned n)
{
	const struct model *m = own->model;
	bool *had = memory_zeroed(n, sizeof *had);

	for (unsigned r = 0; r < own->n_rows; r++)
		for (unsigned i = 0; i < own->rows[r]->n; i++) {
			const struct latency_cell *c = &own->rows[r]->cell[i];
			if (c->edge >= n || had[c->edge])
				continue;
			had[c->edge] = true;
			const double middle = model_goal(m, LATENCY_LOSS, c->edge).add_ms,
				     weight = m->edge[c->edge].trust.share * latency_weight(own->half_life_s, c->at_s, own->now_s) * c->n /
				(c->n + LOSS_PRIOR);
			ms[c->edge] += (float)(weight * ((double)c->rtt_ms - middle));
		}
	memory_free(had);
}

bool model_follow_goals(struct model *m, const struct model *before)
{
	for (unsigned k = LATENCY_RTT + 1; k < LATENCY_KINDS; k++) {
		const struct model_kind *now = &m->kind[k], *was = &before->kind[k];
		if (!now->edge != !was->edge || fabs(factor(m, k) - factor(before, k)) > FACTOR_SAME * factor_of[k])
			return false;
		for (unsigned i = 0; now->edge && i < m->n; i++)
			if (fabsf(now->edge[i].add_ms - was->edge[i].add_ms) > (float)MODEL_CHANGE_MS)
				return false;
	}
	for (unsigned k = LATENCY_RTT + 1; k < LATENCY_KINDS; k++)
		if (m->kind[k].edge) {
			m->kind[k].factor = before->kind[k].factor;
			memcpy(m->kind[k].edge, before->kind[k].edge, m->n * sizeof *m->kind[k].edge);
		}
	return true;
}
