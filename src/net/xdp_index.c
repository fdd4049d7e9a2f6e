#include "net/xdp_index.h"

static __u32 entry(__u64 hash, unsigned slot)
{
	return (__u32)hash >> XDP_SLOT_BITS << XDP_SLOT_BITS | slot;
}

bool xdp_index_put(struct xdp_index_line *lines, __u64 hash, unsigned slot)
{
	struct xdp_index_line *line = &lines[xdp_index_line(hash)];

	if (xdp_index_find(lines, hash) != XDP_SLOTS)
		return false;
	for (unsigned i = 0; i < XDP_INDEX_LINE; i++)
		if (!line->of[i]) {
			__atomic_store_n(&line->of[i], entry(hash, slot), __ATOMIC_RELEASE);
			return true;
		}
	return false;
}

void xdp_index_forget(struct xdp_index_line *lines, __u64 hash, unsigned slot)
{
	struct xdp_index_line *line = &lines[xdp_index_line(hash)];

	for (unsigned i = 0; i < XDP_INDEX_LINE; i++)
		if (line->of[i] == entry(hash, slot))
			__atomic_store_n(&line->of[i], 0, __ATOMIC_RELEASE);
}

unsigned xdp_index_find(const struct xdp_index_line *lines, __u64 hash)
{
	const struct xdp_index_line *line = &lines[xdp_index_line(hash)];

	for (unsigned i = 0; i < XDP_INDEX_LINE; i++)
		if (line->of[i] && xdp_index_is(line->of[i], hash))
			return xdp_client_slot(line->of[i]);
	return XDP_SLOTS;
}
