#include "simulate/simulate_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

double simulate_share(const struct simulate *s, double weight)
{
	return s->weight > 0 ? weight / s->weight : 0;
}

double simulate_old_load(const struct simulate_report *r, const struct simulate_edge *e)
{
	return simulate_share(r->found, e->old.weight + e->old_roles) * r->load;
}

double simulate_new_load(const struct simulate_report *r, const struct simulate_edge *e)
{
	return simulate_share(r->found, e->new.weight + e->new_roles) * r->load;
}

bool simulate_shows(const struct simulate *s, double weight, unsigned digits)
{
	return simulate_share(s, weight) >= 0.5 * pow(10, -2.0 - digits);
}

const char *simulate_milliseconds(const struct simulate *s)
{
	static const char *const of[] = { [LATENCY_RTT] = "", [LATENCY_TTFB] = "from a request to the first byte (goal: ttfb)",
		[LATENCY_TRANSFER] = "from a request to the last of 100,000 bytes (goal: throughput)",
		[LATENCY_LOSS] = "round trips, and a second for each packet that is lost (goal: loss)" };

	for (size_t i = 0; i < s->n_pools; i++)
		if (s->pools[i].goal != s->goal)
			return "round trips, but those of pools, which are by their goals";
	return of[s->goal];
}

void simulate_coverage(const struct simulate *s, struct text *out)
{
	text_addf(out, "%llu networks; %.2f %% of the clients have an estimate",
		(unsigned long long)s->clients, 100 * simulate_share(s, s->new.ms_weight));
	if (s->unanswered_old > 0 || s->unanswered_new > 0)
		text_addf(out, "; %.2f %% get no edge now, %.2f %% then",
			100 * simulate_share(s, s->unanswered_old),
			100 * simulate_share(s, s->unanswered_new));
}

const char *simulate_edge_name(const struct simulate *s, int edge)
{
	return edge < 0 ? "(no answer)" : s->edges[edge].name;
}

const char *simulate_place_name(const struct simulate *s, uint32_t place, char *to, size_t room)
{
	const struct places *places = s->atlas->cities.places;
	const struct place *p = places_get(places, place);
	const char *city = place_text(places, p->city);

	if (*city || isnan(p->lat))
		snprintf(to, room, "%s%s%.2s", city, *city && p->country[0] ? ", " : "",
			p->country);
	else
		snprintf(to, room, "%.2s (%.1f,%.1f)", p->country, p->lat, p->lon);
	return *to ? to : "somewhere";
}

static double lost(const struct simulate_place *p)
{
	return simulate_ms(&p->new) - simulate_ms(&p->old);
}

size_t simulate_losers(const struct simulate *s, uint32_t *places, size_t room)
{
	size_t n = 0;

	for (uint32_t i = 1; i < s->n_places; i++) {
		const struct simulate_place *p = &s->places[i];
		if (p->moved <= 0 || !(lost(p) > 0.05) || !simulate_shows(s, p->weight, 4))
			continue;
		size_t at = n < room ? n++ : room;
		while (at > 0 && lost(&s->places[places[at - 1]]) < lost(p)) {
			if (at < room)
				places[at] = places[at - 1];
			at--;
		}
		if (at < room)
			places[at] = i;
	}
	return n;
}

/* --- JSON --------------------------------------------------------------------------------- */

/* What is not known is not there. */
static void set(json_t *o, const char *key, double v, double unit)
{
	if (!isnan(v))
		json_object_set_new(o, key, json_real(round(v / unit) * unit));
}

#define SHARE 1e-8
#define MS    0.001

static void set_sums(json_t *o, const struct simulate_sum *old, const struct simulate_sum *new)
{
	set(o, "old_ms", simulate_ms(old), MS);
	set(o, "new_ms", simulate_ms(new), MS);
}

