#include "report/service_text.h"

#include "base/bytes.h"

#include <arpa/inet.h>

/* RFC 9460 section 14.3.2, RFC 9461. */
enum {
	KEY_ALPN = 1,
	KEY_NO_DEFAULT_ALPN = 2,
	KEY_PORT = 3,
	KEY_IPV4HINT = 4,
	KEY_ECH = 5,
	KEY_IPV6HINT = 6,
	KEY_DOHPATH = 7
};

static void add_protocols(struct text *to, const uint8_t *v, size_t len)
{
	for (size_t at = 0; at < len; at += v[at] + 1u)
		text_addf(to, "%s%.*s", at ? "," : "", v[at], (const char *)v + at + 1);
}

static void add_addresses(struct text *to, const uint8_t *v, size_t len, int family)
{
	const size_t size = family == AF_INET ? 4 : 16;
	char text[INET6_ADDRSTRLEN];

	for (size_t at = 0; at + size <= len; at += size)
		text_addf(to, "%s%s", at ? "," : "",
			inet_ntop(family, v + at, text, sizeof text));
}

static void add_base64(struct text *to, const uint8_t *v, size_t len)
{
	static const char digit[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t at = 0; at < len; at += 3) {
		const unsigned left = len - at < 3 ? (unsigned)(len - at) : 3;
		const unsigned bits = (unsigned)v[at] << 16 |
			(left > 1 ? (unsigned)v[at + 1] << 8 : 0) | (left > 2 ? v[at + 2] : 0);
		for (unsigned i = 0; i < 4; i++)
			text_add_char(to, i <= left ? digit[bits >> (18 - 6 * i) & 63] : '=');
	}
}

static void add_param(struct text *to, unsigned key, const uint8_t *v, size_t len)
{
	switch (key) {
	case KEY_ALPN: text_add(to, " alpn="); add_protocols(to, v, len); return;
	case KEY_NO_DEFAULT_ALPN: text_add(to, " no-default-alpn"); return;
	case KEY_PORT: text_addf(to, " port=%u", be16_get(v)); return;
	case KEY_IPV4HINT:
		text_add(to, " ipv4hint=");
		add_addresses(to, v, len, AF_INET);
		return;
	case KEY_ECH: text_add(to, " ech="); add_base64(to, v, len); return;
	case KEY_IPV6HINT:
		text_add(to, " ipv6hint=");
		add_addresses(to, v, len, AF_INET6);
		return;
	case KEY_DOHPATH: text_addf(to, " dohpath=%.*s", (int)len, (const char *)v); return;
	default: text_addf(to, " key%u", key); return;
	}
}

bool service_text(struct text *to, const uint8_t *rdata, size_t len)
{
	if (len < 3 || rdata[2])
		return false;
	text_addf(to, "%u .", be16_get(rdata));
	for (size_t at = 3; at + 4 <= len; at += 4 + be16_get(rdata + at + 2))
		add_param(to, be16_get(rdata + at), rdata + at + 4, be16_get(rdata + at + 2));
	return true;
}
