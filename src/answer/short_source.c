#include "answer/short_source.h"

enum { SHORT_V4 = 20, SHORT_V6 = 40 };

bool short_source(const struct edns_ecs *ecs, unsigned scope)
{
	unsigned v4_at = 0;

	if (!ecs->present || ecs->source >= scope)
		return false;
	const struct addr subnet = addr_plain(&ecs->addr, ecs->family == 2 ? &v4_at : NULL);
	return ecs->source < (addr_is_v4(&subnet) ? SHORT_V4 + v4_at : SHORT_V6);
}

void short_source_hold(struct compose *c)
{
	uint8_t *buf = c->w.buf;

	for (size_t at = QUERY_HEADER + c->q->name_len + 4u; at < c->w.len;) {
		uint8_t *rr = buf + writer_behind_name(buf, at);
		if (be32_get(rr + 4) > SHORT_SOURCE_TTL_S)
			be32_put(rr + 4, SHORT_SOURCE_TTL_S);
		at = (size_t)(rr - buf) + 10u + be16_get(rr + 8);
	}
}
