#include "base/addr.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

struct addr addr_from_v4(const uint8_t v4[static 4])
{
	struct addr a;

	memcpy(a.b, mapped, 12);
	memcpy(a.b + 12, v4, 4);
	return a;
}

struct addr addr_from_sockaddr(const struct sockaddr *sa)
{
	struct addr a = { { 0 } };

	if (sa->sa_family == AF_INET)
		return addr_from_v4(
			(const uint8_t *)&((const struct sockaddr_in *)sa)->sin_addr);
	if (sa->sa_family == AF_INET6)
		memcpy(a.b, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	return a;
}

bool addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, mapped, 12) == 0;
}

bool addr_parse(struct addr *a, const char *text)
{
	uint8_t v4[4];

	if (inet_pton(AF_INET, text, v4) == 1) {
		*a = addr_from_v4(v4);
		return true;
	}
	return inet_pton(AF_INET6, text, a->b) == 1;
}

struct prefix addr_prefix(const struct addr *a, unsigned bits)
{
	struct prefix p = { *a, (uint8_t)bits };

	if (bits < 128) {
		p.addr.b[bits / 8] &= (uint8_t)(0xff00u >> bits % 8);
		memset(p.addr.b + bits / 8 + 1, 0, 15 - bits / 8);
	}
	return p;
}

bool prefix_parse(struct prefix *p, const char *text, struct fault *why)
{
	char buf[ADDR_TEXT], shown[ADDR_TEXT];
	struct addr a;
	const char *slash = strchr(text, '/');
	const size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof buf)
		return fault(why, "\"%s\" is not an address or prefix", text);
	memcpy(buf, text, len);
	buf[len] = 0;
	if (!addr_parse(&a, buf))
		return fault(why,
			"\"%s\" is not an address or prefix (write 192.0.2.0/24 or "
			"2001:db8::/32)",
			text);
	const bool v4 = addr_is_v4(&a) && !strchr(buf, ':');
	const unsigned most = v4 ? 32 : 128;
	unsigned long bits = most;
	if (slash) {
		char *end;
		bits = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end || bits > most)
			return fault(why,
				"\"%s\": a prefix length here is a number from 0 to %u", text,
				most);
	}
	*p = addr_prefix(&a, (unsigned)bits + (v4 ? ADDR_V4_BITS : 0));
	if (memcmp(&p->addr, &a, sizeof a) != 0)
		return fault(why, "\"%s\" has bits behind its length (%s is the prefix)", text,
			prefix_text(shown, p));
	return true;
}

bool addr_parse_endpoint(struct sockaddr_storage *sa, socklen_t *len, const char *text,
	unsigned port, struct fault *why)
{
	char host[ADDR_TEXT];
	const char *colon = NULL, *start = text, *end;
	struct addr a;

	if (*text == '[') {
		start = text + 1;
		end = strchr(start, ']');
		if (end && end[1] == ':')
			colon = end + 1;
		else if (end && end[1])
			end = NULL;
	} else {
		colon = strchr(text, ':');
		if (colon && strchr(colon + 1, ':'))
			colon = NULL; /* an IPv6 address alone */
		end = colon ? colon : text + strlen(text);
	}
	if (colon) {
		char *rest;
		const unsigned long n = strtoul(colon + 1, &rest, 10);
		if (colon[1] < '0' || colon[1] > '9' || *rest || n > 65535)
			return fault(why, "\"%s\": the port is a number from 1 to 65535", text);
		port = (unsigned)n;
	}
	if (!end || (size_t)(end - start) >= sizeof host)
		return fault(why,
			"\"%s\" is not an address (write 192.0.2.1:53 or [2001:db8::1]:53)",
			text);
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = 0;
	if (!addr_parse(&a, host))
		return fault(why,
			"\"%s\" is not an address (write 192.0.2.1:53 or [2001:db8::1]:53)",
			text);
	memset(sa, 0, sizeof *sa);
	if (!strchr(host, ':')) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		memcpy(&v4->sin_addr, a.b + 12, 4);
		*len = sizeof *v4;
	} else {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		memcpy(&v6->sin6_addr, a.b, 16);
		*len = sizeof *v6;
	}
	return true;
}

const char *addr_text(char buf[static ADDR_TEXT], const struct addr *a)
{
	if (addr_is_v4(a))
		return inet_ntop(AF_INET, a->b + 12, buf, ADDR_TEXT);
	return inet_ntop(AF_INET6, a->b, buf, ADDR_TEXT);
}

const char *prefix_text(char buf[static ADDR_TEXT], const struct prefix *p)
{
	const bool v4 = addr_is_v4(&p->addr) && p->bits >= ADDR_V4_BITS;

	if (v4)
		addr_text(buf, &p->addr);
	else
		inet_ntop(AF_INET6, p->addr.b, buf, ADDR_TEXT);
	const size_t len = strlen(buf);
	snprintf(buf + len, ADDR_TEXT - len, "/%u",
		p->bits - (v4 ? (unsigned)ADDR_V4_BITS : 0u));
	return buf;
}

const char *addr_sockaddr_text(char buf[static ADDR_TEXT], const struct sockaddr *sa)
{
	const struct addr a = addr_from_sockaddr(sa);
	char host[ADDR_TEXT];

	if (sa->sa_family == AF_UNIX) {
		strcpy(buf, "unix");
		return buf;
	}
	/* Both families keep the port at the same place. */
	const unsigned port = ntohs(((const struct sockaddr_in *)sa)->sin_port);
	if (sa->sa_family == AF_INET)
		snprintf(buf, ADDR_TEXT, "%.*s:%u", ADDR_TEXT - 8, addr_text(host, &a), port);
	else
		snprintf(buf, ADDR_TEXT, "[%.*s]:%u", ADDR_TEXT - 10,
			inet_ntop(AF_INET6, a.b, host, sizeof host), port);
	return buf;
}