static json_t *edges_json(const struct simulate_report *r)
{
	const struct simulate *s = r->found;
	json_t *list = json_array();

	for (unsigned i = 0; i < s->n_edges; i++) {
		const struct simulate_edge *e = &s->edges[i];
		json_t *o = json_pack("{s:s, s:b, s:b}", "edge", e->name, "is_old", e->is_old,
			"is_new", e->is_new);
		set(o, "old_share", simulate_share(s, e->old.weight), SHARE);
		set(o, "new_share", simulate_share(s, e->new.weight), SHARE);
		set(o, "old_load", simulate_old_load(r, e), MS);
		set(o, "new_load", simulate_new_load(r, e), MS);
		set(o, "old_capacity", e->old_capacity > 0 ? e->old_capacity : NAN, MS);
		set(o, "new_capacity", e->new_capacity > 0 ? e->new_capacity : NAN, MS);
		set_sums(o, &e->old, &e->new);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *pools_json(const struct simulate *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_pools; i++) {
		const struct simulate_pool *p = &s->pools[i];
		json_t *o = json_pack("{s:s, s:s, s:b, s:b, s:b, s:I, s:I}", "pool", p->name,
			"goal", latency_kind_text(p->goal), "is_old", p->is_old, "is_new", p->is_new, "takes_turns", p->turns,
			"old_cache_entries", (json_int_t)p->entries_old, "new_cache_entries",
			(json_int_t)p->entries_new);
		if (p->old.weight > 0)
			set(o, "moved_share", p->moved / p->old.weight, SHARE);
		set_sums(o, &p->old, &p->new);
		set(o, "old_rtt_ms", simulate_ms(&p->old_rtt), MS);
		set(o, "new_rtt_ms", simulate_ms(&p->new_rtt), MS);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *by_edge_json(const struct simulate *s, const double *by_edge, double all)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < s->n_edges; i++)
		if (by_edge[i] > 0)
			set(o, s->edges[i].name, by_edge[i] / all, SHARE);
	return o;
}

static json_t *countries_json(const struct simulate *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_countries; i++) {
		const struct simulate_group *g = &s->countries[i];
		json_t *o = json_pack("{s:s}", "country", g->name);
		set(o, "share", simulate_share(s, g->old.weight), SHARE);
		if (g->old.weight > 0) {
			set(o, "moved_share", g->moved / g->old.weight, SHARE);
			json_object_set_new(
				o, "old", by_edge_json(s, g->by_edge, g->old.weight));
			json_object_set_new(o, "new",
				by_edge_json(s, g->by_edge + s->n_edges, g->old.weight));
		}
		set_sums(o, &g->old, &g->new);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *moves_json(const struct simulate *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_moves; i++) {
		const struct simulate_move *m = &s->moves[i];
		json_t *o = json_object();
		if (m->from >= 0)
			json_object_set_new(o, "from", json_string(s->edges[m->from].name));
		if (m->to >= 0)
			json_object_set_new(o, "to", json_string(s->edges[m->to].name));
		set(o, "share", simulate_share(s, m->weight), SHARE);
		if (m->ms_weight > 0)
			set(o, "extra_ms", m->extra_ms / m->ms_weight, MS);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *losers_json(const struct simulate *s)
{
	uint32_t worst[SIMULATE_LOSERS];
	const size_t n = simulate_losers(s, worst, SIMULATE_LOSERS);
	json_t *list = json_array();
	char name[256];

	for (size_t i = 0; i < n; i++) {
		const struct simulate_place *p = &s->places[worst[i]];
		json_t *o = json_pack("{s:s, s:s, s:s}", "place",
			simulate_place_name(s, worst[i], name, sizeof name), "from",
			simulate_edge_name(s, p->from), "to", simulate_edge_name(s, p->to));
		set(o, "share", simulate_share(s, p->weight), SHARE);
		set_sums(o, &p->old, &p->new);
		json_array_append_new(list, o);
	}
	return list;
}

json_t *simulate_json(const struct simulate_report *r)
{
	const struct simulate *s = r->found;
	json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "old", r->old, "new", r->new, "clients",
		r->clients, "nets", (json_int_t)s->clients);

	if (*r->note)
		json_object_set_new(o, "note", json_string(r->note));
	json_object_set_new(o, "time", json_string(r->time));
	json_object_set_new(o, "goal", json_string(latency_kind_text(s->goal)));
	set(o, "estimated_share", simulate_share(s, s->new.ms_weight), SHARE);
	set(o, "moved_share", simulate_share(s, s->moved), SHARE);
	set(o, "worse_share", simulate_share(s, s->worse), SHARE);
	set(o, "better_share", simulate_share(s, s->better), SHARE);
	set(o, "old_unanswered_share", simulate_share(s, s->unanswered_old), SHARE);
	set(o, "new_unanswered_share", simulate_share(s, s->unanswered_new), SHARE);
	set_sums(o, &s->old, &s->new);
	json_object_set_new(o, "edges", edges_json(r));
	json_object_set_new(o, "pools", pools_json(s));
	json_object_set_new(o, "moves", moves_json(s));
	json_object_set_new(o, "losers", losers_json(s));
	json_object_set_new(o, "countries", countries_json(s));
	return o;
}

/* --- text --------------------------------------------------------------------------------- */

enum { MOVES_SHOWN = 15, COUNTRIES_SHOWN = 20 };

static void add_ms(struct text *out, double ms)
{
	if (isnan(ms))
		text_addf(out, " %9s", "-");
	else
		text_addf(out, " %9.1f", ms);
}

static void edges_text(const struct simulate_report *r, struct text *out)
{
	const struct simulate *s = r->found;

	text_addf(out, "\n%-20s %9s %9s %9s %9s %9s", "edge", "now %", "then %", "change",
		"now ms", "then ms");
	text_addf(out, isnan(r->load) ? "\n" : " %12s %12s\n", "now load", "then load");
	for (unsigned i = 0; i < s->n_edges; i++) {
		const struct simulate_edge *e = &s->edges[i];
		const double o = simulate_share(s, e->old.weight),
			     n = simulate_share(s, e->new.weight);
		text_addf(out, "%-20s %9.2f %9.2f %+9.2f", e->name, 100 * o, 100 * n,
			100 * (n - o));
		add_ms(out, simulate_ms(&e->old));
		add_ms(out, simulate_ms(&e->new));
		if (!isnan(r->load))
			text_addf(out, " %12.1f %12.1f", simulate_old_load(r, e),
				simulate_new_load(r, e));
		if (e->new_capacity > 0 && simulate_new_load(r, e) > e->new_capacity)
			text_addf(out, "  past its capacity of %g", e->new_capacity);
		text_addf(out, "%s\n", !e->is_new ? "  gone" : !e->is_old ? "  new" : "");
	}
	text_addf(out, "%-20s %9.2f %9.2f %+9.2f", "all",
		100 - 100 * simulate_share(s, s->unanswered_old),
		100 - 100 * simulate_share(s, s->unanswered_new),
		100 * simulate_share(s, s->unanswered_old - s->unanswered_new));
	add_ms(out, simulate_ms(&s->old));
	add_ms(out, simulate_ms(&s->new));
	text_add_char(out, '\n');
}

static void pools_text(const struct simulate *s, struct text *out)
{
	text_addf(out, "\n%-20s %9s %9s %9s %28s\n", "pool", "moves %", "now ms", "then ms",
		"ECS cache entries");
	for (size_t i = 0; i < s->n_pools; i++) {
		const struct simulate_pool *p = &s->pools[i];
		text_addf(out, "%-20s ", p->name);
		if (p->turns)
			text_addf(out, "%9s", "in turns");
		else
			text_addf(out, "%9.2f",
				p->old.weight > 0 ? 100 * p->moved / p->old.weight : 0);
		add_ms(out, simulate_ms(&p->old));
		add_ms(out, simulate_ms(&p->new));
		text_addf(out, " %10llu -> %-10llu", (unsigned long long)p->entries_old,
			(unsigned long long)p->entries_new);
		if (p->entries_old && p->entries_old != p->entries_new)
			text_addf(out, " %+.1f %%",
				100.0 * (double)p->entries_new / (double)p->entries_old - 100);
		text_add(out, !p->is_new ? "  gone" : !p->is_old ? "  new" : "");
		if (p->goal != LATENCY_RTT)
			text_addf(out, "  by %s; round trips %.1f -> %.1f ms", latency_kind_text(p->goal), simulate_ms(&p->old_rtt),
				simulate_ms(&p->new_rtt));
		text_add_char(out, '\n');
	}
}

static void moves_text(const struct simulate *s, struct text *out)
{
	text_addf(out, "\n%-44s %9s %9s\n", "who moves", "%", "extra ms");
	for (size_t i = 0; i < s->n_moves && i < MOVES_SHOWN; i++) {
		const struct simulate_move *m = &s->moves[i];
		char way[256];
		if (!simulate_shows(s, m->weight, 3))
			continue;
		snprintf(way, sizeof way, "%s -> %s", simulate_edge_name(s, m->from),
			simulate_edge_name(s, m->to));
		text_addf(out, "%-44s %9.3f", way, 100 * simulate_share(s, m->weight));
		add_ms(out, m->ms_weight > 0 ? m->extra_ms / m->ms_weight : NAN);
		text_add_char(out, '\n');
	}
	if (s->n_moves > MOVES_SHOWN)
		text_addf(out, "... and %zu other ways (--json has all)\n",
			s->n_moves - MOVES_SHOWN);
}

static void losers_text(const struct simulate *s, struct text *out)
{
	uint32_t worst[SIMULATE_LOSERS];
	const size_t n = simulate_losers(s, worst, SIMULATE_LOSERS / 2);

	if (!n)
		return;
	text_addf(out, "\n%-44s %9s %9s %9s\n", "who loses most", "%", "now ms", "then ms");
	for (size_t i = 0; i < n; i++) {
		const struct simulate_place *p = &s->places[worst[i]];
		char name[256], way[512];
		snprintf(way, sizeof way, "%s: %s -> %s",
			simulate_place_name(s, worst[i], name, sizeof name),
			simulate_edge_name(s, p->from), simulate_edge_name(s, p->to));
		text_addf(out, "%-44s %9.4f", way, 100 * simulate_share(s, p->weight));
		add_ms(out, simulate_ms(&p->old));
		add_ms(out, simulate_ms(&p->new));
		text_add_char(out, '\n');
	}
}

/* The edges that most of a country goes to, at most three: what would be told as 0 % only where there is no other. */
static void main_edges(
	const struct simulate *s, const struct simulate_group *g, struct text *out)
{
	const double *by = g->by_edge + s->n_edges;
	int taken[3] = { -1, -1, -1 };

	for (unsigned k = 0; k < 3; k++) {
		for (unsigned i = 0; i < s->n_edges; i++)
			if ((int)i != taken[0] && (int)i != taken[1] &&
				by[i] > (taken[k] < 0 ? 0 : by[taken[k]]))
				taken[k] = (int)i;
		if (taken[k] < 0 || (k && by[taken[k]] < 0.005 * g->new.weight))
			return;
		text_addf(out, "%s%s %.0f %%", k ? ", " : "  ", s->edges[taken[k]].name,
			100 * by[taken[k]] / g->new.weight);
	}
}

static void countries_text(const struct simulate *s, struct text *out)
{
	text_addf(out, "\n%-20s %9s %9s %9s %9s  then to\n", "country", "%", "moves %",
		"now ms", "then ms");
	for (size_t i = 0; i < s->n_countries && i < COUNTRIES_SHOWN; i++) {
		const struct simulate_group *g = &s->countries[i];
		if (!simulate_shows(s, g->old.weight, 2))
			continue;
		text_addf(out, "%-20s %9.2f %9.2f", g->name,
			100 * simulate_share(s, g->old.weight),
			g->old.weight > 0 ? 100 * g->moved / g->old.weight : 0);
		add_ms(out, simulate_ms(&g->old));
		add_ms(out, simulate_ms(&g->new));
		main_edges(s, g, out);
		text_add_char(out, '\n');
	}
	if (s->n_countries > COUNTRIES_SHOWN)
		text_addf(out, "... and %zu other countries (--json has all)\n",
			s->n_countries - COUNTRIES_SHOWN);
}

void simulate_text(const struct simulate_report *r, struct text *out)
{
	const struct simulate *s = r->found;

	text_addf(out, "now      %s\nthen     %s\nclients  %s\n", r->old, r->new, r->clients);
	text_add(out, "coverage ");
	simulate_coverage(s, out);
	text_addf(out, "\ntime     %s\n", r->time);
	if (*simulate_milliseconds(s))
		text_addf(out, "ms       %s\n", simulate_milliseconds(s));
	if (*r->note)
		text_addf(out, "note     %s\n", r->note);
	text_addf(out,
		"moves    %.2f %% of the clients: %.2f %% to a slower edge, %.2f %% to a "
		"faster one\n",
		100 * simulate_share(s, s->moved), 100 * simulate_share(s, s->worse),
		100 * simulate_share(s, s->better));
	edges_text(r, out);
	pools_text(s, out);
	if (s->n_moves)
		moves_text(s, out);
	losers_text(s, out);
	countries_text(s, out);
}
