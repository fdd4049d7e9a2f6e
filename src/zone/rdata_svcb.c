#include "zone/rdata_svcb.h"

#include "base/bytes.h"
#include "zone/rdata_svcb_keys.h"
#include "zone/value.h"

#include <stdio.h>
#include <string.h>

enum { PARAMS_MOST = 256 };

struct param {
	uint32_t key;
	const char *at; /* where it was written */
	uint8_t *value; /* in the data, behind key and length */
	size_t len;
};

/* A value without its quotes; escapes are still in it. */
struct value {
	const char *s, *end;
	const char *at; /* for faults */
	bool has;       /* there was a "=" */
	bool opaque; /* of a keyNNNNN: the bytes are those of the wire (RFC 9460 section 2.1) */
};

static bool find_key(uint32_t *key, const char *s, size_t len)
{
	for (unsigned i = 0; i < KEYS_NAMED; i++)
		if (strlen(rdata_svcb_keys[i]) == len &&
			memcmp(rdata_svcb_keys[i], s, len) == 0) {
			*key = i;
			return true;
		}
	return len > 3 && memcmp(s, "key", 3) == 0 && (s[3] != '0' || len == 4) &&
		value_number(key, s + 3, len - 3, KEY_INVALID - 1);
}

/* --- values ------------------------------------------------------------------------------- */

/* The next item of a list, up to a comma; false at the end of the list. Commas in items are for
 * alpn alone. */
static bool next_item(struct value *v, struct value *item)
{
	if (v->s > v->end)
		return false;
	const char *comma = memchr(v->s, ',', (size_t)(v->end - v->s));
	*item = (struct value){ v->s, comma ? comma : v->end, v->s, true, false };
	v->s = item->end + 1;
	return true;
}

static bool read_plain(struct fields *f, struct value *v)
{
	while (v->s < v->end) {
		if (!field_room(f, 1))
			return false;
		if (!token_char(&v->s, v->end, f->at))
			return token_fault(f->in, v->s,
				"this escape is broken (write \\ and a sign, or \\DDD)");
		f->at++;
	}
	return true;
}

/* A list inside a string (RFC 9460 appendix A.1): the string's escapes are undone first, and in
 * what comes out "\," is a comma and "\\" a backslash that do not end an item. `what`: of 1 to
 * 255 bytes each. */
static bool read_list(struct fields *f, struct value *v, const char *what)
{
	uint8_t *len;

	do {
		len = f->at;
		if (!field_bytes(f, &(uint8_t){ 0 }, 1))
			return false;
		bool ended = false;
		while (v->s < v->end && !ended) {
			const char *const here = v->s;
			unsigned char c;
			if (!token_char(&v->s, v->end, &c))
				return token_fault(f->in, here,
					"this escape is broken (write \\ and a sign, or "
					"\\DDD)");
			if (c == ',') {
				ended = true;
				continue;
			}
			if (c == '\\' && (v->s == v->end || !token_char(&v->s, v->end, &c)))
				return token_fault(f->in, here,
					"this escape is broken (a comma in a name is written "
					"\\\\,)");
			if (!field_bytes(f, &c, 1))
				return false;
		}
		if (f->at - len - 1 == 0 || f->at - len - 1 > 255)
			return token_fault(f->in, v->at, "%s", what);
		*len = (uint8_t)(f->at - len - 1);
		if (!ended)
			return true;
	} while (v->s <= v->end);
	return true;
}

static bool read_hints(struct fields *f, struct value *v, bool v6)
{
	struct value item;

	while (next_item(v, &item)) {
		const size_t len = (size_t)(item.end - item.s);
		if (!field_room(f, 16))
			return false;
		if (!(v6 ? value_aaaa(f->at, item.s, len) : value_a(f->at, item.s, len)))
			return token_fault(f->in, item.at, "this is not an %s address",
				v6 ? "IPv6" : "IPv4");
		f->at += v6 ? 16 : 4;
	}
	return true;
}

