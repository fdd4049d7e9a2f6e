#include "daemon/regions.h"

#include "base/memory.h"
#include "console/command.h"
#include "daemon/latency_read.h"
#include "daemon/parts_read.h"
#include "geo/place.h"
#include "report/report.h"
#include "simulate/simulate_demand.h"
#include "simulate/simulate_names.h"
#include "simulate/simulate_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ask {
	const char *pool;
	bool stage, json, v6;
	struct forced_list forced; /* what is forced, and would be; own */
	struct text then;          /* in words */
};

/* --- what is asked ------------------------------------------------------------------------ */

static bool force(const struct report_view *v, struct ask *a, const char *edge, enum edge_state state, struct text *out)
{
	if (!forced_names_edge(v->live.steer, edge)) {
		text_addf(out, "there is no edge \"%s\"\n", edge);
		return false;
	}
	forced_set(&a->forced,
		&(struct forced){ .edge = (char *)(uintptr_t)edge,
			.pool = (char *)(uintptr_t)"",
			.state = state,
			.begun = true,
			.until_us = UINT64_MAX });
	text_addf(&a->then, "%s%s %s", a->then.len ? ", " : "", edge, edge_state_text(state));
	return true;
}

/* Words that are left are wrong. */
static int take_words(const struct report_view *v, struct ask *a, const char **words, size_t *n, struct text *out)
{
	const char *edge;

	a->json = command_take_word(words, n, "--json");
	a->stage = command_take_word(words, n, "--stage");
	a->v6 = command_take_word(words, n, "--ipv6");
	while (command_take_value(words, n, "--drain", &edge))
		if (!force(v, a, edge, EDGE_DRAIN, out))
			return 1;
	while (command_take_value(words, n, "--down", &edge))
		if (!force(v, a, edge, EDGE_DOWN, out))
			return 1;
	while (command_take_value(words, n, "--up", &edge))
		if (!force(v, a, edge, EDGE_UP, out))
			return 1;
	if (*n != 1 || (a->stage && a->then.len))
		return 2;
	a->pool = words[0];
	if (a->stage && !v->staged.steer)
		text_add(out, "nothing is staged\n");
	else if (v->world->steer != v->live.steer || (a->stage && v->world->stage.steer != v->staged.steer))
		text_add(out, "what is served is about to change; try again\n");
	else if (steer_pool(v->live.steer, a->pool) < 0 && !(a->stage && steer_pool(v->staged.steer, a->pool) >= 0))
		text_addf(out, "there is no pool \"%s\" (\"waymarkctl pools\" lists them)\n", a->pool);
	if (a->stage && !out->len)
		text_add(&a->then, "what is staged, for all");
	return out->len ? 1 : 0;
}

/* --- the two sides ------------------------------------------------------------------------ */

/* As it would be with what is forced then; load and fail-back as they are. */
static struct standing *stand(const struct report_view *v, const struct forced_list *list)
{
	const struct report_health *h = &v->health;
	const struct standing *now = v->world->standing;
	struct standing_row *rows = memory_zeroed(h->rows.n, sizeof *rows);
	struct forced_effect effect = forced_effect_of(list, v->live.steer);

	for (unsigned i = 0; i < h->rows.n; i++)
		rows[i] = (struct standing_row){ h->rows.need[i], still_row(h->still, h->first + i) };
	struct standing *to = standing_new(&(struct standing_opts){ .steer = v->live.steer,
		.states = effect.states,
		.forced = effect.forced,
		.effect = &effect,
		.verdicts = h->still->verdicts,
		.rows = rows,
		.n_rows = h->rows.n,
		.row_of = h->rows.row_of,
		.own_row = h->rows.own_row,
		.before = now });
	to->tick = now->tick;
	for (unsigned i = 0; i < now->n_pools; i++)
		if (now->pools[i].bounds)
			to->pools[i].bounds = arena_memdup(&to->mem, now->pools[i].bounds,
				v->live.steer->pools[i].n * sizeof *now->pools[i].bounds);
	if (now->cuts) {
		to->cuts = arena_alloc(&to->mem, now->n_edges * sizeof *to->cuts);
		memcpy(to->cuts, now->cuts, now->n_edges * sizeof *to->cuts);
	}
	memory_free(rows);
	forced_effect_fini(&effect);
	return to;
}

static struct simulate_names *names_of(const struct report_view *v, const char *pool, struct arena *mem)
{
	bool *of_pool = simulate_names_matter(v->live.steer);
	const int at = steer_pool(v->live.steer, pool);
	const bool matters = at >= 0 && of_pool[at];

	memory_free(of_pool);
	return matters ? simulate_names_new(v->world, &pool, &matters, 1, mem) : NULL;
}

/* --- cells -------------------------------------------------------------------------------- */

struct cell {
	int16_t lat, lon; /* number of the row and the column */
	int old, new;     /* edges, -1: none */
	double weight;
};

static int compare_cells(const void *va, const void *vb)
{
	const struct cell *a = va, *b = vb;
	const int d = a->lat != b->lat ? a->lat - b->lat : a->lon != b->lon ? a->lon - b->lon : a->old - b->old;

	return d ? d : a->new - b->new;
}

