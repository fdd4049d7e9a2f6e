/* head.h - what stands between a record's owner and its data: TTL, class and type.
 */
#ifndef ZONE_HEAD_H
#define ZONE_HEAD_H

#include "zone/token.h"

#include <stdbool.h>
#include <stdint.h>

struct head {
	uint32_t ttl_s;
	bool has_ttl;
	uint16_t type;
	const char *type_at; /* in the text */
};

/* TTL and class in either order, once each, or not at all; then the type, which no zone must
 * lack. Moves on to the data. `indented` (the line gave no owner) is for the advice in a fault.
 */
bool head_read(struct tokens *t, struct head *h, bool indented);

/* A TTL alone; one over 2^31-1 is 0, with a warning (RFC 2181 section 8). */
bool head_ttl(struct tokens *t, uint32_t *ttl_s);

/* Whether the word is `name`, in any case. */
bool head_word(const struct token *tok, const char *name);

#endif
