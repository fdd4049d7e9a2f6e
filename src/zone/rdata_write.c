#include "zone/rdata_write.h"

#include "base/bytes.h"
#include "base/numbers.h"
#include "dns/name.h"
#include "dns/rrtype.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Fields of the data, one after the other:
 *     1 2 4    a number of so many bytes
 *     n        a name
 *     a A      an address of IPv4, of IPv6
 *     s        a character-string; S: one or more, to the end
 *     w        a character-string, without quotes if it needs none; W: any number, to the end
 *     L        a quoted text, to the end
 *     g        a tag: a character-string without quotes
 *     t B      a type; a bitmap of types, to the end
 *     T        a time of a signature
 *     h b      hexadecimal, base64, to the end; not empty
 *     x y      with its length in front: a salt in hexadecimal, a hash in base32
 *     e        bytes with dashes, to the end
 *     i        a locator of ILNP: 4 groups of 16 bits
 *     p        parameters of a service, to the end
 *     l        a location */
static const struct {
	uint16_t type;
	const char *fields;
} forms[] = {
	{ RRTYPE_A, "a" },
	{ RRTYPE_NS, "n" },
	{ RRTYPE_CNAME, "n" },
	{ RRTYPE_SOA, "nn44444" },
	{ RRTYPE_PTR, "n" },
	{ 13 /* HINFO */, "ss" },
	{ RRTYPE_MINFO, "nn" },
	{ RRTYPE_MX, "2n" },
	{ RRTYPE_TXT, "S" },
	{ RRTYPE_RP, "nn" },
	{ RRTYPE_AFSDB, "2n" },
	{ RRTYPE_X25, "s" },
	{ RRTYPE_RT, "2n" },
	{ RRTYPE_PX, "2nn" },
	{ RRTYPE_GPOS, "sss" },
	{ RRTYPE_AAAA, "A" },
	{ 29 /* LOC */, "l" },
	{ RRTYPE_SRV, "222n" },
	{ RRTYPE_NAPTR, "22sssn" },
	{ RRTYPE_KX, "2n" },
	{ 37 /* CERT */, "221b" },
	{ RRTYPE_DNAME, "n" },
	{ RRTYPE_DS, "211h" },
	{ RRTYPE_SSHFP, "11h" },
	{ RRTYPE_RRSIG, "t114TT2nb" },
	{ RRTYPE_NSEC, "nB" },
	{ RRTYPE_DNSKEY, "211b" },
	{ RRTYPE_DHCID, "b" },
	{ RRTYPE_NSEC3, "112xyB" },
	{ RRTYPE_NSEC3PARAM, "112x" },
	{ RRTYPE_TLSA, "111h" },
	{ RRTYPE_SMIMEA, "111h" },
	{ RRTYPE_CDS, "211h" },
	{ RRTYPE_CDNSKEY, "211b" },
	{ 61 /* OPENPGPKEY */, "b" },
	{ RRTYPE_CSYNC, "42B" },
	{ RRTYPE_ZONEMD, "411h" },
	{ RRTYPE_SVCB, "2np" },
	{ RRTYPE_HTTPS, "2np" },
	{ RRTYPE_SPF, "S" },
	{ 104 /* NID */, "2i" },
	{ 105 /* L32 */, "2a" },
	{ 106 /* L64 */, "2i" },
	{ 107 /* LP */, "2n" },
	{ 108 /* EUI48 */, "e" },
	{ 109 /* EUI64 */, "e" },
	{ RRTYPE_URI, "22L" },
	{ RRTYPE_CAA, "1gL" },
	{ RRTYPE_EDGE, "wW" },
};

/* NULL: it is written as bytes. */
static const char *form_of(uint16_t type, enum rdata_reader reader)
{
	if (type == RRTYPE_EDGE && reader == RDATA_FOR_ALL)
		return NULL;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (forms[i].type == type)
			return forms[i].fields;
	return NULL;
}

void rdata_write_type(struct text *to, uint16_t type, enum rdata_reader reader)
{
	char name[RRTYPE_TEXT];

	if (form_of(type, reader))
		text_add(to, rrtype_text(name, type));
	else
		text_addf(to, "TYPE%u", type);
}

/* --- bytes -------------------------------------------------------------------------------- */

struct data {
	struct text *to;
	const uint8_t *at, *end;
	enum rdata_reader reader;
};

