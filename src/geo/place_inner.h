/* place_inner.h - how places lie in memory; for the place*.c files only.
 */
#ifndef GEO_PLACE_INNER_H
#define GEO_PLACE_INNER_H

#include "base/bytes.h"
#include "geo/place.h"

/* An index of things that are kept elsewhere, by hash. Thrown away when sealed. */
struct index {
	uint64_t *slots; /* upper half of the hash, and a number from 1; 0 is free */
	size_t room, n;  /* room: a power of two, at least twice n */
};

struct places {
	unsigned refs;      /* atomic */
	struct place *list; /* number 1 is list[0] */
	size_t n, room;
	char *text; /* NUL-ended texts; the one at 0 is empty */
	size_t text_len, text_room;
	struct index by_place, by_text;
	bool cities;         /* some place has one */
	struct hash_key key; /* so that no database can choose places that collide */
};

#endif
