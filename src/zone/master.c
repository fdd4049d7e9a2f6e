#include "zone/master_inner.h"

#include "base/memory.h"
#include "base/scope.h"
#include "zone/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool read_included(
	struct master *m, const char *path, struct tokens *from, const char *at);

/* --- directives --------------------------------------------------------------------------- */

static bool at_end(struct tokens *t, const char *directive)
{
	const struct token *tok = &t->tok;
	char text[TOKEN_TEXT];

	return (tok->kind == TOKEN_END && !t->failed) ||
		token_fault(t, tok->s - (tok->kind == TOKEN_QUOTED),
			"%s is too much: %s is complete before it", token_text(text, tok),
			directive);
}

static bool read_ttl_directive(struct master *m, struct tokens *t)
{
	uint32_t ttl_s;

	if (!head_ttl(t, &ttl_s) || !at_end(t, "$TTL"))
		return false;
	m->ttl_s = ttl_s;
	m->has_ttl = true;
	return true;
}

/* "$ORIGIN example.com" in example.com, without the dot. */
static void doubt_origin(struct master *m, struct tokens *t)
{
	static const uint8_t root[1];
	uint8_t alone[NAME_MOST];
	char text[TOKEN_TEXT];

	if (t->tok.len > 1 && t->tok.s[t->tok.len - 1] != '.' && m->to->origin_len > 1 &&
		name_parse(alone, NULL, t->tok.s, t->tok.len, root) == NAME_OK &&
		name_is_under(alone, m->to->origin))
		token_warning(t, t->tok.s,
			"%s has no dot at its end, so that the origin is added to it once more "
			"(write %s. if that is not meant)",
			token_text(text, &t->tok), text);
}

static bool read_origin_directive(struct master *m, struct tokens *t)
{
	const unsigned line = t->line;
	uint8_t name[NAME_MOST];
	size_t len;

	if (t->tok.kind == TOKEN_END)
		return token_fault(t, t->tok.s, "the name behind $ORIGIN is missing");
	if (!master_name(t, name, &len, m->origin))
		return false;
	doubt_origin(m, t);
	token_next(t);
	if (!at_end(t, "$ORIGIN"))
		return false;
	master_set_origin(m, name, line);
	return true;
}

/* The path behind $INCLUDE, seen from the file it stands in. NULL after a fault. */
static char *include_path(struct tokens *t, struct arena *mem)
{
	const struct token *tok = &t->tok;
	const char *p = tok->s, *const end = p + tok->len;
	size_t len = 0;

	if (tok->kind != TOKEN_QUOTED && tok->kind != TOKEN_WORD) {
		token_fault(t, tok->s, "the file behind $INCLUDE is missing");
		return NULL;
	}
	char *path = arena_alloc(mem, tok->len + 1u);
	for (unsigned char c; p < end; path[len++] = (char)c)
		if (!token_char(&p, end, &c) || c == 0) {
			token_fault(t, p, "this escape in the file's name is broken");
			return NULL;
		}
	path[len] = 0;
	if (!len) {
		token_fault(t, tok->s, "the file behind $INCLUDE has no name");
		return NULL;
	}
	return file_beside(mem, t->path, path);
}

/* Origin and owner are the includer's own again afterwards (RFC 1035 section 5.1); $TTL goes
 * on, as in BIND. */
static bool read_include(struct master *m, struct tokens *t)
{
	const char *const at = t->tok.s;
	uint8_t origin[NAME_MOST], inner[NAME_MOST];
	const uint32_t owner = m->owner;
	const unsigned origin_line = m->origin_line, origin_depth = m->origin_depth;
	unsigned line = m->origin_line, depth = m->origin_depth;
	struct arena mem = { 0 };
	size_t len;
	bool ok = false;

	memcpy(origin, m->origin, m->origin_len);
	memcpy(inner, m->origin, m->origin_len);
	char *path = include_path(t, &mem);
	if (!path)
		goto done;
	token_next(t);
	if (t->tok.kind != TOKEN_END) {
		if (!master_name(t, inner, &len, m->origin))
			goto done;
		line = t->line;
		depth = m->depth;
		token_next(t);
	}
	if (!at_end(t, "$INCLUDE"))
		goto done;
	master_set_origin(m, inner, line);
	m->origin_depth = depth;
	ok = read_included(m, path, t, at);
	master_set_origin(m, origin, origin_line);
	m->origin_depth = origin_depth;
	m->owner = owner;
done:
	arena_fini(&mem);
	return ok;
}

/* --- files -------------------------------------------------------------------------------- */

static bool read_directive(struct master *m, struct tokens *t, const struct record *where)
{
	const struct token word = t->tok;
	char text[TOKEN_TEXT];

	token_next(t);
	if (head_word(&word, "$TTL"))
		return read_ttl_directive(m, t);
	if (head_word(&word, "$ORIGIN"))
		return read_origin_directive(m, t);
	if (head_word(&word, "$INCLUDE"))
		return read_include(m, t);
	if (head_word(&word, "$GENERATE"))
		return master_generate(m, t, where);
	return token_fault(t, word.s,
		"%s is not a directive (there are $ORIGIN, $TTL, $INCLUDE and $GENERATE; a "
		"name that "
		"starts with the sign is written \\$...)",
		token_text(text, &word));
}

