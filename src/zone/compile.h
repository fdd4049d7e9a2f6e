/* compile.h - records become the image of a zone.
 *
 * Finds what is wrong with the records as a whole, each fault with the place of the record that
 * makes it: no SOA or two, CNAME beside other data, two of a kind that there is one of, an
 * EDGE that names no pool. Control thread.
 */
#ifndef ZONE_COMPILE_H
#define ZONE_COMPILE_H

#include "base/bytes.h"
#include "base/fault.h"
#include "zone/edge_rr.h"
#include "zone/records.h"
#include "zone/zone.h"

enum { COMPILE_POOL_TYPES_MOST = 40 };

struct compile_opts {
	struct hash_key key; /* the same for all zones of a set */
	bool (*pool_known)(void *ctx, const char *name);
	void *ctx;
	/* Of a record that names an edge: has its pool such an edge? NULL: it has. */
	bool (*pool_edge)(void *ctx, const struct edge_rr *rr);
	/* Which edges a pool has: struct master_pools. NULL: nobody knows. */
	size_t (*pool_edges)(void *ctx, const char *pool, const char **to, size_t most);
	/* May its answer be a CNAME? No, of a pool that is not known. NULL: of none. */
	bool (*pool_cname)(void *ctx, const struct edge_rr *rr);
	/* The types that the record's pool, or its edge, can answer, COMPILE_POOL_TYPES_MOST at most; NULL, or a pool that
	 * is not known: A and AAAA. */
	unsigned (*pool_types)(
		void *ctx, const struct edge_rr *rr, uint16_t to[static COMPILE_POOL_TYPES_MOST]);
	const struct zone *before; /* what is served in its place until now; NULL: nothing */
	bool quiet; /* nobody reads warnings: what is doubtful is not looked for */
};

/* NULL when there was an error. The count of the zone is 1. Groups of `r` are linked: it is not
 * to be compiled again. */
struct zone *zone_compile(struct records *r, const struct compile_opts *opts, struct faults *f);

#endif
