#include "simulate/simulate_map.h"

#include "base/memory.h"
#include "simulate/simulate_labels.h"

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
	EDGES_NAMED_MOST = 400,
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
		return q->ms_weight > 0 ? simulate_cost_class(q->ms / q->ms_weight) : 2;
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

/* A path of one colour and size: lines of no length with round ends. */
static void draw_path(
	const struct dot *dots, size_t n, const char *stroke, double width, struct text *out)
{
	text_addf(out, "<path style=\"stroke:var(--%s)\" stroke-width=\"%.1f\" d=\"", stroke,
		width);
	for (size_t i = 0; i < n; i++)
		text_addf(out, "M%.1f %.1fh0", (double)dots[i].x, (double)dots[i].y);
	text_add(out, "\"/>\n");
}

static void draw_group(const struct simulate_drawing *d, const struct dot *dots, size_t n,
	enum simulate_map what, struct text *out)
{
	static const double width[SIZES] = { 1.8, 2.5, 3.2, 4.2 };
	static const char *const core[CORES] = { NULL, "land", "ink" };
	const unsigned c = dots->group / SIZES;
	const double wide = width[dots->group % SIZES];
	const bool answered = what == MAP_COST || c > 0;
	char stroke[8] = "ink";

	if (answered)
		snprintf(stroke, sizeof stroke, "%c%u", what == MAP_COST ? 'k' : 'e',
			what == MAP_COST ? c & 7 : d->paint[c - 1].colour & 7u);
	draw_path(dots, n, stroke, wide, out);
	if (what != MAP_COST && c > 0 && core[d->paint[c - 1].core])
		draw_path(dots, n, core[d->paint[c - 1].core], wide * 0.45, out);
}

static void draw_dots(const struct simulate_drawing *d, const struct dot *dots, size_t n,
	enum simulate_map what, struct text *out)
{
	for (size_t i = 0, first = 0; i < n; i++)
		if (i + 1 == n || dots[i + 1].group != dots[first].group) {
			draw_group(d, dots + first, i + 1 - first, what, out);
			first = i + 1;
		}
}

/* --- windows on the world ------------------------------------------------------------------ */

struct window {
	const char *name; /* NULL: all of it */
	double west, south, east, north;
};

static const struct window world = { NULL, -180, SOUTH, 180, NORTH };
static const struct window insets[] = {
	{ "Europe", -12, 35, 34, 62 },
	{ "North America", -126, 24, -66, 50 },
	{ "East and South-East Asia", 92, -11, 148, 45 },
};
enum { INSETS = sizeof insets / sizeof *insets };

static bool holds(const struct window *w, const struct simulate_edge *e)
{
	return e->placed && e->lon > w->west && e->lon < w->east && e->lat > w->south &&
		e->lat < w->north;
}

static double width_of(const char *name, double size)
{
	return (double)strlen(name) * size * 0.72;
}

/* Letters and marks as they are on a map of the world of its WIDTH, and on an inset of INSET_WIDTH: they are as large on a phone's
 * page (360 and some), and half as large again on a wide one (560). */
enum { LETTERS = 12, MARK = 5, INSET_WIDTH = 400 };

/* Would names lie on each other, or on marks, on the map of the world? */
static bool is_crowded(const struct simulate *s, const struct window *w)
{
	for (unsigned i = 0; i < s->n_edges; i++)
		for (unsigned k = 0; holds(w, &s->edges[i]) && k < s->n_edges; k++) {
			const struct simulate_edge *a = &s->edges[i], *b = &s->edges[k];
			const double x = x_of(b->lon) - x_of(a->lon),
				     y = y_of(b->lat) - y_of(a->lat);
			if (k != i && holds(w, b) && fabs(y) < LETTERS + MARK && x >= 0 &&
				x < width_of(a->name, LETTERS) + 3 * MARK)
				return true;
		}
	return false;
}

/* Does an inset name it? */
static bool is_in_inset(const struct simulate *s, const struct simulate_edge *e)
{
	for (unsigned i = 0; i < INSETS; i++)
		if (holds(&insets[i], e) && is_crowded(s, &insets[i]))
			return true;
	return false;
}

/* --- edges -------------------------------------------------------------------------------- */

/* The edges that a window shows, in the units of the map. */
struct marks {
	const struct simulate_drawing *d;
	enum simulate_map what;
	double zoom;
	unsigned n, edge[EDGES_NAMED_MOST];
	struct label label[EDGES_NAMED_MOST];
};

