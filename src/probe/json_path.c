#include "probe/json_path.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A step: a name, or the number of a list's element. */
struct step {
	char name[JSON_PATH_MOST + 1]; /* "": a number */
	size_t number;
};

static bool take_number(const char **at, struct step *s)
{
	const size_t n = strspn(*at + 1, "0123456789");

	if (!n || n > 6 || (*at)[1 + n] != ']')
		return false;
	*s = (struct step){ .number = strtoul(*at + 1, NULL, 10) };
	*at += n + 2;
	return true;
}

/* False: there is none, or it is wrong (`*at` is not at the end then). */
static bool next_step(const char **at, bool first, struct step *s)
{
	const char *p = *at;

	if (*p == '[')
		return take_number(at, s);
	p += !first && *p == '.';
	const size_t n = strcspn(p, ".[");
	if (!n || n > JSON_PATH_MOST || (!first && p == *at))
		return false;
	memcpy(s->name, p, n);
	s->name[n] = 0;
	*at = p + n;
	return true;
}

/* A "$" before the first step is the whole. */
static const char *begin(const char *path, bool *first)
{
	const bool root = path[0] == '$' && (path[1] == '.' || path[1] == '[');

	*first = !root;
	return path + root;
}

bool json_path_is(const char *path, struct fault *why)
{
	struct step s;
	bool first;
	const char *at = begin(path, &first);

	if (strlen(path) > JSON_PATH_MOST)
		return fault(why, "it is longer than %d bytes", JSON_PATH_MOST);
	if (!*path)
		return fault(why, "it is empty");
	for (; *at; first = false)
		if (!next_step(&at, first, &s))
			return fault(why, "behind its %zu. character stands neither a name nor [NUMBER]",
				(size_t)(at - path));
	return true;
}

static enum json_path_got put(const json_t *v, char to[static JSON_PATH_VALUE])
{
	switch (json_typeof(v)) {
	case JSON_STRING: snprintf(to, JSON_PATH_VALUE, "%s", json_string_value(v)); break;
	case JSON_INTEGER:
		snprintf(to, JSON_PATH_VALUE, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL: snprintf(to, JSON_PATH_VALUE, "%.17g", json_real_value(v)); break;
	case JSON_TRUE: strcpy(to, "true"); break;
	case JSON_FALSE: strcpy(to, "false"); break;
	case JSON_NULL: strcpy(to, "null"); break;
	case JSON_OBJECT:
	case JSON_ARRAY: return JSON_PATH_NONE;
	}
	return JSON_PATH_FOUND;
}

enum json_path_got json_path_find(
	const char *path, const char *text, size_t len, char to[static JSON_PATH_VALUE])
{
	struct step s;
	bool first;
	const char *at = begin(path, &first);

	json_t *top = json_loadb(text ? text : "", len, JSON_DECODE_ANY, NULL);
	if (!top)
		return JSON_PATH_NO_JSON;
	const json_t *v = top;
	for (; v && *at; first = false) {
		if (!next_step(&at, first, &s))
			v = NULL;
		else
			v = *s.name ? json_object_get(v, s.name) : json_array_get(v, s.number);
	}
	const enum json_path_got got = v ? put(v, to) : JSON_PATH_NONE;
	json_decref(top);
	return got;
}
