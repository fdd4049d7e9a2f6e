#include "import/import_node.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* While it is built: lists may be long, and each child goes behind the last. */
struct grown {
	struct node node; /* the first: all that anybody else sees */
	struct node *last;
};

struct node *node_new(struct reading *r, enum node_kind kind)
{
	struct grown *g = arena_zalloc(r->mem, sizeof *g);
	struct node *n = &g->node;

	n->kind = kind;
	n->file = r->file;
	n->line = r->line;
	n->column = 1;
	n->text = "";
	return n;
}

struct node *node_text(struct reading *r, const char *s, size_t len)
{
	struct node *n = node_new(r, NODE_SCALAR);
	char *text = arena_alloc(r->mem, len + 1);

	memcpy(text, s, len);
	text[len] = 0;
	n->text = text;
	return n;
}

void node_add(struct node *to, struct node *child, const struct node *key)
{
	struct grown *g = (struct grown *)to;

	child->key = key;
	*(g->last ? &g->last->next : &to->first) = child;
	g->last = child;
	to->n++;
}

bool node_wrong(struct reading *r, const char *fmt, ...)
{
	struct text say = { 0 };
	va_list ap;

	va_start(ap, fmt);
	text_addv(&say, fmt, ap);
	va_end(ap);
	fault(r->why, "%s:%u: %s", r->path, r->line, text_get(&say));
	text_fini(&say);
	return false;
}

const char *node_string(const struct node *n)
{
	return n && n->kind == NODE_SCALAR ? n->text : NULL;
}

const char *node_get_string(const struct node *map, const char *key)
{
	return map && map->kind == NODE_MAP ? node_string(parse_get(map, key)) : NULL;
}

const struct node *node_at(const struct node *list, size_t i)
{
	const struct node *n = list && list->kind != NODE_SCALAR ? list->first : NULL;

	for (; n && i; i--)
		n = n->next;
	return n;
}

bool node_is_true(const struct node *n)
{
	const char *s = node_string(n);

	return s && (strcasecmp(s, "true") == 0 || strcmp(s, "1") == 0 || strcasecmp(s, "on") == 0 || strcasecmp(s, "yes") == 0);
}

/* --- JSON (RFC 8259) ---------------------------------------------------------------------- */

static void skip_blanks(struct reading *r)
{
	for (; r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at; r->at++)
		r->line += *r->at == '\n';
}

static unsigned hex4(const char *s)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++)
		v = v * 16 + (unsigned)(isdigit((unsigned char)s[i]) ? s[i] - '0' : (s[i] | 32) - 'a' + 10);
	return v;
}

static bool is_hex4(const struct reading *r, const char *s)
{
	if (r->end - s < 4)
		return false;
	for (int i = 0; i < 4; i++)
		if (!isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

static void put_utf8(struct text *to, unsigned c)
{
	if (c < 0x80) {
		text_add_char(to, (char)c);
	} else if (c < 0x800) {
		text_add_char(to, (char)(0xc0 | c >> 6));
		text_add_char(to, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		text_add_char(to, (char)(0xe0 | c >> 12));
		text_add_char(to, (char)(0x80 | (c >> 6 & 63)));
		text_add_char(to, (char)(0x80 | (c & 63)));
	} else {
		text_add_char(to, (char)(0xf0 | c >> 18));
		text_add_char(to, (char)(0x80 | (c >> 12 & 63)));
		text_add_char(to, (char)(0x80 | (c >> 6 & 63)));
		text_add_char(to, (char)(0x80 | (c & 63)));
	}
}

/* Behind a backslash. */
static bool json_escape(struct reading *r, struct text *to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char c = *r->at++;
	const char *is = c ? strchr(from, c) : NULL;

	if (is) {
		text_add_char(to, into[is - from]);
		return true;
	}
	if (c != 'u' || !is_hex4(r, r->at))
		return node_wrong(r, "this is no JSON: a backslash that means nothing");
	unsigned v = hex4(r->at);
	r->at += 4;
	if (v >= 0xd800 && v < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u' && is_hex4(r, r->at + 2)) {
		v = 0x10000 + ((v - 0xd800) << 10) + ((hex4(r->at + 2) - 0xdc00) & 0x3ff);
		r->at += 6;
	}
	if (!v || (v >= 0xd800 && v < 0xe000))
		return node_wrong(r, "this is no JSON that is taken: \\u%04x stands for no character", v);
	put_utf8(to, v);
	return true;
}

static struct node *json_string(struct reading *r)
{
	struct text text = { 0 };
	struct node *n = NULL;
	bool ok = true;

	for (r->at++; ok && r->at < r->end && *r->at != '"';) {
		if (*r->at == '\n' || !*r->at)
			ok = node_wrong(r, "this is no JSON: a string has no end");
		else if (*r->at == '\\' && r->end - r->at > 1)
			r->at++, ok = json_escape(r, &text);
		else
			text_add_char(&text, *r->at++);
	}
	if (ok && r->at == r->end)
		ok = node_wrong(r, "this is no JSON: a string has no end");
	if (ok) {
		r->at++;
		n = node_text(r, text_get(&text), text.len);
		n->quoted = true;
	}
	text_fini(&text);
	return n;
}

static struct node *json_value(struct reading *r);

static struct node *json_many(struct reading *r, bool map)
{
	struct node *all = node_new(r, map ? NODE_MAP : NODE_LIST);
	const char close = map ? '}' : ']';

	for (r->at++;;) {
		struct node *key = NULL;
		skip_blanks(r);
		if (r->at < r->end && *r->at == close && !all->n)
			break;
		if (map) {
			if (r->at == r->end || *r->at != '"')
				return node_wrong(r, "this is no JSON: a key in quotes is wanted here"), NULL;
			if (!(key = json_string(r)))
				return NULL;
			skip_blanks(r);
			if (r->at == r->end || *r->at++ != ':')
				return node_wrong(r, "this is no JSON: a colon is wanted behind \"%.60s\"", key->text), NULL;
		}
		struct node *value = json_value(r);
		if (!value)
			return NULL;
		node_add(all, value, key);
		skip_blanks(r);
		if (r->at < r->end && *r->at == close)
			break;
		if (r->at == r->end || *r->at++ != ',')
			return node_wrong(r, "this is no JSON: a comma or %c is wanted here", close), NULL;
	}
	r->at++;
	return all;
}

static struct node *json_value(struct reading *r)
{
	struct node *n = NULL;

	skip_blanks(r);
	if (r->at == r->end)
		return node_wrong(r, "this is no JSON: it ends too soon"), NULL;
	if (++r->deep > NODE_DEPTH_MOST)
		return node_wrong(r, "this is nested too deep"), NULL;
	if (*r->at == '{' || *r->at == '[') {
		n = json_many(r, *r->at == '{');
	} else if (*r->at == '"') {
		n = json_string(r);
	} else {
		const char *from = r->at;
		while (r->at < r->end && (isalnum((unsigned char)*r->at) || (*r->at && strchr("+-.", *r->at))))
			r->at++;
		n = r->at > from ? node_text(r, from, (size_t)(r->at - from)) : NULL;
		if (n && strcmp(n->text, "null") == 0)
			n->kind = NODE_BAD;
		if (!n)
			node_wrong(r, "this is no JSON: a value is wanted here");
	}
	r->deep--;
	return n;
}

struct node *node_read_json(struct reading *r)
{
	if (r->end - r->at >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0)
		r->at += 3;
	struct node *top = json_value(r);
	skip_blanks(r);
	if (top && r->at < r->end)
		return node_wrong(r, "this is no JSON: something stands behind its end"), NULL;
	return top;
}
