#include "simulate/simulate_map.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The world from the north of Norway to Cape Horn, in squares of a degree, equirectangular. */
enum {
	WIDTH = 1080,
	NORTH = 78,
	SOUTH = -56,
	HEIGHT = (NORTH - SOUTH) * 34 / 10,
	SIZES = 4,
	SQUARES = 360 * 180
};

struct square {
	double weight, heaviest, ms, ms_weight; /* `ms`: what it costs */
	int edge[2];                            /* of its heaviest place, old and new */
};

struct dot {
	unsigned group; /* colour and size */
	float x, y;
};

const struct simulate_cost simulate_costs[COST_CLASSES] = {
	{ "#1a9850", "over 5 ms faster" },
	{ "#91cf60", "faster" },
	{ "#c9ced6", "as now, within 1 ms" },
	{ "#fdae61", "slower" },
	{ "#f46d43", "over 10 ms slower" },
	{ "#a50026", "over 50 ms slower" },
};

static unsigned cost_class(double ms)
{
	return ms < -5 ? 0 : ms < -1 ? 1 : ms <= 1 ? 2 : ms <= 10 ? 3 : ms <= 50 ? 4 : 5;
}

/* Neighbours in a list are far from each other in hue. */
const char *simulate_colour(char to[static 32], int edge)
{
	if (edge < 0)
		return strcpy(to, "#000");
	snprintf(to, 32, "hsl(%d,%d%%,%d%%)", (int)(edge * 137.508 + 210) % 360,
		62 + edge % 3 * 12, 42 + edge / 3 % 3 * 8);
	return to;
}

void simulate_escape(struct text *out, const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '&': text_add(out, "&amp;"); break;
		case '<': text_add(out, "&lt;"); break;
		case '>': text_add(out, "&gt;"); break;
		case '"': text_add(out, "&quot;"); break;
		default: text_add_char(out, *s);
		}
}

static double x_of(double lon)
{
	return (lon + 180) * WIDTH / 360;
}

static double y_of(double lat)
{
	return (NORTH - lat) * 3.4;
}

static struct square *gather(const struct simulate *s)
{
	struct square *all = memory_zeroed(SQUARES, sizeof *all);

	for (uint32_t i = 1; i < s->n_places; i++) {
		const struct simulate_place *p = &s->places[i];
		const struct place *at = places_get(s->atlas->cities.places, i);
		if (p->weight <= 0 || isnan(at->lat))
			continue;
		const int row = (int)floor(90 - at->lat), column = (int)floor(at->lon + 180);
		struct square *q = &all[(row < 0                    ? 0
							: row > 179 ? 179
								    : row) *
				360 +
			(column < 0                    ? 0
					: column > 359 ? 359
						       : column)];
		const double cost = simulate_ms(&p->new) - simulate_ms(&p->old);
		q->weight += p->weight;
		q->ms += isnan(cost) ? 0 : cost * p->weight;
		q->ms_weight += isnan(cost) ? 0 : p->weight;
		if (p->weight > q->heaviest) {
			q->heaviest = p->weight;
			q->edge[0] = p->edge_old;
			q->edge[1] = p->edge_new;
		}
	}
	return all;
}

/* By powers of eight over the mean. */
static unsigned size_of(double weight, double mean)
{
	const double v = log(weight / mean) / log(8) + 2;

	return v < 0 ? 0 : v >= SIZES ? SIZES - 1 : (unsigned)v;
}

static unsigned colour_of(const struct square *q, enum simulate_map what)
{
	if (what == MAP_COST)
		return q->ms_weight > 0 ? cost_class(q->ms / q->ms_weight) : 2;
	return (unsigned)(q->edge[what == MAP_NEW] + 1);
}

static int compare_dots(const void *va, const void *vb)
{
	const struct dot *a = va, *b = vb;

	return (a->group > b->group) - (a->group < b->group);
}