static size_t left(const struct data *d)
{
	return (size_t)(d->end - d->at);
}

static void put_hex(struct text *to, const uint8_t *p, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		text_add_char(to, digits[p[i] >> 4]);
		text_add_char(to, digits[p[i] & 15]);
	}
}

/* RFC 4648: `bits` a digit, padded to groups of `group` digits unless that is 0. */
static void put_base(
	struct text *to, const uint8_t *p, size_t len, const char *digits, unsigned group)
{
	const unsigned bits = group == 4 ? 6 : 5;
	unsigned have = 0, n = 0;
	uint32_t v = 0;

	for (size_t i = 0; i < len; i++) {
		v = v << 8 | p[i];
		for (have += 8; have >= bits; have -= bits, n++)
			text_add_char(to, digits[v >> (have - bits) & ((1u << bits) - 1)]);
	}
	if (have) {
		text_add_char(to, digits[v << (bits - have) & ((1u << bits) - 1)]);
		n++;
	}
	while (group && n++ % group)
		text_add_char(to, '=');
}

static void put_base64(struct text *to, const uint8_t *p, size_t len)
{
	put_base(to, p, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		4);
}

static void put_quoted(struct text *to, const uint8_t *p, size_t len)
{
	text_add_char(to, '"');
	for (size_t i = 0; i < len; i++)
		if (p[i] == '"' || p[i] == '\\')
			text_addf(to, "\\%c", p[i]);
		else if (p[i] < ' ' || p[i] >= 0x7f)
			text_addf(to, "\\%03u", p[i]);
		else
			text_add_char(to, (char)p[i]);
	text_add_char(to, '"');
}

/* --- fields; false: the data is not of that form ------------------------------------------ */

static bool put_number(struct data *d, unsigned bytes)
{
	uint32_t v = 0;

	if (left(d) < bytes)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | *d->at++;
	text_addf(d->to, "%u", v);
	return true;
}

static bool put_name(struct data *d)
{
	const size_t len = name_check(d->at, d->end);
	char name[NAME_TEXT];

	if (!len)
		return false;
	text_add(d->to, name_text(name, d->at));
	d->at += len;
	return true;
}

static bool put_address(struct data *d, bool v6)
{
	char name[INET6_ADDRSTRLEN];

	if (left(d) < (v6 ? 16u : 4u))
		return false;
	text_add(d->to, inet_ntop(v6 ? AF_INET6 : AF_INET, d->at, name, sizeof name));
	d->at += v6 ? 16 : 4;
	return true;
}

static bool put_string(struct data *d)
{
	if (!left(d) || left(d) < *d->at + 1u)
		return false;
	put_quoted(d->to, d->at + 1, *d->at);
	d->at += *d->at + 1;
	return true;
}

static bool put_strings(struct data *d)
{
	do {
		if (!put_string(d))
			return false;
		if (left(d))
			text_add_char(d->to, ' ');
	} while (left(d));
	return true;
}

static bool is_word(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!(p[i] >= '0' && p[i] <= '9') &&
			!((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'z'))
			return false;
	return len > 0;
}

static bool put_tag(struct data *d)
{
	if (!left(d) || left(d) < *d->at + 1u || !is_word(d->at + 1, *d->at))
		return false;
	text_add_bytes(d->to, (const char *)d->at + 1, *d->at);
	d->at += *d->at + 1;
	return true;
}

static bool put_word(struct data *d)
{
	if (!left(d) || left(d) < *d->at + 1u)
		return false;
	for (unsigned i = 1; i <= *d->at; i++)
		if (!is_word(d->at + i, 1) && !memchr("-._=", d->at[i], 4))
			return put_string(d);
	if (!*d->at)
		return put_string(d);
	text_add_bytes(d->to, (const char *)d->at + 1, *d->at);
	d->at += *d->at + 1;
	return true;
}

static bool put_words(struct data *d)
{
	do {
		if (!put_word(d))
			return false;
		if (left(d))
			text_add_char(d->to, ' ');
	} while (left(d));
	return true;
}

static bool put_type(struct data *d)
{
	if (left(d) < 2)
		return false;
	rdata_write_type(d->to, (uint16_t)be16_get(d->at), d->reader);
	d->at += 2;
	return true;
}