static bool read_mandatory(struct fields *f, struct value *v)
{
	uint8_t *const start = f->at;
	struct value item;
	uint32_t key;

	while (next_item(v, &item)) {
		if (!find_key(&key, item.s, (size_t)(item.end - item.s)))
			return token_fault(
				f->in, item.at, "this is no key (as in mandatory=alpn,port)");
		if (!field_room(f, 2))
			return false;
		/* In ascending order, each once. */
		uint8_t *at = start;
		while (at < f->at && be16_get(at) < key)
			at += 2;
		if (at < f->at && be16_get(at) == key)
			return token_fault(
				f->in, item.at, "this key stands twice in mandatory");
		memmove(at + 2, at, (size_t)(f->at - at));
		be16_put(at, key);
		f->at += 2;
	}
	return true;
}

static bool read_base64(struct fields *f, struct value *v)
{
	struct fields part = *f;
	struct tokens in;

	/* As the only word of a text of its own, whose faults are told here. */
	char text[8192];
	const size_t len = (size_t)(v->end - v->s);
	if (len >= sizeof text)
		return token_fault(f->in, v->at, "the value of ech is too long");
	memcpy(text, v->s, len);
	text[len] = 0;
	token_init(&in, f->in->path, text, len, f->in->faults);
	in.made_by = f->in;
	in.made_at = v->at;
	in.made_note = "the value of ech";
	token_next(&in);
	part.in = &in;
	if (!field_base64(&part, false, "ech"))
		return false;
	f->at = part.at;
	return in.tok.kind == TOKEN_END ||
		token_fault(f->in, v->at, "the value of ech is one word of base64");
}

static bool read_port(struct fields *f, struct value *v)
{
	uint32_t port;

	if (!value_number(&port, v->s, (size_t)(v->end - v->s), UINT16_MAX))
		return token_fault(f->in, v->at, "the port is a number from 0 to 65535");
	return field_bytes(f, (uint8_t[2]){ (uint8_t)(port >> 8), (uint8_t)port }, 2);
}

/* draft-ietf-tls-key-share-prediction section 3.1 */
static bool read_groups(struct fields *f, struct value *v)
{
	struct value item;
	uint32_t group;

	while (next_item(v, &item)) {
		if (!value_number(&group, item.s, (size_t)(item.end - item.s), UINT16_MAX))
			return token_fault(f->in, item.at,
				"a group of TLS is a number from 0 to 65535 (as in "
				"tls-supported-groups=29,23)");
		if (!field_bytes(f, (uint8_t[2]){ (uint8_t)(group >> 8), (uint8_t)group }, 2))
			return false;
	}
	return true;
}

/* draft-johani-dnsop-svcb-oots section 2: what share of its queries a nameserver can bear by
 * each transport. */
static bool read_oots(struct fields *f, struct value *v)
{
	struct value item;
	uint32_t share;

	while (next_item(v, &item)) {
		const char *colon = memchr(item.s, ':', (size_t)(item.end - item.s));
		if (!colon || colon == item.s || colon - item.s > 255 ||
			!value_number(&share, colon + 1, (size_t)(item.end - colon - 1), 100))
			return token_fault(f->in, item.at,
				"oots is a list of transports and their percentages (as in "
				"oots=do53:100,dot:20)");
		const uint8_t len = (uint8_t)(colon - item.s), percent = (uint8_t)share;
		if (!field_bytes(f, &len, 1) || !field_bytes(f, item.s, len) ||
			!field_bytes(f, &percent, 1))
			return false;
	}
	return true;
}

static bool read_value(struct fields *f, uint32_t key, struct value *v)
{
	if (v->opaque)
		return read_plain(f, v);
	if (key == KEY_NO_DEFAULT_ALPN || key == KEY_OHTTP || key == KEY_PVD)
		return v->s == v->end ||
			token_fault(f->in, v->at, "%s has no value", rdata_svcb_keys[key]);
	if (key == KEY_DOCPATH && v->s == v->end) /* the root of the resources */
		return true;
	if (key < KEYS_NAMED && (!v->has || v->s == v->end))
		return token_fault(f->in, v->at, "%s needs a value (as in %s=...)",
			rdata_svcb_keys[key], rdata_svcb_keys[key]);
	switch (key) {
	case KEY_MANDATORY: return read_mandatory(f, v);
	case KEY_ALPN:
		return read_list(f, v,
			"alpn is a list of protocols of 1 to 255 bytes (as in alpn=h2,h3)");
	case KEY_PORT: return read_port(f, v);
	case KEY_IPV4HINT: return read_hints(f, v, false);
	case KEY_ECH: return read_base64(f, v);
	case KEY_IPV6HINT: return read_hints(f, v, true);
	case KEY_GROUPS: return read_groups(f, v);
	case KEY_DOCPATH:
		return read_list(f, v,
			"docpath is a list of the path's segments of 1 to 255 bytes (as in "
			"docpath=dns,q)");
	case KEY_OOTS: return read_oots(f, v);
	default: return read_plain(f, v);
	}
}

