#include "zone/token.h"

#include <stdint.h>
#include <stdio.h>

/* The character that starts at `p`, and how many bytes it has; 0 bytes when that is no UTF-8.
 * A NUL ends all text. */
static uint32_t utf8(const unsigned char *p, size_t *len)
{
	const unsigned n = p[0] < 0x80 ? 1
		: p[0] < 0xc2          ? 0
		: p[0] < 0xe0          ? 2
		: p[0] < 0xf0          ? 3
		: p[0] < 0xf5          ? 4
				       : 0;
	uint32_t c = n < 2 ? p[0] : p[0] & (0x7fu >> n);

	*len = n;
	for (unsigned i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*len = 0;
			return 0;
		}
		c = c << 6 | (p[i] & 0x3fu);
	}
	return c;
}

/* Those of Unicode's White_Space, and what has no width and joins nothing. */
static const char *blank_name(uint32_t c)
{
	switch (c) {
	case 0x0b: return "a vertical tab";
	case 0x0c: return "a form feed";
	case 0x85: return "a next-line character";
	case 0xa0: return "a no-break space";
	case 0x1680: return "an Ogham space";
	case 0x180e: return "a Mongolian vowel separator";
	case 0x200b: return "a zero-width space";
	case 0x2028: return "a line separator";
	case 0x2029: return "a paragraph separator";
	case 0x202f: return "a narrow no-break space";
	case 0x205f: return "a mathematical space";
	case 0x2060: return "a word joiner";
	case 0x3000: return "an ideographic space";
	case 0xfeff: return "a byte order mark or zero-width space";
	default: return c >= 0x2000 && c <= 0x200a ? "a space of typography" : NULL;
	}
}

bool token_blank(const char *p, size_t *len, char name[static TOKEN_BLANK_NAME])
{
	const unsigned char *b = (const unsigned char *)p;
	const uint32_t c = utf8(b, len);

	if (*len == 0) { /* ISO 8859-1 has a no-break space, too */
		*len = 1;
		snprintf(name, TOKEN_BLANK_NAME, "a no-break space (byte a0)");
		return *b == 0xa0;
	}
	const char *is = blank_name(c);
	if (!is)
		return false;
	int n = snprintf(name, TOKEN_BLANK_NAME, "%s (U+%04X, byte%s", is, (unsigned)c,
		*len > 1 ? "s" : "");
	for (size_t i = 0; i < *len; i++)
		n += snprintf(name + n, TOKEN_BLANK_NAME - (size_t)n, " %02x", b[i]);
	snprintf(name + n, TOKEN_BLANK_NAME - (size_t)n, ")");
	return true;
}
