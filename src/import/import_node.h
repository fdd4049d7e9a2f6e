/* import_node.h - files that are no YAML, as the tree that YAML becomes (conf/parse.h).
 *
 * JSON, the form of gdnsd's configuration, that of Knot's, and that of named.conf and its like.
 * All text is copied into the arena; every node has its line. What is no such file ends in a
 * sentence with the line, never in less than that.
 */
#ifndef IMPORT_IMPORT_NODE_H
#define IMPORT_IMPORT_NODE_H

#include "base/arena.h"
#include "base/fault.h"
#include "conf/parse.h"

enum { NODE_DEPTH_MOST = 64 };

/* Where a text is read. */
struct reading {
	const char *path; /* borrowed */
	const char *at, *end;
	unsigned line;
	struct arena *mem;
	struct fault *why;
	unsigned deep;
	unsigned file; /* its number among those that were named, for nodes */
};

struct node *node_new(struct reading *r, enum node_kind kind);
struct node *node_text(struct reading *r, const char *s, size_t len);
/* At the end; `key` is NULL in a list. */
void node_add(struct node *to, struct node *child, const struct node *key);
/* Always false, with the place. */
__attribute__((format(printf, 2, 3))) bool node_wrong(struct reading *r, const char *fmt, ...);

/* A scalar's text; of a list its i-th; NULL where there is none. JSON's null is a NODE_BAD: it has no text, but a place. */
const char *node_string(const struct node *n);
const char *node_get_string(const struct node *map, const char *key);
const struct node *node_at(const struct node *list, size_t i);
/* "true", "1", "on", "yes". */
bool node_is_true(const struct node *n);

/* Each: the top, or NULL and why. */
struct node *node_read_json(struct reading *r);
struct node *node_read_vscf(struct reading *r);
struct node *node_read_knot(struct reading *r);
/* Statements: a list of lists, whose words are scalars and whose blocks are lists of statements.
 * A semicolon, or, with `lines`, the end of a line (as in a Corefile), ends each. */
struct node *node_read_named(struct reading *r, bool lines);

#endif
