/* numbers.h - from names to numbers.
 *
 * A list of names, each of which has its place in the list for a number, found by a hash that
 * has a random key: nobody can choose names that make it slow. Immutable once it is made; any
 * thread may ask.
 */
#ifndef BASE_NUMBERS_H
#define BASE_NUMBERS_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

struct numbers_slot {
	uint32_t hash;   /* the upper half */
	uint32_t number; /* from 1; 0: free */
};

/* `struct numbers x = { 0 }` knows no name. */
struct numbers {
	struct hash_key key;
	const char *first; /* the member `name` of the first thing in the list */
	size_t stride;
	struct numbers_slot *slots;
	size_t mask; /* slots, less 1 */
};

/* `first` is where the first of `n` things keeps its name, a `const char *`, and `stride` is
 * the size of a thing: (&pools[0].name, sizeof *pools, n). The things and names are borrowed
 * for as long as anybody asks; the rest lives in `mem`. Of equal names the first counts. */
struct numbers numbers_new(
	struct arena *mem, const char *const *first, size_t stride, size_t n);

/* From 0; -1: no such name. */
int numbers_find(const struct numbers *x, const char *name);

#endif
