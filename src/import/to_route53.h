/* to_route53.h - what the writers of Route 53's JSON share.
 */
#ifndef IMPORT_TO_ROUTE53_H
#define IMPORT_TO_ROUTE53_H

#include "import/export_config.h"
#include "import/route53_text.h"

#include <jansson.h>

enum { ROUTE53_TYPES_MOST = 40 };

/* Types of a name that is chosen for. */
struct route53_types {
	uint16_t of[ROUTE53_TYPES_MOST];
	unsigned n;
};

/* A pool that has a name of its own in the zone, for aliases. */
struct route53_helper {
	const struct pool_opts *pool;
	uint32_t ttl_s;
	const char *name;
	struct route53_types types;
	struct route53_helper *next;
};

struct to_route53 {
	struct plan *p;
	const struct export_from *from;
	json_t *changes; /* of the zone */
	json_t *checks, *cidrs; /* of all zones */
	const char *zone;       /* its name, with its dot */
	struct route53_helper *helpers; /* of the zone */
	unsigned n_helpers, n_nets;
	const uint32_t *beside; /* types that the name has itself, 0 at the end: those are not the pool's; NULL */
	const char *owner;      /* ... the name */
	uint32_t ttl_s;
};

/* Sets of a name that choose as the pool does. Returns the types that there are. */
struct route53_types route53_put_pool(struct to_route53 *r, const char *name, const struct export_pool *pool);

/* A set: "Name", "Type", and of `more`, which is taken, all. */
void route53_put_set(struct to_route53 *r, const char *name, uint16_t type, json_t *more);

/* Is it one of the types that Route 53 has? Else NULL; its name. */
const char *route53_type(uint16_t type);
/* The id of a health check of this probe at that address, which is made; NULL: it has none there, told. */
const char *route53_check(struct to_route53 *r, const struct probe_opts *probe, const struct addr *at);

/* The region of AWS at this place, to two digits; NULL. */
const char *route53_region_at(double lat, double lon);

#endif
