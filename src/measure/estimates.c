#include "measure/estimates.h"

#include "base/memory.h"
#include "measure/client_mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As if there were no resolvers. */
static void init_plain(struct estimates *e, const struct estimates_of *of, const struct addr *who)
{
	const struct client_map *map = of->map;
	const struct latency *table = of->table;
	const uint32_t now_s = of->now_s;
	const struct model *m = client_map_model(map);
	const struct atlas *atlas = client_map_atlas(map);
	const unsigned n = client_map_edges(map);

	*e = (struct estimates){ .map = map, .table = table, .now_s = now_s, .kind = of->kind };
	const uint32_t place = netmap_find(atlas->cities.map, who).value,
		       asn = netmap_find(atlas->asns.map, who).value;
	e->place = place <= places_count(atlas->cities.places) ? place : 0;
	e->asn = asn < atlas->asns.n ? asn : 0;
	e->ms = memory_zeroed(n, sizeof *e->ms);
	model_estimate(m, e->place, e->ms);
	model_add_asn(m, e->place, model_asn(m, e->place, e->asn), e->ms);
	e->others_ms = memory_zeroed(n, sizeof *e->others_ms);
	memcpy(e->others_ms, e->ms, n * sizeof *e->ms);
	const bool measured = client_map_is_measured(map);
	const unsigned half_life_s = measured ? latency_options(table)->half_life_s : 0;
	e->n_rows = measured ? client_map_own_rows(table, who, e->rows, ESTIMATES_ROWS_MOST) : 0;
	if (e->n_rows)
		model_own(&(struct model_own){ e->rows, e->n_rows, half_life_s, now_s, m, e->place, LATENCY_RTT },
			e->ms, n);
	e->rtt_ms = e->ms;
	if (e->kind == LATENCY_RTT)
		return;
	e->ms = memory_zeroed(n, sizeof *e->ms);
	memcpy(e->ms, e->rtt_ms, n * sizeof *e->ms);
	e->n_kind_rows = measured
		? client_map_own_rows(latency_kind_of(table, e->kind), who, e->kind_rows, ESTIMATES_ROWS_MOST)
		: 0;
	client_map_reach(&(struct client_map_goal){ e->kind, m, e->kind_rows, e->n_kind_rows, half_life_s, now_s, e->place }, e->ms, n);
}

static void spread(struct estimates *e, const float *ms)
{
	for (unsigned i = 0; i < client_map_edges(e->map); i++) {
		e->least_ms[i] = fminf(e->least_ms[i], ms[i]); /* NAN counts for nothing */
		e->most_ms[i] = fmaxf(e->most_ms[i], ms[i]);
	}
}

/* The same mean as client_map_each() makes of keys, address by address. */
static void add_clients(struct estimates *e, const struct resolver_clients *all)
{
	const unsigned n = client_map_edges(e->map);
	struct client_mean mean;

	client_mean_init(&mean, n);
	e->least_ms = memory_zeroed(n, sizeof *e->least_ms);
	e->most_ms = memory_zeroed(n, sizeof *e->most_ms);
	for (unsigned i = 0; i < n; i++)
		e->least_ms[i] = e->most_ms[i] = NAN;
	for (uint32_t i = e->resolver->first; i < e->resolver->first + e->resolver->n; i++) {
		const struct resolver_client *c = &all->client[i];
		const unsigned samples = resolver_client_samples(&c->net);
		for (unsigned k = 0; k < samples; k++) {
			const struct addr a = resolver_client_sample(&c->net, k);
			const uint32_t key = netmap_find(client_map_netmap(e->map), &a).value;
			struct estimates one;
			if (!key || key >= client_map_keys(e->map))
				continue;
			init_plain(&one, &(struct estimates_of){ e->map, e->table, e->kind, e->now_s }, &a);
			client_mean_add(&mean, one.ms, c->weight / e->resolver->weight / samples);
			spread(e, one.ms);
			estimates_fini(&one);
		}
	}
	if (!client_mean_get(&mean, 1, e->ms))
		e->resolver = NULL; /* nothing is known of them: it is chosen for by itself */
	client_mean_fini(&mean);
}

void estimates_init(struct estimates *e, const struct estimates_of *of, const struct addr *who)
{
	init_plain(e, of, who);
	const struct resolver_clients *all = of->table ? latency_resolvers(of->table) : NULL;
	e->resolver = resolver_clients_find(all, who);
	if (e->resolver)
		add_clients(e, all);
}

double estimates_own_counts(const struct estimates *e, unsigned edge)
{
	return model_own_counts(&(struct model_own){ e->rows, e->n_rows,
					latency_options(e->table)->half_life_s, e->now_s,
					client_map_model(e->map), e->place, LATENCY_RTT },
		e->others_ms, client_map_edges(e->map), edge);
}

void estimates_fini(struct estimates *e)
{
	if (e->rtt_ms != e->ms)
		memory_free(e->rtt_ms);
	memory_free(e->ms);
	memory_free(e->others_ms);
	memory_free(e->least_ms);
	memory_free(e->most_ms);
}
