#include "measure/explore.h"

#include "base/bytes.h"

uint32_t explore_draw(
	const struct explore *e, const struct addr *a, unsigned group_bits, uint32_t now_s)
{
	static const struct hash_key key = { 0x9e3779b97f4a7c15u, 0x2545f4914f6cdd1du };
	const struct prefix group = addr_prefix(a, group_bits);
	const uint64_t h = hash_mix(hash_bytes(key, group.addr.b, sizeof group.addr.b),
		now_s / e->every_s + key.k1);

	return (uint32_t)h < e->share ? (uint32_t)(h >> 32) | 1 : 0;
}
