#include "simulate/simulate_colours.h"

#include "base/memory.h"
#include "geo/place.h"

#include <math.h>
#include <stdlib.h>

const char *const simulate_light[SIMULATE_COLOURS] = { "#120aff", "#c72900", "#13d67b",
	"#edba05", "#6e197d", "#e34bf3", "#958693", "#6c0617" };
const char *const simulate_dark[SIMULATE_COLOURS] = { "#2fffe8", "#d40000", "#e3c017",
	"#ff6bff", "#6ea773", "#a317ff", "#eaffa3", "#c5008b" };

/* Blue is better, orange is worse: a pair that all eyes tell apart. */
const struct simulate_cost simulate_costs[COST_CLASSES] = {
	{ "#0b4a9e", "#b5dcff", "over 5 ms faster" },
	{ "#62a3dd", "#3f86c6", "faster" },
	{ "#c9ced6", "#46505e", "as now, within 1 ms" },
	{ "#f7b45e", "#a8651a", "slower" },
	{ "#d9640d", "#f0a04b", "over 10 ms slower" },
	{ "#6b2002", "#ffe6c4", "over 50 ms slower" },
};

unsigned simulate_cost_class(double ms)
{
	return ms < -5 ? 0 : ms < -1 ? 1 : ms <= 1 ? 2 : ms <= 10 ? 3 : ms <= 50 ? 4 : 5;
}

static double apart(const struct simulate_edge *a, const struct simulate_edge *b)
{
	return a->placed && b->placed ? place_distance_km(a->lat, a->lon, b->lat, b->lon) : 0;
}

static double clients_of(const struct simulate_edge *e)
{
	return fmax(e->old.weight, e->new.weight);
}

static int by_clients(const void *a, const void *b)
{
	const struct simulate_edge *const x = *(const struct simulate_edge *const *)a,
					 *const y = *(const struct simulate_edge *const *)b;
	const double more = clients_of(y) - clients_of(x);

	return more > 0 ? 1 : more < 0 ? -1 : (x > y) - (x < y);
}

/* Edge after edge, those with most clients first, the colour that fewest have, of these the one whose edges are farthest: so
 * the largest ones share theirs with nobody as long as that goes. */
void simulate_paint(const struct simulate *s, struct simulate_paint *to)
{
	const struct simulate_edge **edge = memory_zeroed(s->n_edges, sizeof *edge);
	unsigned used[SIMULATE_COLOURS] = { 0 };

	for (unsigned i = 0; i < s->n_edges; i++)
		edge[i] = &s->edges[i];
	qsort(edge, s->n_edges, sizeof *edge, by_clients);
	for (unsigned i = 0; i < s->n_edges; i++) {
		double far[SIMULATE_COLOURS];
		unsigned best = 0;
		for (unsigned c = 0; c < SIMULATE_COLOURS; c++)
			far[c] = INFINITY;
		for (unsigned k = 0; k < i; k++) {
			double *least = &far[to[edge[k] - s->edges].colour];
			*least = fmin(*least, apart(edge[i], edge[k]));
		}
		for (unsigned c = 1; c < SIMULATE_COLOURS; c++)
			if (used[c] < used[best] || (used[c] == used[best] && far[c] > far[best]))
				best = c;
		to[edge[i] - s->edges] = (struct simulate_paint){ (uint8_t)best, used[best] % CORES };
		used[best]++;
	}
	memory_free(edge);
}

void simulate_colours_css(bool dark, struct text *out)
{
	for (unsigned i = 0; i < SIMULATE_COLOURS; i++)
		text_addf(out, "--e%u:%s;", i, dark ? simulate_dark[i] : simulate_light[i]);
	for (unsigned i = 0; i < COST_CLASSES; i++)
		text_addf(out, "--k%u:%s;", i,
			dark ? simulate_costs[i].dark : simulate_costs[i].light);
}

void simulate_swatch(struct simulate_paint p, struct text *out)
{
	static const char *const core[CORES] = { "", " class=\"page\"", " class=\"ink\"" };

	text_addf(
		out, "<i%s style=\"background-color:var(--e%u)\"></i>", core[p.core], p.colour);
}
