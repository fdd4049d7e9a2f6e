#include "conf/reference.h"

#include "conf/schema.h"

#include <string.h>

enum { LINE = 78 };

/* One key while the tables are walked. */
struct shown_key {
	const char *section; /* of the whole file: "server" */
	const char *path;    /* "server: listen", "edges: NAME: at" */
	const struct key *key;
};

struct walk {
	const struct reference_opts *opts;
	struct text *out;
	bool any;
};

/* --- what is said of a key ---------------------------------------------------------------- */

static bool restarts(const struct walk *w, const struct shown_key *p)
{
	return p->key->name != p->section && w->opts->needs_restart(p->section, p->key->name);
}

/* A heading in a document, which its own keys follow: a section, or what has names in it. */
static bool is_section(const struct shown_key *p)
{
	return p->key->name == p->section;
}

static void add_wrapped(struct text *out, const char *indent, const char *words)
{
	size_t at = 0;

	while (*words) {
		const size_t n = strcspn(words, " ");
		if (at && at + 1 + n > LINE) {
			text_add_char(out, '\n');
			at = 0;
		}
		text_add(out, at ? " " : indent);
		at += at ? 1 : strlen(indent);
		text_add_bytes(out, words, n);
		at += n;
		words += n + strspn(words + n, " ");
	}
	text_add_char(out, '\n');
}

/* Where the sections are, at the top. */
static void add_contents(struct text *out)
{
	text_add(out, "\nSections: ");
	for (const struct key *k = schema_keys; k->name; k++)
		text_addf(out, "%s[%s](#%s)", k == schema_keys ? "" : ", ", k->name, k->name);
	text_add(out, ".\n");
}

/* What a key that must be there says of its absence is meant for its whole section. */
static bool needs_section(const struct shown_key *p)
{
	return p->key->needed && p->key->otherwise && !is_section(p);
}

/* In the order in which people ask: what is it, what may I write, what if I do not. */
static void add_sentences(const struct walk *w, const struct shown_key *p, struct text *to)
{
	const struct key *k = p->key;

	text_add(to, k->about ? k->about : "");
	if (k->say && !(is_section(p) && k->keys))
		text_addf(to, " Value: %s.", k->say);
	if (k->needed)
		text_add(to, " Required.");
	if (k->otherwise)
		text_addf(to, " %s: %s.", needs_section(p) ? "Without the section" : "Default",
			k->otherwise);
	if (restarts(w, p))
		text_add(to, " Changes with a restart.");
}

/* --- text --------------------------------------------------------------------------------- */

static void add_text(struct walk *w, const struct shown_key *p)
{
	struct text words = { 0 };

	if (w->opts->word && !strstr(p->path, w->opts->word))
		return;
	add_sentences(w, p, &words);
	text_addf(w->out, "%s%s\n", w->any ? "\n" : "", p->path);
	add_wrapped(w->out, "    ", text_get(&words));
	text_fini(&words);
	w->any = true;
}

/* --- Markdown ----------------------------------------------------------------------------- */

/* Of a cell: "|" ends it, and what looks like a tag must not become one. */
static void add_cell(struct text *out, const char *words)
{
	for (; *words; words++) {
		if (strchr("|<*_", *words))
			text_add_char(out, '\\');
		text_add_char(out, *words);
	}
}

#define TABLE "| key | what it is | value | default |\n|---|---|---|---|\n"

static void add_markdown(struct walk *w, const struct shown_key *p)
{
	const struct key *k = p->key;

	if (is_section(p)) {
		text_addf(w->out, "\n## %s\n\n%s%s", k->name, k->about ? k->about : "",
			k->needed ? " Required." : "");
		if (k->say && !k->keys)
			text_addf(w->out, " Value: %s.", k->say);
		if (k->otherwise)
			text_addf(w->out, " Default: %s.", k->otherwise);
		text_add(w->out, k->keys ? "\n\n" TABLE : "\n");
		return;
	}
	text_addf(w->out, "| `%s` | ", p->path);
	add_cell(w->out, k->about ? k->about : "");
	text_add(w->out, restarts(w, p) ? " *Changes with a restart.* | " : " | ");
	add_cell(w->out, k->say ? k->say : k->keys ? "keys of its own" : "");
	text_add(w->out, " | ");
	if (k->needed)
		text_add(w->out,
			needs_section(p) ? "required; without the section: " : "required");
	add_cell(w->out, k->otherwise ? k->otherwise : "");
	text_add(w->out, " |\n");
}

/* --- a manual page ------------------------------------------------------------------------ */

/* A hyphen is a minus there, and a line that begins with "." or "'" is an order. */
static void add_roff(struct text *out, const char *words)
{
	bool begins = true;

	for (; *words; words++) {
		if (begins && (*words == '.' || *words == '\''))
			text_add(out, "\\&");
		if (*words == '-' || *words == '\\')
			text_addf(out, "\\%s", *words == '-' ? "-" : "e");
		else
			text_add_char(out, *words);
		begins = *words == '\n';
	}
}

static void add_man(struct walk *w, const struct shown_key *p)
{
	struct text words = { 0 }, lines = { 0 };

	add_sentences(w, p, &words);
	add_wrapped(&lines, "", text_get(&words));
	text_add(w->out, is_section(p) ? ".SS " : ".TP\n.B ");
	add_roff(w->out, p->path);
	text_add_char(w->out, '\n');
	add_roff(w->out, text_get(&lines));
	text_fini(&lines);
	text_fini(&words);
}

/* --- the walk ----------------------------------------------------------------------------- */

static void add_key(struct walk *w, const struct shown_key *p)
{
	switch (w->opts->form) {
	case REFERENCE_TEXT: add_text(w, p); break;
	case REFERENCE_MARKDOWN:
		add_markdown(w, p);
		w->any = true;
		break;
	case REFERENCE_MAN:
		add_man(w, p);
		w->any = true;
		break;
	}
}

/* `above` has the path of the mapping that these keys stand in. As deep as the tables are. */
static void walk(struct walk *w, const struct key *keys, const struct shown_key *above)
{
	for (const struct key *k = keys; k->name; k++) {
		struct text path = { 0 };
		const struct key *up = above ? above->key : NULL;
		if (above)
			text_addf(&path, "%s: ", above->path);
		if (up && up->each && strcmp(up->each, "-") == 0)
			text_add(&path, "- ");
		else if (up && up->each)
			text_addf(&path, "%s: ", up->each);
		text_add(&path, k->name);
		if (k->each && !k->keys)
			text_addf(&path, ": %s", k->each);
		const struct shown_key p = { above ? above->section : k->name, text_get(&path),
			k };
		add_key(w, &p);
		if (k->keys)
			walk(w, k->keys, &p);
		text_fini(&path);
	}
}

bool reference_write(const struct reference_opts *opts, struct text *out)
{
	struct walk w = { .opts = opts, .out = out };

	if (opts->form == REFERENCE_MARKDOWN)
		add_contents(out);
	walk(&w, schema_keys, NULL);
	return w.any;
}
