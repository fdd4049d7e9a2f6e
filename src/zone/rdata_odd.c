#include "zone/rdata_odd.h"

#include "base/bytes.h"
#include "dns/name.h"
#include "zone/value.h"

#include <netdb.h>
#include <string.h>

/* --- gateways and keys -------------------------------------------------------------------- */

enum gateway { GATEWAY_NONE, GATEWAY_A, GATEWAY_AAAA, GATEWAY_NAME };

static bool read_gateway(struct fields *f, unsigned type, const char *type_at, const char *what)
{
	const struct token *tok = &f->in->tok;

	switch (type) {
	case GATEWAY_NONE:
		if (!field_word(f, what))
			return false;
		if (tok->len != 1 || *tok->s != '.')
			return token_fault(f->in, tok->s,
				"with type 0 there is no gateway or relay: write a dot");
		token_next(f->in);
		return true;
	case GATEWAY_A: return field_a(f, what);
	case GATEWAY_AAAA: return field_aaaa(f, what);
	case GATEWAY_NAME: return field_name(f, what);
	}
	return token_fault(f->in, type_at,
		"the type of a gateway or relay is 0 (none), 1 (IPv4), 2 (IPv6) or 3 (a name)");
}

static size_t gateway_len(unsigned type, const uint8_t *p, const uint8_t *end)
{
	switch (type) {
	case GATEWAY_NONE: return 0;
	case GATEWAY_A: return 4;
	case GATEWAY_AAAA: return 16;
	case GATEWAY_NAME: return name_check(p, end) ? name_check(p, end) : SIZE_MAX / 2;
	}
	return SIZE_MAX / 2;
}

bool rdata_odd_read_ipseckey(struct fields *f)
{
	if (!field_number(f, 1, "the precedence"))
		return false;
	const char *const type_at = f->in->tok.s;
	if (!field_number(f, 1, "the gateway's type") || !field_number(f, 1, "the algorithm"))
		return false;
	if (!read_gateway(f, f->start[1], type_at, "the gateway"))
		return false;
	return f->in->tok.kind == TOKEN_END || field_base64(f, true, "the public key");
}

size_t rdata_odd_ipseckey_len(const uint8_t *p, const uint8_t *end)
{
	const size_t len = (size_t)(end - p);

	return len >= 3 && gateway_len(p[1], p + 3, end) <= len - 3 ? len : 0;
}

bool rdata_odd_read_amtrelay(struct fields *f)
{
	const struct token *tok = &f->in->tok;
	uint32_t discovery = 0;

	if (!field_number(f, 1, "the precedence") || !field_word(f, "the discovery flag"))
		return false;
	if (!value_number(&discovery, tok->s, tok->len, 1))
		return token_fault(f->in, tok->s, "the discovery flag is 0 or 1");
	token_next(f->in);
	const char *const type_at = tok->s;
	if (!field_number(f, 1, "the relay's type"))
		return false;
	uint8_t *const type = f->at - 1;
	if (*type > GATEWAY_NAME)
		return read_gateway(f, *type, type_at, "the relay");
	/* RFC 8777 section 4.3.1: with type 0 the relay is "." in text, and nothing on the
	 * wire. */
	if (*type != GATEWAY_NONE || tok->kind != TOKEN_END)
		if (!read_gateway(f, *type, type_at, "the relay"))
			return false;
	*type |= (uint8_t)(discovery << 7);
	return true;
}

size_t rdata_odd_amtrelay_len(const uint8_t *p, const uint8_t *end)
{
	const size_t len = (size_t)(end - p);

	if (len < 2)
		return 0;
	/* What a relay of another type is, nobody knows yet. */
	return (p[1] & 0x7f) > GATEWAY_NAME || gateway_len(p[1] & 0x7f, p + 2, end) == len - 2
		? len
		: 0;
}

