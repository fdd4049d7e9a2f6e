#include "geo/netmap_inner.h"

#include <assert.h>

/* Where we are in one of the maps. */
struct cursor {
	const struct netmap_family *f;
	uint32_t index;
	struct u128 last; /* of the range */
};

static void set_last(struct cursor *c)
{
	uint32_t behind = c->index;

	c->last = netmap_next(c->f, &behind) ? u128_previous(netmap_start(c->f, behind)) : U128_MOST;
}

static void overlay_family(struct netmap *to, struct netmap *const *maps, unsigned n,
	unsigned v6, uint32_t (*value)(void *ctx, const struct netmap_piece *piece), void *ctx)
{
	struct cursor c[NETMAP_OVERLAY_MOST];
	struct netmap_piece piece = { .v6 = v6 };
	struct u128 last;

	for (unsigned i = 0; i < n; i++) {
		c[i] = (struct cursor){ &maps[i]->family[v6], 0, U128_ZERO };
		set_last(&c[i]);
	}
	for (;; piece.first = u128_next(last)) {
		last = U128_MOST;
		for (unsigned i = 0; i < n; i++) {
			const uint32_t at = c[i].index;
			piece.values[i] = netmap_value(
				&c[i].f->blocks[at / BLOCK_RANGES], at % BLOCK_RANGES);
			last = u128_less(c[i].last, last) ? c[i].last : last;
		}
		netmap_append_range(to, v6, piece.first, last, value(ctx, &piece));
		if (u128_equal(last, U128_MOST))
			return;
		for (unsigned i = 0; i < n; i++)
			if (u128_equal(c[i].last, last)) {
				netmap_next(c[i].f, &c[i].index);
				set_last(&c[i]);
			}
	}
}

struct addr netmap_piece_addr(const struct netmap_piece *piece)
{
	return netmap_addr(piece->first, !piece->v6);
}

struct netmap *netmap_overlay(struct netmap *const *maps, unsigned n,
	uint32_t (*value)(void *ctx, const struct netmap_piece *piece), void *ctx)
{
	struct netmap *to = netmap_new(true);

	assert(n > 0 && n <= NETMAP_OVERLAY_MOST);
	overlay_family(to, maps, n, 0, value, ctx);
	overlay_family(to, maps, n, 1, value, ctx);
	netmap_seal(to);
	return to;
}
