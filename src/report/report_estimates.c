#include "report/report_estimates.h"

#include "base/memory.h"
#include "measure/latency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of what is hardly less than nothing the sign goes, too. */
static json_t *rounded(double v)
{
	return json_real(round(v * 100) / 100 + 0.0);
}

/* A term that something was measured for. */
static void add_term(json_t *to, const char *name, double ms, double n, const char *key)
{
	/* What one network alone has moves no other. */
	if (n <= 0 || fabs(ms) < 0.005)
		return;
	json_t *o = json_pack("{s:o, s:o}", "ms", rounded(ms), "n", rounded(n));
	if (key)
		json_object_set_new(o, "key", json_string(key));
	json_object_set_new(to, name, o);
}

/* What networks of the place have, as far as others of it take that. */
static void add_place(json_t *terms, const struct model_terms *t)
{
	if (t->place_n > 0)
		add_term(terms, "place", t->place_ms, t->place_n, "networks of the place");
	else if (fabs(t->place_ms) >= 0.005)
		json_object_set_new(terms, "place", json_pack("{s:o, s:s}", "ms", rounded(t->place_ms), "key", "networks of the place, to other edges"));
}

static void add_asn(const struct estimates *e, const char country[2], json_t *terms,
	const struct model_terms *t)
{
	struct text key = { 0 };

	text_addf(&key, "AS%u in %.2s", client_map_atlas(e->map)->asns.asn[e->asn].number,
		country);
	add_term(terms, "asn", t->asn_ms, t->asn_n, text_get(&key));
	text_fini(&key);
}

/* How what the goal takes comes of the round trip, and the network's own times by that. */
static void add_goal(const struct estimates *e, unsigned edge, json_t *terms)
{
	const struct model_goal g = model_goal(client_map_model(e->map), e->kind, edge);
	char net[ADDR_TEXT];

	json_object_set_new(terms, "round_trip",
		json_pack("{s:o, s:o, s:o, s:o}", "ms", rounded((double)e->rtt_ms[edge]), "times", rounded(g.factor), "edge_ms",
			rounded(g.add_ms), "n", rounded(g.n)));
	for (unsigned i = 0; i < e->n_kind_rows; i++) {
		const struct latency_cell *c = latency_cell(e->kind_rows[i], edge);
		if (!c)
			continue;
		json_object_set_new(terms, latency_kind_text(e->kind),
			json_pack("{s:s, s:o, s:i, s:I}", "prefix", prefix_text(net, &e->kind_rows[i]->net), "ms",
				rounded((double)c->rtt_ms), "samples", (int)c->n, "age_s",
				(json_int_t)(e->now_s > c->at_s ? e->now_s - c->at_s : 0)));
		return;
	}
}

static void add_own(const struct estimates *e, unsigned edge, json_t *terms)
{
	char net[ADDR_TEXT];

	for (unsigned i = 0; i < e->n_rows; i++) {
		const struct latency_cell *c = latency_cell(e->rows[i], edge);
		if (!c)
			continue;
		json_object_set_new(terms, "own",
			json_pack("{s:s, s:o, s:i, s:I, s:o}", "prefix",
				prefix_text(net, &e->rows[i]->net), "rtt_ms",
				rounded((double)c->rtt_ms), "samples", (int)c->n, "age_s",
				(json_int_t)(e->now_s > c->at_s ? e->now_s - c->at_s : 0),
				"weight",
				rounded(estimates_own_counts(e, edge))));
		return;
	}
}

/* Of a resolver only what its clients have counts. */
static void add_of_clients(const struct estimates *e, unsigned edge, json_t *row)
{
	if (isnan(e->ms[edge]))
		return;
	json_object_set_new(row, "estimate_ms", rounded((double)e->ms[edge]));
	json_object_set_new(row, "terms",
		json_pack("{s:{s:o, s:o, s:o}}", "clients", "ms", rounded((double)e->ms[edge]),
			"least_ms", rounded((double)e->least_ms[edge]), "most_ms",
			rounded((double)e->most_ms[edge])));
}

void report_estimates_add(const struct estimates *e, unsigned edge, json_t *row)
{
	if (e->resolver) {
		add_of_clients(e, edge, row);
		return;
	}
	const struct model_terms t = model_explain(
		client_map_model(e->map), e->place, e->asn, edge);
	json_t *terms = json_object();

	if (!isnan(t.km)) {
		const struct place *p = places_get(
			client_map_atlas(e->map)->cities.places, e->place);
		const char country[3] = { p->country[0], p->country[1], 0 };
		json_object_set_new(row, "km", json_real(round(t.km * 10) / 10));
		json_object_set_new(
			terms, "distance", json_pack("{s:o}", "ms", rounded(t.line_ms)));
		add_term(terms, "offset", t.offset_ms, t.offset_n, NULL);
		add_term(terms, "neighbours", t.near_ms, t.near_n, NULL);
		add_term(terms, "country", t.country_ms, t.country_n, country);
		add_place(terms, &t);
		add_asn(e, country, terms, &t);
		/* What the others come to is less than light needs. */
		if (t.floor_ms >= 0.005)
			json_object_set_new(
				terms, "floor", json_pack("{s:o}", "ms", rounded(t.floor_ms)));
	}
	add_own(e, edge, terms);
	if (!isnan(e->ms[edge])) {
		const double ms = (double)e->ms[edge];
		/* What other edges' own times say of this network's way in. */
		if (e->n_rows && !json_object_get(terms, "own") && !isnan(t.sum_ms))
			json_object_set_new(terms, "way_in",
				json_pack("{s:o}", "ms", rounded((double)e->rtt_ms[edge] - t.sum_ms)));
		if (e->kind != LATENCY_RTT)
			add_goal(e, edge, terms);
		json_object_set_new(row, "estimate_ms", rounded(ms));
	}
	if (client_map_is_measured(e->map) || e->kind != LATENCY_RTT)
		json_object_set_new(row, "terms", terms);
	else
		json_decref(terms);
}

