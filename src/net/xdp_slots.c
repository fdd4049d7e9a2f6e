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
	for (unsigned i = 0; i < XDP_SLOTS; i++)
		s->by_hash[i] = XDP_NO_SLOT;
	for (unsigned i = 0; i < XDP_GROUPS; i++) {
		s->free[i].n = XDP_GROUP;
		for (unsigned k = 0; k < XDP_GROUP; k++)
			s->free[i].of[k] = (uint8_t)k;
	}
	return s;
}

static unsigned take_of(struct xdp_slots *s, unsigned group)
{
	struct xdp_free *f = &s->free[group];

	if (!f->n)
		return XDP_NO_SLOT;
	const unsigned at = group * XDP_GROUP + f->of[f->first++ % XDP_GROUP];
	f->n--;
	s->n_free--;
	s->of[at] = (struct xdp_slot){ .set = 0 };
	return at;
}

unsigned xdp_slots_take(struct xdp_slots *s)
{
	if (!s->n_free)
		return XDP_NO_SLOT;
	while (!s->free[s->turn % XDP_GROUPS].n)
		s->turn++;
	return take_of(s, s->turn++ % XDP_GROUPS);
}

/* In the first it is found sooner; when that is nearly full, where more are free. */
unsigned xdp_slots_take_for(struct xdp_slots *s, uint64_t hash)
{
	const unsigned first = xdp_first_group(hash), second = xdp_second_group(hash);
	const unsigned n = s->free[first].n;

	return take_of(s, n < XDP_GROUP / 4 && n < s->free[second].n ? second : first);
}

void xdp_slots_give(struct xdp_slots *s, unsigned at)
{
	struct xdp_free *f = &s->free[at / XDP_GROUP];

	f->of[(f->first + f->n++) % XDP_GROUP] = (uint8_t)(at % XDP_GROUP);
	s->n_free++;
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
