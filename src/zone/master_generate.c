#include "zone/master_inner.h"

#include "zone/generate.h"

#include <stdio.h>
#include <string.h>

struct pattern {
	struct generate_range range;
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

static bool add_generated(struct master *m, struct tokens *t, struct pattern *g, uint32_t n,
	const struct record *where)
{
	struct text line = { 0 };
	struct tokens made;
	struct fault why;
	const char *bad;
	char note[64];
	bool indented, ok = false;

	if (!generate_expand(&line, g->owner.s, g->owner.len, n, &bad, &why)) {
		token_fault(t, bad, "%s", why.text);
		goto done;
	}
	const size_t data = line.len;
	text_add_char(&line, ' ');
	if (!generate_expand(&line, text_get(&g->data), g->data.len, n, NULL, &why)) {
		token_fault(t, g->data_at, "%s", why.text);
		goto done;
	}
	if (line.lost) {
		master_no_memory(m);
		goto done;
	}
	snprintf(note, sizeof note, "where $GENERATE has come to %u", n);
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

static bool read_pattern(struct tokens *t, struct pattern *g)
{
	const struct token *tok = &t->tok;
	struct fault why;
	char text[TOKEN_TEXT];

	if (!token_is_word(tok))
		return token_fault(t, tok->s,
			"the range behind $GENERATE is missing (as in $GENERATE 1-254 host$ A "
			"192.0.2.$)");
	if (!generate_range(&g->range, tok->s, tok->len, &why))
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
	bool ok = read_pattern(t, &g) && (!g.data.lost || master_no_memory(m));

	if (ok && generate_count(&g.range) > GENERATE_MOST - m->generated)
		ok = token_fault(t, t->tok.s,
			"with this $GENERATE the zone has over %u generated records",
			GENERATE_MOST);
	for (uint32_t i = 0; ok && i < generate_count(&g.range); i++, m->generated++)
		ok = add_generated(m, t, &g, g.range.start + i * g.range.step, where);
	text_fini(&g.data);
	return ok;
}
