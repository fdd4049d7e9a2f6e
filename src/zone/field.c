#include "zone/field.h"

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/value.h"

#include <string.h>

bool field_room(struct fields *f, size_t n)
{
	if ((size_t)(f->end - f->at) >= n)
		return true;
	return token_fault(f->in, f->in->tok.s,
		"the data of this record is over 65535 bytes (RFC 1035 section 3.2.1); "
		"split it into several records");
}

bool field_bytes(struct fields *f, const void *p, size_t n)
{
	if (!field_room(f, n))
		return false;
	memcpy(f->at, p, n);
	f->at += n;
	return true;
}

static bool missing(struct fields *f, const char *what)
{
	const struct token *tok = &f->in->tok;

	if (tok->kind != TOKEN_END)
		return false; /* TOKEN_BAD: told */
	return token_fault(
		f->in, tok->s, "%s is missing (the %s record ends here)", what, f->type);
}

bool field_word(struct fields *f, const char *what)
{
	const struct token *tok = &f->in->tok;
	char text[TOKEN_TEXT];

	if (token_is_word(tok))
		return true;
	if (tok->kind == TOKEN_QUOTED)
		return token_fault(f->in, tok->s - 1,
			"%s is in quotes here; write %s without them", token_text(text, tok),
			what);
	if (tok->kind == TOKEN_WORD)
		return token_fault(f->in, tok->s, "%s has a quote inside, where %s is expected",
			token_text(text, tok), what);
	return missing(f, what);
}

static bool is_a(struct fields *f, const char *should)
{
	char text[TOKEN_TEXT];

	return token_fault(
		f->in, f->in->tok.s, "%s is not %s", token_text(text, &f->in->tok), should);
}

static bool take(struct fields *f, size_t n)
{
	f->at += n;
	token_next(f->in);
	return true;
}

/* --- names -------------------------------------------------------------------------------- */

/* What is legal and yet hardly meant: an address, or the zone's own name without the dot. */
static void doubt_name(struct fields *f, const struct token *tok, size_t len)
{
	uint8_t v4[4];
	char text[TOKEN_TEXT];
	const size_t origin_len = name_len(f->origin);

	if (tok->len < 2)
		return;
	const bool absolute = tok->s[tok->len - 1] == '.';
	if (value_a(v4, tok->s, tok->len - absolute)) {
		token_warning(f->in, tok->s,
			"%s is taken for a name here, not for an address (%s wants a name: "
			"give the "
			"address an A record and write that record's name)",
			token_text(text, tok), f->type);
		return;
	}
	if (absolute)
		return;
	const uint8_t *own = f->at + len - origin_len; /* where the appended origin starts */
	if (origin_len > 2 && len >= 2 * origin_len - 1 && name_is_under(f->at, f->origin)) {
		uint8_t front[NAME_MOST];
		const size_t front_len = (size_t)(own - f->at);
		memcpy(front, f->at, front_len);
		front[front_len] = 0;
		if (name_is_under(front, f->origin))
			token_warning(f->in, tok->s,
				"%s has no dot at its end, so that the origin is added to it "
				"once "
				"more (write %s. if that is not meant)",
				token_text(text, tok), text);
	}
}

bool field_name(struct fields *f, const char *what)
{
	const struct token *tok = &f->in->tok;
	uint8_t name[NAME_MOST];
	char text[TOKEN_TEXT];
	size_t len;

	if (!field_word(f, what))
		return false;
	const enum name_result r = name_parse(name, &len, tok->s, tok->len, f->origin);
	if (r != NAME_OK)
		return token_fault(
			f->in, tok->s, "%s %s", token_text(text, tok), name_result_text(r));
	if (!field_room(f, len))
		return false;
	memcpy(f->at, name, len);
	doubt_name(f, tok, len);
	return take(f, len);
}

/* --- addresses and numbers ---------------------------------------------------------------- */

