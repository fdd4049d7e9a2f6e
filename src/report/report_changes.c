#include "report/report_changes.h"

#include "base/clock.h"
#include "base/moment.h"
#include "report/report.h"

#include <jansson.h>

static const char *how(const struct forced *f)
{
	return f->begun ? "on" : "planned";
}

static json_t *change_json(const struct forced *f)
{
	char what[32];
	json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I}", "change",
		(json_int_t)f->id, "how", how(f), "edge", f->edge, "pool", f->pool, "what",
		forced_text(f, what), "who", f->who, "why", f->why, "configured",
		(int)f->configured, "said_s", (json_int_t)f->when_s);

	if (f->here)
		json_object_set_new(o, "here", json_true());
	if (f->from_s)
		json_object_set_new(o, "from_s", json_integer(f->from_s));
	if (f->begun)
		json_object_set_new(o, "since_s", json_integer(f->begun_s));
	if (f->until_s)
		json_object_set_new(o, "until_s", json_integer(f->until_s));
	if (f->until_us != UINT64_MAX)
		json_object_set_new(o, "left_s",
			json_real(((double)f->until_us - (double)clock_us()) / 1e6));
	return o;
}

static void change_text(const struct forced *f, struct text *out)
{
	char what[32], when[MOMENT_TEXT];

	text_addf(out, "%-6u %-8s %s%s%s: %s", f->id, how(f), f->edge,
		*f->pool ? " in pool " : "", f->pool, forced_text(f, what));
	text_addf(out, " %s %s", f->begun ? "since" : "from",
		moment_text(when, f->begun ? f->begun_s : f->from_s));
	if (f->until_s)
		text_addf(out, " until %s", moment_text(when, f->until_s));
	if (f->until_us != UINT64_MAX)
		text_addf(out, " for another %.0f s",
			((double)f->until_us - (double)clock_us()) / 1e6);
	if (f->configured || *f->who)
		text_addf(out, " by %s", f->configured ? "the configuration" : f->who);
	if (*f->why)
		text_addf(out, " (%s)", f->why);
	if (f->here)
		text_add(out, ", on this server alone");
	text_add_char(out, '\n');
}

void report_changes(const struct report_view *view, bool json, struct text *out)
{
	const struct forced_list *l = &view->health.forced;

	if (json)
		text_add(out, "[");
	else if (!l->n)
		text_add(out, "no edge is forced, and nothing is planned\n");
	for (size_t i = 0; i < l->n; i++) {
		if (!json) {
			change_text(&l->of[i], out);
			continue;
		}
		text_add(out, i ? ",\n" : "\n");
		report_json(change_json(&l->of[i]), out);
	}
	if (json)
		text_add(out, "]\n");
}
