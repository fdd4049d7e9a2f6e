/* import_vscf.c - gdnsd's configuration: hashes, arrays and words, with remarks and includes.
 */
#include "import/import_node.h"

#include "base/file.h"

#include <ctype.h>
#include <string.h>

enum { INCLUDE_MOST = 16 << 20 };

static struct node *value_of(struct reading *r);

static void skip(struct reading *r)
{
	while (r->at < r->end) {
		if (*r->at == '#' || *r->at == ';') {
			while (r->at < r->end && *r->at != '\n')
				r->at++;
		} else if (isspace((unsigned char)*r->at)) {
			r->line += *r->at++ == '\n';
		} else {
			return;
		}
	}
}

static bool ends_word(char c)
{
	return isspace((unsigned char)c) || !c || strchr("{}[]=,;#\"", c);
}

/* \X is X, and \DDD a byte by its decimal number. */
static struct node *word(struct reading *r)
{
	struct text text = { 0 };
	const bool quoted = *r->at == '"';
	const unsigned line = r->line;

	r->at += quoted;
	while (r->at < r->end && (quoted ? *r->at != '"' : !ends_word(*r->at))) {
		char c = *r->at++;
		if (c == '\\' && r->end - r->at >= 3 && isdigit((unsigned char)r->at[0]) && isdigit((unsigned char)r->at[1]) &&
			isdigit((unsigned char)r->at[2])) {
			c = (char)((r->at[0] - '0') * 100 + (r->at[1] - '0') * 10 + r->at[2] - '0');
			r->at += 3;
		} else if (c == '\\' && r->at < r->end) {
			c = *r->at++;
		}
		r->line += c == '\n';
		if (c)
			text_add_char(&text, c);
	}
	struct node *n = node_text(r, text_get(&text), text.len);
	n->quoted = quoted;
	n->line = line;
	if (quoted && r->at < r->end)
		r->at++;
	else if (quoted)
		n = (node_wrong(r, "a word in quotes has no end"), NULL);
	else if (!text.len)
		n = (node_wrong(r, "a word is wanted here, not %c", r->at < r->end ? *r->at : '.'), NULL);
	text_fini(&text);
	return n;
}

static bool pairs(struct reading *r, struct node *map, bool top);

static bool is_include(const struct reading *r)
{
	return r->end - r->at > 9 && strncmp(r->at, "$include{", 9) == 0;
}

/* Of a file that holds a value, or the pairs of `into`. */
static struct node *read_included(struct reading *r, struct node *into)
{
	const char *end = memchr(r->at, '}', (size_t)(r->end - r->at)), *from = r->at + 9;
	struct node *n = NULL;
	struct file file;

	if (!end)
		return node_wrong(r, "an include has no end"), NULL;
	r->at = end + 1;
	while (from < end && (isspace((unsigned char)*from) || *from == '"'))
		from++;
	while (end > from && (isspace((unsigned char)end[-1]) || end[-1] == '"'))
		end--;
	char *path = file_beside(r->mem, r->path, node_text(r, from, (size_t)(end - from))->text);
	struct fault why;
	if (!file_read(&file, path, INCLUDE_MOST, &why))
		return node_wrong(r, "%s", why.text), NULL;
	struct reading in = { path, file.text, file.text + file.len, 1, r->mem, r->why, r->deep + 1, 0 };
	if (in.deep > NODE_DEPTH_MOST)
		node_wrong(r, "files include each other without an end");
	else if (into)
		n = pairs(&in, into, true) ? into : NULL;
	else
		n = value_of(&in);
	file_free(&file);
	return n;
}

static struct node *array(struct reading *r)
{
	struct node *list = node_new(r, NODE_LIST);

	for (r->at++;;) {
		skip(r);
		if (r->at == r->end)
			return node_wrong(r, "an array has no end"), NULL;
		if (*r->at == ']')
			break;
		if (*r->at == ',') {
			r->at++;
			continue;
		}
		struct node *v = value_of(r);
		if (!v)
			return NULL;
		node_add(list, v, NULL);
	}
	r->at++;
	return list;
}

static struct node *value_of(struct reading *r)
{
	struct node *n;

	skip(r);
	if (r->at == r->end)
		return node_wrong(r, "a value is wanted at the end of the file"), NULL;
	if (++r->deep > NODE_DEPTH_MOST)
		return node_wrong(r, "this is nested too deep"), NULL;
	if (*r->at == '{') {
		n = node_new(r, NODE_MAP);
		r->at++;
		n = pairs(r, n, false) ? n : NULL;
	} else {
		n = *r->at == '[' ? array(r) : is_include(r) ? read_included(r, NULL) : word(r);
	}
	r->deep--;
	return n;
}

/* Up to the brace that closes them, or the end of the file. */
static bool pairs(struct reading *r, struct node *map, bool top)
{
	for (;;) {
		skip(r);
		if (r->at == r->end)
			return top || node_wrong(r, "a brace is not closed");
		if (!top && *r->at == '}') {
			r->at++;
			return true;
		}
		if (*r->at == ',') {
			r->at++;
			continue;
		}
		if (is_include(r)) {
			if (!read_included(r, map))
				return false;
			continue;
		}
		struct node *key = word(r);
		if (!key)
			return false;
		skip(r);
		if (r->at == r->end || *r->at != '=')
			return node_wrong(r, "\"=>\" is wanted behind \"%.60s\"", key->text);
		r->at += r->end - r->at > 1 && r->at[1] == '>' ? 2 : 1;
		struct node *value = value_of(r);
		if (!value)
			return false;
		node_add(map, value, key);
	}
}

struct node *node_read_vscf(struct reading *r)
{
	struct node *top = node_new(r, NODE_MAP);

	skip(r);
	/* The whole may stand in braces of its own. */
	if (r->at < r->end && *r->at == '{')
		return value_of(r);
	return pairs(r, top, true) ? top : NULL;
}