static size_t list_dots(const struct square *all, enum simulate_map what, struct dot *dots)
{
	double sum = 0;
	size_t n = 0, used = 0;

	for (unsigned i = 0; i < SQUARES; i++) {
		sum += all[i].weight;
		used += all[i].weight > 0;
	}
	for (unsigned i = 0; i < SQUARES; i++) {
		const double lat = 90 - (i / 360 + 0.5), lon = i % 360 + 0.5 - 180;
		if (all[i].weight <= 0 || lat > NORTH || lat < SOUTH)
			continue;
		dots[n++] = (struct dot){ colour_of(&all[i], what) * SIZES +
				size_of(all[i].weight, sum / (double)used),
			(float)x_of(lon), (float)y_of(lat) };
	}
	qsort(dots, n, sizeof *dots, compare_dots);
	return n;
}

/* Dots of one colour and size are one path: lines of no length with round ends. */
static void draw_dots(
	const struct dot *dots, size_t n, enum simulate_map what, struct text *out)
{
	static const double width[SIZES] = { 1.8, 2.5, 3.2, 4.2 };
	char colour[32];

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || dots[i].group != dots[i - 1].group) {
			const unsigned c = dots[i].group / SIZES;
			text_addf(out, "%s<path stroke=\"%s\" stroke-width=\"%.1f\" d=\"",
				i ? "\"/>\n" : "",
				what == MAP_COST ? simulate_costs[c].colour
						 : simulate_colour(colour, (int)c - 1),
				width[dots[i].group % SIZES]);
		}
		text_addf(out, "M%.1f %.1fh0", (double)dots[i].x, (double)dots[i].y);
	}
	text_add(out, n ? "\"/>\n" : "");
}

/* Another edge stands where the name would. */
static bool is_crowded(const struct simulate *s, unsigned i)
{
	for (unsigned k = 0; k < s->n_edges; k++) {
		const double x = x_of(s->edges[k].lon) - x_of(s->edges[i].lon),
			     y = y_of(s->edges[k].lat) - y_of(s->edges[i].lat);
		if (k != i && s->edges[k].placed && fabs(y) < 12 && x >= 0 && x < 50 &&
			(x > 0 || k > i))
			return true;
	}
	return false;
}

/* Ringed where it has clients, hollow where it has none. */
static void draw_edge(
	const struct simulate *s, unsigned i, enum simulate_map what, struct text *out)
{
	const struct simulate_edge *e = &s->edges[i];
	const bool is_there = what == MAP_OLD ? e->is_old : e->is_new,
		   used = (what == MAP_OLD ? e->old.weight : e->new.weight) > 0;
	const bool left = is_crowded(s, i);
	char colour[32];

	if (!e->placed || !is_there)
		return;
	text_addf(out,
		"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\"/><text x=\"%.1f\" "
		"y=\"%.1f\"%s>",
		x_of(e->lon), y_of(e->lat), used ? simulate_colour(colour, (int)i) : "#fff",
		x_of(e->lon) + (left ? -8 : 8), y_of(e->lat) + 4,
		left ? " text-anchor=\"end\"" : "");
	simulate_escape(out, e->name);
	text_add(out, "</text>\n");
}

void simulate_map(const struct simulate *s, enum simulate_map what, struct text *out)
{
	struct square *all = gather(s);
	struct dot *dots = memory_zeroed(SQUARES, sizeof *dots);
	const size_t n = list_dots(all, what, dots);

	text_addf(out,
		"<svg viewBox=\"0 0 %d %d\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">"
		"<rect width=\"%d\" height=\"%d\" class=\"sea\"/>\n<g fill=\"none\" "
		"stroke-linecap=\"round\">\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	draw_dots(dots, n, what, out);
	text_add(out, "</g>\n<g class=\"edges\">\n");
	for (unsigned i = 0; i < s->n_edges; i++)
		draw_edge(s, i, what, out);
	text_add(out, "</g></svg>\n");
	memory_free(dots);
	memory_free(all);
}