bool field_a(struct fields *f, const char *what)
{
	const struct token *tok = &f->in->tok;
	uint8_t v6[16];

	if (!token_is_word(tok))
		return field_word(f, what);
	if (!field_room(f, 4))
		return false;
	if (!value_a(f->at, tok->s, tok->len))
		return is_a(f,
			value_aaaa(v6, tok->s, tok->len)
				? "an IPv4 address but an IPv6 address (its record type "
				  "is AAAA)"
				: "an IPv4 address (each part must be 0-255)");
	return take(f, 4);
}

bool field_aaaa(struct fields *f, const char *what)
{
	const struct token *tok = &f->in->tok;
	uint8_t v4[4];

	if (!token_is_word(tok))
		return field_word(f, what);
	if (!field_room(f, 16))
		return false;
	if (!value_aaaa(f->at, tok->s, tok->len))
		return is_a(f,
			value_a(v4, tok->s, tok->len)
				? "an IPv6 address but an IPv4 address (its record type is A)"
				: "an IPv6 address (eight groups of up to four hexadecimal "
				  "digits; :: stands once for groups of 0)");
	return take(f, 16);
}

static void put_number(uint8_t *to, unsigned bytes, uint32_t n)
{
	for (unsigned i = bytes; i-- > 0; n >>= 8)
		to[i] = (uint8_t)n;
}

bool field_number(struct fields *f, unsigned bytes, const char *what)
{
	const struct token *tok = &f->in->tok;
	const uint32_t most = bytes == 4 ? UINT32_MAX : (1u << bytes * 8) - 1;
	char text[TOKEN_TEXT];
	uint32_t n;

	if (!field_word(f, what) || !field_room(f, bytes))
		return false;
	if (!value_number(&n, tok->s, tok->len, most))
		return token_fault(f->in, tok->s,
			"%s cannot be %s (a number from 0 to %u is wanted)",
			token_text(text, tok), what, most);
	put_number(f->at, bytes, n);
	return take(f, bytes);
}

bool field_period(struct fields *f, uint32_t most, const char *what)
{
	const struct token *tok = &f->in->tok;
	char text[TOKEN_TEXT];
	uint64_t n;

	if (!field_word(f, what) || !field_room(f, 4))
		return false;
	if (!value_period(&n, tok->s, tok->len))
		return token_fault(f->in, tok->s,
			"%s cannot be %s (write seconds, or units as in 1w2d3h4m5s)",
			token_text(text, tok), what);
	if (n > most)
		return token_fault(f->in, tok->s, "%s is too long for %s (at most %u seconds)",
			token_text(text, tok), what, most);
	be32_put(f->at, (uint32_t)n);
	return take(f, 4);
}

/* --- strings ------------------------------------------------------------------------------ */

/* Undoes the escapes of the current token; at most `most` bytes. */
static bool string_bytes(struct fields *f, size_t most, const char *what)
{
	const struct token *tok = &f->in->tok;
	const char *p = tok->s, *const end = p + tok->len;
	char text[TOKEN_TEXT];

	if (tok->kind != TOKEN_QUOTED && tok->kind != TOKEN_WORD)
		return missing(f, what);
	if (tok->quote_inside)
		return token_fault(f->in, tok->s,
			"%s has a quote inside (put all of it into quotes, with \\\" for the "
			"sign)",
			token_text(text, tok));
	if (!tok->escaped && tok->len <= most)
		return field_bytes(f, p, tok->len);
	for (size_t n = 0; p < end; n++) {
		if (n == most && most == 255)
			return token_fault(f->in, p,
				"%s is over 255 bytes at this place (split it into several "
				"strings: "
				"\"...\" \"...\")",
				what);
		if (!field_room(f, 1))
			return false;
		if (!token_char(&p, end, f->at))
			return token_fault(f->in, p,
				"this escape is broken (write \\ and a sign, or \\DDD, a "
				"decimal number "
				"from 000 to 255)");
		f->at++;
	}
	return true;
}

bool field_string(struct fields *f, const char *what)
{
	uint8_t *const len = f->at;

	if (!field_room(f, 1))
		return false;
	f->at++;
	if (!string_bytes(f, 255, what))
		return false;
	*len = (uint8_t)(f->at - len - 1);
	return take(f, 0);
}

