/* from_route53.h - what the readers of Route 53's JSON share.
 */
#ifndef IMPORT_FROM_ROUTE53_H
#define IMPORT_FROM_ROUTE53_H

#include "import/import_node.h"
#include "import/import_plan.h"

struct set {
	const struct node *n;
	const char *path;
	const char *name, *type; /* lower case with its dot; as it is */
	struct set *next;
	bool done;
	unsigned asked; /* when it was looked at last: by which question */
};

/* A pool that was made of a name. */
struct made {
	const char *name, *pool;
	struct made *next;
};

struct route53 {
	struct plan *p;
	struct fault *why;
	struct set *sets, *last;
	const struct node *checks[16], *cidrs[16];
	size_t n_checks, n_cidrs;
	struct made *made;
	unsigned deep;
	unsigned asking; /* the number of a question */
};

/* The degrees of a region of AWS; NULL: told. */
const char *route53_region(struct route53 *r, const struct set *s, const char *region);
/* The probe of a set's health check, and where it asks (NULL: the set's own addresses). NULL: there is
 * none. */
const char *route53_probe(struct route53 *r, const struct set *s, const char **address);

#endif
