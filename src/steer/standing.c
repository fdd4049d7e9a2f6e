#include "steer/standing_inner.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* Nothing moves for less than this: an order that follows every sample makes answers flap. */
#define GAIN_MS         2.0f
#define GAIN_SHARE      0.1f
#define GAIN_LOAD_SHARE 0.02f /* of the highest load in the pool */

/* --- rows --------------------------------------------------------------------------------- */

/* The row of probes that it is, or is like. */
static unsigned probed(const struct make *m, unsigned row)
{
	return row < m->s->n_probed ? row : m->s->like[row - m->s->n_probed];
}

const struct verdict *standing_verdict(const struct make *m, unsigned row, uint32_t address)
{
	row = probed(m, row);
	if (row == 0)
		return NULL;
	const uint32_t target = m->o->rows[row - 1].targets[address];
	return target == STANDING_NO_TARGET ? NULL : &m->o->verdicts[target];
}

/* Which types of address an edge has that may be answered with. */
struct types {
	bool a, aaaa;
};

/* Marks the addresses that are up, or all of them unless the probes are heeded. */
static struct types look(const struct make *m, unsigned row, const struct edge *e, bool heed)
{
	uint64_t *alive = m->s->alive + (size_t)row * m->s->words;
	struct types t = { .a = false };

	if (e->flatten)
		return (struct types){ e->n_a > 0, e->n_aaaa > 0 };
	for (unsigned k = 0; k < e->n_a + e->n_aaaa; k++) {
		const uint32_t address = e->first_address + k;
		const struct verdict *v = heed ? standing_verdict(m, row, address) : NULL;
		if (v && !v->up)
			continue;
		alive[address / 64] |= (uint64_t)1 << (address % 64);
		t.a = t.a || k < e->n_a;
		t.aaaa = t.aaaa || k >= e->n_a;
	}
	return t;
}

/* Is the edge up by its probes: are so many of its addresses, of both types, as the rule wants?
 */
bool standing_is_up(const struct make *m, unsigned row, const struct edge *e)
{
	const unsigned n = e->n_slots;
	const unsigned like = probed(m, row);
	const unsigned rule = like ? m->o->rows[like - 1].need : STANDING_ALL;
	unsigned up = 0;

	for (unsigned k = 0; k < n; k++) {
		const struct verdict *v = standing_verdict(m, row, e->first_address + k);
		up += !v || v->up;
	}
	return up >= (rule == STANDING_ALL || rule > n ? n : rule);
}

static void measure(const struct make *m, unsigned row, unsigned edge)
{
	const struct edge *e = &m->o->steer->edges[edge];
	float *rtt = &m->s->rtt_ms[(size_t)row * m->s->n_edges + edge],
	      *load = &m->s->load[(size_t)row * m->s->n_edges + edge];

	*rtt = *load = NAN;
	for (unsigned k = 0; k < e->n_slots; k++) {
		const struct verdict *v = standing_verdict(m, row, e->first_address + k);
		if (!v || !v->up)
			continue;
		*rtt = fminf(*rtt, v->rtt_ms); /* of a number and NAN, the number */
		*load = fmaxf(*load, v->load);
	}
}

uint8_t standing_marks_of(const struct make *m, unsigned row, unsigned edge, struct want want)
{
	const struct edge *e = &m->o->steer->edges[edge];
	const bool heed = probed(m, row) && !want.forced;
	const struct types p = look(m, row, e, heed);
	const bool passes = standing_is_up(m, row, e);
	const bool lacks = probed(m, row) && m->fates && m->fates[edge].fails;
	const uint8_t fails = lacks ? STANDS_WHY : passes ? 0 : STANDS_FAILS;

	measure(m, row, edge);
	switch ((enum edge_state)want.state) {
	case EDGE_DOWN: return fails;
	case EDGE_DRAIN: return fails | STANDS_DRAINED;
	case EDGE_UP: break;
	}
	if (heed && (lacks || !passes))
		return fails;
	const bool other = !e->n_a && !e->n_aaaa && !e->flatten; /* a CNAME, or records alone */
	return (uint8_t)(fails | (p.a || other ? STANDS_A : 0) | (p.aaaa || other ? STANDS_AAAA : 0));
}