bool rdata_odd_read_hip(struct fields *f)
{
	uint8_t *const head = f->at; /* HIT length, algorithm, key length */
	static const uint8_t none[3] = { 0 };

	if (!field_bytes(f, none, 1) || !field_number(f, 1, "the algorithm") ||
		!field_bytes(f, none, 2))
		return false;
	const char *const hit_at = f->in->tok.s;
	if (!field_hex(f, false, "the host identity tag"))
		return false;
	const size_t hit = (size_t)(f->at - head) - 4;
	if (hit > 255)
		return token_fault(f->in, hit_at, "the host identity tag is over 255 bytes");
	if (!field_base64(f, false, "the public key"))
		return false;
	head[0] = (uint8_t)hit;
	be16_put(head + 2, (unsigned)((size_t)(f->at - head) - 4 - hit));
	return true;
}

size_t rdata_odd_hip_len(const uint8_t *p, const uint8_t *end)
{
	const size_t len = (size_t)(end - p);

	if (len < 4 || p[0] == 0 || be16_get(p + 2) == 0)
		return 0;
	const size_t want = 4u + p[0] + be16_get(p + 2);
	return want <= len ? want : 0;
}

/* --- where on earth (RFC 1876 section 3) -------------------------------------------------- */

/* A decimal number with up to `places` digits behind the point, times 10^places; `m` may follow
 * it. */
static bool decimal(const struct token *tok, unsigned places, bool metres, int64_t *n)
{
	const char *p = tok->s, *end = p + tok->len;
	unsigned digits = 0, after = 0;
	bool point = false;

	const bool minus = metres && p < end && *p == '-';
	p += minus;
	if (metres && end > p && (end[-1] | 0x20) == 'm')
		end--;
	for (*n = 0; p < end; p++) {
		if (*p == '.' && !point) {
			point = true;
			continue;
		}
		if (*p < '0' || *p > '9' || (point && after == places) || digits > 10)
			return false;
		*n = *n * 10 + (*p - '0');
		digits++;
		after += point;
	}
	for (; after < places; after++)
		*n *= 10;
	*n = minus ? -*n : *n;
	return digits > 0;
}

/* "52 22 23.000 N": thousandths of a second of arc from the equator or the prime meridian, plus
 * 2^31. */
static bool read_angle(struct fields *f, unsigned most, const char *sides, const char *what)
{
	static const unsigned unit_ms[] = { 3600000, 60000, 1000 };
	const struct token *tok = &f->in->tok;
	const char *const start = tok->s;
	int64_t sum = 0;
	unsigned i;

	for (i = 0; i < 4 && field_word(f, what); i++) {
		int64_t n;
		if (tok->len == 1 && i &&
			((*tok->s & 0x5f) == sides[0] || (*tok->s & 0x5f) == sides[1])) {
			if (sum > (int64_t)most * 3600000)
				token_warning(f->in, start,
					"%s is on no globe (at most %u degrees)", what, most);
			be32_put(f->at,
				(uint32_t)(0x80000000u +
					((*tok->s & 0x5f) == sides[0] ? sum : -sum)));
			f->at += 4;
			token_next(f->in);
			return true;
		}
		if (i == 3 || !decimal(tok, i == 2 ? 3 : 0, false, &n) ||
			n > (i == 0                  ? most
					    : i == 1 ? 59
						     : 59999))
			break;
		sum += i == 2 ? n : n * unit_ms[i];
		token_next(f->in);
	}
	return token_fault(f->in, tok->s,
		"%s is wrong here (degrees, minutes and seconds, then %c or %c, as in 52 22 "
		"23.5 %c)",
		what, sides[0], sides[1], sides[0]);
}

/* Centimetres as one decimal digit and a power of ten. */
static bool read_size(struct fields *f, uint8_t *to, const char *what)
{
	const struct token *tok = &f->in->tok;
	unsigned power = 0;
	int64_t cm;

	if (tok->kind == TOKEN_END)
		return true; /* the default stays */
	if (!field_word(f, what))
		return false;
	if (!decimal(tok, 2, true, &cm) || cm < 0 || cm > 9000000000)
		return token_fault(f->in, tok->s,
			"%s is a length in metres, at most 90000000 (as in 10m)", what);
	for (; cm > 9; cm /= 10)
		power++;
	*to = (uint8_t)(cm << 4 | power);
	token_next(f->in);
	return true;
}

