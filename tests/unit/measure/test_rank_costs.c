#include "measure/rank_costs.h"

#include "geo/place.h"
#include "unit/steer/draw.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGES = 12, MEASURED = 1500, POOL = 8, ROUNDS = 12, HOUR = 3600, NOW = 1000000 };

static struct draw at_random = { 0x51ed270b0a1f39c1u };

struct wide {
	struct atlas *atlas;
	struct model_site sites[EDGES];
	const char *names[EDGES];
	char name[EDGES][4];
	struct latency *t;
	struct prefix net[MEASURED];
	unsigned n_nets;
	struct client_map *map;
	struct rank *rank;
	float *told; /* [key of the map][EDGES] estimates; NULL: there is no map yet */
};

/* About as long as the way is, mostly. */
static void measure(struct wide *w, const struct prefix *net)
{
	const uint32_t place = netmap_find(w->atlas->cities.map, &net->addr).value;
	const unsigned e = (unsigned)(draw_number(&at_random) % EDGES);
	double ms = draw_between(&at_random, 20, 200);

	if (place && place <= places_count(w->atlas->cities.places)) {
		const struct place *p = places_get(w->atlas->cities.places, place);
		ms = model_line_ms(place_distance_km(p->lat, p->lon, w->sites[e].lat, w->sites[e].lon)) *
			draw_between(&at_random, 0.95, 1.2);
	}
	if (isfinite(ms))
		latency_put(w->t, net, e, &(struct latency_sample){ ms, 1, NOW, false });
}

static void measure_new(struct wide *w)
{
	const bool v6 = draw_number(&at_random) % 8 == 0;
	const struct addr a = w->n_nets && draw_number(&at_random) % 2
		? w->net[draw_number(&at_random) % w->n_nets].addr
		: draw_addr(&at_random, v6);
	const struct prefix p = addr_prefix(&a,
		addr_is_v4(&a) ? ADDR_V4_BITS + 16 + (unsigned)(draw_number(&at_random) % 9) : 48);

	if (w->n_nets < MEASURED)
		w->net[w->n_nets++] = p;
	measure(w, &p);
}

static void open_wide(struct wide *w)
{
	static const char *file = "geoip/city.mmdb";
	struct fault why;

	memset(w, 0, sizeof *w);
	w->atlas = atlas_read(&(struct atlas_opts){ &file, 1, NULL, 0 }, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->atlas);
	for (unsigned i = 0; i < EDGES; i++) {
		snprintf(w->name[i], sizeof w->name[i], "e%u", i);
		w->names[i] = w->name[i];
		w->sites[i] = (struct model_site){ true, draw_between(&at_random, -50, 65),
			draw_between(&at_random, -180, 180) };
	}
	w->t = latency_new(
		&(struct latency_opts){ w->names, EDGES, 0.3, HOUR, 1 << 26, { 5, 6 } });
	while (w->n_nets < MEASURED)
		measure_new(w);
}

static void close_wide(struct wide *w)
{
	free(w->told);
	rank_drop(w->rank);
	client_map_drop(w->map);
	latency_drop(w->t);
	atlas_drop(w->atlas);
}

/* What the rank should have, from the estimates of all keys. */
struct whole {
	const struct rank *r, *before;
	const struct client_map *map;
	double *sums; /* [class][n] */
	uint32_t *keys;
	unsigned new_keys, wrong_orders;
};

static void add_whole(void *ctx, uint32_t key, const float *ms)
{
	struct whole *x = ctx;
	const struct rank *r = x->r;
	const uint32_t class = r->class_of[key], was = client_map_was(x->map, key);
	float mine[POOL];
	uint16_t order[POOL], room[POOL], before[POOL];
	const uint16_t *row = rank_row(r, &r->order, class, room);

	x->keys[class]++;
	for (unsigned i = 0; i < r->n; i++) {
		mine[i] = rank_estimate(r, i, ms);
		unsigned k = i;
		for (; k && mine[i] < mine[order[k - 1]]; k--)
			order[k] = order[k - 1];
		order[k] = (uint16_t)i;
	}
	for (unsigned i = 0; i < r->n; i++)
		x->sums[(size_t) class * r->n + i] +=
			fmin(mine[row[i]], UINT16_MAX / (double)RANK_MS);
	if (isinf(mine[order[r->n - 1]]))
		return; /* who is nowhere goes by the fallback's order */
	if (was != CLIENT_MAP_NEW)
		rank_keep(&(struct rank_order){ rank_row(x->before, &x->before->order,
							x->before->class_of[was], before),
				  mine, r->n, r->change },
			order);
	x->new_keys += was == CLIENT_MAP_NEW;
	x->wrong_orders += memcmp(order, row, r->n * sizeof *order) != 0;
}

/* A thirty-second of a millisecond: where a mean is rounded. */
static unsigned count_wrong(const struct whole *x)
{
	const struct rank *r = x->r;
	unsigned wrong = 0;

	for (uint32_t c = 1; c < r->classes; c++) {
		double most = 0;
		wrong += x->keys[c] != r->keys[c];
		for (unsigned i = 0; i < r->n; i++) {
			most = fmax(most, x->sums[(size_t)c * r->n + i] / x->keys[c] * RANK_MS);
			wrong += fabs(r->ms[(size_t)c * r->n + i] - fmin(most, UINT16_MAX)) > 0.51;
		}
	}
	return wrong;
}

