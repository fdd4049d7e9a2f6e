/* mmdb_table.h - numbers that were met before: a hash table while a file is read.
 *
 * Zero bytes are an empty one. Keyed by chance, so that no file can choose keys that collide.
 */
#ifndef GEO_MMDB_TABLE_H
#define GEO_MMDB_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mmdb_table {
	uint64_t *slots; /* key + 1 above, value below; 0 is free */
	unsigned bits;   /* 2^bits slots, at least twice `n` */
	size_t n;
	uint64_t by; /* odd; what keys are multiplied with */
};

/* Keys are less than UINT32_MAX. */
bool mmdb_table_find(const struct mmdb_table *t, uint32_t key, uint32_t *value);

/* `key` is not there yet. */
void mmdb_table_add(struct mmdb_table *t, uint32_t key, uint32_t value);

void mmdb_table_fini(struct mmdb_table *t);

#endif
