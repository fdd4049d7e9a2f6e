/* signing_key_text.h - keys as text: BIND's K*.private and K*.key, and PEM (PKCS #8).
 *
 * On the disk of ours keys are in BIND's form, which all signers read. Texts with a private
 * half are in memory that is overwritten by who has them: signing_text_wipe().
 */
#ifndef ZONE_SIGNING_KEY_TEXT_H
#define ZONE_SIGNING_KEY_TEXT_H

#include "base/text.h"
#include "dns/name.h"
#include "zone/signing_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any private text. */
enum { SIGNING_SECRET_TEXT = 8192, SIGNING_FILE_NAME = 5 + 3 * NAME_MOST };

struct signing_text {
	size_t len;
	char s[SIGNING_SECRET_TEXT]; /* ends in NUL */
};

void signing_text_wipe(struct signing_text *t);

/* K*.private; PEM. False: the key has no private half, or there is no memory. */
bool signing_text_private(
	const struct signing_key *k, int64_t created_s, struct signing_text *to);
bool signing_text_pem(const struct signing_key *k, struct signing_text *to);

/* The line of K*.key: the DNSKEY record. */
void signing_text_public(
	const struct signing_key *k, const uint8_t *apex, uint32_t ttl_s, struct text *to);

/* "Kexample.org.+013+12345": the names of both files, before their dot. Returns `to`. */
const char *signing_text_file(
	char to[static SIGNING_FILE_NAME], const struct signing_key *k, const uint8_t *apex);
/* Of which zone is a file with that name? False: such names are not given here. */
bool signing_text_file_apex(uint8_t apex[static NAME_MOST], const char *file);

/* Reads a private half in BIND's form or PEM, whichever it is. `algorithm` is for RSA in PEM,
 * which does not say it: 0 is RSASHA256. */
struct signing_key *signing_text_read(
	const char *text, size_t len, uint16_t flags, uint8_t algorithm, struct fault *why);

/* Reads the first DNSKEY record of a text, such as K*.key. `owner` NULL, or room for the name
 * that it has. Returns the length of its RDATA; 0: there is none. */
size_t signing_text_read_public(const char *text, uint8_t *owner,
	uint8_t to[static SIGNING_DNSKEY_MOST], struct fault *why);

#endif
