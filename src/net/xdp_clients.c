#include "net/xdp_clients.h"

static unsigned set_of(uint64_t is)
{
	return is >> (XDP_SCOPE_BITS + XDP_SLOT_BITS) & (XDP_SETS - 1);
}

bool xdp_clients_has(const struct xdp_line *lines, uint64_t client)
{
	const struct xdp_line *line = &lines[xdp_client_line(client)];

	for (unsigned i = 0; i < XDP_LINE; i++)
		if (xdp_client_is(line->of[i], client))
			return true;
	return false;
}

void xdp_clients_put(struct xdp_line *lines, uint64_t is, const bool *alive)
{
	struct xdp_line *line = &lines[xdp_client_line(is)];
	/* Any, where all are in use: two bits of the address that decide nothing else alone. */
	unsigned to = (unsigned)(is >> 40) % XDP_LINE;
	bool dead = false;

	for (unsigned i = 0; i < XDP_LINE; i++) {
		if (xdp_client_is(line->of[i], is)) {
			to = i;
			break;
		}
		if (!dead && !alive[set_of(line->of[i])]) {
			dead = true;
			to = i;
		}
	}
	__atomic_store_n(&line->of[to], is, __ATOMIC_RELEASE);
}
