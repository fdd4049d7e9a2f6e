/* signing_key_file.c - what files of keys are named.
 */
#include "zone/signing_key_inner.h"
#include "zone/signing_key_text.h"

#include <ctype.h>
#include <stdio.h>

/* Names of files have letters, digits, "-" and "_"; others are written as BIND writes them. */
const char *signing_text_file(
	char to[static SIGNING_FILE_NAME], const struct signing_key *k, const uint8_t *apex)
{
	char *p = to;

	*p++ = 'K';
	for (const uint8_t *label = apex; *label; label += *label + 1) {
		for (unsigned i = 1; i <= *label; i++) {
			const int c = tolower(label[i]);
			if (isalnum(c) || c == '-' || c == '_')
				*p++ = (char)c;
			else
				p += sprintf(p, "%%%02X", (unsigned)c);
		}
		*p++ = '.';
	}
	if (!*apex)
		*p++ = '.';
	snprintf(p, (size_t)(to + SIGNING_FILE_NAME - p), "+%03u+%05u", k->algorithm, k->tag);
	return to;
}