enum { CLIENTS_SHOWN = 5 };

static int compare_clients(const void *va, const void *vb)
{
	const struct resolver_client *const *a = va, *const *b = vb;

	return ((*a)->weight < (*b)->weight) - ((*a)->weight > (*b)->weight);
}

void report_estimates_resolver(const struct estimates *e, json_t *step)
{
	const struct resolver *r = e->resolver;
	char net[ADDR_TEXT];

	if (!r)
		return;
	const struct resolver_clients *all = latency_resolvers(e->table);
	const struct resolver_client **sorted = memory_zeroed(r->n, sizeof *sorted);
	json_t *list = json_array();
	for (uint32_t i = 0; i < r->n; i++)
		sorted[i] = &all->client[r->first + i];
	qsort(sorted, r->n, sizeof *sorted, compare_clients);
	for (uint32_t i = 0; i < r->n && i < CLIENTS_SHOWN; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:o}", "prefix", prefix_text(net, &sorted[i]->net),
				"share", json_real(round(sorted[i]->weight / r->weight * 1e4) / 1e4)));
	memory_free(sorted);
	json_object_set_new(step, "resolver",
		json_pack("{s:s, s:I, s:o}", "prefix", prefix_text(net, &r->net), "networks",
			(json_int_t)r->n, "clients", list));
}

static double estimate(const json_t *row)
{
	const json_t *counts = json_object_get(row, "counts_ms"),
		     *ms = counts ? counts : json_object_get(row, "estimate_ms");

	return ms ? json_real_value(ms) : INFINITY;
}

void report_estimates_mark_kept(json_t *rows)
{
	const size_t n = json_array_size(rows);

	for (size_t i = 0; i < n; i++) {
		json_t *row = json_array_get(rows, i), *best = row;
		for (size_t k = i + 1; k < n; k++)
			if (estimate(json_array_get(rows, k)) < estimate(best))
				best = json_array_get(rows, k);
		if (estimate(row) - estimate(best) < 0.01 || isinf(estimate(row)))
			continue;
		json_object_set(row, "kept_before", json_object_get(best, "edge"));
		json_object_set_new(row, "gain_ms", rounded(estimate(row) - estimate(best)));
	}
}

/* --- as text ------------------------------------------------------------------------------ */

static double real(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static void term_as_text(const char *name, const json_t *t, struct text *out)
{
	if (strcmp(name, "own") == 0) {
		text_addf(out,
			"         own         %8.1f ms  measured from %s, %lld samples, %lld s "
			"ago "
			"(counts %.2f)\n",
			real(t, "rtt_ms"), json_string_value(json_object_get(t, "prefix")),
			(long long)real(t, "samples"), (long long)real(t, "age_s"),
			real(t, "weight"));
		return;
	}
	if (strcmp(name, "round_trip") == 0) {
		text_addf(out, "         round_trip  %8.1f ms  times %.2f, and %+.1f ms of the edge, n %.1f\n", real(t, "ms"),
			real(t, "times"), real(t, "edge_ms"), real(t, "n"));
		return;
	}
	if (json_object_get(t, "prefix")) {
		text_addf(out, "         %-11s %8.1f ms  measured from %s, %lld samples, %lld s ago\n", name, real(t, "ms"),
			json_string_value(json_object_get(t, "prefix")), (long long)real(t, "samples"), (long long)real(t, "age_s"));
		return;
	}
	if (strcmp(name, "clients") == 0) {
		text_addf(out, "         clients     %8.1f ms  in the mean, %.1f to %.1f\n", real(t, "ms"),
			real(t, "least_ms"), real(t, "most_ms"));
		return;
	}
	text_addf(out, "         %-11s %+8.1f ms", name, fabs(real(t, "ms")) < 0.05 ? 0 : real(t, "ms"));
	if (json_object_get(t, "n"))
		text_addf(out, "  n %.1f", real(t, "n"));
	if (json_object_get(t, "key"))
		text_addf(out, "  %s", json_string_value(json_object_get(t, "key")));
	text_add_char(out, '\n');
}

void report_estimates_resolver_text(const json_t *step, struct text *out)
{
	const json_t *r = json_object_get(step, "resolver"), *list = json_object_get(r, "clients");
	const json_int_t n = json_integer_value(json_object_get(r, "networks"));
	size_t i;
	json_t *c;

	if (!r)
		return;
	text_addf(out, "resolver   %s: chosen for its clients,",
		json_string_value(json_object_get(r, "prefix")));
	json_array_foreach (list, i, c)
		text_addf(out, "%s %.4g %% in %s", i ? "," : "", 100 * real(c, "share"),
			json_string_value(json_object_get(c, "prefix")));
	if ((size_t)n > json_array_size(list))
		text_addf(out, ", and %lld more networks", (long long)n - (long long)json_array_size(list));
	text_add_char(out, '\n');
}

void report_estimates_text(const json_t *row, struct text *out)
{
	const char *name;
	json_t *t;

	if (json_object_get(row, "kept_before"))
		text_addf(out,
			"         stays before %s, which gains %.1f ms: too little to change\n",
			json_string_value(json_object_get(row, "kept_before")),
			real(row, "gain_ms"));
	json_object_foreach (json_object_get(row, "terms"), name, t)
		term_as_text(name, t, out);
}
