#include "conf/parse.h"

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "conf/parse_text.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* A collection that is not closed yet. */
struct level {
	struct node *node;
	struct node *last;      /* its last child */
	const struct node *key; /* of a mapping: the key that waits for its value */
};

struct build {
	const struct parse_source *src;
	struct arena *mem;
	struct node *top;
	struct level open[PARSE_DEPTH_MOST];
	unsigned depth;
	unsigned documents;
	struct parse_span *spans; /* quoted scalars; from the heap */
	size_t n_spans, spans_room;
};

/* --- faults ------------------------------------------------------------------------------- */

static struct fault_at place_of(const struct parse_source *src, const struct node *at)
{
	const struct parse_file own = { src->path, src->text, src->text_end },
				*in = at && src->all && at->file < src->all->n
		? &src->all->of[at->file]
		: &own;

	return (struct fault_at){ in->path, in->text, in->text_end, at ? at->line : 0,
		at ? at->column : 0 };
}

bool parse_error(const struct parse_source *src, const struct node *at, const char *fmt, ...)
{
	const struct fault_at where = place_of(src, at);
	struct text say = { 0 };
	va_list ap;

	va_start(ap, fmt);
	text_addv(&say, fmt, ap);
	va_end(ap);
	faults_error(src->faults, &where, "%s", text_get(&say));
	text_fini(&say);
	return false;
}

void parse_warning(const struct parse_source *src, const struct node *at, const char *fmt, ...)
{
	const struct fault_at where = place_of(src, at);
	struct text say = { 0 };
	va_list ap;

	va_start(ap, fmt);
	text_addv(&say, fmt, ap);
	va_end(ap);
	faults_warning(src->faults, &where, "%s", text_get(&say));
	text_fini(&say);
}

const struct node *parse_get(const struct node *map, const char *key)
{
	if (map->kind != NODE_MAP)
		return NULL;
	for (const struct node *n = map->first; n; n = n->next)
		if (strcmp(n->key->text, key) == 0)
			return n;
	return NULL;
}

/* --- duplicate keys ----------------------------------------------------------------------- */

static int compare_keys(const void *va, const void *vb)
{
	const struct node *a = (*(struct node *const *)va)->key,
			  *b = (*(struct node *const *)vb)->key;
	const int d = strcmp(a->text, b->text);

	if (d)
		return d;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

static void tell_duplicate(
	const struct parse_source *src, const struct node *first, const struct node *second)
{
	if (first->file == second->file)
		parse_error(src, second,
			"this key is here twice (first on line %u); take one out", first->line);
	else
		parse_error(src, second,
			"this key is here twice (first in %s, line %u); take one out",
			place_of(src, first).path, first->line);
}

/* Mappings of a hundred thousand keys are in order, so it is a sort. */
void parse_drop_duplicates(
	const struct parse_source *src, struct arena *mem, struct node *map)
{
	struct node **sorted, **link = &map->first;
	size_t n = 0;

	if (map->n < 2)
		return;
	sorted = arena_alloc(mem, map->n * sizeof *sorted);
	for (struct node *c = map->first; c; c = c->next)
		sorted[n++] = c;
	qsort(sorted, n, sizeof *sorted, compare_keys);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (strcmp(sorted[i]->key->text, sorted[first]->key->text) != 0) {
			first = i;
			continue;
		}
		tell_duplicate(src, sorted[first]->key, sorted[i]->key);
		sorted[i]->key = NULL;
	}
	while (*link) {
		if ((*link)->key) {
			link = &(*link)->next;
			continue;
		}
		*link = (*link)->next;
		map->n--;
	}
}

/* --- the tree ----------------------------------------------------------------------------- */

static struct parse_place mark_place(const yaml_mark_t *m)
{
	return (struct parse_place){ (unsigned)m->line + 1, (unsigned)m->column + 1 };
}

static struct node *new_node(const struct build *b, enum node_kind kind, const yaml_event_t *e)
{
	struct node *n = arena_zalloc(b->mem, sizeof *n);
	const struct parse_place at = mark_place(&e->start_mark);

	n->kind = kind;
	n->file = b->src->file;
	n->line = at.line;
	n->column = at.column;
	return n;
}

/* A node that comes where a mapping wants a key. */
static void take_key(const struct build *b, struct level *up, const struct node *n)
{
	static const struct node dropped = { .kind = NODE_BAD };

	up->key = n;
	if (n->kind == NODE_SCALAR && !n->quoted && strcmp(n->text, "<<") == 0)
		parse_error(
			b->src, n, "merge keys (<<) are not taken; write the keys themselves");
	else if (n->kind == NODE_LIST || n->kind == NODE_MAP)
		parse_error(b->src, n,
			"a key is plain text, not a %s; text with brackets in it needs quotes",
			n->kind == NODE_LIST ? "list" : "mapping");
	else if (n->kind == NODE_SCALAR)
		return;
	up->key = &dropped;
}

static void attach(struct build *b, struct node *n)
{
	if (!b->depth) {
		b->top = n;
		return;
	}
	struct level *up = &b->open[b->depth - 1];
	if (up->node->kind == NODE_MAP) {
		if (!up->key) {
			take_key(b, up, n);
			return;
		}
		n->key = up->key;
		up->key = NULL;
		if (n->key->kind == NODE_BAD)
			return;
	}
	if (up->last)
		up->last->next = n;
	else
		up->node->first = n;
	up->last = n;
	up->node->n++;
}

static void refuse_extras(const struct build *b, const struct node *n,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		parse_error(b->src, n,
			"anchors (&name) are not taken; take it out and write the value where "
			"it is wanted");
	if (tag)
		parse_error(b->src, n,
			"tags (!name) are not taken; take it out, or put the text in quotes");
}

