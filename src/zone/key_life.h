/* key_life.h - the life of a zone's keys: who is published, who signs, whose DS the parent is
 * asked to have, and when the next step is safe.
 *
 * Nothing here knows a clock, a disk or a network: who calls says how much time has passed and
 * what is true outside, and gets the next state. Each key has three things in the world: its
 * DNSKEY, its signatures over the zone's data, and its DS. Each of these is hidden (in nobody's
 * cache), rumoured (served, but there are caches without it), omnipresent (in every cache that
 * has the RRset), or unretentive (served no more, but caches may still have it). A step is
 * taken only when every validator, whatever it has cached, finds a chain of trust before,
 * during and after it. So all rolls are one thing: a key is wanted, another is not any more.
 * What comes of that is pre-publication for ZSKs, double signatures of the DNSKEY RRset for
 * KSKs and CSKs, and the conservative roll of an algorithm (RFC 6781
 * sections 4.1.1.1, 4.1.2, 4.1.4; the states are RFC 7583's).
 */
#ifndef ZONE_KEY_LIFE_H
#define ZONE_KEY_LIFE_H

#include "zone/keyset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEY_LIFE_MOST = 16 }; /* keys of a zone */

/* What a key is for: bits. */
enum { KEY_SIGNS_KEYS = 1, KEY_SIGNS_ZONE = 2 };
enum key_role {
	KEY_KSK = KEY_SIGNS_KEYS,
	KEY_ZSK = KEY_SIGNS_ZONE,
	KEY_CSK = KEY_SIGNS_KEYS | KEY_SIGNS_ZONE
};

enum key_state {
	KEY_HIDDEN,
	KEY_ASKED, /* of a DS: the parent is asked for it */
	KEY_RUMOURED,
	KEY_OMNIPRESENT,
	KEY_UNRETENTIVE
};

/* One of the three. */
struct key_part {
	uint8_t state;     /* enum key_state */
	bool served;       /* what the state says is so in the world, and time counts */
	uint32_t waited_s; /* since then */
};

struct life_key {
	struct signing_key *key; /* kept (part_keep()) by the life */
	uint8_t role;            /* enum key_role */
	bool wanted;             /* else it is on its way out */
	bool foreign;            /* of another signer: published while it is wanted */
	int64_t created_s;       /* UNIX time */
	struct key_part dnskey, zone, ds;
};

/* A TTL that caches may have from before it became shorter. */
struct key_ttl {
	uint32_t ttl_s, left_s;
};

struct key_life {
	struct key_ttl dnskey_ttl, zone_ttl, ds_ttl;
	int64_t ds_seen_s; /* UNIX time: when the parent was last asked with success; 0: never
			    */
	uint8_t roll;      /* KEY_SIGNS_KEYS, KEY_SIGNS_ZONE: an operator wants new ones */
	size_t n;
	struct life_key keys[KEY_LIFE_MOST];
};

/* What a zone's policy asks for. */
struct key_policy {
	struct keyset_policy sign;
	enum signing_algorithm algorithm;
	uint32_t bits;          /* of RSA */
	bool split;             /* a KSK and a ZSK; else a CSK */
	uint32_t ksk_roll_s;    /* so old it gets a successor, the CSK too; 0: never */
	uint32_t zsk_roll_s;    /* likewise */
	uint32_t propagation_s; /* until all nameservers of the zone have what we have */
	uint32_t ds_ttl_s;      /* of the parent, as long as nothing is known */
	uint32_t ds_check_s;    /* between questions for it */
	bool unsign;            /* the zone is to be unsigned: as NULL, with these numbers */
};

/* The policy that is called "auto". */
struct key_policy key_policy_auto(void);

/* --- steps -------------------------------------------------------------------------------- */

struct key_facts {
	int64_t now_s;       /* UNIX time, for the age of keys alone */
	uint32_t elapsed_s;  /* since the step before, by a clock that only goes forward */
	bool served;         /* all that the keyset says is served, and nothing else */
	uint32_t zone_ttl_s; /* the longest of the zone, its negative one, too; 0: not known */
	bool settled;        /* else nothing is withdrawn and no wait ends */
};

/* What the caller has to do. */
struct key_wish {
	bool save; /* the life is another, and what it says must be on the disk before it is so
		    */
	uint8_t role; /* not 0: a new key of that role, by key_life_add() */
};

/* One step, by the policy; NULL: the zone is to be unsigned. What is asked for in the wish
 * comes of one call; call it again with `elapsed_s` 0 when a key was added. Keys that are gone
 * from all caches are at the end of the life then, from l->n on to `*n`: to be released by the
 * caller. */
struct key_wish key_life_step(struct key_life *l, const struct key_policy *p,
	const struct key_facts *facts, size_t *n);

/* Keeps the key. False: there are too many. */
bool key_life_add(
	struct key_life *l, struct signing_key *key, enum key_role role, int64_t now_s);

/* A key that others may have cached already, with its DS: of another server of the zone, or of
 * the one that signed it before us. Keeps the key. False: there are too many. */
bool key_life_add_known(
	struct key_life *l, struct signing_key *key, enum key_role role, int64_t now_s);

/* What the parents have: bit i of `all` is set when the DS of key i is at all of them, of `any`
 * when it is at some. `ttl_s`: of the DS RRset; 0: not known. True: that is news, to be saved.
 */
bool key_life_parent(
	struct key_life *l, uint32_t all, uint32_t any, uint32_t ttl_s, int64_t now_s);

/* The clock that waits were reckoned by was so much ahead: they last longer. */
void key_life_unwait(struct key_life *l, uint32_t s);

/* Time has passed while nobody made steps. */
void key_life_wait(struct key_life *l, uint32_t s);

/* What is to be served now. NULL: the zone is unsigned; or there is no memory, and `*ok` is
 * false. */
struct keyset *key_life_keyset(const struct key_life *l, const struct key_policy *p, bool *ok);

/* All holds; leaves it empty. */
void key_life_fini(struct key_life *l);

/* --- looking at it ------------------------------------------------------------------------ */

/* May a validator have a chain of trust to this zone? */
bool key_life_is_secure(const struct key_life *l);

/* The parent is asked for another DS than it has, as far as we know. */
bool key_life_waits_for_parent(const struct key_life *l, const struct key_policy *p);

/* Seconds until some wait ends or some key gets its successor; UINT32_MAX: nothing is waited
 * for. */
uint32_t key_life_next_s(const struct key_life *l, const struct key_policy *p, int64_t now_s);

/* Seconds that the part has still to wait; 0: it does not. */
enum key_which { KEY_DNSKEY, KEY_ZONE, KEY_DS };
uint32_t key_life_left_s(
	const struct key_life *l, const struct key_policy *p, size_t i, enum key_which which);

/* "hidden", "asked", ... */
const char *key_state_text(uint8_t state);
bool key_state_parse(const char *text, uint8_t *to);
/* "CSK", "KSK", "ZSK" */
const char *key_role_text(uint8_t role);

#endif
