#include "report/report.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

void report_json_memory(void)
{
	json_set_alloc_funcs(memory_try, memory_free);
}

void report_json(json_t *o, struct text *out)
{
	char *s = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

	text_addf(out, "%s\n", s ? s : "{}");
	memory_free(s);
	json_decref(o);
}

static void add_jobs(const struct report_view *view, json_t *list)
{
	const struct report_loop *l = &view->loop;
	const double now = clock_seconds();

	for (size_t i = 0; i < l->n_jobs && i < REPORT_JOBS_MOST; i++) {
		const struct job_view *j = &l->jobs[i];
		json_t *o = json_pack("{s:s, s:s, s:s, s:f}", "job", j->name, "about", j->about,
			"state", j->runs ? "runs" : "waits", "for_s",
			now - (double)j->since_us / 1e6);
		if (j->of) {
			json_object_set_new(o, "done", json_integer((json_int_t)j->n));
			json_object_set_new(o, "of", json_integer((json_int_t)j->of));
		}
		json_array_append_new(list, o);
	}
}

void report_jobs(const struct report_view *view, bool json, struct text *out)
{
	json_t *list = json_array(), *o;
	size_t i;

	add_jobs(view, list);
	if (json) {
		report_json(list, out);
		return;
	}
	text_addf(out, "%-10s %-6s %9s %6s  %s\n", "JOB", "STATE", "SECONDS", "DONE", "WHAT");
	json_array_foreach (list, i, o) {
		const json_int_t of = json_integer_value(json_object_get(o, "of"));
		char done[16] = "-";
		if (of)
			snprintf(done, sizeof done, "%lld%%",
				(long long)(json_integer_value(json_object_get(o, "done")) *
					100 / of));
		text_addf(out, "%-10s %-6s %9.1f %6s  %s\n",
			json_string_value(json_object_get(o, "job")),
			json_string_value(json_object_get(o, "state")),
			json_real_value(json_object_get(o, "for_s")), done,
			json_string_value(json_object_get(o, "about")));
	}
	json_decref(list);
}