static void keep_span(struct build *b, const yaml_event_t *e)
{
	if (b->n_spans == b->spans_room) {
		const size_t room = b->spans_room ? b->spans_room * 2 : 64;
		b->spans = memory_grow(b->spans, room * sizeof *b->spans);
		b->spans_room = room;
	}
	b->spans[b->n_spans++] = (struct parse_span){ mark_place(&e->start_mark),
		mark_place(&e->end_mark) };
}

static void take_scalar(struct build *b, const yaml_event_t *e)
{
	struct node *n = new_node(b, NODE_SCALAR, e);
	const char *text = (const char *)e->data.scalar.value;

	n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (n->quoted)
		keep_span(b, e);
	refuse_extras(b, n, e->data.scalar.anchor, e->data.scalar.tag);
	n->text = arena_strdup(b->mem, text);
	if (strlen(text) != e->data.scalar.length) {
		parse_error(b->src, n, "a NUL character (\\0) in a text; take it out");
		n->kind = NODE_BAD;
	}
	attach(b, n);
}

static bool take_start(struct build *b, enum node_kind kind, const yaml_event_t *e)
{
	struct node *n = new_node(b, kind, e);

	if (kind == NODE_LIST)
		refuse_extras(b, n, e->data.sequence_start.anchor, e->data.sequence_start.tag);
	else
		refuse_extras(b, n, e->data.mapping_start.anchor, e->data.mapping_start.tag);
	if (b->depth == PARSE_DEPTH_MOST)
		return parse_error(b->src, n, "nested deeper than %d levels; no option is",
			PARSE_DEPTH_MOST);
	attach(b, n);
	b->open[b->depth++] = (struct level){ .node = n };
	return true;
}

static bool take_document(struct build *b, const yaml_event_t *e)
{
	const struct node *n = new_node(b, NODE_BAD, e);

	if (b->documents++)
		return parse_error(b->src, n,
			"a second document starts here; a configuration is one (take the "
			"\"---\" out)");
	if (e->data.document_start.version_directive ||
		e->data.document_start.tag_directives.start !=
			e->data.document_start.tag_directives.end)
		parse_error(b->src, n,
			"directives (%%YAML, %%TAG) are not taken; take the line out");
	return true;
}

/* False: there is nothing to go on with. */
static bool take_event(struct build *b, const yaml_event_t *e)
{
	struct node *n;

	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT: return take_document(b, e);
	case YAML_SEQUENCE_START_EVENT: return take_start(b, NODE_LIST, e);
	case YAML_MAPPING_START_EVENT: return take_start(b, NODE_MAP, e);
	case YAML_SCALAR_EVENT: take_scalar(b, e); return true;
	case YAML_ALIAS_EVENT:
		n = new_node(b, NODE_BAD, e);
		parse_error(b->src, n,
			"aliases (*name) are not taken; write the value itself, or put the "
			"text in quotes");
		attach(b, n);
		return true;
	case YAML_MAPPING_END_EVENT: 
		parse_drop_duplicates(b->src, b->mem, b->open[--b->depth].node);
		return true;
	case YAML_SEQUENCE_END_EVENT: b->depth--; return true;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT: return true;
	}
	return true;
}

static bool tell_problem(const struct build *b, const yaml_parser_t *p)
{
	const struct parse_problem problem = {
		.problem = p->problem ? p->problem : "",
		.context = p->context,
		.at = mark_place(&p->problem_mark),
		.begun = p->context ? mark_place(&p->context_mark)
				    : (struct parse_place){ 0, 0 },
	};

	if (p->error == YAML_MEMORY_ERROR)
		return parse_error(b->src, NULL, "out of memory");
	return parse_text_problem(b->src, &problem);
}

/* For a scope. */
static void let_go_event(void *e)
{
	yaml_event_delete(e);
}

static void let_go_parser(void *p)
{
	yaml_parser_delete(p);
}

static bool read_all(struct build *b, yaml_parser_t *p, yaml_event_t *e)
{
	bool more = true, ok = true;

	while (more && ok && !faults_full(b->src->faults)) {
		if (!yaml_parser_parse(p, e))
			return tell_problem(b, p);
		ok = take_event(b, e);
		more = e->type != YAML_STREAM_END_EVENT;
		yaml_event_delete(e); /* none is left in it */
	}
	return ok && !more;
}

static bool read_events(struct build *b, yaml_parser_t *p)
{
	yaml_event_t e = { .type = YAML_NO_EVENT };

	scope_hold(&e, let_go_event);
	const bool ok = read_all(b, p, &e);
	scope_forget(&e, let_go_event);
	return ok;
}

struct node *parse_tree(const struct parse_source *src, struct arena *mem)
{
	struct build b = { .src = src, .mem = mem };
	yaml_parser_t p;

	if (!parse_text_check(src))
		return NULL;
	if (!yaml_parser_initialize(&p)) {
		parse_error(src, NULL, "out of memory");
		return NULL;
	}
	scope_hold(&p, let_go_parser);
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&p, (const unsigned char *)src->text, (size_t)(src->text_end - src->text));
	const bool whole = read_events(&b, &p);
	if (whole)
		parse_text_tabs(src, b.spans, b.n_spans);
	scope_forget(&p, let_go_parser);
	yaml_parser_delete(&p);
	memory_free(b.spans);
	if (!whole)
		return NULL;
	if (!b.top || (b.top->kind == NODE_SCALAR && !b.top->quoted && !*b.top->text)) {
		if (src->file) /* as a file of comments in a folder of settings is */
			return NULL;
		parse_error(src, NULL,
			"the file is empty; the least it needs is server: and zones:");
		return NULL;
	}
	return b.top;
}
