#include "zone/rdata_ldns.h"

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/rdata_odd.h"
#include "zone/rdata_svcb.h"
#include "zone/rdata_words.h"
#include "zone/value.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>

/* A type that ldns, or Debian's build of it, has no grammar for, but has for one of the same
 * form. */
static uint16_t same_form(uint16_t type)
{
	switch (type) {
	case LDNS_RR_TYPE_NINFO:
	case RRTYPE_AVC:
	case RRTYPE_RESINFO:
	case RRTYPE_WALLET:
	case RRTYPE_CLA: return RRTYPE_TXT;
	case LDNS_RR_TYPE_NSAP_PTR: return RRTYPE_PTR; /* ldns takes it for a string */
	case LDNS_RR_TYPE_RKEY: return RRTYPE_KEY;
	case LDNS_RR_TYPE_TA: return RRTYPE_DS;
	default: return type;
	}
}

/* NULL for a type that ldns knows no fields of. Its SINK stops after the first of four. */
static const ldns_rr_descriptor *grammar(uint16_t type)
{
	const ldns_rr_descriptor *d = ldns_rr_descript(same_form(type));

	if (!d || !d->_name || strncmp(d->_name, "TYPE", 4) == 0 || type == LDNS_RR_TYPE_SINK)
		return NULL;
	for (size_t i = 0; i < ldns_rr_descriptor_minimum(d); i++)
		if (ldns_rr_descriptor_field_type(d, i) == LDNS_RDF_TYPE_UNKNOWN)
			return NULL;
	return d;
}

/* --- text --------------------------------------------------------------------------------- */

/* What people call the fields, for messages; ldns has no names for them. */
static const char *field_title(uint16_t type, size_t i)
{
	static const struct {
		uint16_t type, same_as;
		const char *title[9];
	} known[] = {
		{ RRTYPE_DS, RRTYPE_CDS,
			{ "the key tag", "the algorithm", "the digest type", "the digest" } },
		{ RRTYPE_DNSKEY, RRTYPE_CDNSKEY,
			{ "the flags", "the protocol", "the algorithm", "the public key" } },
		{ RRTYPE_KEY, LDNS_RR_TYPE_RKEY, { "the flags", "the protocol", "the algorithm", "the public key" } },
		{ RRTYPE_RRSIG, RRTYPE_SIG,
			{ "the type covered", "the algorithm", "the number of labels",
				"the original TTL", "the expiration", "the inception",
				"the key tag", "the signer's name", "the signature" } },
		{ RRTYPE_NSEC3, RRTYPE_NSEC3PARAM,
			{ "the hash algorithm", "the flags", "the iterations", "the salt",
				"the next hashed owner" } },
		{ RRTYPE_SVCB, RRTYPE_HTTPS, { "the priority", "the target's name" } },
		{ RRTYPE_NAPTR, 0,
			{ "the order", "the preference", "the flags", "the service",
				"the regular expression", "the replacement" } },
		{ LDNS_RR_TYPE_TLSA, LDNS_RR_TYPE_SMIMEA,
			{ "the certificate usage", "the selector", "the matching type",
				"the certificate data" } },
		{ LDNS_RR_TYPE_SSHFP, 0,
			{ "the algorithm", "the fingerprint type", "the fingerprint" } },
		{ LDNS_RR_TYPE_URI, 0, { "the priority", "the weight", "the target" } },
		{ LDNS_RR_TYPE_CERT, 0,
			{ "the certificate type", "the key tag", "the algorithm",
				"the certificate" } },
		{ LDNS_RR_TYPE_HINFO, 0, { "the CPU", "the operating system" } },
		{ LDNS_RR_TYPE_ZONEMD, 0,
			{ "the serial", "the scheme", "the hash algorithm", "the digest" } },
	};

	for (unsigned k = 0; k < sizeof known / sizeof *known; k++)
		if (type == known[k].type || type == known[k].same_as)
			return i < 9 && known[k].title[i] ? known[k].title[i] : "a field";
	return "a field";
}

