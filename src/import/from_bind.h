/* from_bind.h - what the readers of named.conf share.
 */
#ifndef IMPORT_FROM_BIND_H
#define IMPORT_FROM_BIND_H

#include "import/import_node.h"
#include "import/import_plan.h"
#include "import/import_zone.h"

struct bind_view {
	const char *name;
	const struct node *match, *body; /* NULL: none; statements */
	const char *file;
};

/* A zone, of one view or of none. */
struct bind_zone {
	const char *name; /* lower case, with its dot */
	const struct node *body;
	const char *file; /* where it is written */
	unsigned line;
	const struct bind_view *view; /* NULL */
	bool done;
	struct bind_zone *next;
};

/* A statement of the top, with the file that it stands in. */
struct bind_top {
	const struct node *s;
	const char *file;
	struct bind_top *next;
};

struct bind {
	struct plan *p;
	struct fault *why;
	const char *file; /* that is read */
	const char *folder; /* "directory" */
	struct bind_top *top, *last_top;
	struct bind_zone *zones, *last_zone;
	struct bind_view *views[64];
	size_t n_views;
	const struct node *options; /* statements; NULL */
	const char *options_file;
	bool stores;
};

/* Who is meant by an address match list, all names looked up. */
struct bind_match {
	struct words nets, keys;
	struct out *geo[64]; /* conditions, one each */
	size_t n_geo;
	struct out *not_geo;
	bool any, none;
};

/* The statement of a list that begins so; NULL. */
const struct node *bind_find(const struct node *statements, const char *word);
/* The last block of a statement; NULL. */
const struct node *bind_block(const struct node *s);
/* The i-th word; "" where there is none. */
const char *bind_word(const struct node *s, size_t i);

void bind_match(struct bind *b, const struct node *list, struct bind_match *to);
/* "transfer" and its like: who is in the list. */
void bind_who(struct bind *b, const struct node *s, struct out *entry, const char *key);
/* Other nameservers: peers, made where they are not there; their names into the list `key`. */
void bind_peers(struct bind *b, const struct node *s, struct out *entry, const char *key);
const char *bind_key_name(struct bind *b, const char *name);
const char *bind_path(struct bind *b, const char *path);
/* The statement of that word and name on the uppermost level; NULL: none. */
const struct bind_top *bind_top_named(const struct bind *b, const char *word, const char *name);

void bind_options(struct bind *b);
void bind_keys(struct bind *b);
/* What a zone's statements say, but for its file, into its entry. */
void bind_zone_rules(struct bind *b, const struct bind_zone *z, struct out *entry);
bool bind_is_secondary(const struct bind_zone *z);
/* Views that go by places: their zones are put together. */
void bind_geo_views(struct bind *b);

#endif
