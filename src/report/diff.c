#include "report/diff.h"

#include <string.h>

enum { DEPTH_MOST = 20 };

struct walk {
	const struct diff_opts *o;
	const char *path[DEPTH_MOST]; /* section, then keys */
	unsigned depth;
	json_t *changes;
};

/* --- equal? ------------------------------------------------------------------------------- */

/* The item of a list of one, which may stand without the list. */
static json_t *alone(json_t *v)
{
	while (json_is_array(v) && json_array_size(v) == 1)
		v = json_array_get(v, 0);
	return v;
}

static bool same(json_t *a, json_t *b)
{
	size_t i;
	const char *key;
	json_t *v;

	a = alone(a);
	b = alone(b);
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (json_is_string(a))
		return strcmp(json_string_value(a), json_string_value(b)) == 0;
	if (json_is_array(a)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		json_array_foreach (a, i, v)
			if (!same(v, json_array_get(b, i)))
				return false;
		return true;
	}
	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach (a, key, v)
		if (!json_object_get(b, key) || !same(v, json_object_get(b, key)))
			return false;
	return true;
}

/* --- what is shown ------------------------------------------------------------------------ */

/* A copy without secrets. */
static json_t *shown(const struct walk *w, json_t *v)
{
	json_t *copy = json_deep_copy(v), *i;
	const char *key;
	size_t at;

	if (json_is_object(copy)) {
		json_object_foreach (copy, key, i)
			json_object_set_new(copy, key,
				w->o->is_secret(key) && !json_is_object(i)
					? json_string("(hidden)")
					: shown(w, i));
	} else if (json_is_array(copy)) {
		json_array_foreach (copy, at, i)
			json_array_set_new(copy, at, shown(w, i));
	}
	return copy;
}

static bool is_named(const char *section)
{
	return strcmp(section, "edges") == 0 || strcmp(section, "pools") == 0 ||
		strcmp(section, "probes") == 0 || strcmp(section, "zones") == 0;
}

static void say(struct walk *w, json_t *old, json_t *new)
{
	const char *section = w->path[0], *last = w->path[w->depth - 1];
	const bool named = is_named(section) && w->depth > 1,
		   secret = w->o->is_secret(last) && !json_is_object(old ? old : new);
	struct text key = { 0 };
	json_t *o = json_pack("{s:s, s:s}", "section", section, "change",
		!old           ? "added"
			: !new ? "gone"
			       : "changed");

	if (named)
		json_object_set_new(o, "name", json_string(w->path[1]));
	for (unsigned i = named ? 2 : 1; i < w->depth; i++)
		text_addf(&key, "%s%s", key.len ? ": " : "", w->path[i]);
	if (key.len)
		json_object_set_new(o, "key", json_string(text_get(&key)));
	if (secret) {
		json_object_set_new(o, "secret", json_true());
	} else {
		if (old)
			json_object_set_new(o, "from", shown(w, old));
		if (new)
			json_object_set_new(o, "to", shown(w, new));
	}
	/* Of a section that comes or goes as a whole, whatever is in it. */
	if (w->o->needs_restart(section, w->depth > 1 ? w->path[1] : NULL))
		json_object_set_new(o, "restart", json_true());
	json_array_append_new(w->changes, o);
	text_fini(&key);
}

/* --- the walk ----------------------------------------------------------------------------- */

static void compare(struct walk *w, const char *key, json_t *old, json_t *new);

static void compare_maps(struct walk *w, json_t *old, json_t *new)
{
	const char *key;
	json_t *v;

	json_object_foreach (old, key, v)
		compare(w, key, v, json_object_get(new, key));
	json_object_foreach (new, key, v)
		if (!json_object_get(old, key))
			compare(w, key, NULL, v);
}

