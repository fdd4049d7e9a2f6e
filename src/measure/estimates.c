#include "measure/estimates.h"

#include "base/memory.h"
#include "measure/client_mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As if there were no resolvers. */
static void init_plain(struct estimates *e, const struct client_map *map,
	const struct latency *table, uint32_t now_s, const struct addr *who)
{
	const struct model *m = client_map_model(map);
	const struct atlas *atlas = client_map_atlas(map);
	const unsigned n = client_map_edges(map);

	*e = (struct estimates){ .map = map, .table = table, .now_s = now_s };
	const uint32_t place = netmap_find(atlas->cities.map, who).value,
		       asn = netmap_find(atlas->asns.map, who).value;
	e->place = place <= places_count(atlas->cities.places) ? place : 0;
	e->asn = asn < atlas->asns.n ? asn : 0;
	e->ms = memory_zeroed(n, sizeof *e->ms);
	model_estimate(m, e->place, e->ms);
	model_add_asn(m, e->place, model_asn(m, e->place, e->asn), e->ms);
	e->others_ms = memory_zeroed(n, sizeof *e->others_ms);
	memcpy(e->others_ms, e->ms, n * sizeof *e->ms);
	if (!client_map_is_measured(map))
		return;
	e->n_rows = client_map_own_rows(table, who, e->rows, ESTIMATES_ROWS_MOST);
	if (e->n_rows)
		model_own(&(struct model_own){ e->rows, e->n_rows,
				  latency_options(table)->half_life_s, now_s, m, e->place },
			e->ms, n);
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
			init_plain(&one, e->map, e->table, e->now_s, &a);
			client_mean_add(&mean, one.ms, c->weight / e->resolver->weight / samples);
			spread(e, one.ms);
			estimates_fini(&one);
		}
	}
	if (!client_mean_get(&mean, 1, e->ms))
		e->resolver = NULL; /* nothing is known of them: it is chosen for by itself */
	client_mean_fini(&mean);
}

void estimates_init(struct estimates *e, const struct client_map *map,
	const struct latency *table, uint32_t now_s, const struct addr *who)
{
	init_plain(e, map, table, now_s, who);
	const struct resolver_clients *all = table ? latency_resolvers(table) : NULL;
	e->resolver = resolver_clients_find(all, who);
	if (e->resolver)
		add_clients(e, all);
}

double estimates_own_counts(const struct estimates *e, unsigned edge)
{
	return model_own_counts(&(struct model_own){ e->rows, e->n_rows,
					latency_options(e->table)->half_life_s, e->now_s,
					client_map_model(e->map), e->place },
		e->others_ms, client_map_edges(e->map), edge);
}

void estimates_fini(struct estimates *e)
{
	memory_free(e->ms);
	memory_free(e->others_ms);
	memory_free(e->least_ms);
	memory_free(e->most_ms);
}
