/* import_zone.h - zone files of other servers, record by record.
 */
#ifndef IMPORT_IMPORT_ZONE_H
#define IMPORT_IMPORT_ZONE_H

#include "import/import_plan.h"

/* All strings live in the plan's arena. */
struct rr {
	const char *owner;      /* whole, with its dot, lower case */
	const char *type, *data; /* names in the data whole */
	uint32_t ttl_s;
	uint16_t number; /* of the type */
	unsigned line;
};

struct rrs {
	const char *path;
	struct rr *of;
	size_t n;
};

/* Where a file is named, for the report. */
struct named_at {
	const char *file;
	unsigned line;
};

/* Reads a master file. False: told in the report. */
bool rrs_read(struct plan *p, struct rrs *to, const char *path, const char *zone, struct named_at from);

/* A zone as it is: its file is copied, or, where it includes others, written anew. False: told. */
bool rrs_copy_zone(struct plan *p, struct plan_zone *z, const char *path, struct named_at from);

/* Sorted by owner, then by type and data; the order in canonical terms does not matter. */
void rrs_sort(struct rrs *r);
/* The records of an owner, in those that are sorted. */
struct rrs rrs_of(const struct rrs *all, const char *owner);

/* Whether two hold the same data of all types, whatever the TTLs; both of one owner, sorted. */
bool rrs_same(const struct rrs *a, const struct rrs *b);

/* One zone that several views of a server have, each for some clients. */
struct rrs_view {
	const char *name;       /* of the view */
	struct rrs rrs;         /* n 0: the view has no such zone */
	struct out *const *when; /* [n_when]: any of these; none: everybody */
	size_t n_when;
	struct out *fails; /* but not those; NULL */
};

/* Puts them together into the one zone `z`: where the views differ stands an EDGE, with a pool
 * that has a rule for each view. */
void rrs_merge(struct plan *p, struct plan_zone *z, struct rrs_view *views, size_t n, struct named_at from);

#endif
