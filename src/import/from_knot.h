/* from_knot.h - what the readers of Knot's files share.
 */
#ifndef IMPORT_FROM_KNOT_H
#define IMPORT_FROM_KNOT_H

#include "import/import_node.h"
#include "import/import_plan.h"
#include "import/import_zone.h"

struct knot {
	struct plan *p;
	struct fault *why;
	const char *file;      /* of knot.conf */
	char **files;          /* that, and those that were named behind it */
	const struct node *top; /* sections: lists of mappings */
	bool stores;
};

/* Where a node stands. */
static inline const char *knot_file(const struct knot *k, const struct node *n)
{
	return k->files[n->file];
}

/* The item of a section with that id (or domain); NULL. */
const struct node *knot_item(const struct knot *k, const char *section, const char *id);
/* The i-th of a value, which may be one or a list; NULL. */
const char *knot_value(const struct node *item, const char *key, size_t i);
/* "192.0.2.1@53" as we write it; its prefix where it is none. */
const char *knot_address(struct knot *k, const char *text);

/* Who may do what, and other servers, of a zone (or its template) into its entry. */
void knot_acls(struct knot *k, const struct node *zone, const struct node *template, const char *origin, struct out *entry);
void knot_remotes(struct knot *k, const struct node *item, const char *key, struct out *entry, const char *as);
void knot_keys(struct knot *k);

/* The names of a zone that mod-geoip answers: they become EDGE records, and leave `all`. */
void knot_geoip(struct knot *k, const char *module, struct plan_zone *z, struct rrs *all);

#endif