/* RFC 4034 section 4.1.2 */
static bool put_types(struct data *d)
{
	const char *between = "";

	while (left(d)) {
		if (left(d) < 2 || d->at[1] < 1 || d->at[1] > 32 || left(d) < d->at[1] + 2u)
			return false;
		for (unsigned i = 0; i < d->at[1] * 8u; i++)
			if (d->at[2 + i / 8] & 0x80 >> i % 8) {
				text_add(d->to, between);
				rdata_write_type(
					d->to, (uint16_t)(d->at[0] << 8 | i), d->reader);
				between = " ";
			}
		d->at += d->at[1] + 2;
	}
	return true;
}

static bool put_time(struct data *d)
{
	char shown[32];
	struct tm tm;

	if (left(d) < 4)
		return false;
	const time_t t = (time_t)be32_get(d->at);
	strftime(shown, sizeof shown, "%Y%m%d%H%M%S", gmtime_r(&t, &tm));
	text_add(d->to, shown);
	d->at += 4;
	return true;
}

static bool put_rest(struct data *d, char how)
{
	const size_t len = left(d);

	if (how == 'L')
		put_quoted(d->to, d->at, len);
	else if (!len)
		return false;
	else if (how == 'h')
		put_hex(d->to, d->at, len);
	else if (how == 'b')
		put_base64(d->to, d->at, len);
	else
		for (size_t i = 0; i < len; i++)
			text_addf(d->to, "%s%02x", i ? "-" : "", d->at[i]);
	d->at = d->end;
	return true;
}

static bool put_counted(struct data *d, bool salt)
{
	if (!left(d) || left(d) < *d->at + 1u || (!salt && !*d->at))
		return false;
	if (salt && !*d->at)
		text_add_char(d->to, '-');
	else if (salt)
		put_hex(d->to, d->at + 1, *d->at);
	else
		put_base(d->to, d->at + 1, *d->at, "0123456789abcdefghijklmnopqrstuv", 0);
	d->at += *d->at + 1;
	return true;
}

static bool put_locator(struct data *d)
{
	if (left(d) < 8)
		return false;
	for (unsigned i = 0; i < 4; i++, d->at += 2)
		text_addf(d->to, "%s%x", i ? ":" : "", (unsigned)be16_get(d->at));
	return true;
}

/* --- SVCB (RFC 9460) ---------------------------------------------------------------------- */

static bool put_mandatory(struct text *to, const uint8_t *p, size_t len)
{
	static const char *const names[] = { "mandatory", "alpn", "no-default-alpn", "port",
		"ipv4hint", "ech", "ipv6hint" };

	for (size_t i = 0; i < len; i += 2) {
		const unsigned key = be16_get(p + i);
		text_add(to, i ? "," : "");
		if (key < sizeof names / sizeof *names)
			text_add(to, names[key]);
		else
			text_addf(to, "key%u", key);
	}
	return len && len % 2 == 0;
}

/* Names with signs that need escapes in escapes are written as bytes. */
static bool put_alpn(struct text *to, const uint8_t *p, size_t len)
{
	for (size_t at = 0; at < len; at += p[at] + 1u) {
		if (!p[at] || p[at] + 1u > len - at)
			return false;
		for (unsigned i = 1; i <= p[at]; i++)
			if (!is_word(p + at + i, 1) && !memchr("-./_", p[at + i], 4))
				return false;
		text_add(to, at ? "," : "");
		text_add_bytes(to, (const char *)p + at + 1, p[at]);
	}
	return len > 0;
}

static bool put_hints(struct text *to, const uint8_t *p, size_t len, bool v6)
{
	const size_t size = v6 ? 16 : 4;
	struct data d = { .to = to, .at = p, .end = p + len };

	if (!len || len % size)
		return false;
	for (size_t i = 0; i < len; i += size) {
		text_add(to, i ? "," : "");
		put_address(&d, v6);
	}
	return true;
}

/* The keys that all servers know by name, and the others as they stand on the wire. */
static bool put_param(struct text *to, unsigned key, const uint8_t *p, size_t len)
{
	switch (key) {
	case 0: text_add(to, "mandatory="); return put_mandatory(to, p, len);
	case 1: text_add(to, "alpn="); return put_alpn(to, p, len);
	case 2: text_add(to, "no-default-alpn"); return len == 0;
	case 3:
		if (len != 2)
			return false;
		text_addf(to, "port=%u", (unsigned)be16_get(p));
		return true;
	case 4: text_add(to, "ipv4hint="); return put_hints(to, p, len, false);
	case 5:
		text_add(to, "ech=");
		put_base64(to, p, len);
		return len > 0;
	case 6: text_add(to, "ipv6hint="); return put_hints(to, p, len, true);
	default:
		text_addf(to, "key%u", key);
		if (!len)
			return true;
		text_add_char(to, '=');
		put_quoted(to, p, len);
		return true;
	}
}

