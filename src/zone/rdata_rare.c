#include "zone/rdata_rare.h"

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/value.h"

#include <string.h>

/* --- who is told of changes (RFC 9859) ---------------------------------------------------- */

static bool read_dsync(struct fields *f)
{
	const struct token *tok = &f->in->tok;

	if (!field_type(f, "the type that notifications are of") ||
		!field_word(f, "the scheme"))
		return false;
	if (tok->len == 6 && strncasecmp(tok->s, "NOTIFY", 6) == 0) {
		if (!field_bytes(f, (uint8_t[1]){ 1 }, 1))
			return false;
		token_next(f->in);
	} else if (!field_number(f, 1, "the scheme (NOTIFY, or a number)")) {
		return false;
	}
	return field_number(f, 2, "the port") && field_name(f, "the target's name");
}

/* --- objects, sinks and nodes ------------------------------------------------------------- */

/* draft-durand-doa-over-dns-03; "-" is no data. */
static bool read_doa(struct fields *f)
{
	const struct token *tok = &f->in->tok;

	if (!field_number(f, 4, "the enterprise") || !field_number(f, 4, "the type") ||
		!field_number(f, 1, "the location") || !field_string(f, "the media type"))
		return false;
	if (token_is_word(tok) && tok->len == 1 && (*tok->s == '-' || *tok->s == '0')) {
		token_next(f->in);
		return true;
	}
	return field_base64(f, true, "the data (base64, or - for none)");
}

/* BIND has three numbers (the meaning, the coding, the subcoding) and maybe data, NSD two of
 * them and data: a third word that is such a number is one. */
static bool read_sink(struct fields *f)
{
	const struct token *tok = &f->in->tok;
	uint32_t number;

	if (!field_number(f, 1, "the meaning") || !field_number(f, 1, "the coding"))
		return false;
	if (!field_word(f, "the subcoding"))
		return false;
	if (!value_number(&number, tok->s, tok->len, UINT8_MAX))
		return field_base64(f, true, "the data");
	return field_number(f, 1, "the subcoding") &&
		(tok->kind == TOKEN_END || field_base64(f, true, "the data"));
}

/* 64 bits, or its halves with a dot in between (draft-johnson-dns-ipn-cla-07 section 3.1). */
static bool read_ipn(struct fields *f)
{
	const struct token *tok = &f->in->tok;
	uint64_t v = 0;
	uint32_t half[2];

	if (!field_word(f, "the node's number"))
		return false;
	const char *const dot = memchr(tok->s, '.', tok->len), *const end = tok->s + tok->len;
	bool ok = true;
	if (dot) {
		ok = value_number(&half[0], tok->s, (size_t)(dot - tok->s), UINT32_MAX) &&
			value_number(&half[1], dot + 1, (size_t)(end - dot - 1), UINT32_MAX);
		v = ok ? (uint64_t)half[0] << 32 | half[1] : 0;
	}
	for (const char *p = tok->s; !dot && p < end && ok; p++) {
		ok = *p >= '0' && *p <= '9' && v <= (UINT64_MAX - (unsigned)(*p - '0')) / 10;
		v = v * 10 + (unsigned)(*p - '0');
	}
	if (!ok)
		return token_fault(f->in, tok->s,
			"this is no node's number (to 18446744073709551615, or two numbers to "
			"4294967295 with a dot in between)");
	uint8_t bytes[8];
	be32_put(bytes, (uint32_t)(v >> 32));
	be32_put(bytes + 4, (uint32_t)v);
	if (!field_bytes(f, bytes, 8))
		return false;
	token_next(f->in);
	return true;
}

/* --- what others list (draft-woodcock-faltstrom-external-registry-rrtypes) ---------------- */

static bool read_listed(struct fields *f)
{
	const struct token *tok = &f->in->tok;
	const uint8_t *const start = f->at;

	if (!field_string(f, "the recommendation"))
		return false;
	const uint8_t *const value = f->at;
	if (token_is_word(tok) && tok->len == 1 && *tok->s == '-') { /* none */
		if (!field_bytes(f, (uint8_t[1]){ 0 }, 1))
			return false;
		token_next(f->in);
	} else if (!field_string(f, "the value")) {
		return false;
	}
	const uint8_t *const code = value + *value + 1;
	const char *const at = tok->s;
	if (!field_string(f, "the code") || !field_long_string(f, "the description"))
		return false;
	return (*start && *code) ||
		token_fault(f->in, at, "neither the recommendation nor the code is empty");
}

static bool is_listed(const uint8_t *p, const uint8_t *end)
{
	for (unsigned i = 0; i < 3; i++) {
		if (p == end || end - p < 1 + *p || (i != 1 && *p == 0))
			return false;
		p += 1 + *p;
	}
	return true;
}

/* --- of the past -------------------------------------------------------------------------- */

enum { NXT_TYPES = 128 };

