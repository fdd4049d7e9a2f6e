/* parse.h - YAML text becomes a tree of nodes, each with its place in the file.
 *
 * Strict: one document in UTF-8, no anchors, aliases, tags, merge keys or directives, no key
 * twice, no tab as white space. Nothing is interpreted: every scalar is text, and what it
 * means is for the reader of the tree to say. Control thread.
 */
#ifndef CONF_PARSE_H
#define CONF_PARSE_H

#include "base/arena.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>

enum { PARSE_DEPTH_MOST = 16 }; /* a list in a mapping in ... */

/* The files of a configuration, the first one first. All borrowed. */
struct parse_file {
	const char *path;
	const char *text, *text_end;
};

struct parse_files {
	const struct parse_file *of;
	size_t n;
};

/* What is being read, and where its faults go. All borrowed. */
struct parse_source {
	const char *path;
	const char *text, *text_end;
	struct faults *faults;
	unsigned file;                   /* its number among `all`, for the nodes of it */
	const struct parse_files *all;   /* where nodes of other files are; NULL: there are none */
};

enum node_kind {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
	NODE_BAD /* already told as a fault: pass over it in silence */
};

struct node {
	enum node_kind kind;
	unsigned file;          /* the number of its file among those of the configuration */
	bool quoted;            /* a scalar with quotes, or of many lines */
	unsigned line, column;  /* of its first character, from 1; columns count characters */
	const char *text;       /* NODE_SCALAR, without any NUL in it */
	const struct node *key; /* the scalar it stands behind, in a mapping; NULL in a list */
	struct node *first, *next; /* first child; next sibling */
	size_t n;                  /* children */
};

/* The top of the tree, which lives in `mem`; NULL when the text is no YAML or empty. There may
 * be faults in either case, but none that the tree would show once more. */
struct node *parse_tree(const struct parse_source *src, struct arena *mem);

/* The value of a key, or NULL. */
const struct node *parse_get(const struct node *map, const char *key);

/* Of equal keys of a mapping the first stays, by files and places; the others are told and taken
 * out. parse_tree() has done so; for who puts mappings together. */
void parse_drop_duplicates(
	const struct parse_source *src, struct arena *mem, struct node *map);

/* At a node, or at the whole file when `at` is NULL. parse_error() is always false. */
__attribute__((format(printf, 3, 4))) bool parse_error(
	const struct parse_source *src, const struct node *at, const char *fmt, ...);
__attribute__((format(printf, 3, 4))) void parse_warning(
	const struct parse_source *src, const struct node *at, const char *fmt, ...);

#endif
