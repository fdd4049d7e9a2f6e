#include "conf/include.h"

#include "base/file.h"
#include "base/landlock.h"
#include "base/memory.h"
#include "base/scope.h"

#include <errno.h>
#include <glob.h>
#include <string.h>

enum { FILE_MOST = 64 << 20 };

static const char word[] = "include";

static struct parse_source source_of(const struct parse_files *files, size_t i, struct faults *f)
{
	const struct parse_file *file = &files->of[i];

	return (struct parse_source){ file->path, file->text, file->text_end, f, (unsigned)i,
		files };
}

/* --- which files -------------------------------------------------------------------------- */

struct finding {
	struct parse_files *files;
	struct arena *keep;
	struct faults *f;
	size_t by; /* the file that is read */
};

static bool is_there(const struct parse_files *files, const char *path)
{
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(files->of[i].path, path) == 0)
			return true;
	return false;
}

static bool add_file(struct finding *x, const struct node *at, const char *path)
{
	const struct parse_source src = source_of(x->files, x->by, x->f);
	struct parse_files *files = x->files;
	struct file file;
	struct fault why;

	if (is_there(files, path)) {
		parse_error(&src, at, "%s is included already; take one out", path);
		return true;
	}
	if (files->n == INCLUDE_MOST)
		return parse_error(&src, at, "more than %d files are included", INCLUDE_MOST);
	if (!file_read(&file, path, FILE_MOST, &why))
		return parse_error(&src, at, "%s", why.text);
	scope_hold(&file, file_let_go);
	struct parse_file *grown = arena_alloc(x->keep, (files->n + 1) * sizeof *grown);
	memcpy(grown, files->of, files->n * sizeof *grown);
	const char *text = arena_memdup(x->keep, file.text, file.len);
	grown[files->n] = (struct parse_file){ arena_strdup(x->keep, path), text,
		text + file.len };
	*files = (struct parse_files){ grown, files->n + 1 };
	scope_forget(&file, file_let_go);
	file_free(&file);
	return true;
}

/* For a scope. */
static void let_go_glob(void *g)
{
	globfree(g);
}

static const char *folder_of(struct arena *keep, const char *pattern)
{
	size_t len = strcspn(pattern, "*?[");

	while (len > 1 && pattern[len - 1] != '/')
		len--;
	char *folder = arena_memdup(keep, pattern, len + 1);
	folder[len] = 0;
	return len ? folder : ".";
}

/* A pattern that matches nothing is an empty folder of settings, and no fault. */
static bool add_pattern(struct finding *x, const struct node *at, const char *pattern)
{
	const struct parse_source src = source_of(x->files, x->by, x->f);
	bool ok = true;
	glob_t g;

	const int status = glob(pattern, GLOB_ERR, NULL, &g);
	if (status != 0 && status != GLOB_NOMATCH)
		return parse_error(&src, at, "%s: its folder cannot be read%s", pattern, landlock_hint(folder_of(x->keep, pattern), false, EACCES));
	scope_hold(&g, let_go_glob);
	for (size_t i = 0; status == 0 && i < g.gl_pathc; i++)
		ok = add_file(x, at, g.gl_pathv[i]) && ok;
	scope_forget(&g, let_go_glob);
	if (status == 0)
		globfree(&g);
	return ok;
}

static bool add_named(struct finding *x, const struct node *n)
{
	const struct parse_source src = source_of(x->files, x->by, x->f);

	if (n->kind == NODE_BAD)
		return true; /* told */
	if (n->kind != NODE_SCALAR || !*n->text)
		return parse_error(&src, n,
			"\"include\" must be the path of a file, a pattern such as "
			"conf.d/*.yaml, or a list of them");
	const char *path = file_beside(x->keep, x->files->of[0].path, n->text);
	return strpbrk(n->text, "*?[") ? add_pattern(x, n, path) : add_file(x, n, path);
}

bool include_find(struct parse_files *files, struct arena *keep, struct faults *f)
{
	struct finding x = { files, keep, f, 0 };
	bool ok = true;

	for (; x.by < files->n && !faults_full(f); x.by++) {
		const struct parse_file *file = &files->of[x.by];
		if (!memmem(file->text, (size_t)(file->text_end - file->text), word,
			    sizeof word - 1))
			continue;
		struct faults unheard; /* told when the tree is made */
		struct arena scratch = { 0 };
		faults_init(&unheard);
		const struct parse_source src = source_of(files, x.by, &unheard);
		const struct node *top = parse_tree(&src, &scratch);
		const struct node *list = top ? parse_get(top, word) : NULL;
		if (list && list->kind == NODE_LIST)
			for (const struct node *n = list->first; n; n = n->next)
				ok = add_named(&x, n) && ok;
		else if (list)
			ok = add_named(&x, list) && ok;
		arena_fini(&scratch);
		faults_fini(&unheard);
	}
	return ok;
}

/* --- one tree ----------------------------------------------------------------------------- */

static struct node **find_link(struct node *map, const char *key)
{
	struct node **link = &map->first;

	while (*link && strcmp((*link)->key->text, key) != 0)
		link = &(*link)->next;
	return link;
}

/* The keys of a section, or the entries of a list. */
static void join(
	const struct parse_source *src, struct arena *mem, struct node *into, struct node *from)
{
	struct node **end = &into->first;

	if (into->kind == NODE_BAD || from->kind == NODE_BAD)
		return; /* told */
	if (into->kind != from->kind || into->kind == NODE_SCALAR) {
		parse_error(src, from->key,
			"this key is here twice (first in %s, line %u); take one out",
			src->all->of[into->key->file].path, into->key->line);
		return;
	}
	while (*end)
		end = &(*end)->next;
	*end = from->first;
	into->n += from->n;
	if (into->kind == NODE_MAP)
		parse_drop_duplicates(src, mem, into);
}

static void drop_word(struct node *map)
{
	struct node **link = find_link(map, word);

	if (*link) {
		*link = (*link)->next;
		map->n--;
	}
}

static void add_sections(
	const struct parse_source *src, struct arena *mem, struct node *top, struct node *from)
{
	for (struct node *n = from->first, *next; n; n = next) {
		next = n->next;
		struct node **link = find_link(top, n->key->text);
		if (*link) {
			join(src, mem, *link, n);
			continue;
		}
		n->next = NULL;
		*link = n;
		top->n++;
	}
}

struct node *include_tree(const struct parse_files *files, struct arena *mem, bool *whole, struct faults *f)
{
	bool unheard;

	struct parse_source *src = arena_alloc(mem, files->n * sizeof *src);

	src[0] = source_of(files, 0, f);
	struct node *top = parse_tree(&src[0], mem);
	whole = whole ? whole : &unheard;
	*whole = true;
	if (!top || top->kind != NODE_MAP)
		return top;
	drop_word(top);
	for (size_t i = 1; i < files->n && !faults_full(f); i++) {
		src[i] = source_of(files, i, f);
		const unsigned told = f->errors;
		struct node *more = parse_tree(&src[i], mem); /* NULL without a fault: it is empty */
		*whole = *whole && (more ? more->kind == NODE_MAP : f->errors == told);
		if (!more)
			continue;
		if (more->kind != NODE_MAP) {
			parse_error(&src[i], more,
				"what is included must be a mapping of sections, such as "
				"edges: "
				"or zones:");
			continue;
		}
		drop_word(more);
		add_sections(&src[i], mem, top, more);
	}
	return top;
}
