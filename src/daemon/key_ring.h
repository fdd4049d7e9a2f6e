/* key_ring.h - the keys of all zones that are signed here: their files, their states in the
 * store, and what signs each zone now.
 *
 * What is told of a zone's keys is on the disk before. For helper threads, any number at once;
 * the loop looks and tells only where that is said. Lives as long as the server.
 */
#ifndef DAEMON_KEY_RING_H
#define DAEMON_KEY_RING_H

#include "base/fault.h"
#include "daemon/fleet_journal.h"
#include "zone/key_life.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;
struct key_ring;
struct store;

/* `store` is borrowed. NULL: `why`. */
struct key_ring *key_ring_open(struct store *store, const char *dir, struct fault *why);
void key_ring_close(struct key_ring *r); /* NULL is fine */
/* Until the store is released (store_open_unreleased()) no state of a key that is made is stored, and its files stay beside their places.
 * We end before that: they go. A store that is new is released from the first on: there files and states are stored at once, and stay. */
void key_ring_take_back(struct key_ring *r);
/* It may have been released since the last time: then some of them get into their places, at the cost of one. False: there was nothing to do.
 * What is left when we end is settled at the next start. For jobs. */
enum { KEY_RING_PORTION = 256 };
bool key_ring_keep_made(struct key_ring *r);
/* Files that were prepared by who is gone, and of which no state is stored, go. `all`: nobody prepares any now; else those of the last minute
 * stay. `job`: when it is cancelled nothing goes any more; NULL. For jobs. */
void key_ring_sweep(struct key_ring *r, bool all, const struct job *job);
const char *key_ring_dir(const struct key_ring *r);

/* What the zone at `apex` (wire, lower case) is to be signed with now, by its policy; NULL: it
 * is to be unsigned. A zone without keys gets those that are in the folder, or new ones;
 * nothing else happens to keys by it. Count 1; NULL with an empty `why`: it is not signed; with
 * another: its keys cannot be had, and what is served must go on as it is. */
struct keyset *key_ring_get(struct key_ring *r, const uint8_t *apex,
	const struct key_policy *policy, struct fault *why);

/* Many zones that may be without keys: those that are get them at the cost of one write to the disk, on all processors.
 * Where that fails, key_ring_get() tells of each. For jobs. */
struct key_ring_first {
	const uint8_t *apex;
	const struct key_policy *policy;
};
void key_ring_get_many(
	struct key_ring *r, const struct key_ring_first *list, size_t n, bool politely);

#define KEY_RING_MIXED UINT64_MAX /* not all of it is signed by one keyset */

/* The zone is served, all of it signed by the keyset of that generation (0: unsigned), and the
 * longest TTL in it is `ttl_s` (0: not known). Any thread, the loop, too. */
void key_ring_served(
	struct key_ring *r, const uint8_t *apex, uint64_t generation, uint32_t ttl_s);

/* Has no zone keys, nor had any? The loop, too. */
bool key_ring_is_empty(const struct key_ring *r);

/* Has it keys, or did it fail to get some? The loop, too. */
bool key_ring_knows(struct key_ring *r, const uint8_t *apex);

/* Is the longest TTL of what is served of it needed? Not twice of one zone, nor twice a minute.
 */
struct zone;
bool key_ring_wants_ttl(struct key_ring *r, const uint8_t *apex, const struct zone *now);

/* Is it time to ask its parents? So often at most. */
bool key_ring_wants_ds(struct key_ring *r, const uint8_t *apex, uint32_t check_s);

/* Is the parent to be told that CDS is another than it was? Once of each keyset that is served,
 * and once more after it was told in vain. */
bool key_ring_wants_notify(struct key_ring *r, const uint8_t *apex);
void key_ring_notify_again(struct key_ring *r, const uint8_t *apex);

/* Counts whatever gives any zone another keyset. The loop, too. */
uint64_t key_ring_changes(const struct key_ring *r);

/* One step of its life, as far as time and what was told allow; `*next_s`: when the next is
 * due, 0: when it is served. True: the keyset is another than before. A fault is told
 * once. */
bool key_ring_step(struct key_ring *r, const uint8_t *apex, const struct key_policy *policy,
	uint32_t *next_s, struct fault *why);

/* --- zones that a fleet signs ------------------------------------------------------------- */

struct fleet_lease;

/* Both borrowed for good. Before any zone is shared. */
void key_ring_set_fleet(struct key_ring *r, struct fleet_ask *ask, const struct fleet_lease *lease);

/* From now on its keys are those of the fleet: only who holds the lease gives it keys and takes them through their lives,
 * and what is done to them is done in the fleet's record first (shared_keys.h), or not at all. */
void key_ring_share(struct key_ring *r, const uint8_t *apex, bool shared);

/* Is it for this server to make steps and signatures anew? Of a zone that is not shared it always is. Any thread. */
bool key_ring_leads(struct key_ring *r, const uint8_t *apex);

/* The fleet's record is of that version: what is newer there is taken, what it has lost is put there again. */
bool key_ring_sync(struct key_ring *r, const uint8_t *apex, struct fleet_version there, struct fault *why);

/* As key_ring_get(), without giving it any, and the version that these are of. */
struct keyset *key_ring_get_shared(
	struct key_ring *r, const uint8_t *apex, struct fleet_version *version, struct fault *why);

/* --- what operators and parents do -------------------------------------------------------- */

/* A copy as it is now: key_ring_view_fini(). False: nothing is known of it. The loop, too; it
 * waits while a step is taken. */
struct key_ring_view {
	struct key_life life;
	struct key_policy policy; /* that the last step went by */
	bool is_off;              /* there was none: it is to be unsigned */
	char fault[256];          /* why its keys cannot be had; "" */
	char parent[256];         /* what was last heard of the parent; "" */
};
bool key_ring_look(struct key_ring *r, const uint8_t *apex, struct key_ring_view *to);
void key_ring_view_fini(struct key_ring_view *v);

/* New keys of these roles (KEY_SIGNS_KEYS, KEY_SIGNS_ZONE), from the next step on. False: there
 * are none, or a roll is underway, which `now` does not mind. */
bool key_ring_roll(
	struct key_ring *r, const uint8_t *apex, uint8_t roles, bool now, struct fault *why);

/* The DS records that each of the parents has, as their RDATA one behind the other, each after
 * its length (two bytes). True: that is news. */
struct key_ring_ds {
	const uint8_t *records;
	size_t len;
};
bool key_ring_parent(struct key_ring *r, const uint8_t *apex, const struct key_ring_ds *parents,
	size_t n, uint32_t ttl_s, struct fault *why);
/* What asking the parent came to, for those who look. */
void key_ring_parent_told(struct key_ring *r, const uint8_t *apex, const char *what);

/* By hand: the parent has what CDS asks for, and nothing else; or no DS at all. False: it waits
 * for no such thing. */
bool key_ring_ds_seen(struct key_ring *r, const uint8_t *apex, bool seen, struct fault *why);

/* A key from elsewhere. With a private half it is written to the folder; of a zone without keys
 * it is taken for known to all caches, else it is rolled to. Without, it is published. */
bool key_ring_import(struct key_ring *r, const uint8_t *apex, struct signing_key *k,
	int64_t created_s, struct fault *why);

/* A key of another signer goes. */
bool key_ring_remove(struct key_ring *r, const uint8_t *apex, uint16_t tag, struct fault *why);

struct key_ring_counts {
	size_t zones, faulty, waiting_ds, rolling;
};
struct key_ring_counts key_ring_counts(struct key_ring *r);

#endif
