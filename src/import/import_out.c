#include "import/import_out.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LINE_MOST = 118, DEEP_MOST = 12 };

enum kind { MAP, LIST, SCALAR };

struct out {
	enum kind kind;
	bool strict; /* of out_new_strict() */
	bool quoted; /* a text, whatever it looks like */
	struct arena *mem;
	const char *key, *text;
	struct out *first, *last, *next;
	size_t n;
};

struct out *out_new(struct arena *mem)
{
	struct out *o = arena_zalloc(mem, sizeof *o);

	o->mem = mem;
	return o;
}

struct out *out_new_strict(struct arena *mem)
{
	struct out *o = out_new(mem);

	o->strict = true;
	return o;
}

static struct out *add(struct out *to, const char *key, enum kind kind)
{
	struct out *o = out_new(to->mem);

	o->kind = kind;
	o->strict = to->strict;
	o->key = key ? arena_strdup(to->mem, key) : NULL;
	if (to->last)
		to->last->next = o;
	else
		to->first = o;
	to->last = o;
	to->n++;
	return o;
}

struct out *out_get(const struct out *map, const char *key)
{
	struct out *o = map->first;

	while (o && (!o->key || strcmp(o->key, key) != 0))
		o = o->next;
	return o;
}

struct out *out_map(struct out *map, const char *key)
{
	struct out *o = out_get(map, key);

	return o ? o : add(map, key, MAP);
}

struct out *out_list(struct out *map, const char *key)
{
	struct out *o = out_get(map, key);

	return o ? o : add(map, key, LIST);
}

struct out *out_new_list(struct out *map, const char *key)
{
	return add(map, key, LIST);
}

void out_quote_last(struct out *o)
{
	o->last->quoted = true;
}

void out_set(struct out *map, const char *key, const char *text)
{
	struct out *o = out_get(map, key);

	o = o ? o : add(map, key, SCALAR);
	o->kind = SCALAR;
	o->text = arena_strdup(map->mem, text);
}

void out_setf(struct out *map, const char *key, const char *fmt, ...)
{
	struct text text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	text_addv(&text, fmt, ap);
	va_end(ap);
	out_set(map, key, text_get(&text));
	text_fini(&text);
}

void out_add(struct out *list, const char *text)
{
	add(list, NULL, SCALAR)->text = arena_strdup(list->mem, text);
}

struct out *out_add_map(struct out *list)
{
	return add(list, NULL, MAP);
}

const char *out_text(const struct out *scalar)
{
	return scalar && scalar->kind == SCALAR ? scalar->text : NULL;
}

size_t out_count(const struct out *o)
{
	return o ? o->n : 0;
}

struct out *out_at(const struct out *o, size_t i, const char **key)
{
	struct out *at = o ? o->first : NULL;

	for (; at && i; i--)
		at = at->next;
	if (at && key)
		*key = at->key;
	return at;
}

/* `key` NULL: all that is empty. */
static void drop(struct out *map, const char *key)
{
	struct out **at = &map->first;

	map->last = NULL;
	map->n = 0;
	while (*at) {
		if (key ? strcmp((*at)->key, key) == 0 : (*at)->kind != SCALAR && !(*at)->n) {
			*at = (*at)->next;
			continue;
		}
		map->last = *at;
		map->n++;
		at = &(*at)->next;
	}
}

void out_drop(struct out *map, const char *key)
{
	drop(map, key);
}

void out_drop_empty(struct out *map)
{
	drop(map, NULL);
}

void out_cut(struct out *o, size_t n)
{
	struct out **at = &o->first;

	o->last = NULL;
	o->n = 0;
	for (; *at && o->n < n; at = &(*at)->next) {
		o->last = *at;
		o->n++;
	}
	*at = NULL;
}

void out_order(struct out *map, const char *const keys[])
{
	struct out *first = NULL, **end = &first;

	for (size_t i = 0; keys[i]; i++) {
		struct out **at = &map->first;
		while (*at && strcmp((*at)->key, keys[i]) != 0)
			at = &(*at)->next;
		if (!*at)
			continue;
		*end = *at;
		*at = (*at)->next;
		end = &(*end)->next;
	}
	*end = map->first;
	map->first = first;
	while (*end) {
		map->last = *end;
		end = &(*end)->next;
	}
}

/* --- writing ------------------------------------------------------------------------------ */

/* What YAML, or a reader of another program, takes for something else. */
static bool is_word(const char *s)
{
	static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~" };

	/* on and off are ours, and stay as they are written by people. */
	if (strcmp(s, "on") == 0 || strcmp(s, "off") == 0)
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

static bool is_plain(const char *s)
{
	return *s && !is_word(s) && strchr("-.?%@+", *s) == NULL &&
		s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+%@")] == 0;
}

/* No number, no moment and no truth to any reader of YAML 1.1. */
static bool is_surely_text(const char *s)
{
	return (isalpha((unsigned char)*s) && strcasecmp(s, "on") != 0 && strcasecmp(s, "off") != 0) || s[strspn(s, "0123456789")] == 0;
}

static void write_scalar(const char *s, const struct out *of, struct text *to)
{
	if (is_plain(s) && (!of->strict || is_surely_text(s)) && !(of->quoted && s == of->text) &&
		!(of->strict && s == of->key && isdigit((unsigned char)*s))) {
		text_add(to, s);
		return;
	}
	text_add_char(to, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			text_addf(to, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			text_addf(to, "\\x%02x", (unsigned char)*s);
		else
			text_add_char(to, *s);
	}
	text_add_char(to, '"');
}

static void write_flow(const struct out *o, struct text *to, unsigned deep)
{
	if (o->kind == SCALAR || deep == DEEP_MOST) {
		write_scalar(o->text ? o->text : "", o, to);
		return;
	}
	text_add(to, o->kind == MAP ? "{ " : "[ ");
	for (const struct out *c = o->first; c; c = c->next) {
		if (c->key) {
			write_scalar(c->key, c, to);
			text_add(to, ": ");
		}
		write_flow(c, to, deep + 1);
		text_add(to, c->next ? ", " : " ");
	}
	text_add_char(to, o->kind == MAP ? '}' : ']');
}

static void indent(struct text *to, unsigned by)
{
	for (; by; by--)
		text_add(to, "  ");
}

static void write_block(const struct out *o, struct text *to, unsigned deep);

/* Behind "key:" or "-": in the line where it has room there, and below it otherwise. */
static void write_value(const struct out *o, struct text *to, unsigned deep)
{
	struct text flow = { 0 };

	write_flow(o, &flow, 0);
	if (o->kind == SCALAR || !o->n || (deep > 1 && flow.len + 2 * deep < LINE_MOST) || deep >= DEEP_MOST) {
		text_add_char(to, ' ');
		text_add(to, text_get(&flow));
		text_add_char(to, '\n');
	} else {
		text_add_char(to, '\n');
		write_block(o, to, deep);
	}
	text_fini(&flow);
}

static void write_block(const struct out *o, struct text *to, unsigned deep)
{
	for (const struct out *c = o->first; c; c = c->next) {
		indent(to, deep);
		if (c->key)
			write_scalar(c->key, c, to);
		text_add_char(to, c->key ? ':' : '-');
		write_value(c, to, deep + 1);
	}
}

void out_write(const struct out *top, struct text *to)
{
	write_block(top, to, 0);
}
