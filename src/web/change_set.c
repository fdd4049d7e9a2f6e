#include "web/change_set.h"

#include "web/api_rows.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s && api_may_be_word(s) ? s : NULL;
}

static bool add_step(struct change_set *c, const char *const *words, struct fault *why)
{
	if (c->n == CHANGE_SET_STEPS)
		return fault(why, "a change set may have %d records", CHANGE_SET_STEPS - 3);
	memcpy(c->steps[c->n++], words, sizeof c->steps[0]);
	return true;
}

static bool add_records(struct change_set *c, const json_t *members, const char *what, struct fault *why)
{
	json_t *list = json_object_get(members, what), *o;
	const bool comes = strcmp(what, "set") == 0;
	size_t i;

	if (list && !json_is_array(list))
		return fault(why, "%s is a list of records", what);
	json_array_foreach (list, i, o) {
		const char *owner = member(o, "owner"), *type = member(o, "type"), *data = member(o, "data");
		const json_t *ttl = json_object_get(o, "ttl");
		if (!owner || (comes && (!type || !data)) || (data && !type) ||
			(ttl && (!comes || !json_is_integer(ttl) || json_integer_value(ttl) < 0 ||
					json_integer_value(ttl) > INT32_MAX)))
			return fault(why, "%s: record %zu: owner, type and data are texts%s", what, i + 1,
				comes ? " and are there; ttl is a number of seconds" : "; data alone is nothing");
		char *text = c->ttl[c->n < CHANGE_SET_STEPS ? c->n : 0];
		if (ttl)
			snprintf(text, sizeof c->ttl[0], "%lld", (long long)json_integer_value(ttl));
		const char *words[CHANGE_SET_WORDS] = { "zone", what, c->zone, owner };
		size_t n = 4;
		if (ttl)
			words[n++] = text;
		if (type)
			words[n++] = type;
		if (data)
			words[n++] = data;
		if (!add_step(c, words, why))
			return false;
	}
	return true;
}

bool change_set_plan(struct change_set *c, const json_t *members, struct fault *why)
{
	const json_t *dry = json_object_get(members, "dry_run"), *serial = json_object_get(members, "serial");
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)members, name, value)
		if (strcmp(name, "zone") != 0 && strcmp(name, "set") != 0 && strcmp(name, "unset") != 0 &&
			strcmp(name, "serial") != 0 && strcmp(name, "dry_run") != 0)
			return fault(why, "%s is nothing that this takes", name);
	if ((dry && !json_is_boolean(dry)) || (serial && !json_is_integer(serial)))
		return fault(why, "dry_run is true or false, and serial a number");
	c->zone = member(members, "zone");
	if (serial)
		snprintf(c->ttl[0], sizeof c->ttl[0], "%lld", (long long)json_integer_value(serial));
	const char *begin[CHANGE_SET_WORDS] = { "zone", "begin", c->zone, serial ? "--serial" : NULL, c->ttl[0] };
	const char *diff[CHANGE_SET_WORDS] = { "zone", "diff", c->zone }, *commit[CHANGE_SET_WORDS] = { "zone", "commit", c->zone };
	if (!add_step(c, begin, why) || !add_records(c, members, "unset", why))
		return false;
	c->n_unset = c->n - 1;
	if (!add_records(c, members, "set", why))
		return false;
	if (c->n == 1)
		return fault(why, "nothing is to be set or unset");
	c->dry = json_is_true(dry);
	return add_step(c, c->dry ? diff : commit, why);
}
