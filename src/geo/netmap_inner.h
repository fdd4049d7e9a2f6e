/* netmap_inner.h - how a netmap lies in memory; for the netmap*.c files only.
 *
 * Both families are the same to us: an address is a 128-bit number, and an IPv4 address
 * stands in its top 32 bits. Ranges are kept in blocks of one cache line, up to 13 of them,
 * each known by its start and its value. Most starts in a block share their first bits and
 * end in zeros, so 16 bits a start are enough: the distance from the block's first address,
 * shifted right by as many zeros as all of them end in. A block is closed when the next
 * start does not fit; any border down to /128 can be said. The blocks' first addresses lie
 * in an array of their own, found through a table of the top bits of the address. This takes
 * 5.5 bytes a range.
 */
#ifndef GEO_NETMAP_INNER_H
#define GEO_NETMAP_INNER_H

#include "base/bytes.h"
#include "geo/netmap.h"

#include <string.h>

enum {
	BLOCK_RANGES = 13,
	BLOCK_STARTS = 12,   /* the first range starts with the block */
	START_NONE = 0xffff, /* behind the last range; no distance gets so far */
	START_MOST = 0xfffe
};

struct netmap_block {
	uint16_t start[BLOCK_STARTS];   /* ascending */
	uint8_t value[BLOCK_RANGES][3]; /* the lowest byte first */
	uint8_t shift;                  /* 0 to 127 */
};
_Static_assert(sizeof(struct netmap_block) == 64, "a block is a cache line");

/* A range's number is its block's times BLOCK_RANGES plus its place there: blocks that are
 * not full leave gaps. */
struct netmap_family {
	struct netmap_block *blocks;
	uint64_t *high;  /* [n] upper half of each block's first address */
	uint64_t *low;   /* [n] lower half; NULL when all are 0 */
	uint32_t *first; /* [2^top + 1] the last block that starts at or before the
			    first address with these top bits; at last n - 1 */
	unsigned top;
	uint32_t n;
	size_t ranges;
};

struct netmap_builder;
struct netmap_set;

struct netmap {
	unsigned refs;                  /* atomic */
	struct netmap_family family[2]; /* IPv4, IPv6 */
	struct netmap_set *set;         /* own; NULL: netmap_has() goes by the families */
	struct netmap_builder *builder; /* NULL once sealed */
};

static inline struct u128 netmap_number(const struct addr *a, bool v4)
{
	if (v4)
		return (struct u128){ (uint64_t)be32_get(a->b + 12) << 32, 0 };
	return (struct u128){ be64_get(a->b), be64_get(a->b + 8) };
}

static inline struct addr netmap_addr(struct u128 at, bool v4)
{
	struct addr a;

	if (v4) {
		uint8_t b[4];
		be32_put(b, (uint32_t)(at.high >> 32));
		return addr_from_v4(b);
	}
	be64_put(a.b, at.high);
	be64_put(a.b + 8, at.low);
	return a;
}

static inline struct u128 netmap_block_at(const struct netmap_family *f, uint32_t block)
{
	return (struct u128){ f->high[block], f->low ? f->low[block] : 0 };
}

/* Where a range starts. */
static inline struct u128 netmap_start(const struct netmap_family *f, uint32_t index)
{
	const uint32_t block = index / BLOCK_RANGES, i = index % BLOCK_RANGES;
	const struct u128 from = netmap_block_at(f, block);
	const struct netmap_block *b = &f->blocks[block];

	return i ? u128_add(from, u128_left((struct u128){ 0, b->start[i - 1] }, b->shift)) : from;
}

static inline uint32_t netmap_value(const struct netmap_block *b, uint32_t i)
{
	return b->value[i][0] | (uint32_t)b->value[i][1] << 8 | (uint32_t)b->value[i][2] << 16;
}

/* The number of the range behind one; false when there is none. */
static inline bool netmap_next(const struct netmap_family *f, uint32_t *index)
{
	const uint32_t block = *index / BLOCK_RANGES, i = *index % BLOCK_RANGES;

	if (i < BLOCK_STARTS && f->blocks[block].start[i] != START_NONE) {
		*index += 1;
		return true;
	}
	*index = (block + 1) * BLOCK_RANGES;
	return block + 1 < f->n;
}

#endif