unsigned addr_common_bits(const struct addr *a, const struct addr *b)
{
	for (unsigned i = 0; i < 16; i += 8) {
		const uint64_t differ = be64_get(a->b + i) ^ be64_get(b->b + i);
		if (differ)
			return i * 8 + (unsigned)__builtin_clzll(differ);
	}
	return 128;
}

bool prefix_has(const struct prefix *p, const struct addr *a)
{
	return addr_common_bits(&p->addr, a) >= p->bits;
}

/* A net of a registry: the first `bits` of `b`. */
struct net {
	uint8_t b[16];
	uint8_t bits;
	uint8_t v4_at; /* embedded nets: the bit where the IPv4 address starts */
	uint8_t flip;  /* ... and what its bytes are exclusive-ored with */
};

static const struct net embedded[] = {
	{ { [10] = 0xff, [11] = 0xff }, 96, ADDR_V4_BITS,
		0 },                      /* RFC 4291 section 2.5.5.2, IPv4-mapped */
	{ { 0x20, 0x02 }, 16, 16, 0 },    /* RFC 3056, 6to4 */
	{ { 0x20, 0x01 }, 32, 96, 0xff }, /* RFC 4380 section 4, Teredo: the client, inverted */
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, 96, 0 }, /* RFC 6052 section 2.1, NAT64 */
};

static bool in_net(const struct net *n, const struct addr *a)
{
	const struct prefix p = { .bits = n->bits, .addr = { { 0 } } };
	struct prefix q = p;

	memcpy(q.addr.b, n->b, 16);
	return prefix_has(&q, a);
}

struct addr addr_plain(const struct addr *a, unsigned *v4_at)
{
	if (addr_is_v4(a)) { /* mostly */
		if (v4_at)
			*v4_at = ADDR_V4_BITS;
		return *a;
	}
	for (size_t i = 0; i < sizeof embedded / sizeof *embedded; i++) {
		const struct net *n = &embedded[i];
		if (!in_net(n, a))
			continue;
		uint8_t v4[4];
		for (unsigned k = 0; k < 4; k++)
			v4[k] = a->b[n->v4_at / 8 + k] ^ n->flip;
		if (v4_at)
			*v4_at = n->v4_at;
		return addr_from_v4(v4);
	}
	if (v4_at)
		*v4_at = 0;
	return *a;
}

bool addr_embedded_net(unsigned i, struct prefix *p)
{
	if (i >= sizeof embedded / sizeof *embedded)
		return false;
	memcpy(p->addr.b, embedded[i].b, 16);
	p->bits = embedded[i].bits;
	return true;
}

#define V4(a, b, c, len)                                                \
	{                                                               \
		{ [10] = 0xff, [11] = 0xff, a, b, c }, 96 + (len), 0, 0 \
	}

/* IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, 8190), entries that are not
 * globally reachable, with multicast (RFC 5771, 4291) and what is reserved. In ascending order.
 */
static const struct net local[] = {
	V4(0, 0, 0, 8), V4(10, 0, 0, 8), V4(100, 64, 0, 10), V4(127, 0, 0, 8),
	V4(169, 254, 0, 16), V4(172, 16, 0, 12), V4(192, 0, 0, 24), V4(192, 0, 2, 24),
	V4(192, 168, 0, 16), V4(198, 18, 0, 15), V4(198, 51, 100, 24), V4(203, 0, 113, 24),
	V4(224, 0, 0, 3), { { 0 }, 96, 0, 0 }, /* unspecified, loopback, IPv4-compatible */
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, 0, 0 }, /* RFC 8215 */
	{ { 0x01 }, 64, 0, 0 },                               /* RFC 6666, discard-only */
	{ { 0x20, 0x01, 0x00, 0x02 }, 48, 0, 0 },             /* RFC 5180, benchmarking */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, 0, 0 },             /* RFC 3849, documentation */
	{ { 0x3f, 0xff }, 20, 0, 0 },                         /* RFC 9637, documentation */
	{ { 0x5f }, 16, 0, 0 },                               /* RFC 9602, segment routing */
	{ { 0xfc }, 7, 0, 0 },                                /* RFC 4193, unique local */
	{ { 0xfe, 0x80 }, 10, 0, 0 },                         /* RFC 4291, link-local */
	{ { 0xfe, 0xc0 }, 10, 0, 0 },                         /* RFC 3879, site-local of old */
	{ { 0xff }, 8, 0, 0 },                                /* RFC 4291, multicast */
};

bool addr_local_net(unsigned i, struct prefix *p)
{
	if (i >= sizeof local / sizeof *local)
		return false;
	memcpy(p->addr.b, local[i].b, 16);
	p->bits = local[i].bits;
	return true;
}

bool addr_may_be_host(const struct addr *a)
{
	if (addr_is_v4(a))
		return a->b[12] != 0 && a->b[12] < 224; /* 0/8, and 224/4 with 240/4 */
	return a->b[0] != 0 && a->b[0] != 0xff;         /* ::/8, and multicast */
}

bool addr_is_global(const struct addr *a, struct prefix *within)
{
	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		if (in_net(&local[i], a)) {
			if (within)
				addr_local_net((unsigned)i, within);
			return false;
		}
	return true;
}