/* RFC 2535 section 5.2: one bit for each type, of which the first 128 have any. */
static bool read_nxt(struct fields *f)
{
	const struct token *tok = &f->in->tok;
	uint8_t bits[NXT_TYPES / 8] = { 0 };
	char text[TOKEN_TEXT];
	size_t len = 0;
	uint16_t type;

	if (!field_name(f, "the next name"))
		return false;
	for (; tok->kind != TOKEN_END; token_next(f->in)) {
		if (!field_word(f, "a record type"))
			return false;
		if (!rrtype_parse(&type, tok->s, tok->len) || type == 0 || type >= NXT_TYPES)
			return token_fault(f->in, tok->s,
				"%s is not a type that a NXT record can name (1 to 127)",
				token_text(text, tok));
		bits[type / 8] |= (uint8_t)(0x80 >> type % 8);
		len = type / 8 + 1u > len ? type / 8 + 1u : len;
	}
	return field_bytes(f, bits, len);
}

static bool is_nxt(const uint8_t *p, const uint8_t *end)
{
	const size_t name = name_check(p, end), bits = (size_t)(end - p) - name;

	return name && bits <= NXT_TYPES / 8 && (!bits || (!(p[name] & 0x80) && end[-1] != 0));
}

static size_t a6_suffix_len(unsigned prefix)
{
	return 16 - prefix / 8;
}

/* RFC 2874 section 3.1: what is left of an address behind so many bits, and the name that has
 * these. */
static bool read_a6(struct fields *f)
{
	const struct token *tok = &f->in->tok;
	uint8_t address[16];
	uint32_t prefix;

	if (!field_word(f, "the prefix length"))
		return false;
	if (!value_number(&prefix, tok->s, tok->len, 128))
		return token_fault(f->in, tok->s, "the prefix length is 0 to 128");
	if (!field_bytes(f, (uint8_t[1]){ (uint8_t)prefix }, 1))
		return false;
	token_next(f->in);
	if (prefix < 128) {
		if (!field_word(f, "the address suffix"))
			return false;
		if (!value_aaaa(address, tok->s, tok->len))
			return token_fault(
				f->in, tok->s, "the address suffix is an IPv6 address");
		const size_t len = a6_suffix_len(prefix);
		address[16 - len] &= (uint8_t)(0xff >> prefix % 8);
		if (!field_bytes(f, address + 16 - len, len))
			return false;
		token_next(f->in);
	}
	return !prefix || field_name(f, "the prefix's name");
}

static bool is_a6(const uint8_t *p, const uint8_t *end)
{
	if (p == end || *p > 128)
		return false;
	const unsigned prefix = *p++;
	const size_t suffix = prefix < 128 ? a6_suffix_len(prefix) : 0;
	if ((size_t)(end - p) < suffix || (suffix && *p & ~(0xff >> prefix % 8)))
		return false;
	p += suffix;
	return (prefix ? name_check(p, end) : 0) == (size_t)(end - p);
}

/* --- all together ------------------------------------------------------------------------- */

bool rdata_rare_read(struct fields *f, uint16_t type, bool *known)
{
	*known = true;
	switch (type) {
	case RRTYPE_NXT: return read_nxt(f);
	case RRTYPE_A6: return read_a6(f);
	case RRTYPE_SINK: return read_sink(f);
	case RRTYPE_DSYNC: return read_dsync(f);
	case RRTYPE_HHIT:
	case RRTYPE_BRID: return field_base64(f, true, "the data"); /* RFC 9886 */
	case RRTYPE_UNECE:
	case RRTYPE_ISO: return read_listed(f);
	case RRTYPE_DOA: return read_doa(f);
	case RRTYPE_IPN: return read_ipn(f);
	default: *known = false; return false;
	}
}

bool rdata_rare_check(
	uint16_t type, const uint8_t *p, size_t len, bool *known, struct fault *why)
{
	const uint8_t *const end = p + len;

	*known = true;
	switch (type) {
	case RRTYPE_NXT:
		return is_nxt(p, end) || fault(why, "it is a name and bits of types below 128");
	case RRTYPE_A6:
		return is_a6(p, end) ||
			fault(why, "it is a prefix length, an address suffix and a name");
	case RRTYPE_SINK: return len >= 3 || fault(why, "it is at least three bytes");
	case RRTYPE_DSYNC:
		return (len > 5 && name_check(p + 5, end) == len - 5) ||
			fault(why, "it is a type, a scheme, a port and a name");
	case RRTYPE_HHIT:
	case RRTYPE_BRID: return len > 0 || fault(why, "it is empty");
	case RRTYPE_UNECE:
	case RRTYPE_ISO:
		return is_listed(p, end) || fault(why, "it is three strings and a text");
	case RRTYPE_DOA:
		return (len >= 10 && 10u + p[9] <= len) ||
			fault(why, "it is 9 bytes, a string and the data");
	case RRTYPE_IPN: return len == 8 || fault(why, "it is a number of 8 bytes");
	default: *known = false; return false;
	}
}
