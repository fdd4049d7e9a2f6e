/* store_keys.h - what is stored of the keys that zones are signed with: their states, not the
 * keys.
 */
#ifndef STORE_STORE_KEYS_H
#define STORE_STORE_KEYS_H

#include "base/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

struct store_keys {
	const uint8_t *apex; /* wire, lower case */
	int64_t saved_s;     /* UNIX time */
	const char *states;  /* lines (zone/key_life_text.h) */
};

bool store_put_keys(struct store *s, const struct store_keys *k, struct fault *why);
/* All [n], or none. */
bool store_put_all_keys(
	struct store *s, const struct store_keys *list, size_t n, struct fault *why);

/* Nothing of that zone's any more. */
bool store_drop_keys(struct store *s, const uint8_t *apex, struct fault *why);

/* All of them; borrowed for the call. */
bool store_each_keys(struct store *s, void (*each)(void *ctx, const struct store_keys *row),
	void *ctx, struct fault *why);

#endif
