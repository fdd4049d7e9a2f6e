#include "net/frame.h"

#include "base/bytes.h"

#include <string.h>

enum {
	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	ETHER_VLAN = 0x8100,
	ETHER_SERVICE_VLAN = 0x88a8,
	MAC = 6,
	IPV4_HEAD = 20,
	IPV6_HEAD = 40,
	UDP_HEAD = 8,
	UDP = 17,
	HOPS = 64,
	DO_NOT_FRAGMENT = 0x4000
};

/* Of the IP header that stands at `p`, which is there as a whole: how many bytes are behind it; 0: not ours. */
static size_t behind_v4(const uint8_t *p)
{
	const size_t len = be16_get(p + 2);

	return p[0] == 0x45 && p[9] == UDP && !(be16_get(p + 6) & ~DO_NOT_FRAGMENT) && len > IPV4_HEAD
		? len - IPV4_HEAD
		: 0;
}

static size_t behind_v6(const uint8_t *p)
{
	return p[0] >> 4 == 6 && p[6] == UDP ? be16_get(p + 4) : 0;
}

bool frame_read(struct frame *f, const uint8_t *bytes, size_t len)
{
	size_t at = 2 * MAC;

	if (len < FRAME_LINK_MOST)
		return false;
	unsigned type = be16_get(bytes + at);
	for (unsigned i = 0; i < FRAME_TAGS && (type == ETHER_VLAN || type == ETHER_SERVICE_VLAN); i++)
		type = be16_get(bytes + (at += 4));
	at += 2;
	const bool is_v6 = type == ETHER_IPV6;
	const size_t head = is_v6 ? IPV6_HEAD : IPV4_HEAD;
	if ((!is_v6 && type != ETHER_IPV4) || len < at + head + UDP_HEAD)
		return false;
	const size_t behind = is_v6 ? behind_v6(bytes + at) : behind_v4(bytes + at);
	const uint8_t *udp = bytes + at + head;
	/* What is behind the packet pads a short frame. */
	if (behind < UDP_HEAD || behind != be16_get(udp + 4) || at + head + behind > len)
		return false;
	*f = (struct frame){ .bytes = bytes,
		.link = (uint8_t)at,
		.head = (uint8_t)(at + head + UDP_HEAD),
		.is_v6 = is_v6,
		.len = (uint16_t)(behind - UDP_HEAD),
		.port = be16_get(udp),
		.to_port = be16_get(udp + 2) };
	return true;
}

static struct addr addr_at(const struct frame *f, size_t v4, size_t v6)
{
	const uint8_t *ip = f->bytes + f->link;
	struct addr a;

	if (!f->is_v6)
		return addr_from_v4(ip + v4);
	memcpy(a.b, ip + v6, sizeof a.b);
	return a;
}

struct addr frame_source(const struct frame *f)
{
	return addr_at(f, 12, 8);
}

struct addr frame_target(const struct frame *f)
{
	return addr_at(f, 16, 24);
}

/* The Internet checksum (RFC 1071): a sum that is the same in each byte order, so it is taken in the machine's, of
 * 32 bits at a time, and stored as it is. */
static uint64_t sum_of(uint64_t sum, const uint8_t *p, size_t len)
{
	uint32_t v;

	for (; len >= sizeof v; p += sizeof v, len -= sizeof v) {
		memcpy(&v, p, sizeof v);
		sum += v;
	}
	v = 0;
	memcpy(&v, p, len);
	return sum + v;
}

static void put_sum(uint8_t *to, uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	const uint16_t v = (uint16_t)~sum;
	memcpy(to, &v, sizeof v);
}

/* `ip` is of the query. */
static void head_v4(uint8_t *to, const uint8_t *ip, size_t len)
{
	static const uint8_t start[IPV4_HEAD] = { 0x45, [6] = DO_NOT_FRAGMENT >> 8, [8] = HOPS, [9] = UDP };

	memcpy(to, start, sizeof start);
	be16_put(to + 2, (unsigned)(IPV4_HEAD + len));
	memcpy(to + 12, ip + 16, 4);
	memcpy(to + 16, ip + 12, 4);
	put_sum(to + 10, sum_of(0, to, IPV4_HEAD));
}

static void head_v6(uint8_t *to, const uint8_t *ip, size_t len)
{
	static const uint8_t start[8] = { 0x60, [6] = UDP, [7] = HOPS };

	memcpy(to, start, sizeof start);
	be16_put(to + 4, (unsigned)len);
	memcpy(to + 8, ip + 24, 16);
	memcpy(to + 24, ip + 8, 16);
}

/* Of the header at `udp`, the addresses in front of it, and `len` bytes from there. A sum of 0 says that there is none. */
static void sum_udp(uint8_t *udp, size_t addresses, size_t len)
{
	uint8_t pseudo[4] = { 0, UDP };

	be16_put(pseudo + 2, (unsigned)len);
	const uint64_t sum = sum_of(sum_of(0, pseudo, sizeof pseudo), udp - addresses, addresses + len);
	put_sum(udp + 6, sum);
	if (!udp[6] && !udp[7])
		udp[6] = udp[7] = 0xff;
}

size_t frame_answer(const struct frame *f, uint8_t *to, size_t len)
{
	const uint8_t *from = f->bytes, *ip = from + f->link;
	uint8_t *udp = to + f->head - UDP_HEAD;

	memcpy(to, from + MAC, MAC);
	memcpy(to + MAC, from, MAC);
	memcpy(to + 2 * MAC, from + 2 * MAC, f->link - 2 * MAC);
	len += UDP_HEAD;
	if (f->is_v6)
		head_v6(to + f->link, ip, len);
	else
		head_v4(to + f->link, ip, len);
	be16_put(udp, f->to_port);
	be16_put(udp + 2, f->port);
	be16_put(udp + 4, (unsigned)len);
	be16_put(udp + 6, 0);
	sum_udp(udp, f->is_v6 ? 32 : 8, len);
	return f->head - UDP_HEAD + len;
}
