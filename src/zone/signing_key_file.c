/* signing_key_file.c - what files of keys are named.
 */
#include "zone/signing_key_inner.h"
#include "zone/signing_key_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool is_plain(int c)
{
	return islower(c) || isdigit(c) || c == '-' || c == '_';
}

/* Names of files have letters, digits, "-" and "_"; others are written as BIND writes them. */
const char *signing_text_file(
	char to[static SIGNING_FILE_NAME], const struct signing_key *k, const uint8_t *apex)
{
	char *p = to;

	*p++ = 'K';
	for (const uint8_t *label = apex; *label; label += *label + 1) {
		for (unsigned i = 1; i <= *label; i++) {
			const int c = tolower(label[i]);
			if (is_plain(c))
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

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of a label, and what is behind it; NULL: we do not write such. */
static const char *take_byte(uint8_t *to, const char *p)
{
	if (is_plain((unsigned char)*p)) {
		*to = (uint8_t)*p;
		return p + 1;
	}
	const int high = *p == '%' ? hex_digit(p[1]) : -1, low = high >= 0 ? hex_digit(p[2]) : -1;
	if (low < 0)
		return NULL;
	*to = (uint8_t)(high << 4 | low);
	return *to != tolower(*to) || is_plain(*to) ? NULL : p + 3;
}

bool signing_text_file_apex(uint8_t apex[static NAME_MOST], const char *file)
{
	enum { LABEL_MOST = 63 };
	size_t at = 0;

	if (*file++ != 'K')
		return false;
	if (*file == '+')
		return false;
	if (strncmp(file, ".+", 2) == 0) /* the root's */
		file++;
	while (*file != '+') {
		const size_t length = at++;
		while (*file != '.')
			if (at + 1 >= NAME_MOST || at - length > LABEL_MOST || !(file = take_byte(apex + at++, file)))
				return false;
		if (at == length + 1)
			return false;
		apex[length] = (uint8_t)(at - length - 1);
		file++;
	}
	apex[at] = 0;
	return strlen(file) == sizeof "+013+12345" - 1 && strspn(file + 1, "0123456789") == 3 && file[4] == '+' && strspn(file + 5, "0123456789") == 5;
}
