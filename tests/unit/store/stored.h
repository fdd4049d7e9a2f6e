/* stored.h - a store in a folder of its own, for as long as a test runs. */
#ifndef UNIT_STORE_STORED_H
#define UNIT_STORE_STORED_H

#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one that is open. Between stored_begin() and stored_end() the handle may be closed and another be put
 * in its place. */
extern struct stored {
	char dir[32], path[64];
	struct store *s;
	struct fault why; /* of what failed last */
} stored;

void stored_begin(void);

/* Closes it, and its folder goes; nothing else may be left there but PATH.copy. */
void stored_end(void);

/* Closes it and opens it again, as another start does. */
void stored_again(void);

/* What somebody else does to the file. */
void stored_sql(const char *text);

/* The zone "example." as the zone file `text` has it. */
bool stored_put(const char *text, const struct store_timers *timers);

/* One step, as change_of() reads it, and timers or NULL. */
enum store_result stored_add(const char *text, const struct store_timers *timers);

/* Asserts what is kept of "example.": its serial, timers the number of records of the whole zone, and of changes since. */
void stored_held(uint32_t serial, int64_t checked_s, uint32_t expire_s, size_t records, size_t n);

#endif
