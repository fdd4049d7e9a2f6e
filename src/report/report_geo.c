#include "report/report_geo.h"

#include "base/log.h"
#include "base/moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400 };

/* Of one file; a clock that is behind makes it new. */
static json_t *file_json(const struct mmdb_told *t, const char *kind, int64_t now_s)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "kind", kind, "file", t->path, "type",
		t->type, "networks", (json_int_t)t->nets);
	const int64_t built_s = (int64_t)t->built_s;
	char text[MOMENT_TEXT];

	/* A type or a name that is no UTF-8. */
	if (!o)
		o = json_pack("{s:s, s:I}", "kind", kind, "networks", (json_int_t)t->nets);
	if (!built_s)
		return o;
	json_object_set_new(o, "built", json_string(moment_text(text, built_s)));
	json_object_set_new(o, "age_days",
		json_integer(now_s > built_s ? (now_s - built_s) / DAY_S : 0));
	return o;
}

json_t *report_geo(const struct atlas *a, int64_t now_s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->cities.n_told; i++)
		json_array_append_new(list, file_json(&a->cities.told[i], "city", now_s));
	for (size_t i = 0; i < a->asns.n_told; i++)
		json_array_append_new(list, file_json(&a->asns.told[i], "asn", now_s));
	return list;
}

static const char *get(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "?";
}

void report_geo_text(const struct atlas *a, int64_t now_s, const char *head, struct text *out)
{
	json_t *list = report_geo(a, now_s), *o;
	size_t i;

	json_array_foreach (list, i, o) {
		const json_int_t age = json_integer_value(json_object_get(o, "age_days"));
		text_addf(out, "%s%s %s: %s, ", head, get(o, "kind"), get(o, "file"),
			get(o, "type"));
		if (json_object_get(o, "built"))
			text_addf(out, "built %.10s, %lld day%s ago%s\n", get(o, "built"),
				(long long)age, age == 1 ? "" : "s",
				age > REPORT_GEO_OLD_DAYS ? " (old)" : "");
		else
			text_add(out, "does not tell when it was built\n");
	}
	json_decref(list);
}

void report_geo_log(const struct atlas *a)
{
	struct text lines = { 0 };

	report_geo_text(a, time(NULL), "geoip ", &lines);
	for (const char *at = text_get(&lines); *at; at += strcspn(at, "\n") + 1)
		log_line(LOG_NOTICE, "%.*s", (int)strcspn(at, "\n"), at);
	text_fini(&lines);
}