/* The list of zones, by what they are called. */
static json_t *zones_by_name(json_t *list)
{
	json_t *to = json_object(), *z;
	size_t i;

	json_array_foreach (list, i, z) {
		json_t *name = json_object_get(z, "name"), *dir = json_object_get(z, "dir");
		struct text key = { 0 };
		if (json_is_string(name))
			text_add(&key, json_string_value(name));
		else
			text_addf(&key, "all of %s",
				json_is_string(dir) ? json_string_value(dir) : "?");
		json_t *rest = json_deep_copy(z);
		json_object_del(rest, "name");
		json_object_del(rest, "dir");
		json_object_set_new(to, text_get(&key), rest);
		text_fini(&key);
	}
	return to;
}

static void compare(struct walk *w, const char *key, json_t *old, json_t *new)
{
	if (w->depth == DEPTH_MOST || (old && new &&same(old, new)))
		return;
	w->path[w->depth++] = key;
	const bool zones = w->depth == 1 && strcmp(key, "zones") == 0,
		   lists = zones && json_is_array(old) && json_is_array(new);
	if (lists) {
		json_t *a = zones_by_name(old), *b = zones_by_name(new);
		compare_maps(w, a, b);
		json_decref(a);
		json_decref(b);
	} else if (json_is_object(old) && json_is_object(new)) {
		compare_maps(w, old, new);
	} else if (w->depth == 1 && (json_is_object(old) || json_is_object(new))) {
		/* A whole section: what is in it, one by one. */
		json_t *none = json_object();
		compare_maps(w, old ? old : none, new ? new : none);
		json_decref(none);
	} else {
		say(w, old, new);
	}
	w->depth--;
}

json_t *diff_trees(const struct diff_opts *o)
{
	struct walk w = { .o = o, .changes = json_array() };

	compare_maps(&w, o->old, o->new);
	return w.changes;
}

/* --- as text ------------------------------------------------------------------------------ */

static void value_text(json_t *v, struct text *out)
{
	const char *key, *s = json_string_value(v);
	json_t *i;
	size_t at;
	bool first = true;

	if (s) {
		const bool plain = *s && !s[strcspn(s, " ,:#\"'{}[]&*!|>%@`\t\n")];
		text_addf(out, plain ? "%s" : "\"%s\"", s);
	} else if (json_is_array(v)) {
		text_add(out, "[");
		json_array_foreach (v, at, i) {
			text_add(out, at ? ", " : " ");
			value_text(i, out);
		}
		text_add(out, " ]");
	} else {
		text_add(out, "{");
		json_object_foreach (v, key, i) {
			text_addf(out, "%s%s: ", first ? " " : ", ", key);
			value_text(i, out);
			first = false;
		}
		text_add(out, " }");
	}
}

static const char *get(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void add_line(json_t *c, struct text *out)
{
	json_t *from = json_object_get(c, "from"), *to = json_object_get(c, "to");
	const char *name = get(c, "name"), *key = get(c, "key"), *change = get(c, "change");
	const char *between = *name || *key ? ": " : "";

	text_addf(out, "  %c %s%s%s",
		*change == 'a'           ? '+'
			: *change == 'g' ? '-'
					 : '~',
		name, *name && *key ? ": " : "", key);
	if (json_object_get(c, "secret"))
		text_addf(out, "%s%s (it is not shown)", between, change);
	if (from && json_object_size(from) + json_array_size(from) + json_string_length(from)) {
		text_add(out, between);
		value_text(from, out);
	}
	if (to && json_object_size(to) + json_array_size(to) + json_string_length(to)) {
		text_add(out, from ? " -> " : between);
		value_text(to, out);
	}
	text_addf(out, "%s\n", json_object_get(c, "restart") ? "  (needs a restart)" : "");
}

void diff_text(json_t *changes, struct text *out)
{
	const char *section = "";
	size_t i;
	json_t *c;

	json_array_foreach (changes, i, c) {
		if (strcmp(section, get(c, "section")) != 0) {
			section = get(c, "section");
			text_addf(out, "%s\n", section);
		}
		add_line(c, out);
	}
}
