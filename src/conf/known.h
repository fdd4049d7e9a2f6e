/* known.h - which of the known names is meant?
 *
 * A set of names with their numbers, and the nearest of them to a word that is none: the
 * hint behind "unknown key". Control thread.
 */
#ifndef CONF_KNOWN_H
#define CONF_KNOWN_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct known_name {
	const char *name;
	unsigned number;
};

/* Ascending by name; all of it is borrowed or in the arena. */
struct known {
	struct known_name *names;
	size_t n;
};

/* Names are numbered from 0 in the order given; no two are equal. Borrows the strings, not the
 * array. */
struct known known_new(struct arena *mem, const char *const *names, size_t n);

bool known_find(const struct known *k, const char *name, unsigned *number);

/* The nearest of the set, or NULL. */
const char *known_nearest(const struct known *k, const char *word);

#endif
