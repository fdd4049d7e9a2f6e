#include "web/tokens.h"

#include "web/api.h"

#include <fnmatch.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET = 32 };
static const char begins[] = "wm_";

static void hash_of(uint8_t to[static STORE_TOKEN_HASH], const char *text)
{
	/* 256 random bits: nobody tries them all, and so nothing slow is needed. */
	crypto_generichash(to, STORE_TOKEN_HASH, (const uint8_t *)text, strlen(text), NULL, 0);
}

void token_new(char text[static TOKEN_TEXT], uint8_t hash[static STORE_TOKEN_HASH])
{
	uint8_t secret[SECRET];

	randombytes_buf(secret, sizeof secret);
	strcpy(text, begins);
	sodium_bin2base64(text + sizeof begins - 1, TOKEN_TEXT - (sizeof begins - 1), secret, sizeof secret,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	hash_of(hash, text);
	sodium_memzero(secret, sizeof secret);
}

bool token_role_parse(const char *text, enum api_role *role, bool *only_zones)
{
	static const char *const words[] = { [API_READ] = "read", [API_OPERATE] = "operate", [API_ADMIN] = "admin" };

	*only_zones = strcmp(text, "zones") == 0;
	*role = API_ADMIN;
	for (unsigned i = API_READ; i < sizeof words / sizeof *words; i++)
		if (strcmp(text, words[i]) == 0) {
			*role = (enum api_role)i;
			return true;
		}
	return *only_zones;
}

const char *token_role_text(const struct token *t)
{
	return t->only_zones             ? "zones"
		: t->role == API_READ    ? "read"
		: t->role == API_OPERATE ? "operate"
					 : "admin";
}

void tokens_fini(struct tokens *t)
{
	free(t->list);
	*t = (struct tokens){ 0 };
}

bool tokens_add(struct tokens *t, const struct store_token *row)
{
	struct token one = { .id = row->id,
		.created_s = row->created_s,
		.until_s = row->until_s,
		.room = API_BURST };

	if (t->n == API_TOKENS_MOST || !token_role_parse(row->role, &one.role, &one.only_zones) ||
		strlen(row->name) >= sizeof one.name || strlen(row->zones) >= sizeof one.zones)
		return false;
	strcpy(one.name, row->name);
	strcpy(one.zones, row->zones);
	memcpy(one.hash, row->hash, sizeof one.hash);
	struct token *list = realloc(t->list, (t->n + 1) * sizeof *list);
	if (!list)
		return false;
	t->list = list;
	t->list[t->n++] = one;
	return true;
}

struct token *tokens_find(const struct tokens *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->list[i].name, name) == 0)
			return &t->list[i];
	return NULL;
}

bool tokens_remove(struct tokens *t, const char *name)
{
	struct token *one = tokens_find(t, name);

	if (!one)
		return false;
	t->n--;
	memmove(one, one + 1, (size_t)(t->list + t->n - one) * sizeof *one);
	return true;
}

struct token *tokens_check(const struct tokens *t, const char *shown, int64_t now_s)
{
	uint8_t hash[STORE_TOKEN_HASH];
	struct token *found = NULL;

	hash_of(hash, shown);
	for (size_t i = 0; i < t->n; i++)
		if (sodium_memcmp(hash, t->list[i].hash, sizeof hash) == 0)
			found = &t->list[i];
	return found && (!found->until_s || found->until_s > now_s) ? found : NULL;
}

bool token_has_rate(struct token *t, double now)
{
	t->room += (now - t->tokens_at) * API_RATE;
	t->room = t->room > API_BURST ? API_BURST : t->room;
	t->tokens_at = now;
	if (t->room < 1)
		return false;
	t->room--;
	return true;
}

static bool is_of(const char *patterns, const char *zone)
{
	char name[1024], one[TOKEN_ZONES];
	size_t len = strlen(zone);

	if (len >= sizeof name)
		return false;
	for (size_t i = 0; i <= len; i++)
		name[i] = zone[i] >= 'A' && zone[i] <= 'Z' ? (char)(zone[i] | 0x20) : zone[i];
	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = 0;
	for (const char *p = patterns; *p; p += strspn(p, ", ")) {
		const size_t n = strcspn(p, ", ");
		snprintf(one, sizeof one, "%.*s", (int)n, p);
		if (fnmatch(one, name, 0) == 0)
			return true;
		p += n;
	}
	return false;
}

bool token_may(const struct token *t, const struct api_row *row, const char *zone)
{
	if (row->role == API_ANY)
		return true;
	if (t->only_zones)
		return row->of_zone && zone && is_of(t->zones, zone);
	return row->role <= t->role;
}