/* In all pools. */
static struct want want_of(const struct make *m, unsigned edge)
{
	return (struct want){ m->o->states[edge], m->o->forced && m->o->forced[edge] };
}

/* --- orders by what was measured ---------------------------------------------------------- */

/* What is to be ordered: the pool's edges, or its leaves. */
static unsigned measured_count(const struct pool *p)
{
	return p->tree ? p->tree->n_leaves : p->n;
}

static float measure_of(const struct make *m, const struct pool *p, unsigned row, unsigned at)
{
	const struct standing *s = m->s;
	const float *of = p->policy == POOL_LEAST_LOAD ? s->load : s->rtt_ms;

	if (p->tree) {
		const struct pool_leaf *l = &p->tree->leaves[at];
		return of[(size_t)s->pools[l->holder].row * s->n_edges + l->edge];
	}
	return of[(size_t)row * s->n_edges + p->edges[at]];
}

/* How much better than `v` is clearly better. */
static float gain(const struct pool *p, float v, float highest)
{
	if (p->policy == POOL_LEAST_LOAD)
		return fmaxf(fabsf(v) * GAIN_SHARE, highest * GAIN_LOAD_SHARE);
	return fmaxf(v * GAIN_SHARE, GAIN_MS);
}

/* Moves each edge before those that it is clearly better than: the order from before is kept
 * where it can be. What was not measured comes last. */
static void sort(const struct make *m, const struct pool *p, struct standing_pool *to,
	unsigned row, bool fresh)
{
	const unsigned n = measured_count(p);
	float highest = 0;

	for (unsigned i = 0; i < n; i++)
		highest = fmaxf(highest, measure_of(m, p, row, i));
	for (unsigned i = 1; i < n; i++) {
		const uint16_t at = to->order[i];
		const float v = measure_of(m, p, row, at);
		unsigned k = i;
		for (; k && !isnan(v); k--) {
			const float before = measure_of(m, p, row, to->order[k - 1]);
			const float least = fresh ? 0 : gain(p, v, highest);
			if (!isnan(before) && v + least >= before)
				break;
			to->order[k] = to->order[k - 1];
		}
		to->order[k] = at;
	}
	to->measured = 0;
	while (to->measured < n && !isnan(measure_of(m, p, row, to->order[to->measured])))
		to->measured++;
}

static void spread(
	const struct make *m, const struct pool *p, struct standing_pool *to, unsigned row)
{
	const bool load = p->policy == POOL_LEAST_LOAD;
	const unsigned n = measured_count(p);

	for (unsigned i = 0; i < n; i++) {
		const float best = measure_of(m, p, row, to->order[i]);
		const double most = fmin(load ? INFINITY : best + p->spread_ms,
			best + fabs(best) * p->spread_share);
		unsigned last = i;
		while (last + 1 < n && !(measure_of(m, p, row, to->order[last + 1]) > most))
			last++;
		to->within[i] = (uint16_t)(last - i);
	}
}

/* The order from before is good to begin with unless there is none, or what it was made of is
 * not the same row. */
static void put_order(
	const struct make *m, unsigned pool, struct standing_pool *to, unsigned row)
{
	const struct pool *p = &m->o->steer->pools[pool];
	const struct standing_pool *before = m->o->before ? &m->o->before->pools[pool] : NULL;
	const bool fresh = !before || !before->order || before->measured == 0;
	const unsigned n = measured_count(p);

	to->order = arena_alloc(&m->s->mem, n * sizeof *to->order);
	to->within = arena_alloc(&m->s->mem, n * sizeof *to->within);
	for (unsigned i = 0; i < n; i++)
		to->order[i] = fresh ? (uint16_t)i : before->order[i];
	sort(m, p, to, row, fresh);
	spread(m, p, to, row);
}

