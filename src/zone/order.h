/* order.h - keys by which names compare in canonical order (RFC 4034 section 6.1), fast.
 *
 * Names here are labels below an apex, in lower case, without the apex's part and the root.
 */
#ifndef ZONE_ORDER_H
#define ZONE_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* The first 16 bytes of a name's labels from the apex outwards: what a comparison mostly needs.
 * Keys that differ order their names; equal keys say nothing. */
struct order_key {
	uint64_t high, low;
};

struct order_key order_key(const uint8_t *labels, size_t len);

/* Orders two names in full: <0, 0, >0. */
int order_names(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* A number that never falls where keys rise, and of which names as people and programs choose
 * them are spread over all 64 bits: for tables that tell about where in a row of keys a key is.
 */
uint64_t order_spread(const struct order_key *key);

static inline int order_compare(const struct order_key *a, const struct order_key *b)
{
	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	return a->low < b->low ? -1 : a->low > b->low;
}

#endif
