/* key_life_inner.h - what the files of the life of keys share. For them alone.
 */
#ifndef ZONE_KEY_LIFE_INNER_H
#define ZONE_KEY_LIFE_INNER_H

#include "zone/key_life.h"

static inline bool key_life_is_off(const struct key_policy *p)
{
	return !p || p->unsign;
}

static inline bool key_life_is_served(const struct key_part *p)
{
	return p->state == KEY_RUMOURED || p->state == KEY_OMNIPRESENT;
}

static inline bool key_life_asks_ds(const struct life_key *k)
{
	return !k->foreign && k->ds.state >= KEY_ASKED && k->ds.state <= KEY_OMNIPRESENT;
}

static inline bool key_life_waits(const struct key_part *p)
{
	return p->served && (p->state == KEY_RUMOURED || p->state == KEY_UNRETENTIVE);
}

static inline uint32_t key_life_roll_s(const struct key_policy *p, uint8_t role)
{
	return role & KEY_SIGNS_KEYS ? p->ksk_roll_s : p->zsk_roll_s;
}

/* How long a part of that kind waits, at least. */
uint32_t key_life_need_s(
	const struct key_life *l, const struct key_policy *p, enum key_which which);

/* Is some wanted key's DS asked for, or there? */
bool key_life_is_asked(const struct key_life *l);

#endif
