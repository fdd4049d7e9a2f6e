#include "report/report_latency.h"

#include "report/report.h"
#include "measure/latency_csv.h"
#include "measure/resolver_clients.h"

#include <math.h>
#include <string.h>

enum { ROWS_SHOWN = 1000 };

/* What a show is made of. */
struct show {
	const struct report_view *view;
	const struct latency *table;
	const struct model *model;
	uint32_t now_s;
	bool json;
	struct text *out;
	enum latency_kind kind; /* of the rows that are shown */
};

static json_t *tenths(double v)
{
	return json_real(round(v * 100) / 100);
}

/* --- rows --------------------------------------------------------------------------------- */

static void show_cell(
	const struct show *s, const char *from, const struct latency_cell *c, json_t *list)
{
	const uint32_t age_s = s->now_s > c->at_s ? s->now_s - c->at_s : 0;
	const char *edge = latency_edge_name(s->table, c->edge);

	if (s->json)
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:o, s:i, s:I, s:s}", "from", from, "edge", edge, "kind",
				latency_kind_text(s->kind), s->kind == LATENCY_RTT ? "rtt_ms" : s->kind == LATENCY_LOSS ? "lost_permille" : "ms",
				tenths((double)c->rtt_ms), "samples", (int)c->n,
				"age_s", (json_int_t)age_s, "source",
				c->filed ? "file" : "report"));
	else
		text_addf(s->out, "%-28s %-16s %9.1f %s %6u %9u s  %s%s%s\n", from, edge,
			(double)c->rtt_ms / (s->kind == LATENCY_LOSS ? 10 : 1), s->kind == LATENCY_LOSS ? "% " : "ms", c->n, age_s, c->filed ? "file" : "report", s->kind == LATENCY_RTT ? "" : ", ",
			s->kind == LATENCY_RTT ? "" : latency_kind_text(s->kind));
}

static void show_row(
	const struct show *s, const char *from, const struct latency_row *r, json_t *list)
{
	for (unsigned i = 0; i < r->n; i++)
		show_cell(s, from, &r->cell[i], list);
}

static void rows_head(const struct show *s)
{
	if (!s->json)
		text_addf(s->out, "%-28s %-16s %12s %6s %11s  %s\n", "measured", "from edge",
			"rtt", "n", "age", "source");
}

/* Of a kind: the prefix, those around it and those inside it. */
static void show_nets(struct show s, const struct prefix *net, enum latency_kind kind, json_t *list)
{
	size_t n, shown = 0;
	const struct latency_row *rows = latency_rows(latency_kind_of(s.table, kind), &n);
	char text[ADDR_TEXT];

	s.kind = kind;
	for (size_t i = 0; i < n && shown < ROWS_SHOWN; i++) {
		const struct prefix *other = &rows[i].net;
		if (other->bits <= net->bits ? !prefix_has(other, &net->addr)
					     : !prefix_has(net, &other->addr))
			continue;
		show_row(&s, prefix_text(text, other), &rows[i], list);
		shown += rows[i].n;
	}
}

static int show_prefix(const struct show *s, const char *word)
{
	struct prefix net;
	struct fault why;
	json_t *list = json_array();

	if (!prefix_parse(&net, word, &why)) {
		text_addf(s->out, "%s\n", why.text);
		json_decref(list);
		return 2;
	}
	rows_head(s);
	for (unsigned i = 0; i < LATENCY_KINDS; i++)
		show_nets(*s, &net, i, list);
	if (s->json)
		report_json(list, s->out);
	else
		json_decref(list);
	return 0;
}

/* What the networks of a country have over distance, offsets and neighbours. */
static int show_country(const struct show *s, const char *word)
{
	char code[3] = "";
	json_t *list = json_array();

	if (strlen(word) == 2)
		for (unsigned i = 0; i < 2; i++)
			code[i] = (char)(word[i] & ~0x20);
	if (!place_continent(code[0] ? code : "??")) {
		text_addf(s->out, "\"%s\" is no country (two letters, such as NO)\n", word);
		json_decref(list);
		return 2;
	}
	if (!s->json)
		text_addf(s->out, "%-16s %12s %8s\n", "edge", code, "n");
	for (unsigned e = 0; e < latency_edges(s->table); e++) {
		const struct model_term t = model_country_term(s->model, code, e);
		if (t.n <= 0)
			continue;
		const char *name = latency_edge_name(s->table, e);
		if (s->json)
			json_array_append_new(list,
				json_pack("{s:s, s:o, s:o}", "edge", name, "ms", tenths(t.ms),
					"n", tenths(t.n)));
		else
			text_addf(s->out, "%-16s %+9.1f ms %8.1f\n", name, t.ms, t.n);
	}
	if (s->json)
		report_json(list, s->out);
	else
		json_decref(list);
	return 0;
}