static bool put_params(struct data *d)
{
	const char *between = "";

	for (; left(d); between = " ") {
		const size_t len = left(d) < 4 ? 0 : be16_get(d->at + 2);
		if (left(d) < 4 || left(d) - 4 < len)
			return false;
		text_add(d->to, between);
		if (!put_param(d->to, be16_get(d->at), d->at + 4, len))
			return false;
		d->at += 4 + len;
	}
	return true;
}

/* --- LOC (RFC 1876) ----------------------------------------------------------------------- */

static bool put_angle(struct text *to, uint32_t v, uint32_t most_degrees, const char *signs)
{
	const bool above = v >= 1u << 31;
	const uint32_t ms = above ? v - (1u << 31) : (1u << 31) - v;

	if (ms > most_degrees * 3600000u)
		return false;
	text_addf(to, "%u %u %u.%03u %c ", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
		ms % 1000, signs[!above]);
	return true;
}

/* In centimetres: a digit and a power of ten. */
static bool put_size(struct text *to, uint8_t v)
{
	uint64_t cm = v >> 4;

	if (v >> 4 > 9 || (v & 15) > 9)
		return false;
	for (unsigned i = 0; i < (v & 15u); i++)
		cm *= 10;
	text_addf(to, " %ju.%02jum", (uintmax_t)(cm / 100), (uintmax_t)(cm % 100));
	return true;
}

static bool put_location(struct data *d)
{
	const uint8_t *p = d->at;

	if (left(d) != 16 || p[0] != 0 || !put_angle(d->to, be32_get(p + 4), 90, "NS") ||
		!put_angle(d->to, be32_get(p + 8), 180, "EW"))
		return false;
	const int64_t cm = (int64_t)be32_get(p + 12) - 10000000, above = cm < 0 ? -cm : cm;
	text_addf(d->to, "%s%jd.%02jdm", cm < 0 ? "-" : "", (intmax_t)(above / 100),
		(intmax_t)(above % 100));
	d->at = d->end;
	return put_size(d->to, p[1]) && put_size(d->to, p[2]) && put_size(d->to, p[3]);
}

/* --- all together ------------------------------------------------------------------------- */

static bool put_field(struct data *d, char field)
{
	switch (field) {
	case '1':
	case '2':
	case '4': return put_number(d, (unsigned)(field - '0'));
	case 'n': return put_name(d);
	case 'a': return put_address(d, false);
	case 'A': return put_address(d, true);
	case 's': return put_string(d);
	case 'S': return put_strings(d);
	case 'w': return put_word(d);
	case 'W': return put_words(d);
	case 'g': return put_tag(d);
	case 't': return put_type(d);
	case 'B': return put_types(d);
	case 'T': return put_time(d);
	case 'x': return put_counted(d, true);
	case 'y': return put_counted(d, false);
	case 'i': return put_locator(d);
	case 'p': return put_params(d);
	case 'l': return put_location(d);
	default: return put_rest(d, field);
	}
}

static bool put_fields(struct data *d, const char *fields)
{
	for (; *fields; fields++) {
		/* Lists to the end may be empty. */
		if ((*fields == 'p' || *fields == 'B' || *fields == 'W') && !left(d))
			return true;
		text_add_char(d->to, ' ');
		if (!put_field(d, *fields))
			return false;
	}
	return !left(d);
}

void rdata_write(struct text *to, uint16_t type, const uint8_t *rdata, size_t len,
	enum rdata_reader reader)
{
	const char *fields = form_of(type, reader);
	struct text made = { 0 };
	struct data d = { &made, rdata, rdata + len, reader };

	rdata_write_type(to, type, reader);
	if (fields && put_fields(&d, fields)) {
		text_add_bytes(to, text_get(&made), made.len);
	} else {
		text_addf(to, " \\# %zu", len);
		if (len)
			text_add_char(to, ' ');
		put_hex(to, rdata, len);
	}
	to->lost = to->lost || made.lost;
	text_fini(&made);
}
