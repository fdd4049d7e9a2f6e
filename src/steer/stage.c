#include "steer/stage.h"

#include "base/bytes.h"

struct prefix stage_group(const struct addr *a)
{
	return addr_prefix(a, addr_is_v4(a) ? ADDR_V4_BITS + STAGE_V4_BITS : STAGE_V6_BITS);
}

bool stage_has(uint64_t share, const struct addr *a)
{
	static const struct hash_key key = { 0xa3c59ac2f1039d1bu, 0x3f84d5b5b5470917u };
	const struct prefix group = stage_group(a);

	return hash_bytes(key, group.addr.b, sizeof group.addr.b) >> 32 < share;
}
