#include "answer/cookie.h"

#include "base/bytes.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_shorthash_siphash24_KEYBYTES == POLICY_SECRET, "RFC 9018 section 4.4");

enum {
	VERSION = 1,
	TIME_AT = 12, /* behind the client cookie, version and three reserved bytes */
	HASH_AT = 16,
	OLD_S = 3600,   /* older ones are wrong (RFC 9018 section 4.3) */
	FUTURE_S = 300, /* so far ahead another server's clock may be */
	RENEW_S = 1800
};

/* SipHash-2-4 over client cookie, version, reserved, timestamp and the client's address, 4 or
 * 16 bytes. */
static void make_hash(
	uint8_t *cookie, const uint8_t secret[static POLICY_SECRET], const struct addr *source)
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };
	const bool v4 = memcmp(source->b, mapped, sizeof mapped) == 0;
	uint8_t input[HASH_AT + 16];

	memcpy(input, cookie, HASH_AT);
	memcpy(input + HASH_AT, source->b + (v4 ? 12 : 0), v4 ? 4 : 16);
	crypto_shorthash_siphash24(cookie + HASH_AT, input, HASH_AT + (v4 ? 4 : 16), secret);
}

/* The number of the secret that it was made with; -1: none of ours. */
static int find_secret(
	const struct policy *policy, const uint8_t *theirs, const struct addr *source)
{
	uint8_t ours[EDNS_COOKIE_FULL];

	memcpy(ours, theirs, HASH_AT);
	for (unsigned i = 0; i < policy->cookie_secrets; i++) {
		make_hash(ours, policy->cookie_secret[i], source);
		if (sodium_memcmp(
			    ours + HASH_AT, theirs + HASH_AT, EDNS_COOKIE_FULL - HASH_AT) == 0)
			return (int)i;
	}
	return -1;
}

enum cookie_is cookie_check(uint8_t to[static EDNS_COOKIE_FULL], const struct policy *policy,
	const struct edns *asked, const struct addr *source, uint32_t now_s)
{
	enum cookie_is is = COOKIE_NONE;
	int32_t age_s = 0;
	int secret = -1;

	if (asked->cookie_len > EDNS_COOKIE_CLIENT)
		is = COOKIE_WRONG;
	if (asked->cookie_len == EDNS_COOKIE_FULL &&
		asked->cookie[EDNS_COOKIE_CLIENT] == VERSION) {
		/* Serial number arithmetic: in 2106 it goes on. */
		age_s = (int32_t)(now_s - be32_get(asked->cookie + TIME_AT));
		if (age_s <= OLD_S && age_s >= -FUTURE_S)
			secret = find_secret(policy, asked->cookie, source);
	}
	if (secret >= 0)
		is = COOKIE_GOOD;
	if (secret == 0 && age_s <= RENEW_S) {
		memcpy(to, asked->cookie, EDNS_COOKIE_FULL);
		return is;
	}
	memcpy(to, asked->cookie, EDNS_COOKIE_CLIENT);
	memcpy(to + EDNS_COOKIE_CLIENT, (const uint8_t[4]){ VERSION }, 4);
	be32_put(to + TIME_AT, now_s);
	make_hash(to, policy->cookie_secret[0], source);
	return is;
}