/* What the edge has measured of others, and how much of networks. */
static int show_edge(const struct show *s, const char *word)
{
	const int edge = latency_edge(s->table, word, strlen(word));
	json_t *list = json_array();
	size_t n, nets = 0, samples = 0;
	char from[ADDR_TEXT + 16];

	if (edge < 0) {
		text_addf(s->out, "there is no edge \"%s\" (\"waymarkctl edges\" lists them)\n",
			word);
		json_decref(list);
		return 1;
	}
	const struct latency_row *rows = latency_rows(s->table, &n);
	for (size_t i = 0; i < n; i++) {
		const struct latency_cell *c = latency_cell(&rows[i], (unsigned)edge);
		nets += c != NULL;
		samples += c ? c->n : 0;
	}
	const struct model_term t = model_offset(s->model, (unsigned)edge);
	const struct model_trust trust = model_trust(s->model, (unsigned)edge);
	snprintf(from, sizeof from, "@%.60s", word);
	if (!s->json) {
		text_addf(s->out,
			"%s: measured %zu networks (%zu samples), offset %+.1f ms (n %.1f)\n",
			word, nets, samples, t.ms, t.n);
		if (trust.share < 1)
			text_addf(s->out,
			"believed %.2f: %.0f %% of what came cannot be true, %.0f %% of the other edges measure "
			"another time to it, %.0f %% of its times are a second too long, %.0f %% shorter than light needs\n",
			trust.share, 100 * trust.impossible, 100 * (isnan(trust.at_odds) ? 0 : trust.at_odds),
			100 * trust.late, 100 * trust.early);
		rows_head(s);
	}
	show_row(s, from, latency_mesh(s->table, (unsigned)edge), list);
	if (s->json)
		report_json(json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "edge", word, "networks",
				    (json_int_t)nets, "samples", (json_int_t)samples,
				    "offset_ms", tenths(t.ms), "mesh", list, "believed",
				    json_real(round(trust.share * 100) / 100), "impossible_share",
				    json_real(round(trust.impossible * 1000) / 1000), "at_odds_share",
				    isnan(trust.at_odds) ? json_null()
							 : json_real(round(trust.at_odds * 1000) / 1000),
				    "late_share", json_real(round(trust.late * 1000) / 1000), "early_share",
				    json_real(round(trust.early * 1000) / 1000)),
			s->out);
	else
		json_decref(list);
	return 0;
}

static int show_all(const struct show *s)
{
	const struct latency_size size = latency_size(s->table);
	const struct report_rankings work = s->view->rankings;
	const struct latency_opts *o = latency_options(s->table);
	const struct resolver_clients *resolvers = latency_resolvers(s->table);
	const struct {
		const char *key, *label;
		json_int_t value;
	} rows[] = {
		{ "networks", "networks measured", (json_int_t)size.nets },
		{ "cells", "... times an edge each", (json_int_t)size.cells },
		{ "first_bytes", "times to the first byte", (json_int_t)size.kinds[LATENCY_TTFB] },
		{ "transfers", "... to the last of 100,000 bytes", (json_int_t)size.kinds[LATENCY_TRANSFER] },
		{ "losses", "shares of packets lost", (json_int_t)size.kinds[LATENCY_LOSS] },
		{ "mesh", "edges measured by edges", (json_int_t)size.mesh_cells },
		{ "bytes", "bytes of measurements", (json_int_t)size.bytes },
		{ "bytes_most", "... at most", (json_int_t)o->memory },
		{ "forgotten", "networks that had to make room", (json_int_t)size.forgotten },
		{ "resolvers", "resolvers whose clients are known",
			resolvers ? (json_int_t)resolvers->n : 0 },
		{ "one_time_names", "names asked for once, so far", (json_int_t)s->view->agents.names },
		{ "one_time_clients", "... by which agents saw clients", (json_int_t)s->view->agents.clients },
		{ "one_time_joined", "... of whom the resolver is known", (json_int_t)s->view->agents.joined },
		{ "resolver_pairs", "pairs of resolver and client net", (json_int_t)s->view->agents.pairs },
		{ "half_life_s", "half-life in seconds", o->half_life_s },
		{ "samples", "samples since the start", (json_int_t)work.samples },
		{ "samples_lost", "... for which there was no room", (json_int_t)work.lost },
		{ "impossible", "... in files, that cannot be true",
			(json_int_t)size.impossible },
		{ "agents_impossible", "... of agents, that cannot be true",
			(json_int_t)s->view->agents.impossible },
		{ "rebuilt", "rankings rebuilt", (json_int_t)work.published },
		{ "rebuilt_ms", "... the last took ms", (json_int_t)(work.last_s * 1000) },
		{ "keys", "kinds of clients told apart",
			client_map_keys(s->view->world->steer->clients) },
	};

	if (s->json) {
		json_t *all = json_object();
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			json_object_set_new(all, rows[i].key, json_integer(rows[i].value));
		report_json(all, s->out);
		return 0;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		text_addf(s->out, "  %-32s %12lld\n", rows[i].label, (long long)rows[i].value);
	return 0;
}

int report_latency(
	const struct report_view *view, const char **words, size_t n, struct text *out)
{
	static const struct {
		const char *word;
		int (*run)(const struct show *s, const char *word);
	} ways[] = { { "--prefix", show_prefix }, { "--country", show_country },
		{ "--edge", show_edge } };
	struct show s = { view, view->live.table, client_map_model(view->world->steer->clients),
		view->clock.now_s, false, out, LATENCY_RTT };

	if (n && strcmp(words[n - 1], "--json") == 0) {
		s.json = true;
		n--;
	}
	if (n == 0)
		return show_all(&s);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (n == 2 && strcmp(words[0], ways[i].word) == 0)
			return ways[i].run(&s, words[1]);
	return 2;
}
