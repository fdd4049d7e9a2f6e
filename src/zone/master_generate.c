#include "zone/master_inner.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "zone/generate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NOTE = 128, EDGES_ROOM = 4096 /* more than a pool leads to */ };

static const char of_pool[] = "pool:";

struct pattern {
	struct generate_range range;
	const char **edges; /* [n_edges] of a pool: these in its place; own array; NULL */
	size_t n_edges;
	struct token owner;
	struct head head;
	const char *data_at; /* in the file */
	struct text data;    /* with its "$"s still in */
};

/* All that is left of the entry, on one line. When it is one string, BIND reads what is inside:
 * MX "10 mail$". */
static void read_pattern_data(struct tokens *t, struct pattern *g)
{
	const struct token first = t->tok;

	g->data_at = first.s;
	for (; t->tok.kind != TOKEN_END; token_next(t)) {
		const unsigned quote = t->tok.kind == TOKEN_QUOTED;
		text_add_bytes(&g->data, t->tok.s - quote, t->tok.len + 2 * quote);
		text_add_char(&g->data, ' ');
	}
	if (first.kind == TOKEN_QUOTED && g->data.len == first.len + 3u) {
		g->data.len = 0;
		for (const char *p = first.s; p < first.s + first.len; p++)
			if (*p != '\\' || p[1] != '"')
				text_add_char(&g->data, *p);
			else
				text_add_char(&g->data, *++p);
	}
}

/* Record `i` of the pattern; `label`: its owner. */
static bool expand(struct text *to, const struct pattern *g, uint32_t i, const char **bad, struct fault *why)
{
	const char *s = bad ? g->owner.s : text_get(&g->data);
	const size_t len = bad ? g->owner.len : g->data.len;

	return g->edges ? generate_expand_name(to, s, len, &(struct generate_name){ g->edges[i], bad != NULL }, bad, why)
			: generate_expand(to, s, len, g->range.start + i * g->range.step, bad, why);
}

static uint32_t count_of(const struct pattern *g)
{
	return g->edges ? (uint32_t)g->n_edges : generate_count(&g->range);
}

static void note_of(const struct pattern *g, uint32_t i, char to[static NOTE])
{
	if (g->edges)
		snprintf(to, NOTE, "where $GENERATE has come to %s", g->edges[i]);
	else
		snprintf(to, NOTE, "where $GENERATE has come to %u", g->range.start + i * g->range.step);
}

static bool add_generated(struct master *m, struct tokens *t, struct pattern *g, uint32_t i,
	const struct record *where)
{
	struct text line = { 0 };
	struct tokens made;
	struct fault why;
	const char *bad;
	char note[NOTE];
	bool indented, ok = false;

	if (!expand(&line, g, i, &bad, &why)) {
		token_fault(t, bad, "%s", why.text);
		goto done;
	}
	const size_t data = line.len;
	text_add_char(&line, ' ');
	if (!expand(&line, g, i, NULL, &why)) {
		token_fault(t, g->data_at, "%s", why.text);
		goto done;
	}
	if (line.lost) {
		master_no_memory(m);
		goto done;
	}
	note_of(g, i, note);
	token_init(&made, t->path, text_get(&line), line.len, t->faults);
	made.made_by = t;
	made.made_note = note;
	made.made_at = g->owner.s;
	if (!token_entry(&made, &indented) || !master_owner(m, &made))
		goto done;
	made.made_at = g->data_at;
	token_next(&made);
	ok = made.tok.kind == TOKEN_END || made.tok.s > made.text + data;
	ok = ok ? master_data(m, &made, &g->head, where)
		: token_fault(t, g->owner.s, "this makes more than one word");
done:
	text_fini(&line);
	m->owner_text = NULL;
	return ok;
}

/* Other edges, or another order of them, is another zone. */
static void note_edges(struct records *r, const struct pattern *g)
{
	for (size_t i = 0; i < g->n_edges; i++)
		r->listed = hash_bytes((struct hash_key){ r->listed, 0x9e3779b97f4a7c15u },
			(const uint8_t *)g->edges[i], strlen(g->edges[i])) | 1;
}

/* The current token is "pool:NAME". */
static bool find_edges(struct master *m, struct tokens *t, struct pattern *g)
{
	const size_t skip = sizeof of_pool - 1;
	char name[UINT8_MAX + 1];

	if (!m->pools || !m->pools->edges)
		return token_fault(t, t->tok.s, "nobody knows here which edges pools have");
	snprintf(name, sizeof name, "%.*s", (int)(t->tok.len - skip), t->tok.s + skip);
	g->edges = memory_zeroed(EDGES_ROOM, sizeof *g->edges);
	g->n_edges = m->pools->edges(m->pools->ctx, name, g->edges, EDGES_ROOM);
	note_edges(m->to, g);
	return g->n_edges || token_fault(t, t->tok.s + skip, "there is no pool \"%s\"", name);
}

static bool read_pattern(struct master *m, struct tokens *t, struct pattern *g)
{
	const struct token *tok = &t->tok;
	struct fault why;
	char text[TOKEN_TEXT];

	if (!token_is_word(tok))
		return token_fault(t, tok->s,
			"the range behind $GENERATE is missing (as in $GENERATE 1-254 host$ A "
			"192.0.2.$)");
	if (tok->len >= sizeof of_pool - 1 && strncasecmp(tok->s, of_pool, sizeof of_pool - 1) == 0) {
		if (!find_edges(m, t, g))
			return false;
	} else if (!generate_range(&g->range, tok->s, tok->len, &why))
		return token_fault(t, tok->s, "%s %s", token_text(text, tok), why.text);
	token_next(t);
	if (!token_is_word(tok))
		return token_fault(t, tok->s, "the owner of what $GENERATE makes is missing");
	g->owner = *tok;
	token_next(t);
	if (!head_read(t, &g->head, false))
		return false;
	read_pattern_data(t, g);
	return !t->failed;
}

bool master_generate(struct master *m, struct tokens *t, const struct record *where)
{
	struct pattern g = { 0 };
	bool ok = read_pattern(m, t, &g) && (!g.data.lost || master_no_memory(m));

	if (ok && count_of(&g) > GENERATE_MOST - m->generated)
		ok = token_fault(t, t->tok.s,
			"with this $GENERATE the zone has over %u generated records",
			GENERATE_MOST);
	for (uint32_t i = 0; ok && i < count_of(&g); i++, m->generated++)
		ok = add_generated(m, t, &g, i, where);
	text_fini(&g.data);
	memory_free(g.edges);
	return ok;
}