static int16_t number_of(double degrees, double from)
{
	return (int16_t)floor((degrees - from) * 10 / REGIONS_STEP_TENTHS);
}

/* Places that are known, into cells; of a cell that pair of edges counts that has most of its clients. */
static size_t fill_cells(const struct simulate *s, struct cell *cells)
{
	size_t n = 0, kept = 0;

	for (uint32_t i = 1; i < s->n_places; i++) {
		const struct place *p = places_get(s->atlas->cities.places, i);
		const struct simulate_place *x = &s->places[i];
		if (x->weight > 0 && !isnan(p->lat) && !isnan(p->lon))
			cells[n++] = (struct cell){ number_of(p->lat, -90), number_of(p->lon, -180), x->edge_old, x->edge_new, x->weight };
	}
	qsort(cells, n, sizeof *cells, compare_cells);
	for (size_t i = 0; i < n;) {
		struct cell best = cells[i];
		double all = 0;
		const size_t first = i;
		while (i < n && cells[i].lat == cells[first].lat && cells[i].lon == cells[first].lon) {
			struct cell one = cells[i];
			for (one.weight = 0; i < n && compare_cells(&cells[i], &one) == 0; i++)
				one.weight += cells[i].weight;
			all += one.weight;
			if (one.weight > best.weight || best.old != one.old || best.new != one.new)
				best = one.weight > best.weight || first == i ? one : best;
		}
		best.weight = all;
		cells[kept++] = best;
	}
	return kept;
}

/* Each a text, since there are thousands: "row column edge-now edge-then millionths-of-the-clients". */
static json_t *cells_json(const struct simulate *s)
{
	struct cell *cells = memory_zeroed(s->n_places, sizeof *cells);
	const size_t n = fill_cells(s, cells);
	json_t *list = json_array();
	char text[80];

	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof text, "%d %d %d %d %ld", cells[i].lat, cells[i].lon, cells[i].old, cells[i].new,
			lround(1e6 * simulate_share(s, cells[i].weight)));
		json_array_append_new(list, json_string(text));
	}
	memory_free(cells);
	return list;
}

/* --- the answer --------------------------------------------------------------------------- */

static void tell(const struct report_view *v, const struct ask *a, const struct simulate *s, struct text *out)
{
	struct text now = { 0 };
	char at[32];
	struct tm tm;
	const time_t time_s = time(NULL);

	strftime(at, sizeof at, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&time_s, &tm));
	text_addf(&now, "as it is served (generation %llu)", (unsigned long long)v->world->generation);
	const struct simulate_report r = { s, text_get(&now), a->then.len ? text_get(&a->then) : "the same",
		a->v6 ? "every IPv6 /48 that GeoIP has a place for, each counting the same"
		      : "every IPv4 address that GeoIP has a place for, each counting the same",
		"", at, NAN };
	if (a->json) {
		json_t *o = simulate_json(&r);
		json_object_del(o, "countries"); /* large, and cells tell more */
		json_object_set_new(o, "pool", json_string(a->pool));
		json_object_set_new(o, "ipv6", json_boolean(a->v6));
		json_object_set_new(o, "generation", json_integer((json_int_t)v->world->generation));
		json_object_set_new(o, "cell_degrees", json_real(REGIONS_STEP_TENTHS / 10.0));
		json_object_set_new(o, "cells", cells_json(s));
		report_json(o, out);
	} else {
		simulate_text(&r, out);
	}
	text_fini(&now);
}

static bool run(const struct report_view *v, const struct ask *a, struct text *out)
{
	const bool staged = a->stage;
	struct standing *then = a->then.len && !staged ? stand(v, &a->forced) : NULL;
	const struct simulate_side now = { v->live.steer, v->world->standing, v->live.table, parts_conf(&v->live)->policy.ecs };
	struct simulate_side other = now;
	struct simulate_demand everybody = { 0 };
	struct arena mem = { 0 };
	struct simulate_names *names = names_of(v, a->pool, &mem);
	struct simulate s;

	if (then)
		other.standing = then;
	if (staged)
		other = (struct simulate_side){ v->staged.steer, v->world->stage.standing, v->staged.table,
			parts_conf(&v->staged)->policy.ecs };
	simulate_demand_everybody(&everybody, a->v6);
	simulate_run(&s,
		&(struct simulate_opts){ .old = now,
			.new = other,
			.pools = &a->pool,
			.n_pools = 1,
			.names = names,
			.clients = everybody.clients,
			.n_clients = everybody.n,
			.now_s = latency_read_now() });
	const bool known = s.weight > 0;
	if (known)
		tell(v, a, &s, out);
	else
		text_add(out, "the GeoIP files know no place\n");
	simulate_fini(&s);
	simulate_names_free(names, 1);
	simulate_demand_fini(&everybody);
	arena_fini(&mem);
	if (then)
		standing_free(then);
	return known;
}

int regions_make(const struct report_view *v, const char **words, size_t n, struct text *out)
{
	struct ask a = { .forced = forced_copy(&v->health.forced) };
	int status = take_words(v, &a, words, &n, out);

	if (!status)
		status = run(v, &a, out) ? 0 : 1;
	forced_fini(&a.forced);
	text_fini(&a.then);
	return status;
}
