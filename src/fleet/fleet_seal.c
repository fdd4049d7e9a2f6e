#include "fleet/fleet_seal.h"

#include <sodium.h>
#include <string.h>

enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES };
_Static_assert(FLEET_SEAL == 1 + NONCE + TAG, "what a seal adds");
_Static_assert(FLEET_SECRET == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a key's length");

static void derive(uint8_t to[static FLEET_SECRET], const char *fleet, const uint8_t secret[static FLEET_SECRET])
{
	crypto_generichash_state state;
	static const char what[] = "waymark fleet 1";

	crypto_generichash_init(&state, secret, FLEET_SECRET, FLEET_SECRET);
	crypto_generichash_update(&state, (const uint8_t *)what, sizeof what);
	crypto_generichash_update(&state, (const uint8_t *)fleet, strlen(fleet));
	crypto_generichash_final(&state, to, FLEET_SECRET);
}

void fleet_keys_make(struct fleet_keys *to, const char *fleet, const uint8_t first[static FLEET_SECRET],
	const uint8_t *second)
{
	derive(to->key[0], fleet, first);
	if (second)
		derive(to->key[1], fleet, second);
	to->n = second ? 2 : 1;
}

size_t fleet_seal(const struct fleet_keys *k, const char *about, const uint8_t *bytes, size_t len,
	uint8_t *to)
{
	unsigned long long n = 0;

	to[0] = FLEET_SEAL_VERSION;
	randombytes_buf(to + 1, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(to + 1 + NONCE, &n, bytes, len,
		(const uint8_t *)about, strlen(about), NULL, to + 1, k->key[0]);
	return 1 + NONCE + (size_t)n;
}

bool fleet_open(const struct fleet_keys *k, const char *about, const uint8_t *sealed, size_t len,
	uint8_t *to, size_t *to_len)
{
	unsigned long long n = 0;

	if (len < FLEET_SEAL || sealed[0] != FLEET_SEAL_VERSION)
		return false;
	for (unsigned i = 0; i < k->n; i++)
		if (crypto_aead_xchacha20poly1305_ietf_decrypt(to, &n, NULL, sealed + 1 + NONCE,
			    len - 1 - NONCE, (const uint8_t *)about, strlen(about), sealed + 1,
			    k->key[i]) == 0) {
			*to_len = (size_t)n;
			return true;
		}
	return false;
}
