#include "dns/edns.h"

#include "base/bytes.h"
#include "dns/rrtype.h"

#include <string.h>

enum {
	OPTION_HEAD = 4, /* bytes: code and length */
	ECS_HEAD = 4,    /* family and two lengths */
	EXPIRE_LEN = 4,
	ZONEVERSION_LEN = 6 /* labels, kind of version, SOA serial */
};

/* --- reading ------------------------------------------------------------------------------ */

static bool read_ecs(struct edns_ecs *ecs, const uint8_t *p, size_t len)
{
	if (len < ECS_HEAD)
		return false;
	const unsigned family = be16_get(p), source = p[2], scope = p[3];
	const size_t bytes = (source + 7) / 8;
	if (family > 2 || scope != 0 || len != ECS_HEAD + bytes)
		return false;
	if (source > (family == 1 ? 32u : family == 2 ? 128u : 0u))
		return false;
	/* Bits behind the prefix must be zero (RFC 7871 section 6). */
	if (source % 8 && p[ECS_HEAD + bytes - 1] & (0xffu >> source % 8))
		return false;
	if (ecs->present)
		return true;
	*ecs = (struct edns_ecs){
		.present = true, .family = (uint8_t)family, .source = (uint8_t)source
	};
	uint8_t addr[16] = { 0 };
	memcpy(addr, p + ECS_HEAD, bytes);
	if (family == 1)
		ecs->addr = addr_from_v4(addr);
	else
		memcpy(ecs->addr.b, addr, 16);
	return true;
}

static bool read_cookie(struct edns *e, const uint8_t *p, size_t len)
{
	if (len != EDNS_COOKIE_CLIENT && (len < EDNS_COOKIE_LEAST || len > EDNS_COOKIE_MOST))
		return false;
	if (!e->cookie_len) {
		e->cookie = p;
		e->cookie_len = (uint8_t)len;
	}
	return true;
}

bool edns_read_options(struct edns *e, const uint8_t *p, size_t len)
{
	while (len) {
		if (len < OPTION_HEAD)
			return false;
		const unsigned code = be16_get(p);
		const size_t body = be16_get(p + 2);
		if (body > len - OPTION_HEAD)
			return false;
		p += OPTION_HEAD;
		switch (code) {
		case EDNS_ECS:
			if (!read_ecs(&e->ecs, p, body))
				return false;
			break;
		case EDNS_COOKIE:
			if (!read_cookie(e, p, body))
				return false;
			break;
		case EDNS_PADDING: e->padding = true; break;
		case EDNS_NSID: e->nsid = true; break;
		case EDNS_KEEPALIVE: e->keepalive = true; break;
		case EDNS_EXPIRE: e->expire = true; break;
		case EDNS_ZONEVERSION:
			/* Empty in a query (RFC 9660 section 2). */
			if (body)
				return false;
			e->zoneversion = true;
			break;
		default: break;
		}
		p += body;
		len -= OPTION_HEAD + body;
	}
	return true;
}

/* --- writing ------------------------------------------------------------------------------ */

static size_t ecs_len(const struct edns *asked)
{
	return ECS_HEAD + (asked->ecs.source + 7u) / 8;
}

static size_t options_len(const struct edns *asked, const struct edns_reply *r)
{
	return (r->ecs ? OPTION_HEAD + ecs_len(asked) : 0) +
		(r->cookie ? OPTION_HEAD + EDNS_COOKIE_FULL : 0) +
		(r->nsid ? OPTION_HEAD + (size_t)r->nsid_len : 0) +
		(r->keepalive ? OPTION_HEAD + 2 : 0) +
		(r->expire ? OPTION_HEAD + EXPIRE_LEN : 0) +
		(r->zoneversion ? OPTION_HEAD + ZONEVERSION_LEN : 0) + (r->ede ? OPTION_HEAD + 2 : 0) +
		(r->padded ? OPTION_HEAD + (size_t)r->padding : 0);
}

size_t edns_len(const struct edns *asked, const struct edns_reply *reply)
{
	return EDNS_OPT_FIXED + options_len(asked, reply);
}

static uint8_t *put_option(uint8_t *p, unsigned code, const uint8_t *body, size_t len)
{
	be16_put(p, code);
	be16_put(p + 2, (unsigned)len);
	memcpy(p + OPTION_HEAD, body, len);
	return p + OPTION_HEAD + len;
}

static uint8_t *put_number(uint8_t *p, unsigned code, unsigned v)
{
	const uint8_t body[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	return put_option(p, code, body, sizeof body);
}

static uint8_t *put_expire(uint8_t *p, const struct edns_reply *r)
{
	uint8_t body[EXPIRE_LEN];

	be32_put(body, r->expire_s);
	return put_option(p, EDNS_EXPIRE, body, sizeof body);
}

static uint8_t *put_padding(uint8_t *p, size_t len)
{
	be16_put(p, EDNS_PADDING);
	be16_put(p + 2, (unsigned)len);
	memset(p + OPTION_HEAD, 0, len);
	return p + OPTION_HEAD + len;
}

static uint8_t *put_zoneversion(uint8_t *p, const struct edns_reply *r)
{
	uint8_t body[ZONEVERSION_LEN] = { r->zone_labels, 0 /* SOA-SERIAL */ };

	be32_put(body + 2, r->serial);
	return put_option(p, EDNS_ZONEVERSION, body, sizeof body);
}

static uint8_t *put_ecs(uint8_t *p, const struct edns *asked, unsigned scope)
{
	const size_t len = ecs_len(asked);
	uint8_t body[ECS_HEAD + 16];

	be16_put(body, asked->ecs.family);
	body[2] = asked->ecs.source;
	body[3] = (uint8_t)scope;
	memcpy(body + ECS_HEAD, asked->ecs.addr.b + (asked->ecs.family == 1 ? 12 : 0),
		len - ECS_HEAD);
	return put_option(p, EDNS_ECS, body, len);
}

size_t edns_write(
	uint8_t *to, const struct edns *asked, const struct edns_reply *r, unsigned rcode_high)
{
	uint8_t *p = to + EDNS_OPT_FIXED;

	if (r->ecs)
		p = put_ecs(p, asked, r->scope);
	if (r->cookie)
		p = put_option(p, EDNS_COOKIE, r->cookie_bytes, EDNS_COOKIE_FULL);
	if (r->nsid)
		p = put_option(p, EDNS_NSID, r->nsid, r->nsid_len);
	if (r->keepalive)
		p = put_number(p, EDNS_KEEPALIVE, r->keepalive_100ms);
	if (r->expire)
		p = put_expire(p, r);
	if (r->zoneversion)
		p = put_zoneversion(p, r);
	if (r->ede)
		p = put_number(p, EDNS_EDE, r->ede);
	if (r->padded)
		p = put_padding(p, r->padding);
	to[0] = 0;
	be16_put(to + 1, RRTYPE_OPT);
	be16_put(to + 3, r->payload ? r->payload : EDNS_PAYLOAD);
	to[5] = (uint8_t)rcode_high;
	to[6] = 0; /* version */
	be16_put(to + 7, asked->dnssec_ok ? EDNS_DO : 0);
	be16_put(to + 9, (unsigned)(p - to - EDNS_OPT_FIXED));
	return (size_t)(p - to);
}
