#include "dns/name.h"

#include <stdio.h>
#include <string.h>

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* One character of a label, at `*p`, escapes undone. */
static bool take_char(const char **p, const char *end, uint8_t *c)
{
	const char *s = *p;

	if (*s != '\\') {
		*c = (uint8_t)*s;
		*p = s + 1;
		return true;
	}
	if (++s == end)
		return false;
	if (*s < '0' || *s > '9') {
		*c = (uint8_t)*s;
		*p = s + 1;
		return true;
	}
	if (end - s < 3 || s[1] < '0' || s[1] > '9' || s[2] < '0' || s[2] > '9')
		return false;
	const int v = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
	*c = (uint8_t)v;
	*p = s + 3;
	return v <= 255;
}

enum name_result name_parse(uint8_t to[static NAME_MOST], size_t *len, const char *text, size_t text_len,
	const uint8_t *origin)
{
	const char *p = text, *const end = text + text_len;
	size_t at = 1, label = 0;   /* where the next byte goes; where this label's length stands */

	if (text_len == 1 && *text == '.') {
		to[0] = 0;
		if (len)
			*len = 1;
		return NAME_OK;
	}
	if (text_len == 1 && *text == '@' && origin)
		p = end;
	else if (text_len == 0)
		return NAME_EMPTY_LABEL;
	while (p < end) {
		if (*p == '.') {
			if (at == label + 1)
				return NAME_EMPTY_LABEL;
			to[label] = (uint8_t)(at - label - 1);
			label = at++;
			p++;
			continue;
		}
		if (at - label - 1 == 63)
			return NAME_LABEL_LONG;
		if (at >= NAME_MOST - 1)
			return NAME_LONG;
		if (!take_char(&p, end, &to[at++]))
			return NAME_BAD_ESCAPE;
	}
	if (at == label + 1) {              /* a dot at the end, or "@" */
		at = label;
	} else {
		to[label] = (uint8_t)(at - label - 1);
		if (!origin)
			return NAME_RELATIVE;
	}
	if (text_len == 1 && *text == '@')
		at = 0;
	const bool absolute = at && p[-1] == '.' && at == label;
	const size_t tail = absolute ? 1 : name_len(origin);
	if (at + tail > NAME_MOST)
		return NAME_LONG;
	if (absolute)
		to[at] = 0;
	else
		memcpy(to + at, origin, tail);
	if (len)
		*len = at + tail;
	return NAME_OK;
}

const char *name_result_text(enum name_result r)
{
	switch (r) {
	case NAME_OK: return "is a name";
	case NAME_EMPTY_LABEL: return "has an empty label (two dots together, or a dot in front)";
	case NAME_LABEL_LONG: return "has a label over 63 bytes (RFC 1035 section 2.3.4)";
	case NAME_LONG: return "is over 255 bytes (RFC 1035 section 2.3.4)";
	case NAME_BAD_ESCAPE: return "has a broken escape (write \\. or \\DDD, a decimal number to 255)";
	case NAME_RELATIVE: return "is relative and there is no origin (end it with a dot)";
	}
	return "is no name";
}

const char *name_text(char buf[static NAME_TEXT], const uint8_t *name)
{
	char *to = buf;

	if (!*name)
		return strcpy(buf, ".");
	for (; *name; name += *name + 1) {
		for (unsigned i = 1; i <= *name; i++) {
			const uint8_t c = name[i];
			if (c <= ' ' || c >= 0x7f)
				to += sprintf(to, "\\%03u", c);
			else if (strchr(".\\\"();@$", c))
				to += sprintf(to, "\\%c", c);
			else
				*to++ = (char)c;
		}
		*to++ = '.';
	}
	*to = 0;
	return buf;
}

size_t name_len(const uint8_t *name)
{
	size_t len = 0;

	while (name[len])
		len += name[len] + 1u;
	return len + 1;
}

unsigned name_labels(const uint8_t *name)
{
	unsigned n = 0;

	for (; *name; name += *name + 1)
		n++;
	return n;
}

const uint8_t *name_skip(const uint8_t *name, unsigned labels)
{
	while (labels-- > 0 && *name)
		name += *name + 1;
	return name;
}

void name_lower(uint8_t *to, const uint8_t *name, size_t len)
{
	/* Length bytes are at most 63 and so never look like a capital. */
	for (size_t i = 0; i < len; i++)
		to[i] = lower(name[i]);
}

bool name_equal(const uint8_t *a, const uint8_t *b)
{
	const size_t len = name_len(a);

	if (len != name_len(b))
		return false;
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool name_is_under(const uint8_t *name, const uint8_t *ancestor)
{
	const unsigned have = name_labels(name), want = name_labels(ancestor);

	return have >= want && name_equal(name_skip(name, have - want), ancestor);
}

static int compare_labels(const uint8_t *a, const uint8_t *b)
{
	const unsigned len = *a < *b ? *a : *b;

	for (unsigned i = 1; i <= len; i++) {
		const int d = lower(a[i]) - lower(b[i]);
		if (d)
			return d;
	}
	return *a - *b;
}

int name_compare(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *label_a[NAME_LABELS_MOST], *label_b[NAME_LABELS_MOST];
	unsigned na = 0, nb = 0;

	for (; *a; a += *a + 1)
		label_a[na++] = a;
	for (; *b; b += *b + 1)
		label_b[nb++] = b;
	while (na && nb) {
		const int d = compare_labels(label_a[--na], label_b[--nb]);
		if (d)
			return d;
	}
	return (int)na - (int)nb;
}

bool name_is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

size_t name_check(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *at = p;

	while (at < end && *at) {
		if (*at > 63)
			return 0;
		at += *at + 1;
		if (at - p > NAME_MOST - 1)
			return 0;
	}
	return at < end ? (size_t)(at - p) + 1 : 0;
}
