#include "measure/rank_build.h"

#include "measure/rank_split.h"
#include "unit/steer/draw.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGES = 24, RANKS = 10, ROUNDS = 3, NETS = 3000, HOUR = 3600, NOW = 1000000 };

static struct draw at_random = { 0x2c1b3c6d297a2d39u };

static unsigned below(unsigned n)
{
	return (unsigned)(draw_number(&at_random) % n);
}

/* What ranks are made of: some edges in random order, and random ways to count. */
struct wish {
	uint16_t edges[EDGES], fallback[EDGES];
	struct rank_shift shifts[EDGES];
	struct rank_opts opts;
};

struct world {
	struct atlas *atlas;
	struct model_site sites[EDGES];
	const char *names[EDGES];
	char name[EDGES][4];
	struct latency *table;
	struct client_map *map;
	struct wish wish[RANKS];
	struct rank *alone[RANKS], *together[RANKS]; /* NULL: there are none yet */
};

static void draw_wish(struct wish *w)
{
	struct rank_opts *o = &w->opts;

	*o = (struct rank_opts){ .n = 1 + below(EDGES), .spread_ms = INFINITY, .spread_share = INFINITY, .change = { 2, 0.05 } };
	for (unsigned i = 0; i < EDGES; i++) {
		const unsigned k = below(i + 1);
		w->edges[i] = w->edges[k];
		w->edges[k] = (uint16_t)i;
		w->shifts[i] = (struct rank_shift){ (float)draw_between(&at_random, 0.5, 2), (float)draw_between(&at_random, 0, 30) };
	}
	o->n_fallback = below((unsigned)o->n + 1);
	memcpy(w->fallback, w->edges + o->n - o->n_fallback, o->n_fallback * sizeof *w->fallback);
	o->edges = w->edges;
	o->fallback = w->fallback;
	o->shifts = below(3) ? NULL : w->shifts;
	o->spread_ms = below(2) ? draw_between(&at_random, 1, 40) : INFINITY;
	o->close_ms = below(2) ? draw_between(&at_random, 1, 20) : 0;
	o->costs = below(2);
	o->kind = below(4) ? LATENCY_RTT : LATENCY_TTFB;
	o->quick = below(2);
}

/* One like an earlier one, too, and one of the same edges in another order: these share. */
static void draw_wishes(struct world *w)
{
	for (unsigned i = 0; i < RANKS; i++) {
		draw_wish(&w->wish[i]);
		if (i < 3)
			continue;
		struct wish *to = &w->wish[i];
		const bool quick = to->opts.quick;
		if (below(4) == 0) {
			*to = w->wish[below(i)];
			to->opts.edges = to->edges;
			to->opts.fallback = to->fallback;
			to->opts.shifts = to->opts.shifts ? to->shifts : NULL;
			to->opts.quick = quick;
		}
	}
}

static void measure(struct world *w, unsigned n)
{
	while (n--) {
		const struct addr a = draw_addr(&at_random, below(8) == 0);
		const struct prefix p = addr_prefix(&a, addr_is_v4(&a) ? ADDR_V4_BITS + 16 + below(9) : 48);
		struct latency *t = latency_of(w->table, below(4) ? LATENCY_RTT : LATENCY_TTFB);
		latency_put(t, &p, below(EDGES), &(struct latency_sample){ draw_between(&at_random, 150, 350), 1, NOW, false });
	}
	latency_next_round(w->table);
}

static void open_world(struct world *w)
{
	static const char *file = "geoip/city.mmdb";
	struct fault why;

	memset(w, 0, sizeof *w);
	w->atlas = atlas_read(&(struct atlas_opts){ &file, 1, NULL, 0 }, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->atlas);
	for (unsigned i = 0; i < EDGES; i++) {
		snprintf(w->name[i], sizeof w->name[i], "e%u", i);
		w->names[i] = w->name[i];
		w->sites[i] = (struct model_site){ below(12) > 0, draw_between(&at_random, -50, 65), draw_between(&at_random, -180, 180) };
	}
	w->table = latency_new(&(struct latency_opts){ w->names, EDGES, 0.3, HOUR, 1 << 26, { 5, 6 } });
	draw_wishes(w);
}

