/* conf_lint_edges.c - edges that stand where nobody lives.
 */
#include "daemon/conf_lint_inner.h"

#include <math.h>

#define NEAR_DEGREES 0.5 /* of a place where somebody lives */
#define FAR_DEGREES  2.0

/* Is some place that GeoIP knows within so many degrees? */
static bool is_peopled(const struct places *p, double lat, double lon, double degrees)
{
	const double east = degrees / fmax(0.1, cos(lat * 3.14159265358979 / 180));

	for (uint32_t i = 1; i <= places_count(p); i++) {
		const struct place *at = places_get(p, i);
		if (fabs(at->lat - lat) < degrees && fabs(at->lon - lon) < east)
			return true;
	}
	return false;
}

void lint_edges(const struct linting *l)
{
	const struct places *p = l->o->parts->atlas->cities.places;

	for (size_t i = 0; i < l->conf->n_edges; i++) {
		const struct edge_opts *e = &l->conf->edges[i];
		const struct node *n = lint_entry(l, "edges", e->name),
				  *at = n ? parse_get(n, "at") : NULL;
		if (!at || !e->placed)
			continue;
		if (e->lat == 0 && e->lon == 0)
			lint_doubt(l, LINT_NULL_ISLAND, at, "0,0 is in the Gulf of Guinea");
		else if (p && fabs(e->lon) <= 90 &&
			!is_peopled(p, e->lat, e->lon, FAR_DEGREES) &&
			is_peopled(p, e->lon, e->lat, NEAR_DEGREES))
			lint_doubt(l, LINT_SWAPPED, at,
				"nobody lives near there, but near \"%g,%g\": are latitude and "
				"longitude swapped?",
				e->lon, e->lat);
	}
}
