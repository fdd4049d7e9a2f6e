#include "steer/steer_ranks.h"

#include "base/memory.h"
#include "steer/steer_kept.h"
#include "steer/steer_shifts.h"

#include <math.h>
#include <string.h>

/* Ranks that are built at once have so many edges in all, and one more: what is at work takes memory, as many bytes an edge and class
 * as WORK_BYTES, and of those that know costs as many as COSTS_BYTES. */
enum { WORK_BYTES = 2, COSTS_BYTES = 16, TOGETHER_MOST = 8192 };

/* Ranks that pools may share: those of what is replaced and those made so far; and what the
 * views of these take, and the fronts of pools, and what each of the two may take. */
struct ranks {
	struct rank **r; /* borrowed: of `before`, kept or of pools, or begun for one */
	size_t n, views, fronts, most;
	const struct steer *before;
	struct rank_kept kept; /* from the last run */
};

/* The rank of the same pool before, when its edges are the same: its order is kept where
 * nothing else is better by enough. */
static const struct rank *rank_before(
	const struct steer *s, const struct pool *p, const struct steer *before)
{
	const int at = before ? steer_pool(before, p->name) : -1;
	const struct pool *old = at < 0 ? NULL : &before->pools[at];

	if (!old || !old->rank || old->n != p->n || old->rank->n != p->n ||
		(p->tree && p->tree->n_leaves != p->n))
		return NULL;
	for (unsigned i = 0; i < p->n; i++)
		if (strcmp(s->edges[p->edges[i]].name, before->edges[old->edges[i]].name) != 0)
			return NULL;
	return old->rank;
}

_Static_assert((int)POOL_EDGES_MOST <= (int)RANK_EDGES_MOST, "every pool can be ranked");

/* What a rank has to know of a pool: how far behind the best an edge may be that answers too,
 * and that is tried. */
static void fill_rank_opts(struct rank_opts *r, const struct pool_opts *o, double close_ms)
{
	r->kind = o->goal;
	/* A name may have more answers than its pool. */
	r->spread_ms = o->spread_ms;
	r->spread_share = o->spread_share;
	for (unsigned i = 0; i < o->n_links; i++)
		if (o->links[i].policy == POOL_NEAREST) {
			r->spread_ms = o->links[i].within_ms;
			r->spread_share = o->links[i].within_share;
		}
	if (o->answers == 1 && !o->affinity && !o->n_links)
		r->close_ms = close_ms;
}

static void find_origins(const struct steer *s, const uint16_t *edges, size_t n, uint16_t *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = s->edges[edges[i]].origin;
}

/* Pools of pools try nobody out: those in them do. */
static double close_of(const struct steer_opts *all, const struct pool *p)
{
	return all->measured && (!p->tree || p->tree->merged) ? all->measured->close_ms : 0;
}

/* Does the pool answer whoever has the same edges in front alike, while these are up? */
static bool has_front(const struct steer *s, const struct steer_opts *all, const struct pool *p)
{
	bool cname = false;

	if (p->policy != POOL_NEAREST || p->n_links || p->affinity || (p->tree && !p->tree->merged))
		return false;
	if (p->answers == 1)
		return close_of(all, p) <= 0;
	for (unsigned i = 0; i < p->n; i++)
		cname = cname || s->edges[p->edges[i]].cname; /* one stands alone, and is passed behind others */
	return p->answers <= RANK_FRONT_MOST && !p->tree && !cname && !isfinite(p->spread_ms) && !isfinite(p->spread_share);
}

static struct rank *begin_rank(const struct steer *s, const struct steer_opts *all,
	const struct pool_opts *o, const struct ranks *ranks)
{
	const struct steer_measured *m = all->measured;
	const struct pool *p = &s->pools[o - all->pools];
	uint16_t leaves[POOL_EDGES_MOST], fallback[POOL_EDGES_MOST]; /* whose times they have */
	struct rank_shift shifts[POOL_EDGES_MOST];
	struct rank_opts opts = { .clients = s->clients,
		.change = m ? m->change : (struct rank_switch){ 0 },
		.costs = p->sheds,
		.before = rank_before(s, p, ranks->before),
		.known = ranks->r,
		.n_known = ranks->n };

	if (steer_shifts(s, all, (unsigned)(o - all->pools), shifts))
		opts.shifts = shifts;
	find_origins(s, p->edges, p->n, leaves);
	find_origins(s, o->fallback, o->n_fallback, fallback);
	opts.edges = leaves;
	opts.n = p->n;
	opts.fallback = fallback;
	opts.n_fallback = o->n_fallback;
	if (p->tree) {
		for (unsigned i = 0; i < p->tree->n_leaves; i++)
			leaves[i] = s->edges[p->tree->leaves[i].edge].origin;
		opts.n = p->tree->n_leaves;
		opts.fallback = NULL;
		opts.n_fallback = 0;
	}
	fill_rank_opts(&opts, o, close_of(all, p));
	return rank_begin(&opts);
}

