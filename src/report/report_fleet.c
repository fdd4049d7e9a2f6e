#include "report/report_fleet.h"

#include "report/report.h"
#include "report/report_values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUM_TEXT = 20, SECTIONS_MOST = 64 };

static const char *const prices_words[] = { "none", "here", "there", "alone" };

static json_t *row_of(const struct fleet_mate *m)
{
	json_t *o = m->hello ? json_deep_copy(m->hello) : json_object();

	json_object_set_new(o, "server", json_string(m->server));
	json_object_set_new(o, "state", json_string(m->live ? "there" : "gone"));
	if (m->heard_s >= 0)
		values_set_number(o, "heard_s", m->heard_s);
	if (m->heard_s >= 0)
		values_set_number(o, "lag_ms", m->lag_ms);
	if (m->heard_s >= 0)
		values_set_number(o, "lag_most_ms", m->lag_most_ms);
	return o;
}

/* Of all that was measured: sums add up. */
static const char *times_text(const json_t *o, char text[static SUM_TEXT])
{
	if (!*values_text(o, "times"))
		return "-";
	snprintf(text, SUM_TEXT, "%016llx",
		strtoull(values_text(o, "times"), NULL, 16) + strtoull(values_text(o, "times_kinds"), NULL, 16));
	return text;
}

static void row_text(const json_t *o, struct text *out)
{
	const double off = values_number(o, "clock_off_ms");
	char times[SUM_TEXT];

	text_addf(out, "%-20s %-6s %-10s", values_text(o, "server"), values_text(o, "state"),
		*values_text(o, "region") ? values_text(o, "region") : "-");
	if (json_object_get(o, "lag_ms"))
		text_addf(out, " %6.0f %6.0f", values_number(o, "lag_ms"), values_number(o, "lag_most_ms"));
	else
		text_addf(out, " %6s %6s", "-", "-");
	text_addf(out, " %+8.1f %-8s %-8.8s %-8.8s %-8.8s %-8.8s %-8.8s %-8.8s\n", off / 1000,
		*values_text(o, "version") ? values_text(o, "version") : "-",
		*values_text(o, "generation") ? values_text(o, "generation") : "-",
		*values_text(o, "config") ? values_text(o, "config") : "-",
		*values_text(o, "zones") ? values_text(o, "zones") : "-",
		*values_text(o, "will") ? values_text(o, "will") : "-",
		times_text(o, times),
		*values_text(o, "pairs") ? values_text(o, "pairs") : "-");
}

/* Adds the names of sections of `of` that `than` has not, or others. */
static void add_others(json_t *to, const json_t *of, const json_t *than)
{
	const char *section;
	json_t *sum;

	json_object_foreach ((json_t *)(uintptr_t)of, section, sum)
		if (!json_equal(sum, json_object_get(than, section)))
			json_object_set_new(to, section, json_true());
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *report_fleet_differs(const json_t *a, const json_t *b)
{
	const json_t *of_a = json_object_get(a, "config_sections"), *of_b = json_object_get(b, "config_sections");
	const char *name, *names[SECTIONS_MOST];
	size_t n = 0;
	json_t *set, *list, *value;

	if (!json_is_object(of_a) || !json_is_object(of_b))
		return NULL;
	set = json_object();
	list = json_array();
	add_others(set, of_a, of_b);
	add_others(set, of_b, of_a);
	json_object_foreach (set, name, value)
		if (n < SECTIONS_MOST)
			names[n++] = name;
	qsort(names, n, sizeof *names, compare_names);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(names[i]));
	json_decref(set);
	return list;
}

/* Below the table: whose configuration is another one than ours, and where. */
static void config_text(const json_t *o, struct text *out)
{
	json_t *list = json_object_get(o, "config_differs"), *name;
	size_t i;

	if (!json_array_size(list) || strcmp(values_text(o, "state"), "gone") == 0)
		return;
	text_addf(out, "%s has another configuration than we have, in: ", values_text(o, "server"));
	json_array_foreach (list, i, name)
		text_addf(out, "%s%s", i ? ", " : "", json_string_value(name));
	text_add_char(out, '\n');
}