bool field_long_string(struct fields *f, const char *what)
{
	return string_bytes(f, SIZE_MAX, what) && take(f, 0);
}

bool field_tag(struct fields *f, const char *what)
{
	const struct token *tok = &f->in->tok;

	if (tok->kind != TOKEN_QUOTED && !field_word(f, what))
		return false;
	if (tok->len == 0)
		return token_fault(f->in, tok->s - 1, "%s is empty", what);
	for (unsigned i = 0; i < tok->len; i++) {
		const char c = tok->s[i];
		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')))
			return token_fault(f->in, tok->s + i,
				"%s has only letters and digits (RFC 8659 section 4.1)", what);
	}
	return field_string(f, what);
}

/* --- hexadecimal -------------------------------------------------------------------------- */

/* The digits of one word; `*digits` counts on over several, so that a byte may be split between
 * two. */
static bool hex_word(struct fields *f, size_t *digits, const char *what)
{
	const struct token *tok = &f->in->tok;

	for (unsigned i = 0; i < tok->len; i++) {
		const int d = value_hex_digit(tok->s[i]);
		if (d < 0)
			return token_fault(f->in, tok->s + i,
				"this is not a hexadecimal digit (0-9, a-f), as %s wants",
				what);
		if (!field_room(f, 1))
			return false;
		if ((*digits)++ % 2 == 0)
			*f->at = (uint8_t)(d << 4);
		else
			*f->at++ |= (uint8_t)d;
	}
	return true;
}

bool field_hex(struct fields *f, bool rest, const char *what)
{
	const struct token *tok = &f->in->tok;
	const char *last;
	size_t digits = 0;

	if (!field_word(f, what))
		return false;
	do {
		last = tok->s;
		if (!hex_word(f, &digits, what))
			return false;
		token_next(f->in);
	} while (rest && token_is_word(tok));
	if (digits % 2)
		return token_fault(f->in, last,
			"%s has an odd number of hexadecimal digits (two make a byte)", what);
	return !rest || tok->kind == TOKEN_END || field_word(f, what);
}

/* --- base64 and base32 -------------------------------------------------------------------- */

struct sextets {
	uint32_t bits;
	size_t n, padding;
};

static bool base64_char(struct fields *f, struct sextets *s, const char *p)
{
	const int d = value_base64_digit(*p);

	if (d >= 0 && !s->padding) {
		s->bits = s->bits << 6 | (unsigned)d;
		if (++s->n % 4)
			return true;
		const uint8_t three[] = { (uint8_t)(s->bits >> 16), (uint8_t)(s->bits >> 8),
			(uint8_t)s->bits };
		return field_bytes(f, three, 3);
	}
	if (*p == '=' && ++s->padding <= 2)
		return true;
	return token_fault(
		f->in, p, "this is no base64 (A-Z, a-z, 0-9, + and /, and = only at the end)");
}

/* The last one or two bytes. The bits that are left over must be zero, or two texts would mean
 * the same. */
static bool base64_end(struct fields *f, const struct sextets *s)
{
	const unsigned left = s->n % 4;
	const uint32_t bits = left == 3 ? s->bits >> 2 : s->bits >> 4;

	if (left == 0)
		return s->padding == 0;
	if (left == 1 || s->padding != 4 - left || s->bits & (left == 3 ? 3 : 15))
		return false;
	if (left == 3 && !field_bytes(f, &(uint8_t){ (uint8_t)(bits >> 8) }, 1))
		return false;
	return field_bytes(f, &(uint8_t){ (uint8_t)bits }, 1);
}

bool field_base64(struct fields *f, bool rest, const char *what)
{
	const struct token *tok = &f->in->tok;
	struct sextets s = { 0 };
	const char *last;

	if (!field_word(f, what))
		return false;
	do {
		last = tok->s;
		for (unsigned i = 0; i < tok->len; i++)
			if (!base64_char(f, &s, tok->s + i))
				return false;
		token_next(f->in);
	} while (rest && token_is_word(tok));
	if (!base64_end(f, &s))
		return token_fault(f->in, last,
			"%s is cut short or padded wrongly (base64 comes in fours, filled up "
			"with =)",
			what);
	return !rest || tok->kind == TOKEN_END || field_word(f, what);
}

