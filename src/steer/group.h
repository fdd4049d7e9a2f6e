/* group.h - which clients go together when they are told apart by a hash.
 *
 * Whatever is decided by a hash of the client is decided for a *group*: the widest prefix
 * around it whose clients are of one class, or a /20 (IPv6: /40) where that is wider. Every
 * address in an answer's scope is in the same group, so that a resolver's cache holds what we
 * would say ourselves (RFC 7871 section 7.2.1). The hashes have fixed keys: servers with the
 * same configuration decide alike, and go on to after a restart.
 */
#ifndef STEER_GROUP_H
#define STEER_GROUP_H

#include "base/addr.h"
#include "base/bytes.h"

enum { GROUP_V4 = 20, GROUP_V6 = 40 };

static inline uint64_t group_hash(const uint8_t *bytes, size_t len)
{
	return hash_bytes(
		(struct hash_key){ 0x9e3779b97f4a7c15u, 0x2545f4914f6cdd1du }, bytes, len);
}

/* How many bits of the client's family its group has, where its class has `class_bits`. */
static inline unsigned group_bits(const struct addr *who, unsigned class_bits)
{
	const unsigned least = addr_is_v4(who) ? GROUP_V4 : GROUP_V6;

	return class_bits > least ? class_bits : least;
}

/* Of the group that has so many bits of the client's family. */
static inline uint64_t group_of(const struct addr *who, unsigned bits)
{
	const struct prefix p = addr_prefix(who, bits + (addr_is_v4(who) ? ADDR_V4_BITS : 0));

	return group_hash(p.addr.b, sizeof p.addr.b);
}

/* One of 2^32 numbers for each pair of two hashes. */
static inline uint32_t group_draw(uint64_t group, uint64_t other)
{
	return (uint32_t)(hash_mix(group ^ 0xa0761d6478bd642fu, other ^ 0xe7037ed1a0b428dbu) >>
		32);
}

#endif