/* --- parameters --------------------------------------------------------------------------- */

static bool read_param(struct fields *f, struct param *p)
{
	const struct token *tok = &f->in->tok;
	char text[TOKEN_TEXT];

	if (tok->kind != TOKEN_WORD)
		return tok->kind == TOKEN_QUOTED &&
			token_fault(f->in, tok->s - 1,
				"a parameter is wanted here, as in "
				"alpn=\"h2,h3\" (the key stands outside of the quotes)");
	const char *const end = tok->s + tok->len;
	const char *const equals = memchr(tok->s, '=', tok->len);
	*p = (struct param){ .at = tok->s };
	if (!find_key(&p->key, tok->s, (size_t)((equals ? equals : end) - tok->s)))
		return token_fault(f->in, tok->s,
			"%s is not a parameter of a service (keys are mandatory, alpn, "
			"no-default-alpn, port, ipv4hint, ech, ipv6hint, dohpath, ohttp, "
			"tls-supported-groups, docpath, pvd, oots and keyNNNNN)",
			token_text(text, tok));
	struct value v = { equals ? equals + 1 : end, end, equals ? equals + 1 : tok->s,
		equals != NULL, *tok->s == 'k' };
	if (tok->quote_inside) {
		if (!equals || *v.s != '"' || end[-1] != '"' || end - v.s < 2 ||
			memchr(tok->s, '"', (size_t)(v.s - tok->s)))
			return token_fault(
				f->in, tok->s, "the quotes must be around all of the value");
		v.s++;
		v.end--;
	}
	if (!field_bytes(f, (uint8_t[4]){ 0 }, 4))
		return false;
	p->value = f->at;
	if (!read_value(f, p->key, &v))
		return false;
	p->len = (size_t)(f->at - p->value);
	be16_put(p->value - 4, p->key);
	be16_put(p->value - 2, (unsigned)p->len);
	token_next(f->in);
	return true;
}

static void reverse(uint8_t *a, uint8_t *b)
{
	while (a < b) {
		const uint8_t swap = *a;
		*a++ = *--b;
		*b = swap;
	}
}

/* Puts the newest parameter where it belongs among the `n` before it, which are in order, and
 * its bytes with it. */
static bool sort_in(struct fields *f, struct param *params, unsigned n)
{
	const struct param p = params[n];
	unsigned i = n;

	while (i > 0 && params[i - 1].key > p.key)
		i--;
	if (i > 0 && params[i - 1].key == p.key)
		return token_fault(f->in, p.at, "this parameter stands twice in one record");
	if (i == n)
		return true;
	uint8_t *const to = params[i].value - 4, *const from = p.value - 4;
	reverse(to, from); /* both parts, then the whole: the parts have changed places */
	reverse(from, f->at);
	reverse(to, f->at);
	memmove(params + i + 1, params + i, (n - i) * sizeof *params);
	for (unsigned j = i + 1; j <= n; j++)
		params[j].value += p.len + 4;
	params[i] = p;
	params[i].value = to + 4;
	return true;
}

bool rdata_svcb_read(struct fields *f)
{
	struct param params[PARAMS_MOST];
	uint8_t *const start = f->at;
	const char *const at = f->in->tok.s;
	struct fault why;
	unsigned n = 0;

	while (f->in->tok.kind != TOKEN_END) {
		if (n == PARAMS_MOST)
			return token_fault(f->in, f->in->tok.s, "there are over %d parameters",
				PARAMS_MOST);
		if (!read_param(f, &params[n]) || !sort_in(f, params, n))
			return false;
		n++;
	}
	return rdata_svcb_check(start, f->at, &why) || token_fault(f->in, at, "%s", why.text);
}