/* Below the table: which servers have a stage, and what they could not do. */
static void orders_text(const json_t *o, struct text *out)
{
	const char *failed = values_text(o, "order_failed");

	if (json_object_get(o, "stage_percent"))
		text_addf(out, "%s: a stage is on for %g %% of the clients, CONFIG %.8s\n", values_text(o, "server"),
			values_number(o, "stage_percent"), values_text(o, "staged"));
	if (*failed)
		text_addf(out, "%s could not do what was wanted: %s\n", values_text(o, "server"), failed);
}

static void sum_text(const struct report_fleet *s, struct text *out)
{
	text_addf(out, "fleet %s, we are %s: %u of %u servers are there", s->name, s->server, s->live, s->servers);
	if (!s->up)
		text_addf(out, "; its Redis is not reached, and we go on alone: %s",
			*s->fault ? s->fault : "connecting");
	text_add_char(out, '\n');
	if (s->blind)
		text_add(out, "we see no edge up and others do: our verdicts do not count\n");
	if (s->holds)
		text_add(out, "we see no edge up and no other server: what the fleet last knew holds on\n");
	if (s->prices_by == FLEET_PRICES_HERE)
		text_addf(out, "prices of edges are found here, by the demand of %u servers", s->demand_servers);
	if (s->prices_by == FLEET_PRICES_HERE && s->demand_held)
		text_addf(out, "; %u out of hearing keep%s what they used", s->demand_held, s->demand_held == 1 ? "s" : "");
	if (s->prices_by == FLEET_PRICES_THERE)
		text_addf(out, "prices of edges are found by %s, for all", s->leader);
	if (s->prices_by == FLEET_PRICES_ALONE)
		text_add(out, "prices of edges are found here, for us alone: others are out of hearing, and keep what they used");
	if (s->prices_by)
		text_add_char(out, '\n');
	if (*s->signer)
		text_addf(out, "zones are signed anew, and their keys rolled, by %s\n", s->signer);
	if (s->outvoted)
		text_addf(out, "%u verdicts are not as we have found (\"edges\")\n", s->outvoted);
}

void report_fleet_servers(const struct report_fleet *sum, const struct fleet *f, const json_t *self, bool json,
	struct text *out)
{
	json_t *list = json_array(), *o;
	size_t i;

	o = json_deep_copy(self);
	json_object_set_new(o, "server", json_string(sum->server));
	json_object_set_new(o, "state", json_string("self"));
	json_array_append_new(list, o);
	for (i = 0; i < fleet_mates(f); i++) {
		const struct fleet_mate m = fleet_mate(f, i);
		json_t *row = row_of(&m), *differs = report_fleet_differs(self, row);
		if (differs)
			json_object_set_new(row, "config_differs", differs);
		json_array_append_new(list, row);
	}
	if (json) {
		o = json_pack("{s:s, s:s, s:b, s:i, s:b, s:b, s:i, s:o}", "fleet", sum->name, "server", sum->server,
			"reached", (int)sum->up, "live", (int)sum->live, "blind", (int)sum->blind, "holds",
			(int)sum->holds, "outvoted", (int)sum->outvoted, "servers", list);
		json_object_set_new(o, "prices", json_string(prices_words[sum->prices_by]));
		json_object_set_new(o, "prices_by", json_string(sum->prices_by == FLEET_PRICES_THERE ? sum->leader
			: sum->prices_by ? sum->server : ""));
		json_object_set_new(o, "signer", json_string(sum->signer));
		json_object_set_new(o, "demand_servers", json_integer(sum->demand_servers));
		json_object_set_new(o, "demand_held", json_integer(sum->demand_held));
		values_set_text(o, "fault", sum->up ? "" : sum->fault);
		report_json(o, out);
		return;
	}
	sum_text(sum, out);
	text_addf(out, "%-20s %-6s %-10s %6s %6s %8s %-8s %-8s %-8s %-8s %-8s %-8s %-8s\n", "SERVER", "STATE", "REGION",
		"LAG", "MOST", "CLOCK", "VERSION", "ANSWERS", "CONFIG", "ZONES", "WILL", "TIMES", "PAIRS");
	json_array_foreach (list, i, o)
		row_text(o, out);
	json_array_foreach (list, i, o)
		config_text(o, out);
	json_array_foreach (list, i, o)
		orders_text(o, out);
	json_decref(list);
}
