/* fuzz_signing_key.c - any bytes as a private key, as K*.key or as the states of keys: what is taken can be written,
 * and read once more as the same.
 *
 * The first byte says as which of them.
 */
#include "zone/key_life_text.h"
#include "zone/signing_key_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void same_dnskey(const struct signing_key *a, const struct signing_key *b)
{
	size_t a_len, b_len;
	const uint8_t *x = signing_key_dnskey(a, &a_len), *y = signing_key_dnskey(b, &b_len);

	assert(a_len == b_len && memcmp(x, y, a_len) == 0);
}

static void private_key(const char *text, size_t len)
{
	struct signing_text again;
	struct fault why = { "" };
	struct signing_key *k = signing_text_read(text, len, SIGNING_KSK, 0, &why);

	if (!k) {
		assert(*why.text);
		return;
	}
	assert(signing_text_private(k, 0, &again));
	struct signing_key *second = signing_text_read(again.s, again.len, SIGNING_KSK, 0, &why);
	assert(second);
	same_dnskey(k, second);
	signing_key_drop(second);
	signing_key_drop(k);
}

static void public_key(const char *text)
{
	uint8_t rdata[SIGNING_DNSKEY_MOST], again[SIGNING_DNSKEY_MOST], owner[NAME_MOST];
	struct text line = { 0 };
	const size_t len = signing_text_read_public(text, owner, rdata, NULL);
	struct signing_key *k = len ? signing_key_foreign(rdata, len, NULL) : NULL;

	if (!k)
		return;
	signing_text_public(k, owner, 60, &line);
	assert(signing_text_read_public(text_get(&line), owner, again, NULL) == len);
	assert(memcmp(rdata, again, len) == 0);
	text_fini(&line);
	signing_key_drop(k);
}

static void states(const char *text)
{
	struct text first = { 0 }, second = { 0 };
	struct key_life l;

	if (!key_life_read(&l, text, NULL))
		return;
	key_life_write(&l, &first);
	key_life_fini(&l);
	assert(key_life_read(&l, text_get(&first), NULL));
	key_life_write(&l, &second);
	assert(strcmp(text_get(&first), text_get(&second)) == 0);
	key_life_fini(&l);
	text_fini(&first);
	text_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	char *text = malloc(len);
	memcpy(text, data + 1, len - 1);
	text[len - 1] = 0;
	if (*data == 'p')
		private_key(text, len - 1);
	else if (*data == 'k')
		public_key(text);
	else
		states(text);
	free(text);
	return 0;
}
