#include "measure/estimates.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void estimates_init(struct estimates *e, const struct client_map *map,
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
}