/* --- pools -------------------------------------------------------------------------------- */

/* When an answer of the pool can change at the soonest. */
static uint64_t changes_us(const struct make *m, unsigned pool, unsigned row)
{
	const struct pool *p = &m->o->steer->pools[pool];
	uint64_t soonest = UINT64_MAX;

	for (unsigned i = 0; i < p->n; i++) {
		const unsigned edge = p->edges[i];
		const struct edge *e = &m->o->steer->edges[edge];
		if (standing_is_wanted(m, pool, edge))
			continue; /* the operator says when it changes */
		for (unsigned k = 0; k < e->n_slots; k++) {
			const struct verdict *v = standing_verdict(m, row, e->first_address + k);
			if (v && v->changes_us < soonest)
				soonest = v->changes_us;
		}
		if (m->fates && m->fates[edge].changes_us < soonest)
			soonest = m->fates[edge].changes_us;
	}
	return soonest;
}

/* An edge that the operator has decided about needs no probe. */
static bool waits(const struct make *m, unsigned pool, unsigned row)
{
	const struct pool *p = &m->o->steer->pools[pool];

	for (unsigned i = 0; i < p->n; i++) {
		const unsigned edge = p->edges[i];
		const struct edge *e = &m->o->steer->edges[edge];
		if (standing_is_wanted(m, pool, edge))
			continue;
		for (unsigned k = 0; k < e->n_slots; k++) {
			const struct verdict *v = standing_verdict(m, row, e->first_address + k);
			if (v && v->awaited)
				return true;
		}
		if (m->fates && m->fates[edge].awaited)
			return true;
	}
	return false;
}

/* What it is judged by. */
static struct standing_pool pool_rows(
	const struct make *m, const struct own_rows *own, unsigned pool)
{
	const uint16_t row = m->o->row_of ? m->o->row_of[pool] : 0;
	const uint16_t *at = own->at && own->at[(size_t)pool * 2] ? &own->at[(size_t)pool * 2] : NULL;

	return (struct standing_pool){
		.row = at ? at[0] : row,
		.probed = row,
		.judged = at ? at[0] : row,
		.calm = at ? at[1] : 0,
		.n = (uint16_t)measured_count(&m->o->steer->pools[pool]),
		.changes_us = UINT64_MAX,
	};
}

static void put_pool(const struct make *m, unsigned pool)
{
	const struct pool *p = &m->o->steer->pools[pool];
	struct standing_pool *to = &m->s->pools[pool];
	const unsigned row = to->judged;

	for (unsigned i = 0; i < p->n; i++) {
		const uint8_t own = standing_marks(m->s, to->calm, p->edges[i]),
			      seen = standing_marks(m->s, row, p->edges[i]);
		to->asked = (uint16_t)(to->asked + ((own & (STANDS_A | STANDS_AAAA)) != 0));
		to->up = (uint16_t)(to->up + ((seen & (STANDS_A | STANDS_AAAA)) != 0));
	}
	if (to->probed) {
		to->panics = to->up < p->panic_share * to->asked;
		to->changes_us = changes_us(m, pool, row);
		to->waits = m->o->begins && waits(m, pool, row);
	}
	if (p->policy == POOL_LEAST_LATENCY || p->policy == POOL_LEAST_LOAD)
		put_order(m, pool, to, row);
	if (to->panics)
		to->row = to->calm;
}

/* --- pools of pools ----------------------------------------------------------------------- */

/* What stands at leaf `i` of a pool: an edge may be there by several ways, each with a pool that
 * judges it. */
static struct pool_leaf leaf_of(const struct pool *p, unsigned pool, unsigned i)
{
	return p->tree ? p->tree->leaves[i]
		       : (struct pool_leaf){ .edge = p->edges[i], .holder = (uint16_t)pool };
}

/* With what addresses, by its probes, in panic, too: a pool that answers as if all were up is no
 * reason to pass over one that is up. */
