/* import_knot_text.c - the simple YAML of knot.conf and of mod-geoip's files.
 *
 *     section:
 *       - id: value
 *         key: [ a, b ]
 *
 * A section becomes a list of mappings; one without items (server:, log:) a list of one. A section
 * that comes again goes on.
 */
#include "import/import_node.h"

#include <ctype.h>
#include <string.h>

/* One line, without its remark. */
struct line {
	const char *at, *end;
	size_t indent;
	bool item;
};

static const char *end_of_line(struct reading *r)
{
	const char *end = r->at;
	bool quoted = false;

	for (; end < r->end && *end != '\n'; end++) {
		if (*end == '\\' && quoted && end + 1 < r->end)
			end++;
		else if (*end == '"')
			quoted = !quoted;
		else if (*end == '#' && !quoted)
			break;
	}
	return end;
}

/* False at the end of the text. Blank lines are passed over. */
static bool next_line(struct reading *r, struct line *l)
{
	for (; r->at < r->end; r->line++) {
		const char *end = end_of_line(r), *from = r->at, *next = memchr(r->at, '\n', (size_t)(r->end - r->at));
		while (from < end && (*from == ' ' || *from == '\t'))
			from++;
		l->indent = (size_t)(from - r->at);
		l->item = from < end && *from == '-' && (from + 1 == end || isspace((unsigned char)from[1]));
		if (l->item)
			for (from++; from < end && isspace((unsigned char)*from);)
				from++;
		while (end > from && isspace((unsigned char)end[-1]))
			end--;
		l->at = from;
		l->end = end;
		r->at = next ? next + 1 : r->end;
		if (from < end)
			return true;
	}
	return false;
}

static struct node *scalar(struct reading *r, const char *at, const char *end)
{
	struct text text = { 0 };
	const bool quoted = end - at > 1 && *at == '"' && end[-1] == '"';

	if (quoted)
		at++, end--;
	for (; at < end; at++) {
		if (quoted && *at == '\\' && at + 1 < end)
			at++;
		if (*at)
			text_add_char(&text, *at);
	}
	struct node *n = node_text(r, text_get(&text), text.len);
	n->quoted = quoted;
	text_fini(&text);
	return n;
}

static const char *item_end(const char *at, const char *end)
{
	bool quoted = false;

	for (; at < end && (quoted || *at != ','); at++) {
		if (*at == '\\' && quoted && at + 1 < end)
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	return at;
}

static struct node *read_value(struct reading *r, const char *at, const char *end)
{
	while (at < end && isspace((unsigned char)*at))
		at++;
	if (at == end || *at != '[' || end[-1] != ']')
		return scalar(r, at, end);
	struct node *list = node_new(r, NODE_LIST);
	for (at++, end--; at < end;) {
		const char *stop = item_end(at, end), *last = stop;
		while (at < last && isspace((unsigned char)*at))
			at++;
		while (last > at && isspace((unsigned char)last[-1]))
			last--;
		if (last > at)
			node_add(list, scalar(r, at, last), NULL);
		at = stop + 1;
	}
	return list;
}

/* "key: value". A colon ends the key where a blank, or the end, is behind it. */
static const char *colon_of(const struct line *l)
{
	const char *c = l->at;
	bool quoted = false;

	for (; c < l->end; c++) {
		if (*c == '"')
			quoted = !quoted;
		if (!quoted && *c == ':' && (c + 1 == l->end || isspace((unsigned char)c[1])))
			return c;
	}
	return NULL;
}

static struct node *section_of(struct reading *r, struct node *top, const struct line *l, const char *colon)
{
	struct node *key = scalar(r, l->at, colon), *at = (struct node *)parse_get(top, key->text);

	if (!at) {
		at = node_new(r, NODE_LIST);
		node_add(top, at, key);
	}
	return at;
}

struct node *node_read_knot(struct reading *r)
{
	struct node *top = node_new(r, NODE_MAP), *section = NULL, *item = NULL;
	struct line l;

	for (; next_line(r, &l); r->line++) {
		const char *colon = colon_of(&l);
		if (!colon)
			return node_wrong(r, "\"key: value\" is wanted here"), NULL;
		if (!l.indent && !l.item) {
			section = section_of(r, top, &l, colon);
			item = NULL;
			/* "include: FILE" has no items. */
			if (colon + 1 < l.end)
				node_add(section, read_value(r, colon + 1, l.end), NULL);
			continue;
		}
		if (!section)
			return node_wrong(r, "a section is wanted here, such as \"zone:\""), NULL;
		if (l.item || !item) {
			item = node_new(r, NODE_MAP);
			node_add(section, item, NULL);
		}
		node_add(item, read_value(r, colon + 1, l.end), scalar(r, l.at, colon));
	}
	return top;
}
