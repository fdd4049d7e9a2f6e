#include "dns/edns.h"

#include "base/bytes.h"
#include "dns/rrtype.h"

#include <string.h>

static bool read_ecs(struct edns_ecs *ecs, const uint8_t *p, size_t len)
{
	if (len < 4 || ecs->present)
		return false;
	const unsigned family = be16_get(p), source = p[2], scope = p[3];
	const size_t bytes = (source + 7) / 8;
	if (family > 2 || scope != 0 || len != 4 + bytes)
		return false;
	if (source > (family == 1 ? 32u : family == 2 ? 128u : 0u))
		return false;
	/* Bits behind the prefix must be zero (RFC 7871 section 6). */
	if (source % 8 && p[4 + bytes - 1] & (0xffu >> source % 8))
		return false;
	*ecs = (struct edns_ecs){
		.present = true, .family = (uint8_t)family, .source = (uint8_t)source
	};
	uint8_t addr[16] = { 0 };
	memcpy(addr, p + 4, bytes);
	if (family == 1)
		ecs->addr = addr_from_v4(addr);
	else
		memcpy(ecs->addr.b, addr, 16);
	return true;
}

bool edns_read_options(struct edns *e, const uint8_t *p, size_t len)
{
	while (len) {
		if (len < 4)
			return false;
		const unsigned code = be16_get(p);
		const size_t body = be16_get(p + 2);
		if (body > len - 4)
			return false;
		if (code == EDNS_OPTION_ECS && !read_ecs(&e->ecs, p + 4, body))
			return false;
		p += 4 + body;
		len -= 4 + body;
	}
	return true;
}

size_t edns_len(const struct edns *asked, bool ecs)
{
	return EDNS_OPT_FIXED + (ecs ? 8 + (asked->ecs.source + 7u) / 8 : 0);
}

size_t edns_write(
	uint8_t *to, const struct edns *asked, unsigned rcode_high, bool ecs, unsigned scope)
{
	const size_t bytes = (asked->ecs.source + 7u) / 8;

	to[0] = 0;
	be16_put(to + 1, RRTYPE_OPT);
	be16_put(to + 3, EDNS_PAYLOAD);
	to[5] = (uint8_t)rcode_high;
	to[6] = 0; /* version */
	be16_put(to + 7, asked->dnssec_ok ? EDNS_DO : 0);
	be16_put(to + 9, ecs ? (unsigned)(8 + bytes) : 0);
	if (!ecs)
		return EDNS_OPT_FIXED;
	be16_put(to + 11, EDNS_OPTION_ECS);
	be16_put(to + 13, (unsigned)(4 + bytes));
	be16_put(to + 15, asked->ecs.family);
	to[17] = asked->ecs.source;
	to[18] = (uint8_t)scope;
	memcpy(to + 19, asked->ecs.addr.b + (asked->ecs.family == 1 ? 12 : 0), bytes);
	return 19 + bytes;
}
