/* demand.h - the key under which a group's queries for a pool are counted (tally.h).
 *
 * 16 bits of pool, one for IPv6 clients, one for AAAA, 46 of the client's address. So much is
 * left of a group that it is found again: narrower IPv6 groups than /46 are counted together.
 */
#ifndef STEER_DEMAND_H
#define STEER_DEMAND_H

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { DEMAND_ADDR_BITS = 46 };

/* `group` is masked to its bits. Never 0. */
static inline uint64_t demand_key(uint16_t pool, bool v6, const struct addr *group)
{
	const bool v4 = addr_is_v4(group);
	const uint64_t addr = v4 ? (uint64_t)be32_get(group->b + 12) << 32 : be64_get(group->b);

	return ((uint64_t)pool << 48 | (uint64_t)!v4 << 47 | (uint64_t)v6 << 46 |
		       addr >> (64 - DEMAND_ADDR_BITS)) ^
		UINT64_MAX;
}

static inline void demand_parts(uint64_t key, uint16_t *pool, bool *v6, struct addr *group)
{
	static const struct addr v4 = { { [10] = 255, 255 } };
	const uint64_t k = key ^ UINT64_MAX, addr = k << (64 - DEMAND_ADDR_BITS);

	*pool = (uint16_t)(k >> 48);
	*v6 = k >> 46 & 1;
	*group = k >> 47 & 1 ? (struct addr){ { 0 } } : v4;
	if (k >> 47 & 1)
		be64_put(group->b, addr);
	else
		be32_put(group->b + 12, (uint32_t)(addr >> 32));
}

#endif
