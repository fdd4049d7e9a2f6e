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

/* Copies what stands for itself, up to a dot, a backslash or `end`. */
static const char *copy_plain(uint8_t *to, const char *p, const char *end)
{
	while (p < end && *p != '.' && *p != '\\')
		*to++ = (uint8_t)*p++;
	return p;
}

/* One label from `*p` to its dot, which is passed, or to `end`. `*at` is where its length goes,
 * and then that of the next. */
static enum name_result take_label(
	uint8_t to[static NAME_MOST], size_t *at, const char **p, const char *end)
{
	const size_t start = *at + 1,
		     most = start + 63 < NAME_MOST - 1 ? start + 63 : NAME_MOST - 1;
	size_t here = start;

	while (*p < end && **p != '.') {
		/* Behind 127 labels of one byte each, `most` is before `start`. */
		if (here >= most)
			return here - start == 63 ? NAME_LABEL_LONG : NAME_LONG;
		if (**p == '\\') {
			if (!take_char(p, end, &to[here++]))
				return NAME_BAD_ESCAPE;
			continue;
		}
		const size_t room = most - here;
		const char *from = *p;
		*p = copy_plain(
			to + here, from, (size_t)(end - from) < room ? end : from + room);
		here += (size_t)(*p - from);
	}
	if (here == start)
		return NAME_EMPTY_LABEL;
	to[*at] = (uint8_t)(here - start);
	*at = here;
	return NAME_OK;
}

enum name_result name_parse(uint8_t to[static NAME_MOST], size_t *len, const char *text,
	size_t text_len, const uint8_t *origin)
{
	const char *p = text, *const end = text + text_len;
	static const uint8_t root[1];
	const uint8_t *tail = origin;
	size_t at = 0;

	if (text_len == 0)
		return NAME_EMPTY_LABEL;
	if (text_len == 1 && *text == '.')
		tail = root;
	else if (!(text_len == 1 && *text == '@'))
		while (p < end) {
			const enum name_result r = take_label(to, &at, &p, end);
			if (r != NAME_OK)
				return r;
			if (p < end && ++p == end) /* a dot at the end: absolute */
				tail = root;
		}
	if (!tail)
		return NAME_RELATIVE;
	const size_t tail_len = name_len(tail);
	if (at + tail_len > NAME_MOST)
		return NAME_LONG;
	memcpy(to + at, tail, tail_len);
	if (len)
		*len = at + tail_len;
	return NAME_OK;
}

const char *name_result_text(enum name_result r)
{
	switch (r) {
	case NAME_OK: return "is a name";
	case NAME_EMPTY_LABEL:
		return "has an empty label (two dots together, or a dot in front)";
	case NAME_LABEL_LONG: return "has a label over 63 bytes (RFC 1035 section 2.3.4)";
	case NAME_LONG: return "is over 255 bytes (RFC 1035 section 2.3.4)";
	case NAME_BAD_ESCAPE:
		return "has a broken escape (write \\. or \\DDD, a decimal number to 255)";
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

/* Eight bytes at once: 0x20 into each that is a capital. Bytes over 127 are none, and no sum
 * runs over into the next. */
static uint64_t lower8(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101u, low7 = v & ones * 0x7f;
	const uint64_t from_a = low7 + ones * (0x80 - 'A'), past_z = low7 + ones * (0x7f - 'Z');

	return v | ((from_a & ~past_z & ~v & ones * 0x80) >> 2);
}

void name_lower(uint8_t *to, const uint8_t *name, size_t len)
{
	size_t i = 0;

	/* Length bytes are at most 63 and so never look like a capital. */
	for (uint64_t v; i + 8 <= len; i += 8) {
		memcpy(&v, name + i, 8);
		v = lower8(v);
		memcpy(to + i, &v, 8);
	}
	for (; i < len; i++)
		to[i] = lower(name[i]);
}

void name_mark(struct name_marks *marks, const uint8_t *name)
{
	unsigned n = 0, at = 0;

	for (; name[at]; at += name[at] + 1u)
		marks->at[n++] = (uint8_t)at;
	marks->at[n] = (uint8_t)at;
	marks->n = (uint8_t)n;
}

size_t name_read(uint8_t to[static NAME_READ], struct name_marks *marks, const uint8_t *p,
	const uint8_t *end)
{
	const size_t room = (size_t)(end - p);
	unsigned n = 0;
	size_t at = 0;

	for (;; n++) {
		if (at >= room || p[at] > 63 || at >= NAME_MOST)
			return 0;
		marks->at[n] = (uint8_t)at;
		if (p[at] == 0)
			break;
		at += p[at] + 1u;
	}
	marks->n = (uint8_t)n;
	/* What stands behind the name may be read with it, and means nothing. */
	const size_t len = at + 1, whole = room < NAME_READ ? room & ~(size_t)7 : NAME_READ;
	for (at = 0; at < len && at < whole; at += 8) {
		uint64_t v;
		memcpy(&v, p + at, 8);
		v = lower8(v);
		memcpy(to + at, &v, 8);
	}
	for (; at < len; at++)
		to[at] = lower(p[at]);
	return len;
}

static bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t i = 0;

	for (uint64_t v, w; i + 8 <= len; i += 8) {
		memcpy(&v, a + i, 8);
		memcpy(&w, b + i, 8);
		if (v != w && lower8(v) != lower8(w))
			return false;
	}
	for (; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool name_equal(const uint8_t *a, const uint8_t *b)
{
	const size_t len = name_len(a);

	return len == name_len(b) && bytes_equal(a, b, len);
}

bool name_is_under(const uint8_t *name, const uint8_t *ancestor)
{
	const size_t len = name_len(ancestor);
	size_t left = name_len(name);

	while (left > len) {
		left -= *name + 1u;
		name += *name + 1;
	}
	return left == len && bytes_equal(name, ancestor, len);
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
