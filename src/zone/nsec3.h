/* nsec3.h - the hash of a name that NSEC3 records speak about (RFC 5155 section 5).
 */
#ifndef ZONE_NSEC3_H
#define ZONE_NSEC3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NSEC3_HASH = 20,            /* bytes: SHA-1 is the only algorithm there is */
	NSEC3_LABEL = 32,           /* characters of its base32hex form */
	NSEC3_SHA1 = 1,             /* the algorithm's number */
	NSEC3_ITERATIONS_MOST = 100 /* resolvers treat more as unsigned, or refuse it (RFC 9276
				       section 3.2) */
};

struct nsec3_params {
	uint16_t iterations; /* additional ones */
	uint8_t salt_len;
	uint8_t salt[255];
};

/* `name` is `len` bytes of wire, lower case, with the root. No allocation, lock or system call.
 */
void nsec3_hash(uint8_t to[static NSEC3_HASH], const struct nsec3_params *params,
	const uint8_t *name, size_t len);

/* The hash as such a label, with its length byte, in lower case. */
void nsec3_put_label(uint8_t to[static 1 + NSEC3_LABEL], const uint8_t hash[static NSEC3_HASH]);

/* A label of 32 characters of base32hex, of either case. False when it is none. */
bool nsec3_label(uint8_t to[static NSEC3_HASH], const uint8_t *label);

#endif
