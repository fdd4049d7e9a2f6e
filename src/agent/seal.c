#include "agent/seal.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MOST (UINT64_C(1) << 53) /* as far as every reader of JSON counts */

static void add(crypto_auth_hmacsha256_state *to, const char *text)
{
	crypto_auth_hmacsha256_update(to, (const uint8_t *)text, strlen(text));
	crypto_auth_hmacsha256_update(to, (const uint8_t *)"\n", 1);
}

static void add_number(crypto_auth_hmacsha256_state *to, uint64_t v)
{
	char text[SEAL_NUMBER];

	snprintf(text, sizeof text, "%llu", (unsigned long long)v);
	add(to, text);
}

void seal_sign(char hex[static SEAL_HEX], const uint8_t key[static SEAL_KEY],
	const struct seal *s, const void *body, size_t len)
{
	uint8_t mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, SEAL_KEY);
	add(&state, "waymark-1");
	add(&state, s->method);
	add(&state, s->target);
	add(&state, s->agent);
	add_number(&state, s->time_s);
	add_number(&state, s->sequence);
	if (len)
		crypto_auth_hmacsha256_update(&state, body, len);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_bin2hex(hex, SEAL_HEX, mac, sizeof mac);
	sodium_memzero(&state, sizeof state);
}

bool seal_is_signed(const char *hex, const uint8_t key[static SEAL_KEY], const struct seal *s,
	const void *body, size_t len)
{
	char right[SEAL_HEX];

	if (strlen(hex) != SEAL_HEX - 1)
		return false;
	seal_sign(right, key, s, body, len);
	return sodium_memcmp(hex, right, SEAL_HEX - 1) == 0;
}

bool seal_number(const char *text, uint64_t *to)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; text[n] >= '0' && text[n] <= '9' && v <= NUMBER_MOST; n++)
		v = v * 10 + (uint64_t)(text[n] - '0');
	*to = v;
	return n && !text[n] && v <= NUMBER_MOST;
}

enum seal_verdict seal_when(const struct seal *s, uint64_t now_s, uint64_t started_s)
{
	if (s->time_s + SEAL_PAST_S < now_s)
		return SEAL_LATE;
	if (s->time_s > now_s + SEAL_FUTURE_S)
		return SEAL_EARLY;
	if (s->sequence / 1000000 > s->time_s + 1)
		return SEAL_AHEAD;
	return s->time_s <= started_s + SEAL_FUTURE_S ? SEAL_STARTING : SEAL_GOOD;
}

void seal_clock_see(struct seal_clock *c, uint64_t now_s, uint64_t boot_s)
{
	const int64_t ahead_s = (int64_t)(now_s - boot_s);

	if (!c->started_s || ahead_s <= c->ahead_s - 2)
		c->started_s = now_s;
	c->ahead_s = ahead_s;
}

enum seal_verdict seal_take(struct seal_guard *g, const struct seal *s)
{
	if (s->sequence <= g->last)
		return SEAL_SEEN;
	g->last = s->sequence;
	return SEAL_GOOD;
}
