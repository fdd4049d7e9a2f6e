/* key_ring_inner.h - what the files of the ring of keys share. For them alone.
 */
#ifndef DAEMON_KEY_RING_INNER_H
#define DAEMON_KEY_RING_INNER_H

#include "daemon/key_files.h"
#include "daemon/key_ring.h"
#include "daemon/shared_keys.h"
#include "dns/name.h"

#include <pthread.h>

/* A zone. Never freed before the ring. */
struct ring_zone {
	struct ring_zone *next; /* of its bucket */
	uint64_t hash;
	pthread_mutex_t lock; /* of all below but what says otherwise */
	char *states;    /* as they are stored; NULL: read into `life`, or there are none */
	int64_t saved_s; /* UNIX time of those */
	bool loaded;
	struct key_batch *batch; /* what is to be written goes there; borrowed for a key_ring_do(); NULL */
	struct key_life life; /* keeps its keys */
	uint64_t stepped_us;  /* monotonic: until when time was reckoned */
	int64_t wall_less_us; /* then: the time of day less the monotonic */
	uint32_t down_s;      /* reckoned by the time of day, while nobody ran */
	uint64_t due_us; /* monotonic: nothing happens before, as long as all is as it was */
	uint64_t due_served; /* ... `served` then */
	uint64_t asked_us;   /* the parents; 0: never */
	uint64_t notified;   /* the generation whose CDS the parent was told of */
	const void *ttl_of;  /* what was looked through for the longest TTL, never to be read */
	uint64_t ttl_us;     /* when */
	bool fresh;          /* its keys were made for who reads it, and it is not served yet */
	bool is_off, has_policy; /* of the last step */
	struct key_policy policy;
	struct keyset *keys; /* kept: what is to be served; NULL: unsigned */
	uint64_t served;     /* atomic: generation that is; UINT64_MAX: not known */
	uint32_t ttl_s;      /* atomic */
	char fault[256], parent[256];
	bool shared; /* a fleet signs it; written under the lock, read without it, too */
	bool behind; /* what was to be done was not, since the fleet has others */
	struct shared_keys by; /* as the fleet has them; without the life */
	uint8_t apex[NAME_MOST];
};

enum { KEY_RING_BUCKETS = 1 << 16 };

struct key_ring {
	struct store *store;
	struct key_files *files;
	struct fleet_ask *ask;           /* borrowed; NULL: no zone is shared */
	const struct fleet_lease *lease; /* ... */
	uint64_t opened_us;
	uint64_t changes;           /* atomic */
	pthread_mutex_t lock;       /* of the table */
	struct ring_zone **buckets; /* [KEY_RING_BUCKETS] */
	size_t n;                   /* atomic */
	struct key_made *made;      /* under `lock`, own: new keys whose states may never be stored */
};

/* NULL: it is not there. With `make`: or there is no memory. */
struct ring_zone *key_ring_zone(struct key_ring *r, const uint8_t *id, bool make);

/* Under the zone's lock: what is stored is read, once. False: `why`. */
bool key_ring_load(struct key_ring *r, struct ring_zone *z, const struct key_policy *policy,
	struct fault *why);

/* Under the zone's lock: it is put into the store alone. */
bool key_ring_keep(struct key_ring *r, struct ring_zone *z, const struct key_life *life,
	struct fault *why);

/* Under the zone's lock: `life` takes the place of what there is, once it is on the disk: its
 * keys are kept by it, and those that only what was there had are released by the caller. */
bool key_ring_save(struct key_ring *r, struct ring_zone *z, const struct key_life *life,
	struct fault *why);

/* Under the zone's lock, loaded: a step. */
bool key_ring_step_zone(struct key_ring *r, struct ring_zone *z,
	const struct key_policy *policy, bool *changed, struct fault *why);

/* Under the zone's lock: what is stored is read, and a zone without keys gets some. */
bool key_ring_make_first(struct key_ring *r, struct ring_zone *z, const struct key_policy *policy,
	bool *changed, struct fault *why);

/* Under the zone's lock: what is to be served after it. */
bool key_ring_make_keyset(struct key_ring *r, struct ring_zone *z, const struct key_life *l,
	const struct key_policy *policy, bool *changed, struct fault *why);
/* Those of `of` that are not in `in` are let go of. `files`: and their files. */
void key_ring_release_others(struct key_ring *r, const struct ring_zone *z,
	const struct life_key *of, size_t n, const struct key_life *in, bool files);
/* Under the zone's lock: a key of that role for `l`, written beside its place in the folder, or into the batch. */
bool key_ring_add_new(struct key_ring *r, struct ring_zone *z, const struct key_policy *p,
	uint8_t role, struct key_life *l, struct fault *why);
/* Under the zone's lock: its states are stored, so its files get into their places; or they will be when the store is released. */
void key_ring_settle(struct key_ring *r, const struct ring_zone *z, const struct key_life *l);
void key_ring_settle_key(struct key_ring *r, const struct ring_zone *z, const struct signing_key *k);
/* Of new keys whose states may never be stored nothing more is known. */
void key_ring_forget_made(struct key_ring *r);
/* To the log: what is another. */
void key_ring_tell(
	const struct ring_zone *z, const struct key_life *before, const struct key_life *now);

/* Under the zone's lock: key_ring_share.c. Of a zone that is not shared nothing is another than without them. */
bool key_share_leads(const struct key_ring *r, const struct ring_zone *z);
/* How it is signed: by `own`, or as the fleet says; borrowed from either. */
const struct key_policy *key_share_policy(
	const struct ring_zone *z, const struct key_policy *own, struct key_policy *room);
bool key_share_wants_saving(const struct key_ring *r, const struct ring_zone *z, const struct key_life *life);
bool key_share_put(struct key_ring *r, struct ring_zone *z, const struct key_life *life, struct fault *why);
/* What the fleet has takes the place of what is here. */
bool key_share_fetch(struct key_ring *r, struct ring_zone *z, struct fault *why);
/* Time is reckoned until now, without a step. */
void key_share_catch_up(struct ring_zone *z);

/* Under the zone's lock: key_ring_batch.c. */
bool key_batch_file(struct key_batch *b, struct key_ring *r, struct ring_zone *z,
	const struct signing_key *k, int64_t now_s, struct fault *why);
bool key_batch_states(struct key_batch *b, struct ring_zone *z, const char *states, struct fault *why);

/* Runs `work` under the zone's lock; memory that ends fails it alone. */
bool key_ring_do(struct key_ring *r, const uint8_t *apex, bool make,
	bool (*work)(struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why),
	void *ctx, struct fault *why);

#endif