/* A number of one or two bytes that may be a word: RSASHA256, PKIX-TA. */
static bool read_mnemonic(struct fields *f, ldns_rdf_type kind, const char *what)
{
	const struct token *tok = &f->in->tok;
	const unsigned bytes = kind == LDNS_RDF_TYPE_CERT_ALG ? 2 : 1;
	char text[TOKEN_TEXT];

	if (!field_word(f, what))
		return false;
	if (value_hex_digit(*tok->s) >= 0 && value_hex_digit(*tok->s) < 10)
		return field_number(f, bytes, what);
	token_text(text, tok);
	ldns_rdf *rdf = tok->len < 32 ? ldns_rdf_new_frm_str(kind, text) : NULL;
	/* What ldns cannot look up it reads as a number; those have been taken above. */
	const bool known = rdf && ldns_rdf_size(rdf) == bytes && *tok->s != '-' &&
		*tok->s != '+';
	const bool ok = known && field_bytes(f, ldns_rdf_data(rdf), bytes);
	ldns_rdf_deep_free(rdf);
	if (!known)
		return token_fault(
			f->in, tok->s, "%s is not known as %s (write its number)", text, what);
	token_next(f->in);
	return ok;
}

/* "20260131235959" as ldns understands it, once we know that there is such a day. */
static bool date_exists(const char *s)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	uint32_t year, month, day, hour, minute, second;

	return value_number(&year, s, 4, 9999) && value_number(&month, s + 4, 2, 12) &&
		value_number(&day, s + 6, 2, 31) && value_number(&hour, s + 8, 2, 23) &&
		value_number(&minute, s + 10, 2, 59) && value_number(&second, s + 12, 2, 59) &&
		year >= 1970 && month && day && day <= days[month - 1] &&
		(month != 2 || day < 29 || (year % 4 == 0 && (year % 100 || year % 400 == 0)));
}