static void read_entry(struct master *m, struct tokens *t, bool indented)
{
	const struct token *tok = &t->tok;
	const ptrdiff_t column = tok->s - t->line_start + (tok->kind != TOKEN_QUOTED);
	const struct record where = { .line = t->line,
		.column = (uint16_t)(column < 65535 ? column : 65535) };

	if (tok->kind == TOKEN_WORD && *tok->s == '$' && indented)
		token_fault(t, tok->s,
			"a directive starts in column 1 (remove the blanks in front of it)");
	else if (tok->kind == TOKEN_WORD && *tok->s == '$')
		read_directive(m, t, &where);
	else
		master_record(m, t, indented, &where);
	token_skip(t);
}

/* An entry that is cut off where the text in memory ends is read once more, with more of the
 * text, as if it had not been read. */
static bool read_entries(
	struct master *m, struct tokens *t, struct source *s, struct fault *why)
{
	bool indented;

	while (!faults_full(m->faults) && !m->out_of_memory) {
		const struct faults_mark mark = faults_mark(m->faults);
		const unsigned n_outside = m->n_outside;
		if (token_entry(t, &indented))
			read_entry(m, t, indented);
		else if (!t->cut)
			break;
		if (!t->cut)
			continue;
		faults_back(m->faults, mark);
		m->n_outside = n_outside;
		m->owner_text = NULL;
		if (!source_more(s, (size_t)(t->entry - t->text), why))
			return false;
		token_init_part(t, s->text, s->len, t->entry_line, s->more);
	}
	return true;
}

/* The index of a new place in the records' files, which owns a copy of `path`; or -1. */
static long add_file(struct master *m, const char *path)
{
	struct records *r = m->to;
	struct records_file *more = realloc(r->files, (r->n_files + 1) * sizeof *more);

	if (!more)
		return -1;
	r->files = more;
	more[r->n_files] = (struct records_file){ .path = strdup(path) };
	if (!more[r->n_files].path)
		return -1;
	return (long)r->n_files++;
}

/* A file that is on its way of being read cannot be read inside itself. */
static bool is_being_read(const struct master *m, const struct file_stamp *stamp)
{
	for (unsigned i = 0; i < m->depth; i++) {
		const struct file_stamp *s = &m->to->files[m->reading[i]].stamp;
		if (s->device == stamp->device && s->inode == stamp->inode)
			return true;
	}
	return false;
}

/* What cannot be a master file at all, or not be what its author sees. */
static bool check_text(struct tokens *t)
{
	if (t->end - t->text >= 3 && memcmp(t->text, "\xef\xbb\xbf", 3) == 0)
		return token_fault(t, t->text,
			"there is a byte order mark here, which would be part of the first "
			"name (save the file without one)");
	return true;
}

static bool read_source(struct master *m, long index, struct source *s, struct fault *why)
{
	const char *path = m->to->files[index].path;
	struct tokens t;

	token_init(&t, path, s->text, 0, m->faults);
	token_init_part(&t, s->text, s->len, 1, s->more);
	m->reading[m->depth++] = (uint32_t)index;
	m->owner_text = NULL;
	const bool ok = !check_text(&t) || read_entries(m, &t, s, why);
	m->owner_text = NULL;
	m->depth--;
	return ok;
}

/* For a scope. */
static void let_go_source(void *s)
{
	source_close(s);
}

static bool read_content(struct master *m, const char *path, struct fault *why)
{
	const long index = add_file(m, path);
	struct source s;

	if (index < 0)
		return fault(why, "%s: %s", path, strerror(ENOMEM));
	file_stamp_settled(path, &m->to->files[index].stamp);
	if (!source_open(&s, path, MASTER_FILE_MOST, why))
		return false;
	scope_hold(&s, let_go_source);
	const bool ok = read_source(m, index, &s, why);
	scope_forget(&s, let_go_source);
	source_close(&s);
	return ok;
}

static bool read_included(
	struct master *m, const char *path, struct tokens *from, const char *at)
{
	struct file_stamp stamp;
	struct fault why;

	if (m->depth > MASTER_INCLUDES_MOST)
		return token_fault(from, at,
			"this is $INCLUDE in $INCLUDE for the %uth time (at most %d)", m->depth,
			MASTER_INCLUDES_MOST);
	if (m->files++ >= MASTER_FILES_MOST)
		return token_fault(from, at, "with this file the zone has over %d $INCLUDEs",
			MASTER_FILES_MOST);
	if (file_stamp(path, &stamp) && is_being_read(m, &stamp))
		return token_fault(from, at,
			"%s is being read already: a file cannot include itself, directly or "
			"through "
			"others",
			path);
	if (!read_content(m, path, &why))
		return token_fault(from, at, "$INCLUDE cannot read %s", why.text);
	return true;
}

bool master_read(
	struct records *to, const char *path, const struct master_pools *pools, struct faults *f)
{
	const unsigned before = f->errors;
	struct fault why;
	struct master *m = memory_grow(NULL, sizeof *m);

	*m = (struct master){ .to = to, .faults = f, .path = path, .pools = pools };
	master_set_origin(m, to->origin, 0);
	if (!read_content(m, path, &why))
		faults_error(f, &(struct fault_at){ 0 }, "%s", why.text);
	memory_free(m);
	return f->errors == before && !faults_full(f);
}
