/* sign_names.h - names, each once, in canonical order.
 *
 * For who follows a change of a signed zone. Memory that ends is false.
 */
#ifndef ZONE_SIGN_NAMES_H
#define ZONE_SIGN_NAMES_H

#include "dns/name.h"

/* Zeroed it is empty. */
struct sign_names {
	uint8_t *bytes;
	size_t len, bytes_room;
	size_t *at; /* [n] where in the bytes */
	size_t n, room;
};

void sign_names_fini(struct sign_names *s);

/* A copy of the name (wire, whole, lower case), which may be there already. */
bool sign_names_add(struct sign_names *s, const uint8_t *name);

/* After the last sign_names_add(). */
void sign_names_sort(struct sign_names *s);

static inline const uint8_t *sign_names_get(const struct sign_names *s, size_t i)
{
	return s->bytes + s->at[i];
}

#endif
