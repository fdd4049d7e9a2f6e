/* store_flats.h - the addresses that names had which edges flatten, for a server that starts while no
 * resolver answers.
 */
#ifndef STORE_STORE_FLATS_H
#define STORE_STORE_FLATS_H

#include "base/fault.h"
#include "dns/name.h"

#include <stddef.h>
#include <stdint.h>

struct store;

enum { STORE_FLAT_MOST = 64 }; /* addresses of a family */

struct store_flat {
	uint8_t name[NAME_MOST]; /* wire, lower case */
	int64_t at_s;            /* UNIX time at which it was resolved */
	uint32_t ttl_s;
	size_t n_a, n_aaaa;
	uint8_t a[STORE_FLAT_MOST * 4], aaaa[STORE_FLAT_MOST * 16];
};

/* In the place of all that there were. All or none. */
bool store_put_flats(
	struct store *s, const struct store_flat *list, size_t n, struct fault *why);

/* `each` is called under the store's lock, and has the row for the call. What is none is passed over. */
bool store_each_flat(struct store *s, void (*each)(void *ctx, const struct store_flat *flat),
	void *ctx, struct fault *why);

#endif
