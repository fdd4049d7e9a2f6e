#include "zone/rdata.h"

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/edge_rr.h"
#include "zone/field.h"
#include "zone/rdata_ldns.h"
#include "zone/rdata_odd.h"
#include "zone/rdata_rare.h"
#include "zone/value.h"

#include <string.h>

/* --- common types ------------------------------------------------------------------------- */

static bool read_mx(struct fields *f)
{
	return field_number(f, 2, "the preference") && field_name(f, "the mail server's name");
}

static bool read_srv(struct fields *f)
{
	return field_number(f, 2, "the priority") && field_number(f, 2, "the weight") &&
		field_number(f, 2, "the port") && field_name(f, "the server's name");
}

static bool read_txt(struct fields *f)
{
	do
		if (!field_string(f, "a string"))
			return false;
	while (f->in->tok.kind != TOKEN_END);
	return true;
}

/* The mailbox of an SOA is a name, and the first mistake everybody makes is the "@". */
static bool read_mailbox(struct fields *f)
{
	const struct token *tok = &f->in->tok;
	const char *at = tok->kind == TOKEN_WORD && tok->len > 1 ? memchr(tok->s, '@', tok->len)
								 : NULL;

	if (at && (at == tok->s || at[-1] != '\\'))
		token_warning(f->in, at,
			"the mailbox is written as a name (a dot instead of this @, "
			"and dots in front of it as \\.); as it stands the @ is part of a "
			"label (RFC 1035 section 8)");
	return field_name(f, "the mailbox of who is responsible");
}

/* Served as written: whoever takes it for a TTL takes the smaller of it and the SOA's. */
static bool read_minimum(struct fields *f)
{
	const char *const at = f->in->tok.s;

	if (!field_period(f, UINT32_MAX, "the minimum TTL"))
		return false;
	if (be32_get(f->at - 4) > FIELD_TTL_MOST)
		token_warning(f->in, at,
			"this minimum is no TTL (at most 2147483647 seconds, RFC 2181 section "
			"8)");
	return true;
}

static bool read_soa(struct fields *f)
{
	return field_name(f, "the primary server's name") && read_mailbox(f) &&
		field_number(f, 4, "the serial") &&
		field_period(f, UINT32_MAX, "the refresh time") &&
		field_period(f, UINT32_MAX, "the retry time") &&
		field_period(f, UINT32_MAX, "the expire time") && read_minimum(f);
}

static bool read_caa(struct fields *f)
{
	return field_number(f, 1, "the flags") && field_tag(f, "the tag") &&
		field_long_string(f, "the value");
}

static bool read_edge(struct fields *f)
{
	const struct token *tok = &f->in->tok;

	if (tok->kind == TOKEN_QUOTED && tok->len == 0)
		return token_fault(
			f->in, tok->s - 1, "an EDGE record needs the name of a pool");
	if (!field_string(f, "the pool's name"))
		return false;
	struct edge_rr rr = { .answers = 0 };
	while (tok->kind != TOKEN_END) {
		const uint8_t *word = f->at + 1;
		const char *const at = tok->s - (tok->kind == TOKEN_QUOTED);
		struct fault why;
		if (!field_string(f, "a word behind the pool's name"))
			return false;
		if (!edge_rr_word(&rr, word, word[-1], &why))
			return token_fault(f->in, at, "%s", why.text);
	}
	return true;
}

/* --- any type as bytes -------------------------------------------------------------------- */

static bool read_unknown(struct fields *f, uint16_t type)
{
	struct fault why;
	uint32_t want;
	const struct token *tok = &f->in->tok;
	const char *const start = tok->s;
	char text[TOKEN_TEXT];

	token_next(f->in);
	if (!field_word(f, "the number of bytes behind \\#"))
		return false;
	if (!value_number(&want, tok->s, tok->len, RDATA_MOST))
		return token_fault(f->in, tok->s,
			"%s cannot be the number of bytes behind \\# (0 to %u)",
			token_text(text, tok), RDATA_MOST);
	const char *const count = tok->s;
	token_next(f->in);
	if ((want || tok->kind != TOKEN_END) && !field_hex(f, true, "the data behind \\#"))
		return false;
	const size_t have = (size_t)(f->at - f->start);
	if (have != want)
		return token_fault(
			f->in, count, "\\# announces %u bytes, and %zu follow", want, have);
	if (!rdata_check(type, f->start, have, &why))
		return token_fault(
			f->in, start, "these bytes are no %s record: %s", f->type, why.text);
	return true;
}

/* --- all together ------------------------------------------------------------------------- */

static bool read_fields(struct fields *f, uint16_t type)
{
	const struct token *tok = &f->in->tok;

	if (tok->kind == TOKEN_WORD && tok->len == 2 && tok->s[0] == '\\' && tok->s[1] == '#')
		return read_unknown(f, type);
	switch (type) {
	case RRTYPE_A: return field_a(f, "the address");
	case RRTYPE_AAAA: return field_aaaa(f, "the address");
	case RRTYPE_NS: return field_name(f, "the nameserver's name");
	case RRTYPE_CNAME:
	case RRTYPE_PTR:
	case RRTYPE_DNAME: return field_name(f, "the name it points to");
	case RRTYPE_MX: return read_mx(f);
	case RRTYPE_SRV: return read_srv(f);
	case RRTYPE_TXT: return read_txt(f);
	case RRTYPE_SOA: return read_soa(f);
	case RRTYPE_CAA: return read_caa(f);
	case RRTYPE_AMTRELAY: return rdata_odd_read_amtrelay(f);
	case RRTYPE_EDGE: return read_edge(f);
	}
	bool known;
	const bool ok = rdata_rare_read(f, type, &known);
	return known ? ok : rdata_ldns_read(f, type);
}

int rdata_read(
	struct tokens *in, uint16_t type, const uint8_t *origin, uint8_t to[static RDATA_MOST])
{
	char name[RRTYPE_TEXT], text[TOKEN_TEXT];
	struct fields f = {
		.in = in,
		.origin = origin,
		.type = "",
		.start = to,
		.at = to,
		.end = to + RDATA_MOST,
	};

	/* The two that zones are full of never need their name. */
	if (type != RRTYPE_A && type != RRTYPE_AAAA)
		f.type = rrtype_text(name, type);
	else
		f.type = type == RRTYPE_A ? "A" : "AAAA";
	if (!read_fields(&f, type))
		return -1;
	if (in->tok.kind != TOKEN_END) {
		token_fault(in, in->tok.s - (in->tok.kind == TOKEN_QUOTED),
			"%s is too much: the %s record is complete "
			"before it (remove it, or start a new line)",
			token_text(text, &in->tok), f.type);
		return -1;
	}
	return in->failed ? -1 : (int)(f.at - to);
}

bool rdata_check(uint16_t type, const uint8_t *rdata, size_t len, struct fault *why)
{
	if (len > RDATA_MOST)
		return fault(why, "over 65535 bytes");
	switch (type) {
	case RRTYPE_EDGE:
		return edge_rr_check(rdata, len, why);
	case RRTYPE_AMTRELAY:
		return rdata_odd_amtrelay_len(rdata, rdata + len) == len ||
			fault(why, "it is a precedence, a type, and a relay of that type");
	}
	bool known;
	const bool ok = rdata_rare_check(type, rdata, len, &known, why);
	return known ? ok : rdata_ldns_check(type, rdata, len, why);
}