static uint8_t seen_up(const struct make *m, struct pool_leaf l)
{
	const uint8_t marks = standing_marks(m->s, m->s->pools[l.holder].judged, l.edge);

	return marks & STANDS_DRAINED ? 0 : marks & (STANDS_A | STANDS_AAAA);
}

static bool has_least(const struct pool *p)
{
	return p->least_up || p->least_share > 0 || p->least_a || p->least_aaaa;
}

/* Are too few of its edges up to be asked as a member? */
static bool is_too_few(const struct make *m, unsigned pool)
{
	const struct pool *p = &m->o->steer->pools[pool];
	const unsigned leaves = p->tree ? p->tree->n_leaves : p->n;
	unsigned up = 0, a = 0, aaaa = 0;

	if (!has_least(p))
		return false;
	for (unsigned i = 0; i < p->n; i++) {
		uint8_t seen = 0;
		for (unsigned k = p->n == leaves ? i : 0; k < (p->n == leaves ? i + 1 : leaves); k++)
			if (leaf_of(p, pool, k).edge == p->edges[i])
				seen |= seen_up(m, leaf_of(p, pool, k));
		up += seen != 0;
		a += (seen & STANDS_A) != 0;
		aaaa += (seen & STANDS_AAAA) != 0;
	}
	return up < p->least_up || up < p->least_share * p->n || a < p->least_a || aaaa < p->least_aaaa;
}

/* Of its edges alone. */
static uint8_t own_lives(const struct make *m, unsigned pool)
{
	const struct pool *p = &m->o->steer->pools[pool];
	const unsigned leaves = p->tree ? p->tree->n_leaves : p->n;
	uint8_t lives = 0;

	for (unsigned i = 0; i < leaves; i++) {
		const struct pool_leaf l = leaf_of(p, pool, i);
		const uint8_t marks = standing_marks(m->s, m->s->pools[l.holder].row, l.edge);
		if (!(marks & STANDS_DRAINED))
			lives |= marks & (STANDS_A | STANDS_AAAA);
	}
	m->s->pools[pool].lives_barely = lives;
	return is_too_few(m, pool) ? 0 : lives;
}

/* What can answer for the pool lives for it. True when that is news. */
static bool add_lives(const struct make *m, unsigned pool)
{
	const struct pool *p = &m->o->steer->pools[pool];
	struct standing_pool *to = &m->s->pools[pool];
	const uint8_t before = to->lives, barely = to->lives_barely;

	if (p->all_down == POOL_OTHER)
		to->lives |= m->s->pools[p->other].lives;
	for (unsigned i = 0; p->tree && i < p->tree->n; i++)
		if (p->tree->members[i].is_pool)
			to->lives_barely |= m->s->pools[p->tree->members[i].number].lives_barely;
	if (has_least(p))
		return to->lives != before || to->lives_barely != barely; /* its edges alone say */
	for (unsigned i = 0; p->tree && i < p->tree->n; i++)
		if (p->tree->members[i].is_pool)
			to->lives |= m->s->pools[p->tree->members[i].number].lives;
	return to->lives != before || to->lives_barely != barely;
}

/* What its edges are to it: all are judged already, each by the pool that holds it. */
static void put_tree(const struct make *m, unsigned pool)
{
	const struct steer *steer = m->o->steer;
	const struct pool *p = &steer->pools[pool];
	struct standing_pool *to = &m->s->pools[pool];

	for (unsigned i = 0; i < p->tree->n_leaves; i++) {
		const struct standing_pool *holder = &m->s->pools[p->tree->leaves[i].holder];
		if (holder->changes_us < to->changes_us)
			to->changes_us = holder->changes_us;
		to->waits = to->waits || holder->waits;
	}
	for (unsigned i = 0; i < p->n; i++) {
		const unsigned row = standing_row_at(m->s, steer, pool, i),
			       calm = m->s->pools[p->tree->holders[i]].calm;
		to->asked = (uint16_t)(to->asked +
			((standing_marks(m->s, calm, p->edges[i]) & (STANDS_A | STANDS_AAAA)) != 0));
		to->up = (uint16_t)(to->up +
			((standing_marks(m->s, row, p->edges[i]) & (STANDS_A | STANDS_AAAA)) != 0));
	}
	if (p->policy == POOL_LEAST_LATENCY || p->policy == POOL_LEAST_LOAD)
		put_order(m, pool, to, to->row);
}

