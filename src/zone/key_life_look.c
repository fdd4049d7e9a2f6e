/* key_life_look.c - what is to be served by the states of keys, and what people are told of
 * them.
 */
#include "zone/key_life_inner.h"

#include <string.h>

/* --- what is served ----------------------------------------------------------------------- */

/* The parent is asked for what is wanted and ready; until there is such a one, for what it has.
 */
static bool in_cds(const struct key_life *l, const struct life_key *k)
{
	if (k->foreign)
		return k->wanted && (signing_key_flags(k->key) & SIGNING_SEP) &&
			key_life_is_asked(l);
	return k->wanted == key_life_is_asked(l) && key_life_asks_ds(k);
}

struct keyset *key_life_keyset(const struct key_life *l, const struct key_policy *p, bool *ok)
{
	struct key_policy by = p ? *p : key_policy_auto();
	struct keyset_key keys[KEY_LIFE_MOST];
	bool any = false;

	by.sign.cds_delete = key_life_is_off(p) && key_life_is_secure(l);
	if (by.sign.dnskey_ttl_s > l->dnskey_ttl.ttl_s && l->dnskey_ttl.ttl_s &&
		key_life_is_off(p))
		by.sign.dnskey_ttl_s = l->dnskey_ttl.ttl_s;
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct life_key *k = &l->keys[i];
		const struct keyset_key row = { .key = k->key,
			.published = k->foreign ? k->wanted : key_life_is_served(&k->dnskey),
			.signs_keys = !k->foreign && (k->role & KEY_SIGNS_KEYS) &&
				key_life_is_served(&k->dnskey),
			.signs_zone = key_life_is_served(&k->zone),
			.cds = in_cds(l, k) };
		any = any || row.signs_keys || row.signs_zone;
		if (row.published || row.signs_zone)
			keys[n++] = row;
	}
	struct keyset *s = any ? keyset_new(&by.sign, keys, n) : NULL;
	*ok = s || !any;
	return s;
}

/* --- looking at it ------------------------------------------------------------------------ */

static const struct key_part *part_of(const struct life_key *k, enum key_which which)
{
	return which == KEY_DNSKEY ? &k->dnskey : which == KEY_ZONE ? &k->zone : &k->ds;
}

uint32_t key_life_left_s(
	const struct key_life *l, const struct key_policy *p, size_t i, enum key_which which)
{
	const struct key_policy own = key_policy_auto();
	const struct key_part *part = part_of(&l->keys[i], which);
	const uint32_t need = key_life_need_s(l, p ? p : &own, which);

	return !key_life_waits(part) ? 0 : part->waited_s < need ? need - part->waited_s : 1;
}

uint32_t key_life_next_s(const struct key_life *l, const struct key_policy *p, int64_t now_s)
{
	uint32_t next = UINT32_MAX;

	for (size_t i = 0; i < l->n; i++) {
		const struct life_key *k = &l->keys[i];
		for (enum key_which which = KEY_DNSKEY; which <= KEY_DS; which++) {
			const uint32_t left = key_life_left_s(l, p, i, which);
			next = left && left < next ? left : next;
		}
		const uint32_t roll = !key_life_is_off(p) && !k->foreign && k->wanted
			? key_life_roll_s(p, k->role)
			: 0;
		const int64_t left = k->created_s + roll - now_s;
		if (roll && left < next)
			next = left > 0 ? (uint32_t)left : 1;
	}
	return next;
}

static const char *const states[] = { [KEY_HIDDEN] = "hidden",
	[KEY_ASKED] = "asked",
	[KEY_RUMOURED] = "rumoured",
	[KEY_OMNIPRESENT] = "omnipresent",
	[KEY_UNRETENTIVE] = "unretentive" };

const char *key_state_text(uint8_t state)
{
	return state < sizeof states / sizeof *states ? states[state] : "?";
}

bool key_state_parse(const char *text, uint8_t *to)
{
	for (uint8_t i = 0; i < sizeof states / sizeof *states; i++)
		if (strcmp(text, states[i]) == 0) {
			*to = i;
			return true;
		}
	return false;
}

const char *key_role_text(uint8_t role)
{
	return role == KEY_CSK ? "CSK" : role == KEY_KSK ? "KSK" : "ZSK";
}
