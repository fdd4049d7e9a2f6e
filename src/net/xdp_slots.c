#include "net/xdp_slots.h"

#include "base/bytes.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

struct xdp_slots *xdp_slots_new(void)
{
	struct xdp_slots *s = calloc(1, sizeof *s);

	if (!s)
		die("out of memory");
	s->n_free = XDP_SLOTS;
	for (unsigned i = 0; i < XDP_SLOTS; i++) {
		s->free[i] = (uint16_t)i;
		s->by_hash[i] = XDP_NO_SLOT;
	}
	return s;
}

unsigned xdp_slots_take(struct xdp_slots *s)
{
	if (!s->n_free)
		return XDP_NO_SLOT;
	const unsigned at = s->free[s->first_free++ % XDP_SLOTS];
	s->n_free--;
	s->of[at] = (struct xdp_slot){ .set = 0 };
	return at;
}

void xdp_slots_give(struct xdp_slots *s, unsigned at)
{
	s->free[(s->first_free + s->n_free++) % XDP_SLOTS] = (uint16_t)at;
}

uint64_t xdp_slots_hash(const struct xdp_question *q)
{
	static const struct hash_key key = { 0x243f6a8885a308d3u, 0x13198a2e03707344u };

	return hash_bytes(key, (const uint8_t *)q, sizeof *q);
}

unsigned xdp_slots_find(const struct xdp_slots *s, const struct xdp_question *q, uint64_t hash)
{
	unsigned at = s->by_hash[hash % XDP_SLOTS];

	while (at != XDP_NO_SLOT && memcmp(&s->of[at].q, q, sizeof *q) != 0)
		at = s->of[at].next;
	return at;
}

void xdp_slots_enlist(struct xdp_slots *s, unsigned at)
{
	uint16_t *first = &s->by_hash[xdp_slots_hash(&s->of[at].q) % XDP_SLOTS];

	s->of[at].next = *first;
	*first = (uint16_t)at;
	s->of[at].listed = (uint16_t)s->n_list;
	s->list[s->n_list++] = (uint16_t)at;
}

void xdp_slots_delist(struct xdp_slots *s, unsigned at)
{
	uint16_t *i = &s->by_hash[xdp_slots_hash(&s->of[at].q) % XDP_SLOTS];
	const uint16_t last = s->list[--s->n_list];

	while (*i != at)
		i = &s->of[*i].next;
	*i = s->of[at].next;
	s->list[s->of[at].listed] = last;
	s->of[last].listed = s->of[at].listed;
}