/* The first ranks have views, until those take half as much as the atlas's own map, and so it is with fronts: so few
 * different pools are quick to answer for, and many do not take many times the memory. `at`: of ranks->r. */
static struct rank *end_rank(const struct steer *s, bool front, struct ranks *ranks, size_t at)
{
	struct rank *r = ranks->r[at];

	rank_end(r, &(struct rank_end){ ranks->views <= ranks->most && !(front && ranks->fronts <= ranks->most), ranks->r, at });
	for (unsigned i = 0; i < s->n_pools && r->view; i++)
		if (s->pools[i].rank && s->pools[i].rank->view == r->view)
			return r; /* counted already */
	ranks->views += r->view ? netmap_size(r->view).bytes : 0;
	return r;
}

static struct rank_front *known_front(const struct steer *s, const struct rank *r, unsigned k)
{
	for (unsigned i = 0; s && i < s->n_pools; i++) {
		struct rank_front *f = s->pools[i].front;
		if (f && f->of == r && f->k == k)
			return rank_front_hold(f);
	}
	return NULL;
}

static struct rank_front *kept_front(const struct rank_kept *k, const struct rank *r, unsigned n)
{
	for (size_t i = 0; i < k->n_fronts; i++)
		if (k->fronts[i]->of == r && k->fronts[i]->k == n)
			return rank_front_hold(k->fronts[i]);
	return NULL;
}

static struct rank_front *make_front(const struct steer *s, const struct pool *p, struct ranks *ranks)
{
	const unsigned k = p->answers < p->rank->n ? p->answers : p->rank->n;
	struct rank_front *f = known_front(s, p->rank, k);

	if (f || ranks->fronts > ranks->most)
		return f;
	f = known_front(ranks->before, p->rank, k);
	if (!f)
		f = kept_front(&ranks->kept, p->rank, k);
	if (!f)
		f = rank_front_new(p->rank, k);
	ranks->fronts += netmap_size(f->view).bytes;
	return f;
}

static bool needs_rank(const struct pool_opts *o)
{
	bool nearest = o->policy == POOL_NEAREST;

	for (unsigned i = 0; i < o->n_links; i++)
		nearest = nearest || o->links[i].policy == POOL_NEAREST;
	return nearest;
}

static unsigned count_kept(const struct steer *s, const struct rank_kept *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_pools; i++)
		for (size_t j = 0; j < k->n && s->pools[i].rank; j++)
			n += k->ranks[j] == s->pools[i].rank;
	return n;
}

/* Of pools from `first` on, as many as are built at once; returns the first that is left. */
static unsigned make_some(struct steer *s, const struct steer_opts *opts, bool fronts, struct ranks *ranks, unsigned first)
{
	const size_t begun = ranks->n;
	unsigned end = first;

	for (size_t work = 0; end < s->n_pools && work < (size_t)TOGETHER_MOST * WORK_BYTES; end++) {
		const struct pool *p = &s->pools[end];
		if (!needs_rank(&opts->pools[end]) || has_front(s, opts, p) != fronts)
			continue;
		struct rank *r = begin_rank(s, opts, &opts->pools[end], ranks);
		ranks->r[ranks->n++] = r;
		if (r->build && r->refs == 1)
			work += r->n * (size_t)(p->sheds ? COSTS_BYTES : WORK_BYTES);
	}
	rank_build_all(ranks->r + begun, ranks->n - begun);
	for (size_t at = begun; first < end; first++) {
		struct pool *p = &s->pools[first];
		if (!needs_rank(&opts->pools[first]) || has_front(s, opts, p) != fronts)
			continue;
		p->rank = end_rank(s, fronts && !p->sheds, ranks, at++); /* who counts demand looks at both */
		p->front = fronts ? make_front(s, p, ranks) : NULL;
	}
	return end;
}

static void make_all(struct steer *s, const struct steer_opts *opts, bool fronts, struct ranks *ranks)
{
	for (unsigned i = 0; i < s->n_pools;)
		i = make_some(s, opts, fronts, ranks, i);
}

void steer_ranks_fill(struct steer *s, const struct steer_opts *opts, const struct steer *before, struct steer_kept *kept)
{
	struct ranks ranks = { .before = before, .most = netmap_size(s->atlas->cities.map).bytes / 2 };

	if (kept)
		steer_kept_read(kept, s->clients, &ranks.kept);
	ranks.r = memory_zeroed(s->n_pools + (before ? before->n_pools : 0) + ranks.kept.n, sizeof *ranks.r);
	for (unsigned i = 0; before && i < before->n_pools; i++)
		if (before->pools[i].rank)
			ranks.r[ranks.n++] = before->pools[i].rank;
	for (size_t i = 0; i < ranks.kept.n; i++)
		ranks.r[ranks.n++] = ranks.kept.ranks[i];
	make_all(s, opts, false, &ranks); /* with views, for whoever may share them */
	make_all(s, opts, true, &ranks);
	if (kept)
		kept->n_taken = count_kept(s, &ranks.kept);
	memory_free(ranks.r);
	rank_kept_fini(&ranks.kept);
}
