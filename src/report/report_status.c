/* report_status.c - how a server is: what is wrong first, then its numbers in sections.
 */
#include "config.h"
#include "report/report.h"
#include "answer/answer.h"
#include "dns/rcode.h"
#include "report/report_alarms.h"
#include "report/report_geo.h"
#include "report/report_load.h"
#include "report/report_status_rows.h"
#include "report/report_xdp.h"

#include <string.h>
#include <time.h>

static json_t *rcodes(const struct stats *s)
{
	/* All that workers answer with. */
	static const uint8_t given[] = { RCODE_NOERROR, RCODE_FORMERR, RCODE_SERVFAIL,
		RCODE_NXDOMAIN, RCODE_NOTIMP, RCODE_REFUSED, RCODE_YXDOMAIN, RCODE_NOTAUTH,
		RCODE_BADVERS, RCODE_BADCOOKIE };
	json_t *o = json_object();
	char name[RCODE_TEXT];

	for (unsigned i = 0; i < sizeof given; i++)
		json_object_set_new(o, rcode_text(name, given[i]),
			json_integer((json_int_t)s->rcode[given[i]]));
	return o;
}

static json_t *stage_json(const struct report_stage *r)
{
	return json_pack("{s:f, s:I, s:I, s:I}", "percent", r->percent, "since",
		(json_int_t)r->since, "answers", (json_int_t)r->answers, "empty",
		(json_int_t)r->empty);
}

/* How it stands with what is tried out, on a line; nothing when nothing is to be said. */
static void stage_text(const struct report_stage *r, struct text *out)
{
	if (r->percent > 0)
		text_addf(out,
			"  stage: %g %% of the clients for %lld s; %llu answers, %llu of them "
			"without an edge\n",
			r->percent, (long long)(time(NULL) - r->since),
			(unsigned long long)r->answers, (unsigned long long)r->empty);
	else if (*r->last)
		text_addf(out, "  stage: the last one was %s\n", r->last);
}

/* Agents by what they sent and cannot be. */
static json_t *doubts_json(const struct report_view *view)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < view->n_seen; i++)
		if (view->seen[i].impossible)
			json_object_set_new(o, view->seen[i].agent,
				json_integer((json_int_t)view->seen[i].impossible));
	return o;
}

static void doubts_text(const struct report_view *view, struct text *out)
{
	for (unsigned i = 0; i < view->n_seen; i++)
		if (view->seen[i].impossible)
			text_addf(out, "  agent %s: %llu measurements that cannot be true\n",
				view->seen[i].agent,
				(unsigned long long)view->seen[i].impossible);
}

static void status_json(
	const struct report_view *view, const struct status_rows *rows, struct text *out)
{
	const struct report_health *health = &view->health;
	const struct report_stage *stage = &view->stage;
	json_t *o = json_object();

	json_object_set_new(o, "version", json_string(PACKAGE_VERSION));
	json_object_set_new(o, "config", json_string(view->conf_path));
	if (view->fleet.on)
		json_object_set_new(o, "fleet_generation", json_sprintf("%016llx", (unsigned long long)view->fleet.generation));
	json_object_set_new(o, "alarms", report_alarms(view));
	for (size_t i = 0; i < rows->n; i++)
		if (rows->list[i].key)
			json_object_set_new(
				o, rows->list[i].key, json_integer(rows->list[i].value));
	if (health->state_file)
		json_object_set_new(o, "state_file", json_string(health->state_file));
	if (*health->state_fault)
		json_object_set_new(o, "state_fault", json_string(health->state_fault));
	if (stage->percent > 0)
		json_object_set_new(o, "stage", stage_json(stage));
	if (*stage->last)
		json_object_set_new(o, "stage_last", json_string(stage->last));
	json_object_set_new(o, "rcodes", rcodes(&view->counters.sum));
	json_object_set_new(o, "agents_impossible", doubts_json(view));
	json_object_set_new(o, "chosen", report_whys(view));
	json_object_set_new(o, "geoip", report_geo(view->world->steer->atlas, time(NULL)));
	if (view->counters.n_xdp)
		json_object_set_new(o, "xdp", report_xdp_json(&view->counters));
	json_object_set_new(o, "certificates", report_tls_json(&view->tls, time(NULL)));
	report_json(o, out);
}

static void alarms_text(const struct report_view *view, struct text *out)
{
	json_t *list = report_alarms(view), *o;
	size_t i;

	text_addf(out, "alarms%s\n", json_array_size(list) ? "" : ": none");
	json_array_foreach (list, i, o)
		text_addf(out, "  %s\n", json_string_value(o));
	json_decref(list);
}

/* Its name, and what is no number. */
static void section_text(const struct report_view *view, const char *name, struct text *out)
{
	text_addf(out, "%s\n", name);
	if (strcmp(name, "server") == 0)
		stage_text(&view->stage, out);
	if (strcmp(name, "agents") == 0)
		doubts_text(view, out);
	if (strcmp(name, "geoip") == 0)
		report_geo_text(view->world->steer->atlas, time(NULL), "  ", out);
	if (strcmp(name, "queries") == 0)
		report_xdp_lines(&view->counters, "  ", out);
	if (strcmp(name, "tls") == 0)
		report_tls_lines(&view->tls, time(NULL), "  ", out);
}

static void status_text(
	const struct report_view *view, const struct status_rows *rows, struct text *out)
{
	json_t *codes = rcodes(&view->counters.sum), *value;
	const char *code;

	text_addf(out, "waymarkd %s, configured by %s\n", PACKAGE_VERSION, view->conf_path);
	alarms_text(view, out);
	for (const struct status_row *r = rows->list; r < rows->list + rows->n; r++) {
		if (r->key)
			text_addf(out, "  %-42s %12lld\n", r->label, (long long)r->value);
		else
			section_text(view, r->label, out);
	}
	text_add(out, "answers\n");
	json_object_foreach (codes, code, value)
		if (json_integer_value(value))
			text_addf(out, "  answers %-34s %12lld\n", code,
				(long long)json_integer_value(value));
	json_decref(codes);
}

void report_status(const struct report_view *view, bool json, struct text *out)
{
	struct status_rows rows;

	report_status_rows(view, &rows);
	(json ? status_json : status_text)(view, &rows, out);
}