static void drop_ranks(struct rank **r)
{
	for (unsigned i = 0; i < RANKS; i++)
		rank_drop(r[i]);
}

static void close_world(struct world *w)
{
	drop_ranks(w->alone);
	drop_ranks(w->together);
	client_map_drop(w->map);
	latency_drop(w->table);
	atlas_drop(w->atlas);
}

static bool same_rows(const struct rank *a, const struct rank_rows *x, const struct rank_rows *y)
{
	const size_t n = (size_t)a->classes * a->n;

	return !x->wide == !y->wide && !x->narrow == !y->narrow && (!x->wide || memcmp(x->wide, y->wide, n * sizeof *x->wide) == 0) &&
		(!x->narrow || memcmp(x->narrow, y->narrow, n) == 0);
}

static bool same_costs(const struct rank *a, const struct rank *b)
{
	const size_t n = a->classes;

	if (!a->costs)
		return !b->ms && !b->gap && !b->keys;
	return memcmp(a->ms, b->ms, n * a->n * sizeof *a->ms) == 0 && memcmp(a->gap, b->gap, n * sizeof *a->gap) == 0 &&
		memcmp(a->keys, b->keys, n * sizeof *a->keys) == 0;
}

static bool same_rank(const struct rank *a, const struct rank *b)
{
	return a->classes == b->classes && !a->view == !b->view && !a->seams == !b->seams && same_costs(a, b) &&
		memcmp(a->class_of, b->class_of, client_map_keys(a->clients) * sizeof *a->class_of) == 0 &&
		same_rows(a, &a->order, &b->order) && same_rows(a, &a->within, &b->within) && same_rows(a, &a->close, &b->close);
}

/* Which of the earlier ones has the same rank, and which the same split? */
static bool share_alike(struct rank *const *a, struct rank *const *b, unsigned i)
{
	bool same = true;

	for (unsigned k = 0; k < i; k++)
		same = same && (a[k] == a[i]) == (b[k] == b[i]) && (a[k]->split == a[i]->split) == (b[k]->split == b[i]->split);
	return same;
}

static void rank_alone(struct world *w, struct rank *const *before, struct rank **to)
{
	for (unsigned i = 0; i < RANKS; i++) {
		struct rank_opts o = w->wish[i].opts;
		o.clients = w->map;
		o.before = before[i];
		o.known = to;
		o.n_known = i;
		to[i] = rank_new(&o);
	}
}

/* In two parts, the second of which knows the first. */
static void rank_together(struct world *w, struct rank *const *before, struct rank **to)
{
	unsigned begun = 0;

	for (unsigned i = 0; i < RANKS; i++) {
		struct rank_opts o = w->wish[i].opts;
		o.clients = w->map;
		o.before = before[i];
		o.known = to;
		o.n_known = i;
		to[i] = rank_begin(&o);
		if (i != RANKS / 2 && i != RANKS - 1)
			continue;
		rank_build_all(to + begun, i + 1 - begun);
		for (; begun <= i; begun++)
			rank_end(to[begun], &(struct rank_end){ w->wish[begun].opts.quick, to, begun });
	}
}

static void rank_again(struct world *w)
{
	struct client_map *map_before = w->map;
	struct rank *alone[RANKS], *together[RANKS];

	w->map = client_map_new(
		&(struct client_map_opts){ { w->atlas, w->sites, EDGES, w->table, NOW }, map_before, { [LATENCY_TTFB] = true } });
	rank_alone(w, w->alone, alone);
	rank_together(w, w->together, together);
	client_map_settle(w->map);
	for (unsigned i = 0; i < RANKS; i++) {
		CU_ASSERT(same_rank(alone[i], together[i]));
		CU_ASSERT(share_alike(alone, together, i));
		CU_ASSERT_PTR_NULL(together[i]->build);
	}
	if (map_before) {
		drop_ranks(w->alone);
		drop_ranks(w->together);
		client_map_drop(map_before);
	}
	memcpy(w->alone, alone, sizeof alone);
	memcpy(w->together, together, sizeof together);
}

