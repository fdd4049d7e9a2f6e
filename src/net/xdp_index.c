#include "net/xdp_index.h"

static void set(struct xdp_group *groups, unsigned slot, __u16 tag)
{
	__atomic_store_n(&groups[slot / XDP_GROUP].tags[slot % XDP_GROUP], tag, __ATOMIC_RELEASE);
}

bool xdp_index_put(struct xdp_group *groups, __u64 hash, unsigned slot)
{
	if (xdp_index_find(groups, hash) != XDP_SLOTS)
		return false;
	set(groups, slot, xdp_tag(hash));
	return true;
}

void xdp_index_forget(struct xdp_group *groups, unsigned slot)
{
	set(groups, slot, 0);
}

static unsigned find_in(const struct xdp_group *groups, unsigned number, __u16 tag)
{
	for (unsigned i = 0; i < XDP_GROUP; i++)
		if (groups[number].tags[i] == tag)
			return number * XDP_GROUP + i;
	return XDP_SLOTS;
}

unsigned xdp_index_find(const struct xdp_group *groups, __u64 hash)
{
	const unsigned slot = find_in(groups, xdp_first_group(hash), xdp_tag(hash));

	return slot < XDP_SLOTS ? slot : find_in(groups, xdp_second_group(hash), xdp_tag(hash));
}