static bool read_time(struct fields *f, const char *what)
{
	const struct token *tok = &f->in->tok;
	char text[TOKEN_TEXT];

	if (!field_word(f, what))
		return false;
	if (tok->len != 14)
		return field_number(f, 4, what);
	token_text(text, tok);
	ldns_rdf *rdf = date_exists(tok->s) ? ldns_rdf_new_frm_str(LDNS_RDF_TYPE_TIME, text)
					    : NULL;
	if (!rdf)
		return token_fault(
			f->in, tok->s, "%s is no date (YYYYMMDDHHmmSS in UTC)", text);
	const bool ok = field_bytes(f, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	ldns_rdf_deep_free(rdf);
	token_next(f->in);
	return ok;
}

/* Hex with its length in front; "-" is none (RFC 5155 section 3.3). */
static bool read_salt(struct fields *f, const char *what)
{
	const struct token *tok = &f->in->tok;
	uint8_t *const len = f->at;
	const char *const at = tok->s;

	if (!field_word(f, what) || !field_bytes(f, &(uint8_t){ 0 }, 1))
		return false;
	if (tok->len == 1 && *tok->s == '-') {
		token_next(f->in);
		return true;
	}
	if (!field_hex(f, false, what))
		return false;
	if (f->at - len - 1 > 255)
		return token_fault(f->in, at, "%s is over 255 bytes", what);
	*len = (uint8_t)(f->at - len - 1);
	return true;
}

static bool read_field(struct fields *f, ldns_rdf_type kind, bool last, const char *what)
{
	switch (kind) {
	case LDNS_RDF_TYPE_DNAME: return field_name(f, what);
	case LDNS_RDF_TYPE_INT8: return field_number(f, 1, what);
	case LDNS_RDF_TYPE_INT16: return field_number(f, 2, what);
	case LDNS_RDF_TYPE_INT32: return field_number(f, 4, what);
	case LDNS_RDF_TYPE_PERIOD: return field_period(f, UINT32_MAX, what);
	case LDNS_RDF_TYPE_A: return field_a(f, what);
	case LDNS_RDF_TYPE_AAAA: return field_aaaa(f, what);
	case LDNS_RDF_TYPE_STR: return field_string(f, what);
	case LDNS_RDF_TYPE_TAG: return field_tag(f, what);
	case LDNS_RDF_TYPE_LONG_STR: return field_long_string(f, what);
	case LDNS_RDF_TYPE_HEX: return field_hex(f, last, what);
	case LDNS_RDF_TYPE_B64: return field_base64(f, last, what);
	case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER:
	case LDNS_RDF_TYPE_B32_EXT: return field_base32(f, what);
	case LDNS_RDF_TYPE_NSEC3_SALT: return read_salt(f, what);
	case LDNS_RDF_TYPE_TYPE: return field_type(f, what);
	case LDNS_RDF_TYPE_NSEC: return field_bitmap(f);
	case LDNS_RDF_TYPE_TIME: return read_time(f, what);
	case LDNS_RDF_TYPE_ALG:
	case LDNS_RDF_TYPE_CERT_ALG:
	case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
	case LDNS_RDF_TYPE_SELECTOR:
	case LDNS_RDF_TYPE_MATCHING_TYPE: return read_mnemonic(f, kind, what);
	case LDNS_RDF_TYPE_ILNP64: return field_hex_groups(f, 4, 4, ':', "this identifier");
	case LDNS_RDF_TYPE_EUI48: return field_hex_groups(f, 6, 2, '-', "an EUI-48");
	case LDNS_RDF_TYPE_EUI64: return field_hex_groups(f, 8, 2, '-', "an EUI-64");
	case LDNS_RDF_TYPE_IPSECKEY: return rdata_odd_read_ipseckey(f);
	case LDNS_RDF_TYPE_HIP: return rdata_odd_read_hip(f);
	case LDNS_RDF_TYPE_LOC: return rdata_odd_read_loc(f);
	case LDNS_RDF_TYPE_APL: return rdata_odd_read_apl(f);
	case LDNS_RDF_TYPE_WKS: return rdata_odd_read_wks(f);
	case LDNS_RDF_TYPE_NSAP: return rdata_odd_read_nsap(f);
	case LDNS_RDF_TYPE_ATMA: return rdata_odd_read_atma(f);
	case LDNS_RDF_TYPE_SVCPARAMS: return rdata_svcb_read(f);
	default:
		return token_fault(f->in, f->in->tok.s,
			"%s cannot be read as text here (write the data as \\# length hex, "
			"RFC 3597)",
			what);
	}
}

/* A number that is written as a word of BIND's. False: it is none of these. */
static bool is_word(struct fields *f, uint16_t type, size_t i)
{
	const struct token *tok = &f->in->tok;
	uint16_t number;

	const unsigned bytes = token_is_word(tok) ? rdata_word(type, i, tok->s, tok->len, &number) : 0;
	if (!bytes || !field_bytes(f, (uint8_t[2]){ (uint8_t)(bytes == 2 ? number >> 8 : number), (uint8_t)number }, bytes))
		return false;
	token_next(f->in);
	return true;
}

/* RFC 2535 section 3.1.2: a KEY may say that there is none. */
static bool is_no_key(const struct fields *f, uint16_t type, size_t i)
{
	return type == RRTYPE_KEY && i == 3 && f->in->tok.kind == TOKEN_END && (*f->start & 0xc0) == 0xc0;
}

bool rdata_ldns_read(struct fields *f, uint16_t type)
{
	const ldns_rr_descriptor *d = grammar(type);

	if (!d)
		return token_fault(f->in, f->in->tok.s - (f->in->tok.kind == TOKEN_QUOTED),
			"the text form of %s is not known "
			"here (write it as TYPE%u \\# length hex, RFC 3597)",
			f->type, type);
	const size_t least = ldns_rr_descriptor_minimum(d),
		     most = ldns_rr_descriptor_maximum(d);
	for (size_t i = 0; i < most && (i < least || f->in->tok.kind != TOKEN_END); i++)
		if (!is_no_key(f, type, i) && !is_word(f, type, i) && !read_field(f, ldns_rr_descriptor_field_type(d, i), i + 1 == most,
			    field_title(type, i)))
			return false;
	return true;
}

/* --- wire --------------------------------------------------------------------------------- */

/* Windows in ascending order, none empty, none with zeros at its end (RFC 4034 section 4.1.2).
 */
static size_t bitmap_len(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *const start = p;

	for (int window = -1; p < end; p += 2 + p[1]) {
		if (end - p < 3 || p[0] <= window || p[1] == 0 || p[1] > 32 ||
			end - p < 2 + p[1] || p[1 + p[1]] == 0)
			return SIZE_MAX;
		window = p[0];
	}
	return (size_t)(p - start);
}

static bool all_alphanumeric(const uint8_t *p, unsigned n)
{
	for (; n; n--, p++)
		if (!((*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')))
			return false;
	return true;
}

/* What a field that must not be empty came to; SIZE_MAX stands for "no such field". */
static size_t some(size_t len)
{
	return len ? len : SIZE_MAX;
}

/* How many bytes at `p` are such a field; more than there are when it is none. */
static size_t field_len(ldns_rdf_type kind, const uint8_t *p, const uint8_t *end)
{
	const size_t left = (size_t)(end - p);

	switch (kind) {
	case LDNS_RDF_TYPE_DNAME: return some(name_check(p, end));
	case LDNS_RDF_TYPE_INT8:
	case LDNS_RDF_TYPE_ALG:
	case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
	case LDNS_RDF_TYPE_SELECTOR:
	case LDNS_RDF_TYPE_MATCHING_TYPE: return 1;
	case LDNS_RDF_TYPE_INT16:
	case LDNS_RDF_TYPE_TYPE:
	case LDNS_RDF_TYPE_CERT_ALG: return 2;
	case LDNS_RDF_TYPE_INT32:
	case LDNS_RDF_TYPE_PERIOD:
	case LDNS_RDF_TYPE_TIME:
	case LDNS_RDF_TYPE_A: return 4;
	case LDNS_RDF_TYPE_AAAA: return 16;
	case LDNS_RDF_TYPE_EUI48: return 6;
	case LDNS_RDF_TYPE_EUI64:
	case LDNS_RDF_TYPE_ILNP64: return 8;
	case LDNS_RDF_TYPE_STR:
	case LDNS_RDF_TYPE_NSEC3_SALT: return left ? 1u + p[0] : SIZE_MAX;
	case LDNS_RDF_TYPE_B32_EXT:
	case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER: return left && p[0] ? 1u + p[0] : SIZE_MAX;
	case LDNS_RDF_TYPE_TAG:
		return left && p[0] && p[0] < left && all_alphanumeric(p + 1, p[0]) ? 1u + p[0]
										    : SIZE_MAX;
	case LDNS_RDF_TYPE_NSEC: return bitmap_len(p, end);
	case LDNS_RDF_TYPE_IPSECKEY: return some(rdata_odd_ipseckey_len(p, end));
	case LDNS_RDF_TYPE_HIP: return some(rdata_odd_hip_len(p, end));
	case LDNS_RDF_TYPE_LOC: return some(rdata_odd_loc_len(p, end));
	case LDNS_RDF_TYPE_APL: return some(rdata_odd_apl_len(p, end));
	case LDNS_RDF_TYPE_HEX:
	case LDNS_RDF_TYPE_B64:
	case LDNS_RDF_TYPE_NSAP:
	case LDNS_RDF_TYPE_ATMA:
	case LDNS_RDF_TYPE_WKS: return some(left);
	case LDNS_RDF_TYPE_LONG_STR:
	default: return left;
	}
}

bool rdata_ldns_check(uint16_t type, const uint8_t *rdata, size_t len, struct fault *why)
{
	const ldns_rr_descriptor *d = grammar(type);
	const uint8_t *p = rdata, *const end = rdata + len;

	if (!d)
		return true;
	const size_t least = ldns_rr_descriptor_minimum(d),
		     most = ldns_rr_descriptor_maximum(d);
	for (size_t i = 0; i < most && (i < least || p < end); i++) {
		const ldns_rdf_type kind = ldns_rr_descriptor_field_type(d, i);
		if (kind == LDNS_RDF_TYPE_SVCPARAMS)
			return rdata_svcb_check(p, end, why);
		if (type == RRTYPE_KEY && i == 3 && p == end && (*rdata & 0xc0) == 0xc0)
			return true;
		const size_t n = field_len(kind, p, end);
		if (n > (size_t)(end - p))
			return fault(why,
				"field %zu is not whole, or not what it should be (byte %zu of "
				"%zu)",
				i + 1, (size_t)(p - rdata) + 1, len);
		p += n;
	}
	return p == end ||
		fault(why, "%zu bytes are left over behind the last field", (size_t)(end - p));
}
