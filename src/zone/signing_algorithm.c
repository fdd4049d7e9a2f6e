/* The algorithms of DNSSEC that we sign with, and their names. */
#include "zone/signing_key_inner.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct signing_kind kinds[] = {
	{ "rsasha256", "RSA", "SHA256", SIGNING_RSASHA256, 0, 0 },
	{ "rsasha512", "RSA", "SHA512", SIGNING_RSASHA512, 0, 0 },
	{ "ecdsap256sha256", "P-256", "SHA256", SIGNING_ECDSAP256SHA256, 32, 64 },
	{ "ecdsap384sha384", "P-384", "SHA384", SIGNING_ECDSAP384SHA384, 48, 96 },
	{ "ed25519", "ED25519", NULL, SIGNING_ED25519, 0, 32 },
	{ "ed448", "ED448", NULL, SIGNING_ED448, 0, 57 },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

const struct signing_kind *signing_kind(uint8_t number)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].number == number)
			return &kinds[i];
	return NULL;
}

bool signing_kind_rsa(const struct signing_kind *a)
{
	return !a->public;
}

const char *signing_algorithm_text(char buf[static SIGNING_TEXT], uint8_t algorithm)
{
	const struct signing_kind *a = signing_kind(algorithm);

	if (a)
		snprintf(buf, SIGNING_TEXT, "%s", a->text);
	else
		snprintf(buf, SIGNING_TEXT, "algorithm %u", algorithm);
	return buf;
}

bool signing_algorithm_parse(const char *text, enum signing_algorithm *to)
{
	for (size_t i = 0; i < KINDS; i++) {
		char number[4];
		snprintf(number, sizeof number, "%u", kinds[i].number);
		if (strcasecmp(text, kinds[i].text) == 0 || strcmp(text, number) == 0) {
			*to = kinds[i].number;
			return true;
		}
	}
	return false;
}

bool signing_algorithm_known(uint8_t algorithm)
{
	return signing_kind(algorithm) != NULL;
}