static void gather_marks(struct marks *m, const struct window *w)
{
	const struct simulate *s = m->d->s;
	const struct label_space in = { x_of(w->west), y_of(w->north),
		x_of(w->east) - x_of(w->west), y_of(w->south) - y_of(w->north),
		LETTERS / m->zoom, MARK / m->zoom };

	for (unsigned i = 0; i < s->n_edges && m->n < EDGES_NAMED_MOST; i++) {
		const struct simulate_edge *e = &s->edges[i];
		if (!holds(w, e) || !(m->what == MAP_OLD ? e->is_old : e->is_new))
			continue;
		m->edge[m->n] = i;
		m->label[m->n++] = (struct label){ .x = x_of(e->lon),
			.y = y_of(e->lat),
			.width = w->name || !is_in_inset(s, e) ? width_of(e->name, in.size)
							       : INFINITY };
	}
	labels_place(m->label, m->n, &in);
}

/* Filled where it has clients, hollow where it has none. */
static void draw_mark(const struct marks *m, unsigned i, struct text *out)
{
	const struct simulate_edge *e = &m->d->s->edges[m->edge[i]];
	const struct label *l = &m->label[i];
	const bool used = (m->what == MAP_OLD ? e->old.weight : e->new.weight) > 0;
	char fill[8] = "land";

	if (used && m->what != MAP_COST)
		snprintf(fill, sizeof fill, "e%u", m->d->paint[m->edge[i]].colour & 7u);
	else if (used)
		strcpy(fill, "ink");
	if (l->placed && l->far)
		text_addf(out, "<path d=\"M%.2f %.2fL%.2f %.2f\"/>", l->x, l->y,
			l->left +
				(l->left > l->x                             ? 0
						: l->left + l->width < l->x ? l->width
									    : l->width / 2),
			l->base - (l->base < l->y ? 0 : LETTERS * 0.6 / m->zoom));
	text_addf(out,
		"<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%.2f\" style=\"fill:var(--%s)\"><title>",
		l->x, l->y, MARK / m->zoom, fill);
	simulate_escape(out, e->name);
	text_add(out, "</title></circle>\n");
	if (!l->placed)
		return;
	text_addf(out, "<text x=\"%.2f\" y=\"%.2f\">", l->left, l->base);
	simulate_escape(out, e->name);
	text_add(out, "</text>\n");
}

static void draw_marks(const struct simulate_drawing *d, enum simulate_map what,
	const struct window *w, double zoom, struct text *out)
{
	struct marks *m = memory_zeroed(1, sizeof *m);

	m->d = d;
	m->what = what;
	m->zoom = zoom;
	gather_marks(m, w);
	text_addf(out, "<g class=\"edges\" style=\"font-size:%.2fpx;stroke-width:%.2f\">\n",
		LETTERS / zoom, 3 / zoom);
	for (unsigned i = 0; i < m->n; i++)
		draw_mark(m, i, out);
	text_add(out, "</g>");
	memory_free(m);
}

/* --- maps --------------------------------------------------------------------------------- */

void simulate_map_land(struct text *out)
{
	text_addf(out,
		"<svg width=\"0\" height=\"0\" class=\"defs\"><defs><path id=\"land\" "
		"transform=\"matrix(%g 0 0 -.34 %d %g)\" d=\"",
		WIDTH / 3600.0, WIDTH / 2, NORTH * 3.4);
	for (const char *const *line = simulate_coast; *line; line++)
		text_add(out, *line);
	text_add(out, "\"/></defs></svg>\n");
}

static void draw_inset(const struct simulate_drawing *d, enum simulate_map what,
	const struct window *w, struct text *out)
{
	const double x = x_of(w->west), y = y_of(w->north), width = x_of(w->east) - x,
		     height = y_of(w->south) - y, zoom = INSET_WIDTH / width;

	text_addf(out,
		"<div><svg viewBox=\"%.1f %.1f %.1f %.1f\" role=\"img\" aria-label=\"%s\">"
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"sea\"/>"
		"<use href=\"#map%d\"/>\n",
		x, y, width, height, w->name, x, y, width, height, what);
	draw_marks(d, what, w, zoom, out);
	text_addf(out, "</svg><small>%s</small></div>\n", w->name);
}

void simulate_map(const struct simulate_drawing *d, enum simulate_map what, struct text *out)
{
	struct square *all = gather(d->s);
	struct dot *dots = memory_zeroed(SQUARES, sizeof *dots);
	const size_t n = list_dots(all, what, dots);

	text_addf(out,
		"<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"map of the world\">"
		"<rect width=\"%d\" height=\"%d\" class=\"sea\"/>\n<g id=\"map%d\">"
		"<use href=\"#land\" class=\"land\"/><g fill=\"none\" "
		"stroke-linecap=\"round\">\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT, what);
	draw_dots(d, dots, n, what, out);
	text_add(out, "</g></g>\n");
	draw_marks(d, what, &world, 1, out);
	text_add(out, "</svg>\n<div class=\"insets\">");
	for (unsigned i = 0; i < INSETS; i++)
		if (is_crowded(d->s, &insets[i]))
			draw_inset(d, what, &insets[i], out);
	text_add(out, "</div>\n");
	memory_free(dots);
	memory_free(all);
}