bool rdata_odd_read_loc(struct fields *f)
{
	static const uint8_t defaults[4] = { 0, 0x12, 0x16,
		0x13 }; /* version; 1 m, 10 km, 10 m */
	const struct token *tok = &f->in->tok;
	uint8_t *const head = f->at;
	int64_t cm;

	if (!field_room(f, 16) || !field_bytes(f, defaults, 4))
		return false;
	if (!read_angle(f, 90, "NS", "the latitude") ||
		!read_angle(f, 180, "EW", "the longitude") || !field_word(f, "the altitude"))
		return false;
	if (!decimal(tok, 2, true, &cm) || cm < -10000000 || cm > 4284967295)
		return token_fault(f->in, tok->s,
			"the altitude is in metres, from -100000 to 42849672.95 (as in -2m)");
	be32_put(f->at, (uint32_t)(cm + 10000000));
	f->at += 4;
	token_next(f->in);
	return read_size(f, head + 1, "the size") &&
		read_size(f, head + 2, "the horizontal precision") &&
		read_size(f, head + 3, "the vertical precision");
}

size_t rdata_odd_loc_len(const uint8_t *p, const uint8_t *end)
{
	const size_t len = (size_t)(end - p);

	return len && (p[0] != 0 || len == 16) ? len : 0;
}

/* --- prefixes and services ---------------------------------------------------------------- */

bool rdata_odd_read_apl(struct fields *f)
{
	const struct token *tok = &f->in->tok;
	uint8_t item[4 + 16] = { 0 };
	uint32_t family, bits;

	if (!field_word(f, "a prefix"))
		return false;
	const char *const end = tok->s + tok->len;
	const bool negated = *tok->s == '!';
	const char *const start = tok->s + negated;
	const char *const colon = memchr(start, ':', (size_t)(end - start));
	const char *const slash = memchr(start, '/', (size_t)(end - start));
	if (!colon || !slash || slash < colon ||
		!value_number(&family, start, (size_t)(colon - start), 2) || family == 0 ||
		!value_number(
			&bits, slash + 1, (size_t)(end - slash - 1), family == 1 ? 32 : 128) ||
		!(family == 1 ? value_a(item + 4, colon + 1, (size_t)(slash - colon - 1))
			      : value_aaaa(item + 4, colon + 1, (size_t)(slash - colon - 1))))
		return token_fault(f->in, tok->s,
			"this is no address prefix (as in 1:192.0.2.0/24 or !2:2001:db8::/32)");
	unsigned len = family == 1 ? 4 : 16;
	while (len && item[4 + len - 1] == 0)
		len--;
	be16_put(item, family);
	item[2] = (uint8_t)bits;
	item[3] = (uint8_t)(len | (negated ? 0x80 : 0));
	if (!field_bytes(f, item, 4 + len))
		return false;
	token_next(f->in);
	return true;
}

size_t rdata_odd_apl_len(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 4)
		return 0;
	const unsigned len = p[3] & 0x7f, family = be16_get(p);
	if (family == 1 && (p[2] > 32 || len > 4))
		return 0;
	if (family == 2 && (p[2] > 128 || len > 16))
		return 0;
	return end - p >= 4 + (ptrdiff_t)len ? 4 + len : 0;
}

static bool service_port(const struct token *tok, const char *protocol, uint32_t *port)
{
	char name[64];

	if (value_number(port, tok->s, tok->len, UINT16_MAX))
		return true;
	if (!protocol || tok->len >= sizeof name)
		return false;
	for (unsigned i = 0; i < tok->len; i++)
		name[i] = (char)(tok->s[i] >= 'A' && tok->s[i] <= 'Z' ? tok->s[i] | 0x20
								      : tok->s[i]);
	name[tok->len] = 0;
	const struct servent *service = getservbyname(name, protocol);
	if (service)
		*port = be16_get((const uint8_t *)&service->s_port);
	return service != NULL;
}

