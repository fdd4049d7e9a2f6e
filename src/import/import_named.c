/* import_named.c - statements with blocks: named.conf, and the Corefile of CoreDNS.
 */
#include "import/import_node.h"

#include <ctype.h>
#include <string.h>

struct form {
	bool lines; /* statements end with the line */
};

static bool remark(struct reading *r, const struct form *f)
{
	if (*r->at == '#' || (!f->lines && r->end - r->at > 1 && r->at[0] == '/' && r->at[1] == '/')) {
		while (r->at < r->end && *r->at != '\n')
			r->at++;
		return true;
	}
	if (f->lines || r->end - r->at < 2 || r->at[0] != '/' || r->at[1] != '*')
		return false;
	for (r->at += 2; r->at < r->end && !(r->end - r->at > 1 && r->at[0] == '*' && r->at[1] == '/'); r->at++)
		r->line += *r->at == '\n';
	r->at += r->at < r->end ? 2 : 0;
	return true;
}

/* True where a line has ended on the way. */
static bool skip(struct reading *r, const struct form *f)
{
	bool ended = false;

	while (r->at < r->end) {
		if (remark(r, f))
			continue;
		if (!isspace((unsigned char)*r->at) && *r->at)
			break;
		ended = ended || *r->at == '\n';
		r->line += *r->at++ == '\n';
	}
	return ended;
}

static struct node *word(struct reading *r, const struct form *f)
{
	const char *from = r->at;
	const char quote = *from == '"' || (f->lines && *from == '`') ? *from : 0;

	if (quote) {
		struct text text = { 0 };
		const unsigned line = r->line;
		for (r->at++; r->at < r->end && *r->at != quote; r->at++) {
			if (*r->at == '\\' && r->end - r->at > 1 && strchr("\"\\", r->at[1]) && r->at[1])
				r->at++;
			r->line += *r->at == '\n';
			if (*r->at)
				text_add_char(&text, *r->at);
		}
		struct node *n = node_text(r, text_get(&text), text.len);
		text_fini(&text);
		n->quoted = true;
		n->line = line;
		if (r->at == r->end)
			return node_wrong(r, "a word in quotes has no end"), NULL;
		r->at++;
		return n;
	}
	while (r->at < r->end && *r->at && !isspace((unsigned char)*r->at) && *r->at != '"' &&
		(f->lines || !strchr("{};", *r->at)) && !(r->at > from && !f->lines && r->end - r->at > 1 && *r->at == '/' && r->at[1] == '*'))
		r->at++;
	return node_text(r, from, (size_t)(r->at - from));
}

static bool is_brace(const struct reading *r, const struct form *f, char brace)
{
	if (r->at == r->end || *r->at != brace)
		return false;
	return !f->lines || r->end - r->at == 1 || isspace((unsigned char)r->at[1]);
}

static struct node *statements(struct reading *r, const struct form *f);

/* NULL and told; else its words and blocks. */
static struct node *statement(struct reading *r, const struct form *f)
{
	struct node *s = node_new(r, NODE_LIST);

	for (;;) {
		struct node *n;
		if (r->at == r->end || is_brace(r, f, '}'))
			return s;
		if (!f->lines && *r->at == ';') {
			r->at++;
			return s;
		}
		if (is_brace(r, f, '{')) {
			r->at++;
			n = statements(r, f);
		} else {
			n = word(r, f);
		}
		if (!n)
			return NULL;
		node_add(s, n, NULL);
		if (skip(r, f) && f->lines)
			return s;
	}
}

/* Up to the brace that closes them, or the end. */
static struct node *statements(struct reading *r, const struct form *f)
{
	struct node *all = node_new(r, NODE_LIST);
	const bool top = r->deep == 0;

	if (++r->deep > NODE_DEPTH_MOST)
		return node_wrong(r, "this is nested too deep"), NULL;
	for (;;) {
		skip(r, f);
		if (r->at == r->end) {
			r->deep--;
			return top ? all : (node_wrong(r, "a brace is not closed"), NULL);
		}
		if (is_brace(r, f, '}')) {
			if (top)
				return node_wrong(r, "a brace closes what was not opened"), NULL;
			r->at++;
			r->deep--;
			return all;
		}
		struct node *s = statement(r, f);
		if (!s)
			return NULL;
		if (s->n)
			node_add(all, s, NULL);
	}
}

struct node *node_read_named(struct reading *r, bool lines)
{
	const struct form f = { lines };

	return statements(r, &f);
}
