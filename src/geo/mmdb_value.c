#include "geo/mmdb_value.h"

#include "base/bytes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEEP_MOST = 16 }; /* MaxMind's own databases nest 4 deep */

bool mmdb_wrong(struct mmdb_bytes *b, uint32_t at, const char *what)
{
	b->wrong = what;
	b->wrong_at = at;
	return false;
}

static uint32_t be_get(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* Where a pointer leads: 11, 19, 27 or 32 bits, and what the shorter ones can say is left
 * out of the longer ones. */
static bool read_pointer(
	struct mmdb_bytes *b, uint32_t at, unsigned control, struct mmdb_value *v)
{
	static const uint32_t plus[4] = { 0, 2048, 526336, 0 };
	const unsigned n = (control >> 3 & 3) + 1;

	if (b->len - at < n)
		return mmdb_wrong(b, at, "a pointer is cut short");
	v->type = MMDB_POINTER;
	v->at = be_get(b->p + at, n) + plus[n - 1];
	if (n < 4)
		v->at += (uint32_t)(control & 7) << (8 * n);
	v->next = at + n;
	return true;
}

static bool read_size(struct mmdb_bytes *b, uint32_t *at, unsigned control, uint32_t *size)
{
	static const uint32_t plus[3] = { 29, 285, 65821 };
	const unsigned small = control & 31;

	*size = small;
	if (small < 29)
		return true;
	const unsigned n = small - 28;
	if (b->len - *at < n)
		return mmdb_wrong(b, *at, "a size is cut short");
	*size = be_get(b->p + *at, n) + plus[n - 1];
	*at += n;
	return true;
}

static bool size_is_right(enum mmdb_type type, uint32_t size)
{
	switch (type) {
	case MMDB_DOUBLE: return size == 8;
	case MMDB_FLOAT: return size == 4;
	case MMDB_U16: return size <= 2;
	case MMDB_U32:
	case MMDB_I32: return size <= 4;
	case MMDB_U64: return size <= 8;
	case MMDB_U128: return size <= 16;
	case MMDB_BOOL: return size <= 1;
	case MMDB_TEXT:
	case MMDB_BYTES:
	case MMDB_MAP:
	case MMDB_ARRAY: return true;
	case MMDB_ABSENT:
	case MMDB_POINTER: return false;
	}
	return false;
}

/* One value as it stands, pointers as pointers. */
static bool read_plain(struct mmdb_bytes *b, uint32_t at, struct mmdb_value *v)
{
	const uint32_t start = at;

	if (at >= b->len)
		return mmdb_wrong(b, at, "a value lies behind the end of the data");
	if (b->steps == 0)
		return mmdb_wrong(b, at, "records are more entangled than any database needs");
	b->steps--;
	const unsigned control = b->p[at++];
	unsigned type = control >> 5;
	if (type == MMDB_POINTER)
		return read_pointer(b, at, control, v);
	if (type == 0) {
		if (at >= b->len)
			return mmdb_wrong(b, start, "a type is cut short");
		type = 7u + b->p[at++];
	}
	v->type = (enum mmdb_type)type;
	if (!read_size(b, &at, control, &v->size))
		return false;
	if (!size_is_right(v->type, v->size))
		return mmdb_wrong(b, start, "a value has an unknown type or a wrong size");
	v->at = at;
	v->next = at;
	if (type == MMDB_MAP || type == MMDB_ARRAY)
		return true;
	const uint32_t len = type == MMDB_BOOL ? 0 : v->size;
	if (b->len - at < len)
		return mmdb_wrong(b, start, "a value is cut short");
	v->next = at + len;
	return true;
}

/* From a value as it stands to what it points to, if it does. */
static bool follow(struct mmdb_bytes *b, struct mmdb_value *v)
{
	const uint32_t next = v->next, to = v->at;

	v->pointed = v->type == MMDB_POINTER;
	if (!v->pointed)
		return true;
	if (!read_plain(b, to, v))
		return false;
	if (v->type == MMDB_POINTER)
		return mmdb_wrong(b, to, "a pointer points to a pointer");
	v->next = next;
	return true;
}

bool mmdb_value_at(struct mmdb_bytes *b, uint32_t at, struct mmdb_value *v)
{
	return read_plain(b, at, v) && follow(b, v);
}

/* Behind a value, without a look at what its pointers point to. */
static bool skip(struct mmdb_bytes *b, uint32_t *at, unsigned deep)
{
	struct mmdb_value v;

	if (!read_plain(b, *at, &v))
		return false;
	*at = v.next;
	if (v.type != MMDB_MAP && v.type != MMDB_ARRAY)
		return true;
	if (deep == DEEP_MOST)
		return mmdb_wrong(b, *at, "a record nests too deep");
	for (uint64_t n = (uint64_t)v.size * (v.type == MMDB_MAP ? 2 : 1); n > 0; n--)
		if (!skip(b, at, deep + 1))
			return false;
	return true;
}

static bool check_value(struct mmdb_bytes *b, uint32_t *at, unsigned deep)
{
	struct mmdb_value v;

	if (!mmdb_value_at(b, *at, &v))
		return false;
	const bool holds = v.type == MMDB_MAP || v.type == MMDB_ARRAY;
	uint32_t inner = v.at;
	*at = v.next;
	if (!holds)
		return true;
	if (deep == DEEP_MOST)
		return mmdb_wrong(b, *at, "a record nests too deep");
	for (uint64_t n = (uint64_t)v.size * (v.type == MMDB_MAP ? 2 : 1); n > 0; n--)
		if (!check_value(b, &inner, deep + 1))
			return false;
	if (!v.pointed)
		*at = inner;
	return true;
}

bool mmdb_check_all(struct mmdb_bytes *b, uint32_t at)
{
	return check_value(b, &at, 0);
}

/* Which of the keys that were not found yet a text is; `n` when none. */
static unsigned which_key(const struct mmdb_bytes *b, const struct mmdb_value *text,
	const struct mmdb_key *keys, unsigned n, const struct mmdb_value *found)
{
	unsigned i = 0;

	while (i < n &&
		(keys[i].len != text->size || found[i].type ||
			memcmp(keys[i].name, b->p + text->at, text->size) != 0))
		i++;
	return i;
}

/* A value of a map, and behind it. What it points to is far away, and is sent for now and
 * read when all keys are found. */
static bool take_entry(struct mmdb_bytes *b, uint32_t *at, struct mmdb_value *v)
{
	if (!read_plain(b, *at, v))
		return false;
	if (v->type == MMDB_MAP || v->type == MMDB_ARRAY)
		return skip(b, at, 0);
	*at = v->next;
	if (v->type == MMDB_POINTER && v->at < b->len)
		__builtin_prefetch(b->p + v->at);
	return true;
}

bool mmdb_map_find(struct mmdb_bytes *b, const struct mmdb_value *map,
	const struct mmdb_key *keys, unsigned n, struct mmdb_value *found)
{
	unsigned missing = n;
	uint32_t at = map->at;

	for (unsigned i = 0; i < n; i++)
		found[i].type = MMDB_ABSENT;
	for (uint32_t k = 0; k < map->size && missing; k++) {
		struct mmdb_value key;
		if (!mmdb_value_at(b, at, &key))
			return false;
		if (key.type != MMDB_TEXT)
			return mmdb_wrong(b, at, "a key is not a text");
		at = key.next;
		const unsigned i = which_key(b, &key, keys, n, found);
		if (i == n) {
			if (!skip(b, &at, 0))
				return false;
			continue;
		}
		if (!take_entry(b, &at, &found[i]))
			return false;
		missing--;
	}
	for (unsigned i = 0; i < n; i++)
		if (found[i].type && !follow(b, &found[i]))
			return false;
	return true;
}

static bool number_from_text(
	const struct mmdb_bytes *b, const struct mmdb_value *v, double *number)
{
	char text[40], *end;

	const size_t len = mmdb_text(b, v, text, sizeof text);
	*number = strtod(text, &end);
	return len == v->size && end != text && *end == 0;
}

bool mmdb_says_nothing(const struct mmdb_bytes *b, const struct mmdb_value *v)
{
	return v->type == MMDB_TEXT && (v->size == 0 || (v->size == 1 && b->p[v->at] == '-'));
}

bool mmdb_number(const struct mmdb_bytes *b, const struct mmdb_value *v, double *number)
{
	uint64_t whole = 0;
	uint32_t word;
	float f;

	if (v->type == MMDB_TEXT)
		return number_from_text(b, v, number);
	if (v->type != MMDB_U128 && v->type != MMDB_BYTES && v->type != MMDB_BOOL &&
		v->type != MMDB_MAP && v->type != MMDB_ARRAY)
		for (uint32_t i = 0; i < v->size; i++)
			whole = whole << 8 | b->p[v->at + i];
	word = (uint32_t)whole;
	switch (v->type) {
	case MMDB_DOUBLE: memcpy(number, &whole, 8); return true;
	case MMDB_FLOAT:
		memcpy(&f, &word, 4);
		*number = f;
		return true;
	case MMDB_U16:
	case MMDB_U32:
	case MMDB_U64: *number = (double)whole; return true;
	case MMDB_I32: *number = (int32_t)word; return true;
	default: return false;
	}
}

/* How many bytes the UTF-8 character at `p` has (RFC 3629); 0 when it is none, or one that
 * is not for showing. */
static unsigned char_len(const uint8_t *p, size_t left)
{
	const unsigned c = p[0];
	unsigned n = 0;

	if (c < 0x80)
		n = 1;
	else if (c >= 0xc2 && c < 0xf5)
		n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (n == 0 || n > left || c < 0x20 || c == 0x7f)
		return 0;
	for (unsigned i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ||
		(c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f) ||
		(c == 0xc2 && p[1] < 0xa0))
		return 0;
	return n;
}

size_t mmdb_text(const struct mmdb_bytes *b, const struct mmdb_value *v, char *to, size_t room)
{
	const uint8_t *p = b->p + v->at;
	size_t len = 0;

	for (size_t i = 0; i < v->size;) {
		const unsigned n = char_len(p + i, v->size - i);
		const unsigned put = n ? n : 1;
		if (len + put + 1 > room)
			break;
		memcpy(to + len, n ? (const char *)p + i : "?", put);
		len += put;
		i += put;
	}
	to[len] = 0;
	return len;
}
