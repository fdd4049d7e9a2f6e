/* desk.h - a folder with zone files, and what came of reading the one called "zone" as
 * example.com.
 */
#ifndef UNIT_ZONE_DESK_H
#define UNIT_ZONE_DESK_H

#include "base/fault.h"
#include "base/text.h"
#include "zone/master.h"

#include <stdbool.h>
#include <stddef.h>

struct desk {
	char folder[64];
	struct records r;
	struct faults f;
	struct text dump; /* a record a line: owner, TTL, type, data in hex */
	bool ok;
	const struct master_pools *pools; /* NULL, unless the test says */
};

void desk_init(struct desk *d);
void desk_fini(struct desk *d);

void desk_put(struct desk *d, const char *name, const char *text);
void desk_put_bytes(struct desk *d, const char *name, const char *text, size_t len);

void desk_read(struct desk *d);

#endif
