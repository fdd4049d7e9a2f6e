#include "probe/http_value.h"

#include "probe/json_path.h"
#include "probe/load_from.h"
#include "probe/regex.h"

#include <math.h>
#include <string.h>

bool http_value_holds(const struct probe_value *v, const char *text, size_t len)
{
	if (v->matches)
		return regex_find(v->matches, text, len) == REGEX_FOUND;
	return v->is && strlen(v->is) == len && memcmp(text, v->is, len) == 0;
}

static bool check_number(struct check *c, const struct probe_value *v, float number)
{
	if (number < (float)v->least)
		return check_failed(c, "%.60s is %g, less than %g", v->field, (double)number, v->least);
	return number < (float)v->below ||
		check_failed(c, "%.60s is %g, not below %g", v->field, (double)number, v->below);
}

static bool check_text(struct check *c, const struct probe_value *v, const char *where, bool holds)
{
	return holds ||
		(v->matches ? check_failed(c, "%.60s %s does not match \"%.60s\"", v->field, where, v->matches)
			    : check_failed(c, "%.60s %s is not \"%.60s\"", v->field, where, v->is));
}

static bool check_body(struct check *c, const struct probe_value *v, const struct http_seen *seen)
{
	switch (regex_find(v->matches, seen->body, seen->body_len)) {
	case REGEX_FOUND: return true;
	case REGEX_NONE: return check_failed(c, "the body does not match \"%.60s\"", v->matches);
	case REGEX_LONG: break;
	}
	return check_failed(c, "matching the body with \"%.60s\" takes too long", v->matches);
}

static bool check_json(struct check *c, const struct probe_value *v, const struct http_seen *seen)
{
	char text[JSON_PATH_VALUE];
	float number;

	switch (json_path_find(v->field, seen->body, seen->body_len, text)) {
	case JSON_PATH_FOUND: break;
	case JSON_PATH_NONE: return check_failed(c, "there is no value %.60s in the body", v->field);
	case JSON_PATH_NO_JSON: return check_failed(c, "the body is no JSON");
	}
	if (v->is || v->matches)
		return http_value_holds(v, text, strlen(text)) ||
			check_failed(c, v->matches ? "%.60s is \"%.60s\", which does not match \"%.60s\""
						   : "%.60s is \"%.60s\", not \"%.60s\"",
				v->field, text, v->matches ? v->matches : v->is);
	return load_from_number(text, strlen(text), &number)
		? check_number(c, v, number)
		: check_failed(c, "%.60s is \"%.60s\", no number of at least 0", v->field, text);
}

bool http_value_check(struct check *c, unsigned i, const struct http_seen *seen)
{
	const struct probe_value *v = &c->probe->values[i];
	const char *where = v->in_body ? "in the body" : "in the header";
	float number = v->in_body ? NAN : seen->number;

	if (!v->field)
		return check_body(c, v, seen);
	if (v->json)
		return check_json(c, v, seen);
	if (v->in_body && seen->body)
		load_from_body(seen->body, seen->body_len, v->field, &number);
	if (v->in_body ? isnan(number) : !seen->met)
		return check_failed(c, "there is no %s%.60s %s", v->is || v->matches ? "" : "number ", v->field,
			where);
	if (v->is || v->matches)
		return check_text(c, v, where, seen->equal);
	if (isnan(number))
		return check_failed(c, "%.60s %s is no number", v->field, where);
	return check_number(c, v, number);
}
