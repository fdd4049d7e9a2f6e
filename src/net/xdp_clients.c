#include "net/xdp_clients.h"

static unsigned set_of(uint64_t is)
{
	return is >> (XDP_SCOPE_BITS + XDP_SLOT_BITS) & (XDP_SETS - 1);
}

bool xdp_clients_has(const struct xdp_line *lines, unsigned bits, uint64_t client)
{
	const struct xdp_line *line = &lines[xdp_client_line(client, bits)];

	for (unsigned i = 0; i < XDP_LINE; i++)
		if (xdp_client_is(line->of[i], client))
			return true;
	return false;
}

bool xdp_clients_put(struct xdp_line *lines, unsigned bits, uint64_t is, const bool *alive)
{
	struct xdp_line *line = &lines[xdp_client_line(is, bits)];
	/* Any, where all are in use: two bits of the address that decide nothing else alone. */
	unsigned to = (unsigned)(is >> 40) % XDP_LINE;
	bool room = false;

	for (unsigned i = 0; i < XDP_LINE; i++) {
		if (xdp_client_is(line->of[i], is)) {
			room = true;
			to = i;
			break;
		}
		if (!room && !alive[set_of(line->of[i])]) {
			room = true;
			to = i;
		}
	}
	__atomic_store_n(&line->of[to], is, __ATOMIC_RELEASE);
	return room;
}

/* From the last line on, each goes to two that are behind it, or is the first; these are empty by then. */
void xdp_clients_spread(struct xdp_line *lines, unsigned bits, const bool *alive)
{
	for (unsigned i = 1u << bits; i--;) {
		const struct xdp_line had = lines[i];
		for (unsigned k = 0; k < XDP_LINE; k++) {
			const uint64_t is = alive[set_of(had.of[k])] ? had.of[k] : 0;
			__atomic_store_n(&lines[i].of[k], 0, __ATOMIC_RELAXED);
			if (is)
				__atomic_store_n(&lines[xdp_client_line(is, bits + 1)].of[k], is, __ATOMIC_RELEASE);
		}
	}
}