static void count_kept(void *ctx, uint32_t key, const float *ms)
{
	unsigned *kept = ctx;

	(void)key;
	*kept += !ms;
}

/* Estimates of all keys. */
struct told {
	float *ms; /* [key][EDGES] */
	const struct client_map *map;
	const float *before; /* of the map before; NULL: it is the first */
	unsigned wrong;
};

static void note_estimates(void *ctx, uint32_t key, const float *ms)
{
	struct told *x = ctx;

	memcpy(x->ms + (size_t)key * EDGES, ms, EDGES * sizeof *ms);
}

/* A key that nobody is told of has the estimates that it had. */
static void hold_unchanged(void *ctx, uint32_t key, const float *ms)
{
	struct told *x = ctx;
	const uint32_t was = client_map_was(x->map, key);

	x->wrong += !ms &&
		(was == CLIENT_MAP_NEW ||
			memcmp(x->ms + (size_t)key * EDGES, x->before + (size_t)was * EDGES, EDGES * sizeof *ms) != 0);
}

static float *hold_keys(const struct client_map *map, const float *before)
{
	struct told x = { .map = map, .before = before };

	x.ms = calloc((size_t)client_map_keys(map) * EDGES, sizeof *x.ms);
	client_map_each(map, &(struct client_map_ask){ .all = true, .edges = { NULL, EDGES }, .each = note_estimates, .ctx = &x }, 1);
	if (before)
		client_map_each(map, &(struct client_map_ask){ .edges = { NULL, EDGES }, .each = hold_unchanged, .ctx = &x }, 1);
	CU_ASSERT_EQUAL(x.wrong, 0);
	return x.ms;
}

/* Makes the map and the rank of what is measured now, and holds them against the whole. */
static void rank_again(struct wide *w, const struct rank_opts *opts, unsigned *kept)
{
	struct client_map *map_before = w->map;
	struct rank *before = w->rank;
	struct rank_opts o = *opts;

	w->map = client_map_new(
		&(struct client_map_opts){ { w->atlas, w->sites, EDGES, w->t, NOW }, map_before, { 0 } });
	o.clients = w->map;
	o.before = before;
	w->rank = rank_new(&o);
	if (before) {
		struct whole x = { .r = w->rank, .before = before, .map = w->map };
		x.sums = calloc((size_t)w->rank->classes * w->rank->n, sizeof *x.sums);
		x.keys = calloc(w->rank->classes, sizeof *x.keys);
		client_map_each(w->map,
			&(struct client_map_ask){ .all = true, .edges = { NULL, EDGES }, .each = add_whole, .ctx = &x }, 1);
		CU_ASSERT_EQUAL(x.wrong_orders, 0);
		CU_ASSERT_EQUAL(count_wrong(&x), 0);
		free(x.sums);
		free(x.keys);
	}
	float *told = hold_keys(w->map, w->told);
	free(w->told);
	w->told = told;
	client_map_each(w->map, &(struct client_map_ask){ .edges = { NULL, EDGES }, .each = count_kept, .ctx = kept }, 1);
	client_map_settle(w->map);
	rank_drop(before);
	client_map_drop(map_before);
}

/* Some times change; prefixes come, so that keys have other numbers; one goes. */
static void means_are_those_of_all_keys_whatever_has_changed(void)
{
	static const uint16_t edges[POOL] = { 3, 1, 4, 11, 5, 9, 2, 6 };
	const struct rank_opts opts = { .edges = edges,
		.n = POOL,
		.spread_ms = 12,
		.spread_share = INFINITY,
		.change = { 2, 0.05 },
		.costs = true };
	struct wide w;
	unsigned kept = 0;

	open_wide(&w);
	latency_next_round(w.t);
	rank_again(&w, &opts, &kept);
	for (unsigned round = 0; round < ROUNDS; round++) {
		const unsigned changes = (unsigned)(draw_number(&at_random) % 6);
		for (unsigned i = 0; i < changes; i++)
			measure(&w, &w.net[draw_number(&at_random) % w.n_nets]);
		if (round % 3 == 1)
			for (unsigned i = 0; i < 4; i++)
				measure_new(&w);
		if (round == 7)
			latency_forget_net(w.t, &w.net[draw_number(&at_random) % w.n_nets]);
		latency_next_round(w.t);
		rank_again(&w, &opts, &kept);
	}
	CU_ASSERT_TRUE(kept > 20000); /* or nothing would be tried here */
	close_wide(&w);
}

void suite_rank_costs(void)
{
	static const struct unit_case cases[] = {
		{ "means and orders are those of all keys, whatever has changed, and keys that are as they were have the estimates that they had",
			means_are_those_of_all_keys_whatever_has_changed },
	};

	unit_suite("measure/rank_costs", cases, UNIT_COUNT(cases));
}
