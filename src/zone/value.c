#include "zone/value.h"

#include "base/bytes.h"

#include <string.h>

bool value_a(uint8_t to[static 4], const char *s, size_t len)
{
	const char *const end = s + len;

	for (unsigned part = 0; part < 4; part++) {
		const char *start = s;
		unsigned v = 0;
		for (; s < end && *s >= '0' && *s <= '9' && s - start < 3; s++)
			v = v * 10 + (unsigned)(*s - '0');
		if (s == start || v > 255 || (*start == '0' && s - start > 1))
			return false;
		to[part] = (uint8_t)v;
		if (part < 3 && (s == end || *s++ != '.'))
			return false;
	}
	return s == end;
}

int value_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Puts the bytes behind "::" where they belong, at the end. */
static bool spread(uint8_t to[static 16], unsigned n, unsigned gap)
{
	if (gap > 16)
		return n == 16;
	if (n == 16)
		return false; /* "::" stands for at least one group */
	memmove(to + 16 - (n - gap), to + gap, n - gap);
	memset(to + gap, 0, 16 - n);
	return true;
}

bool value_aaaa(uint8_t to[static 16], const char *s, size_t len)
{
	const char *const end = s + len;
	unsigned n = 0, gap = 17; /* bytes so far; where "::" was, 17: nowhere */

	if (len >= 2 && s[0] == ':' && s[1] == ':') {
		gap = 0;
		s += 2;
	}
	while (s < end) {
		const char *group = s;
		unsigned v = 0;
		for (int d; s < end && s - group < 5 && (d = value_hex_digit(*s)) >= 0; s++)
			v = v << 4 | (unsigned)d;
		if (s < end && *s == '.')
			return n <= 12 && value_a(to + n, group, (size_t)(end - group)) &&
				spread(to, n + 4, gap);
		if (s == group || s - group > 4 || n == 16)
			return false;
		be16_put(to + n, v);
		n += 2;
		if (s == end)
			break;
		if (*s++ != ':' || s == end)
			return false;
		if (*s == ':') {
			if (gap <= 16)
				return false;
			gap = n;
			s++;
		}
	}
	return spread(to, n, gap);
}

bool value_number(uint32_t *n, const char *s, size_t len, uint32_t most)
{
	uint64_t v = 0;

	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s[i] - '0');
		if (v > most)
			return false;
	}
	*n = (uint32_t)v;
	return true;
}

static int unit(char c)
{
	static const char letters[] = "wdhms";
	const char *at = c ? strchr(letters, c | 0x20) : NULL;

	return at ? (int)(at - letters) : -1;
}

bool value_period(uint64_t *seconds, const char *s, size_t len)
{
	static const unsigned unit_s[] = { 7 * 24 * 3600, 24 * 3600, 3600, 60, 1 };
	const char *const end = s + len;
	uint64_t sum = 0;

	if (!len)
		return false;
	while (s < end) {
		const char *start = s;
		uint64_t n = 0;
		for (; s < end && *s >= '0' && *s <= '9'; s++)
			n = n > UINT32_MAX ? n : n * 10 + (unsigned)(*s - '0');
		const int u = s < end ? unit(*s) : 4;
		if (s == start || u < 0)
			return false;
		sum += n * unit_s[u];
		s += s < end;
	}
	*seconds = sum > UINT32_MAX ? UINT64_MAX : sum;
	return true;
}

int value_base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int value_base32_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}
