#include "zone/head.h"

#include "dns/rrtype.h"
#include "zone/field.h"
#include "zone/value.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool head_word(const struct token *tok, const char *name)
{
	return strlen(name) == tok->len && strncasecmp(tok->s, name, tok->len) == 0;
}

static bool take_ttl(struct tokens *t, uint64_t n, uint32_t *ttl_s)
{
	char text[TOKEN_TEXT];

	if (n > UINT32_MAX)
		return token_fault(t, t->tok.s,
			"the TTL %s is too long (at most 2147483647 seconds, RFC 2181 section "
			"8)",
			token_text(text, &t->tok));
	/* RFC 2181 section 8: a TTL whose most significant bit is set is to be treated as 0. */
	if (n > FIELD_TTL_MOST) {
		token_warning(t, t->tok.s,
			"the TTL %s is over 2147483647 seconds and counts as 0 (RFC 2181 "
			"section 8)",
			token_text(text, &t->tok));
		n = 0;
	}
	*ttl_s = (uint32_t)n;
	token_next(t);
	return true;
}

bool head_ttl(struct tokens *t, uint32_t *ttl_s)
{
	const struct token *tok = &t->tok;
	char text[TOKEN_TEXT];
	uint64_t n;

	if (tok->kind == TOKEN_END)
		return token_fault(t, tok->s, "a TTL is missing here");
	if (!token_is_word(tok) || !value_period(&n, tok->s, tok->len))
		return token_fault(t, tok->s,
			"%s is not a TTL (write seconds, or units as in 1w2d3h4m5s)",
			token_text(text, tok));
	return take_ttl(t, n, ttl_s);
}

enum class_word { CLASS_NOT, CLASS_IN, CLASS_OTHER };

static enum class_word class_word(const struct token *tok)
{
	static const char *const others[] = { "CH", "CHAOS", "HS", "HESIOD", "CS", "NONE" };
	const char first = (char)(*tok->s | 0x20);
	uint32_t n;

	if (first == 'i' && tok->len == 2 && (tok->s[1] | 0x20) == 'n')
		return CLASS_IN;
	if (first != 'c' && first != 'h' && first != 'n')
		return CLASS_NOT; /* most words here are types */
	for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
		if (head_word(tok, others[i]))
			return CLASS_OTHER;
	if (tok->len > 5 && strncasecmp(tok->s, "CLASS", 5) == 0 &&
		value_number(&n, tok->s + 5, tok->len - 5, UINT16_MAX))
		return n == RRCLASS_IN ? CLASS_IN : CLASS_OTHER;
	return CLASS_NOT;
}

/* What other servers call what EDGE does. */
static const char *instead(const struct token *tok)
{
	static const struct {
		const char *type, *say;
	} row[] = {
		{ "DYNA",
			"DYNA is a type of gdnsd; write EDGE and the name of a pool here, as "
			"in "
			"\"www 60 EDGE web\"" },
		{ "DYNC",
			"DYNC is a type of gdnsd; write EDGE and the name of a pool here, "
			"whose "
			"edges have a cname where that is what it answers with" },
		{ "ALIAS",
			"ALIAS is a type of PowerDNS and Knot; write EDGE here and the name of "
			"a pool whose edges have the addresses, or a CNAME where the name has "
			"nothing else" },
		{ "ANAME",
			"ANAME is no type that was ever assigned; write EDGE here and the name "
			"of a pool whose edges have the addresses, or a CNAME where the name "
			"has nothing else" },
		{ "LUA",
			"LUA is a type of PowerDNS; write EDGE and the name of a pool here, "
			"which has the addresses and their probes" },
	};

	for (unsigned i = 0; i < sizeof row / sizeof *row; i++)
		if (head_word(tok, row[i].type))
			return row[i].say;
	return NULL;
}

static bool not_a_type(struct tokens *t, bool indented)
{
	const struct token tok = t->tok;
	const char *nearest = rrtype_nearest(tok.s, tok.len);
	char text[TOKEN_TEXT];
	uint16_t type;

	if (instead(&tok))
		return token_fault(t, tok.s, "%s", instead(&tok));
	token_text(text, &tok);
	if (is_digit(*tok.s))
		return token_fault(t, tok.s,
			"%s is neither a TTL (seconds, or units as in 1h30m) nor a record type",
			text);
	if (nearest)
		return token_fault(
			t, tok.s, "%s is not a record type (is %s meant?)", text, nearest);
	struct tokens ahead = *t;
	ahead.failed = true;
	token_next(&ahead);
	if (indented && token_is_word(&ahead.tok) &&
		(is_digit(*ahead.tok.s) || class_word(&ahead.tok) != CLASS_NOT ||
			rrtype_parse(&type, ahead.tok.s, ahead.tok.len)))
		return token_fault(t, tok.s,
			"%s is not a record type (an owner starts in column 1; an indented "
			"line "
			"belongs to the owner before it)",
			text);
	return token_fault(
		t, tok.s, "%s is not a record type (a name such as A, or TYPEnnn)", text);
}

static bool read_type(struct tokens *t, struct head *h, bool indented)
{
	const struct token *tok = &t->tok;
	char text[TOKEN_TEXT];

	h->type_at = tok->s;
	/* The most frequent ones without a search. */
	if (tok->len == 1 && (*tok->s | 0x20) == 'a')
		h->type = RRTYPE_A;
	else if (!rrtype_parse(&h->type, tok->s, tok->len))
		return not_a_type(t, indented);
	else if (rrtype_is_meta(h->type))
		return token_fault(t, tok->s,
			"%s stands in no zone (it is for questions and messages only)",
			token_text(text, tok));
	token_next(t);
	return true;
}

/* TTL and class may come in either order, once each, or not at all. */
bool head_read(struct tokens *t, struct head *h, bool indented)
{
	const struct token *tok = &t->tok;
	char text[TOKEN_TEXT];
	bool has_class = false;

	*h = (struct head){ 0 };
	for (;;) {
		uint64_t n;
		if (!token_is_word(tok)) {
			if (tok->kind == TOKEN_END)
				return token_fault(t, tok->s, "the record type is missing");
			return token_fault(t, tok->s - (tok->kind == TOKEN_QUOTED),
				"%s cannot be a record type", token_text(text, tok));
		}
		if (is_digit(*tok->s) && !h->has_ttl && value_period(&n, tok->s, tok->len)) {
			if (!take_ttl(t, n, &h->ttl_s))
				return false;
			h->has_ttl = true;
			continue;
		}
		const enum class_word class = has_class ? CLASS_NOT : class_word(tok);
		if (class == CLASS_NOT)
			return read_type(t, h, indented);
		if (class == CLASS_OTHER)
			return token_fault(t, tok->s,
				"class %s is not served (zones here are of class IN)",
				token_text(text, tok));
		has_class = true;
		token_next(t);
	}
}