/* A pool that holds edges itself beside pools is two: by its own edges first. */
static void put_trees(const struct make *m)
{
	const struct steer *steer = m->o->steer;

	for (unsigned i = 0; i < steer->n_pools; i++) {
		struct standing_pool *to = &m->s->pools[i];
		if (!steer->pools[i].tree || !to->probed)
			continue;
		to->changes_us = changes_us(m, i, to->row);
		to->waits = m->o->begins && waits(m, i, to->row);
	}
	for (unsigned i = 0; i < steer->n_pools; i++)
		if (steer->pools[i].tree)
			put_tree(m, i);
	for (unsigned i = 0; i < steer->n_pools; i++)
		m->s->pools[i].lives = own_lives(m, i);
	/* Who stands in for a pool stands in for those that it is in. */
	for (bool news = true; news;) {
		news = false;
		for (unsigned i = 0; i < steer->n_pools; i++)
			news = add_lives(m, i) || news;
	}
}

static void put_rows(const struct make *m, const struct own_rows *own)
{
	struct standing *s = m->s;

	for (unsigned row = 0; row < s->n_probed; row++)
		for (unsigned i = 0; i < s->n_edges; i++)
			s->marks[(size_t)row * s->n_edges + i] =
				standing_marks_of(m, row, i, want_of(m, i));
	for (unsigned i = 0; i < own->n; i++)
		standing_own_row(m, s->n_probed + i, &own->of[i]);
}

struct standing *standing_new(const struct standing_opts *o)
{
	struct standing *s = memory_zeroed(1, sizeof *s);
	struct make m = { o, s, NULL };
	const unsigned edges = o->steer->n_edges;

	s->n_probed = o->n_rows + 1;
	struct own_rows own = standing_own_rows(&m);
	s->n_rows = s->n_probed + own.n;
	s->n_edges = edges;
	s->n_pools = o->steer->n_pools;
	s->words = (o->steer->n_addresses + 63) / 64;
	s->marks = arena_alloc(&s->mem, (size_t)s->n_rows * edges);
	s->alive = arena_zalloc(&s->mem, (size_t)s->n_rows * s->words * sizeof *s->alive);
	s->rtt_ms = arena_alloc(&s->mem, (size_t)s->n_rows * edges * sizeof *s->rtt_ms);
	s->load = arena_alloc(&s->mem, (size_t)s->n_rows * edges * sizeof *s->load);
	s->pools = arena_alloc(&s->mem, o->steer->n_pools * sizeof *s->pools);
	uint16_t *like = arena_alloc(&s->mem, own.n * sizeof *like);
	for (unsigned i = 0; i < own.n; i++)
		like[i] = own.of[i].like;
	s->like = like;
	m.fates = standing_fates(&m);
	put_rows(&m, &own);
	for (unsigned i = 0; i < s->n_pools; i++)
		s->pools[i] = pool_rows(&m, &own, i);
	for (unsigned i = 0; i < s->n_pools; i++)
		standing_put_weights(&m, i);
	for (unsigned i = 0; i < s->n_pools; i++)
		if (!o->steer->pools[i].tree)
			put_pool(&m, i);
	put_trees(&m);
	for (unsigned i = 0; o->silent && i < s->n_pools; i++)
		s->pools[i].waits = true;
	memory_free(m.fates);
	memory_free(own.of);
	memory_free(own.at);
	standing_put_hours(&m);
	return s;
}

void standing_free(struct standing *s)
{
	if (!s)
		return;
	arena_fini(&s->mem);
	memory_free(s);
}
