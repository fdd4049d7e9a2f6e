/* master.h - a zone file, as text, becomes records.
 *
 * Master files by RFC 1035 section 5, $TTL of RFC 2308 section 4, $INCLUDE, BIND's $GENERATE,
 * unknown types of RFC 3597, TTLs with units, and EDGE. The tokenizer is our own, so that every
 * fault has its line and column; RDATA of the common types is read here too (zone/rdata), of
 * all others by ldns, one record at a time. Control thread.
 */
#ifndef ZONE_MASTER_H
#define ZONE_MASTER_H

#include "base/fault.h"
#include "zone/records.h"

#include <stdbool.h>

enum {
	MASTER_INCLUDES_MOST = 20, /* $INCLUDE inside $INCLUDE */
	MASTER_FILE_MOST = 1 << 30 /* bytes; lines and columns stay countable */
};

/* Who knows the edges of pools, for $GENERATE: at most `most` names into `to`, borrowed as long as the file is
 * read, each once; returns how many there are. 0: there is no such pool. */
struct master_pools {
	size_t (*edges)(void *ctx, const char *pool, const char **to, size_t most); /* NULL: nobody knows */
	void *ctx;
};

/* Appends all records of the file at `path` to `to`, whose origin is the first $ORIGIN. False
 * when there was any error; all faults are in `f`. `pools` NULL: nobody knows them. Checked here is what a line alone tells:
 * syntax, names, types, classes, TTLs, RDATA, and that the owner is in the zone; what the
 * records mean together is zone/compile's. */
bool master_read(struct records *to, const char *path, const struct master_pools *pools, struct faults *f);

#endif