/* First with nothing before, then with some times anew; edges that stand nowhere, equal ranks, other goals. */
static void ranks_of_one_pass_are_those_that_are_made_one_by_one(void)
{
	struct world w;

	open_world(&w);
	for (unsigned round = 0; round < ROUNDS; round++) {
		measure(&w, round ? 3 : NETS);
		rank_again(&w);
	}
	close_world(&w);
}

struct heard {
	float *ms; /* [key][EDGES], of the edges asked for */
	const struct model_edges *edges;
	unsigned told, kept;
};

static void hear(void *ctx, uint32_t key, const float *ms)
{
	struct heard *h = ctx;

	h->told += ms != NULL;
	h->kept += !ms;
	for (unsigned i = 0; ms && i < h->edges->n; i++)
		h->ms[(size_t)key * EDGES + h->edges->edges[i]] = ms[h->edges->edges[i]];
}

static bool is_third(const void *ctx, uint32_t key)
{
	(void)ctx;
	return key % 3 == 0;
}

/* Who asks for all keys, for those that have changed and for some of them, by other kinds and edges. */
static void each_of_several_is_told_what_it_would_be_told_alone(void)
{
	static const uint16_t few[] = { 3, 7, 11 }, more[] = { 0, 5, 7, 23 };
	const struct client_map_ask asks[] = {
		{ .all = true, .edges = { few, 3 }, .each = hear },
		{ .edges = { more, 4 }, .each = hear },
		{ .all = true, .kind = LATENCY_TTFB, .edges = { more, 4 }, .each = hear },
		{ .only = is_third, .edges = { few, 3 }, .each = hear },
		{ .only = is_third, .kind = LATENCY_TTFB, .edges = { few, 2 }, .each = hear },
	};
	struct world w;

	open_world(&w);
	measure(&w, NETS);
	rank_again(&w);
	measure(&w, 3);
	struct client_map *map = client_map_new(
		&(struct client_map_opts){ { w.atlas, w.sites, EDGES, w.table, NOW }, w.map, { [LATENCY_TTFB] = true } });
	struct heard alone[UNIT_COUNT(asks)] = { 0 }, at_once[UNIT_COUNT(asks)] = { 0 };
	struct client_map_ask all[UNIT_COUNT(asks)];
	const size_t bytes = (size_t)client_map_keys(map) * EDGES * sizeof(float);
	for (unsigned i = 0; i < UNIT_COUNT(asks); i++) {
		alone[i] = (struct heard){ calloc(1, bytes), &asks[i].edges, 0, 0 };
		at_once[i] = (struct heard){ calloc(1, bytes), &asks[i].edges, 0, 0 };
		all[i] = asks[i];
		all[i].ctx = &alone[i];
		client_map_each(map, &all[i], 1);
		all[i].ctx = &at_once[i];
	}
	client_map_each(map, all, UNIT_COUNT(asks));
	for (unsigned i = 0; i < UNIT_COUNT(asks); i++) {
		CU_ASSERT_EQUAL(memcmp(alone[i].ms, at_once[i].ms, bytes), 0);
		CU_ASSERT_EQUAL(alone[i].told, at_once[i].told);
		CU_ASSERT_EQUAL(alone[i].kept, at_once[i].kept);
		CU_ASSERT(alone[i].told > 0);
		free(alone[i].ms);
		free(at_once[i].ms);
	}
	CU_ASSERT(alone[1].kept > 1000);
	client_map_settle(map);
	client_map_drop(map);
	close_world(&w);
}

void suite_rank_build(void)
{
	static const struct unit_case cases[] = {
		{ "ranks that are built in one pass are those that are made one by one, and share alike", ranks_of_one_pass_are_those_that_are_made_one_by_one },
		{ "each of several that ask for estimates is told what it would be told alone", each_of_several_is_told_what_it_would_be_told_alone },
	};

	unit_suite("measure/rank_build", cases, UNIT_COUNT(cases));
}