bool field_base32(struct fields *f, const char *what)
{
	const struct token *tok = &f->in->tok;
	uint8_t *const len = f->at;
	uint32_t bits = 0;
	unsigned have = 0; /* bits */

	if (!field_word(f, what) || !field_room(f, 256))
		return false;
	if (tok->len > 408 || tok->len % 8 == 1 || tok->len % 8 == 3 || tok->len % 8 == 6)
		return token_fault(
			f->in, tok->s, "%s cannot have %u base32 digits", what, tok->len);
	f->at++;
	for (unsigned i = 0; i < tok->len; i++) {
		const int d = value_base32_digit(tok->s[i]);
		if (d < 0)
			return token_fault(f->in, tok->s + i,
				"this is no base32 digit (0-9, a-v), as %s wants", what);
		bits = bits << 5 | (unsigned)d;
		have += 5;
		if (have >= 8)
			*f->at++ = (uint8_t)(bits >> (have -= 8));
	}
	*len = (uint8_t)(f->at - len - 1);
	return take(f, 0);
}

bool field_hex_groups(
	struct fields *f, unsigned groups, unsigned digits, char between, const char *what)
{
	const struct token *tok = &f->in->tok;
	const char *p = tok->s, *const end = p + tok->len;

	if (!field_word(f, what) || !field_room(f, groups * digits / 2))
		return false;
	const bool exact = digits == 2;
	for (unsigned g = 0; g < groups; g++) {
		const char *start = p;
		uint32_t v = 0;
		for (int d;
			p < end && p - start < (int)digits && (d = value_hex_digit(*p)) >= 0;
			p++)
			v = v << 4 | (unsigned)d;
		const bool ends = g + 1 == groups ? p == end : p < end && *p == between;
		if (p == start || (exact && p - start != 2) || !ends)
			return token_fault(f->in, p,
				"%s is %u groups of %s%u hexadecimal digits with a %c in "
				"between",
				what, groups, exact ? "" : "up to ", digits, between);
		put_number(f->at + g * digits / 2, digits / 2, v);
		p += p < end;
	}
	return take(f, groups * digits / 2);
}

/* --- types -------------------------------------------------------------------------------- */

static bool type_word(struct fields *f, uint16_t *type, const char *what)
{
	const struct token *tok = &f->in->tok;
	char text[TOKEN_TEXT];

	if (!field_word(f, what))
		return false;
	if (!rrtype_parse(type, tok->s, tok->len))
		return token_fault(f->in, tok->s,
			"%s is not a record type (a name such as A or TYPEnnn)",
			token_text(text, tok));
	return true;
}

bool field_type(struct fields *f, const char *what)
{
	uint16_t type;

	if (!type_word(f, &type, what) || !field_room(f, 2))
		return false;
	be16_put(f->at, type);
	return take(f, 2);
}

bool field_bitmap(struct fields *f)
{
	uint8_t bits[256][32]; /* of a window once it is seen */
	bool seen[256] = { false };
	unsigned end = 0;

	while (f->in->tok.kind != TOKEN_END) {
		uint16_t type;
		if (!type_word(f, &type, "a record type"))
			return false;
		if (rrtype_is_meta(type) &&
			type != 128) /* NXNAME stands in bitmaps (RFC 9824) */
			return is_a(f, "a type that a bitmap may name (it stands in no zone)");
		const unsigned window = type >> 8;
		if (!seen[window])
			memset(bits[window], 0, sizeof bits[window]);
		seen[window] = true;
		end = window < end ? end : window + 1;
		bits[window][type % 256 / 8] |= (uint8_t)(0x80 >> type % 8);
		token_next(f->in);
	}
	for (unsigned window = 0; window < end; window++) {
		unsigned len = 32;
		while (seen[window] && !bits[window][len - 1])
			len--;
		const uint8_t head[2] = { (uint8_t)window, (uint8_t)len };
		if (seen[window] && (!field_bytes(f, head, 2) || !field_bytes(f, bits[window], len)))
			return false;
	}
	return true;
}
