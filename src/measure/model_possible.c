#include "measure/model_inner.h"

#include <math.h>

double model_least_ms(double km)
{
	return fmax(km, 0) / MODEL_KM_PER_MS;
}

static double place_error_km(const struct places *places, const struct place *p)
{
	return places_tell_cities(places) && !p->city ? MODEL_COARSE_KM : MODEL_PLACE_KM;
}

bool model_spot(const struct model *m, uint32_t place, struct model_spot *to)
{
	const struct places *places = m->atlas->cities.places;

	if (place == 0 || place > places_count(places))
		return false;
	const struct place *p = places_get(places, place);
	if (isnan(p->lat) || isnan(p->lon))
		return false;
	*to = (struct model_spot){ model_point_at(p->lat, p->lon), place_error_km(places, p) };
	return true;
}

bool model_is_possible(double km, double error_km, double ms)
{
	return ms >= model_least_ms(km - error_km);
}

static bool judge(const struct model *m, const struct model_spot *from, unsigned edge,
	double ms, struct model_doubt *doubt)
{
	const struct model_edge *e = &m->edge[edge];

	if (!e->placed)
		return true;
	const double km = model_km(from->at, e->at);
	*doubt = (struct model_doubt){ km, from->error_km,
		model_least_ms(km - from->error_km) };
	return model_is_possible(km, from->error_km, ms);
}

bool model_net_could_take(const struct model *m, const struct prefix *net, unsigned edge,
	double ms, struct model_doubt *doubt)
{
	struct model_spot first, last;
	struct addr end = net->addr;

	for (unsigned bit = net->bits; bit < 128; bit++)
		end.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	const struct addr ends[] = { addr_plain(&net->addr, NULL), addr_plain(&end, NULL) };
	const struct netmap *map = m->atlas->cities.map;
	if (!model_spot(m, netmap_find(map, &ends[0]).value, &first) ||
		!model_spot(m, netmap_find(map, &ends[1]).value, &last))
		return true;
	return judge(m, &last, edge, ms, doubt) || judge(m, &first, edge, ms, doubt);
}

bool model_edge_could_take(
	const struct model *m, unsigned src, unsigned dst, double ms, struct model_doubt *doubt)
{
	const struct model_spot from = { m->edge[src].at, MODEL_EDGE_KM };

	return !m->edge[src].placed || judge(m, &from, dst, ms, doubt);
}
