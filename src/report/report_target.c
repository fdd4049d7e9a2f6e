#include "report/report_target.h"

#include "base/clock.h"
#include "report/report_values.h"

json_t *report_target(const struct round_view *v)
{
	const int64_t now = (int64_t)clock_us();
	char where[ROUND_WHERE];
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:I}", "address",
		round_where(where, v), "probe", v->probe->name, "kind",
		probe_kind_text(v->probe->kind), "state", v->up ? "up" : "down", "known",
		(int)v->known, "probes", (json_int_t)v->probes, "failures",
		(json_int_t)v->failures);

	values_set_number(o, "since_s", (double)(now - v->since_us) / 1e6);
	const bool external = v->probe->kind == PROBE_EXTERNAL;
	if (external && v->known && v->next_us != UINT64_MAX)
		values_set_number(o, "fresh_s", ((double)v->next_us - (double)now) / 1e6);
	else if (!external)
		values_set_number(o, "next_s",
		v->running || (int64_t)v->next_us < now
			? 0
			: ((double)v->next_us - (double)now) / 1e6);
	if (v->probes || v->n_parts)
		json_object_set_new(o, "passed", json_boolean(v->passed));
	json_object_set_new(o, "left", json_integer(v->left));
	values_set_text(o, "say", v->say);
	values_set_text(o, "last_error", v->error);
	values_set_text(o, "notice", v->notice);
	values_set_text(o, "fleet", v->fleet ? v->fleet : "");
	if (v->outvoted)
		json_object_set_new(o, "outvoted", json_true());
	values_set_number(o, "rtt_ms", v->rtt_ms);
	values_set_number(o, "rtt_least_ms", v->rtt_least_ms);
	values_set_number(o, "rtt_last_ms", v->rtt_last_ms);
	values_set_number(o, "wire_ms", v->wire_ms);
	values_set_measure(o, "load", v->load);
	return o;
}

void report_span(struct text *out, double s)
{
	if (s < 10)
		text_addf(out, "%.1f s", s < 0 ? 0 : s);
	else if (s < 120)
		text_addf(out, "%.0f s", s);
	else if (s < 7200)
		text_addf(out, "%.0f min", s / 60);
	else if (s < 2 * 86400)
		text_addf(out, "%.0f h", s / 3600);
	else
		text_addf(out, "%.0f days", s / 86400);
}

static void measures_text(const json_t *t, struct text *out)
{
	if (json_object_get(t, "rtt_ms"))
		text_addf(out, "; %.1f ms (last %.1f, least %.1f)", values_number(t, "rtt_ms"),
			values_number(t, "rtt_last_ms"), values_number(t, "rtt_least_ms"));
	if (json_object_get(t, "load"))
		text_addf(out, "; load %g", values_number(t, "load"));
	if (json_object_get(t, "fresh_s")) {
		text_add(out, "; good for another ");
		report_span(out, values_number(t, "fresh_s"));
	}
	if (!json_object_get(t, "next_s"))
		return;
	text_add(out, "; next in ");
	report_span(out, values_number(t, "next_s"));
}

/* `deep`: so far below what is made of it. */
static void target_text(const json_t *t, int deep, struct text *out)
{
	const json_t *parts = json_object_get(t, "parts");
	size_t i;
	json_t *part;

	text_addf(out, "  %-24s %*s%-*s %-5s for ", deep ? "" : values_text(t, "address"), 2 * deep, "",
		12 - 2 * deep, values_text(t, "probe"),
		json_is_true(json_object_get(t, "known")) ? values_text(t, "state") : "?");
	report_span(out, values_number(t, "since_s"));
	text_addf(out, ": %s", *values_text(t, "say") ? values_text(t, "say") : "not probed yet");
	if (json_is_true(json_object_get(t, "passed")) && *values_text(t, "last_error") && !parts)
		text_addf(out, "; last error: %s", values_text(t, "last_error"));
	if (*values_text(t, "notice"))
		text_addf(out, "; %s", values_text(t, "notice"));
	if (*values_text(t, "fleet"))
		text_addf(out, "; %s: %s",
			json_object_get(t, "outvoted") ? "outvoted by the fleet" : "fleet",
			values_text(t, "fleet"));
	if (!parts)
		measures_text(t, out);
	text_add_char(out, '\n');
	json_array_foreach (parts, i, part)
		target_text(part, deep + 1, out);
}

void report_target_text(const json_t *t, struct text *out)
{
	target_text(t, 0, out);
}

json_t *report_target_whole(const struct still *s, uint32_t target)
{
	const struct round_view v = still_view(s, target);
	json_t *o = report_target(&v);

	if (round_is_probed(&v))
		return o;
	json_t *parts = json_array();
	for (unsigned i = 0; i < v.n_parts; i++)
		json_array_append_new(parts, report_target_whole(s, v.parts[i]));
	json_object_set_new(o, "parts", parts);
	json_object_del(o, "next_s");
	json_object_del(o, "left");
	json_object_del(o, "probes");
	json_object_del(o, "failures");
	return o;
}