bool rdata_odd_read_wks(struct fields *f)
{
	const struct token *tok = &f->in->tok;
	uint8_t bits[8192] = { 0 };
	const char *protocol = NULL;
	uint32_t number = 0, port;
	size_t len = 0;

	if (!field_word(f, "the protocol"))
		return false;
	if (tok->len == 3 && strncasecmp(tok->s, "tcp", 3) == 0)
		protocol = "tcp", number = 6;
	else if (tok->len == 3 && strncasecmp(tok->s, "udp", 3) == 0)
		protocol = "udp", number = 17;
	else if (!value_number(&number, tok->s, tok->len, 255))
		return token_fault(
			f->in, tok->s, "the protocol is TCP, UDP or a number to 255");
	if (!protocol)
		protocol = number == 6 ? "tcp" : number == 17 ? "udp" : NULL;
	if (!field_bytes(f, &(uint8_t){ (uint8_t)number }, 1))
		return false;
	for (token_next(f->in); tok->kind != TOKEN_END; token_next(f->in)) {
		if (!field_word(f, "a service"))
			return false;
		if (!service_port(tok, protocol, &port))
			return token_fault(f->in, tok->s,
				"this service is not known here (write its port, 0 to 65535)");
		bits[port / 8] |= (uint8_t)(0x80 >> port % 8);
		len = port / 8 + 1 > len ? port / 8 + 1 : len;
	}
	return field_bytes(f, bits, len);
}

/* --- telephone-age addresses -------------------------------------------------------------- */

/* Hex digits with dots anywhere between bytes. */
static bool dotted_hex(struct fields *f, const char *p, const char *end, const char *what)
{
	unsigned digits = 0;

	for (; p < end; p++) {
		const int d = value_hex_digit(*p);
		if (d < 0 && (*p != '.' || digits % 2))
			return token_fault(
				f->in, p, "this is no hexadecimal digit, as %s wants", what);
		if (d < 0)
			continue;
		if (!field_room(f, 1))
			return false;
		if (digits++ % 2 == 0)
			*f->at = (uint8_t)(d << 4);
		else
			*f->at++ |= (uint8_t)d;
	}
	if (digits == 0 || digits % 2)
		return token_fault(
			f->in, end, "%s is whole bytes, two hexadecimal digits each", what);
	token_next(f->in);
	return true;
}

bool rdata_odd_read_nsap(struct fields *f)
{
	const struct token *tok = &f->in->tok;

	if (!field_word(f, "the NSAP address"))
		return false;
	if (tok->len < 2 || tok->s[0] != '0' || (tok->s[1] | 0x20) != 'x')
		return token_fault(f->in, tok->s, "an NSAP address starts with 0x");
	return dotted_hex(f, tok->s + 2, tok->s + tok->len, "an NSAP address");
}

bool rdata_odd_read_atma(struct fields *f)
{
	const struct token *tok = &f->in->tok;

	if (!field_word(f, "the ATM address"))
		return false;
	const bool e164 = *tok->s == '+';
	if (!field_bytes(f, &(uint8_t){ e164 }, 1))
		return false;
	if (!e164)
		return dotted_hex(f, tok->s, tok->s + tok->len, "an ATM address");
	for (unsigned i = 1; i < tok->len; i++)
		if (tok->s[i] < '0' || tok->s[i] > '9')
			return token_fault(f->in, tok->s + i,
				"behind the + there are only digits (E.164)");
	if (tok->len < 2)
		return token_fault(f->in, tok->s, "the digits behind the + are missing");
	if (!field_bytes(f, tok->s + 1, tok->len - 1))
		return false;
	token_next(f->in);
	return true;
}
