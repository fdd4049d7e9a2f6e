/* shared_keys.h - the keys of a zone that a fleet signs: all its servers have the same, and know how far their lives are.
 *
 * They stand in the zone's journal (fleet_journal.h), with their private halves, as one record that is sealed by the fleet's
 * secret. It has a version of its own, and is replaced only by who knows that. How the zone is signed stands beside them, so
 * that no two servers sign it by different policies. Time is reckoned by the engine's clock. Helper threads; each call waits
 * for the engine.
 */
#ifndef DAEMON_SHARED_KEYS_H
#define DAEMON_SHARED_KEYS_H

#include "base/text.h"
#include "daemon/fleet_journal.h"
#include "zone/key_life.h"

struct shared_keys {
	struct fleet_version version; /* counts up; the sum is random. Zeroed: there are none */
	struct keyset_policy sign;    /* how all servers sign */
	bool off;                     /* the zone is to be unsigned */
	struct key_life life;         /* keeps its keys; key_life_fini() */
};

/* False: `why`; or the fleet has none, and that is empty. What the keys have waited is reckoned until now. */
bool shared_keys_get(const struct fleet_journal *j, struct shared_keys *to, struct fault *why);

/* In the place of that version. FLEET_JOURNAL_BEHIND: it is not the last, or there is one. */
enum fleet_journal_result shared_keys_put(const struct fleet_journal *j, struct fleet_version from,
	const struct shared_keys *k, struct fault *why);

/* What follows upon that one. */
struct fleet_version shared_keys_next(struct fleet_version v);

/* All but the life, as lines that key_life_read() passes over; and back: false when there are none. */
void shared_keys_lines(const struct shared_keys *k, struct text *to);
bool shared_keys_read_lines(struct shared_keys *to, const char *text);

/* Do both sign in the same way? */
bool shared_keys_same_way(const struct shared_keys *a, const struct shared_keys *b);

#endif
