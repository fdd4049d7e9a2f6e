/* fleet_seal.h - what servers of a fleet tell each other is sealed by the secret that they share.
 *
 * XChaCha20-Poly1305 (RFC 8439 with a nonce of 24 bytes, drawn at random): who reads the engine learns nothing of
 * it, and who writes there cannot make anything that is taken. What it is about (`about`) is sealed with it: a
 * value that is moved elsewhere is none. Pure; any thread.
 */
#ifndef FLEET_FLEET_SEAL_H
#define FLEET_FLEET_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FLEET_SECRET = 32,
	FLEET_SEAL = 1 + 24 + 16, /* so many bytes more than what is sealed */
	FLEET_SEAL_VERSION = 1    /* the first byte */
};

struct fleet_keys {
	uint8_t key[2][FLEET_SECRET]; /* the first seals, either opens */
	unsigned n;
};

/* Of the secrets of a configuration, for the fleet of that name. `second` may be NULL. */
void fleet_keys_make(struct fleet_keys *to, const char *fleet, const uint8_t first[static FLEET_SECRET],
	const uint8_t *second);

/* `to` has room for `len` and FLEET_SEAL bytes. Returns how many it is. */
size_t fleet_seal(const struct fleet_keys *k, const char *about, const uint8_t *bytes, size_t len,
	uint8_t *to);

/* `to` has room for `len` bytes. False: nobody who knows the secret has sealed that, or not as that. */
bool fleet_open(const struct fleet_keys *k, const char *about, const uint8_t *sealed, size_t len,
	uint8_t *to, size_t *to_len);

#endif
