/* fleet.h - the servers of a fleet: who is there, and what they tell each other by a Redis.
 *
 * What a server says goes out at once to those that listen (PUBLISH), and what must be there for who comes later
 * is kept beside it, in a hash for each topic with a field for each server. Everything is sealed (fleet_seal.h)
 * and says who said it, in which of his lives and as his which: what was heard once is not heard again. The
 * engine may be gone, full, slow or empty at any time: then nobody hears anything, and nothing waits for it.
 * The loop's thread.
 */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include "fleet/fleet_seal.h"
#include "fleet/redis.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fleet;

enum {
	FLEET_NAME_MOST = 63,  /* of a fleet, a server, a region */
	FLEET_MATES_MOST = 1000,
	FLEET_SAY_MOST = 8 << 20, /* bytes of one saying */
	FLEET_HELLO_MS = 2000, /* between two signs of life, while there are few servers */
	FLEET_GONE_KEPT_S = 7 * 86400, /* one that is gone is remembered so long */
	FLEET_LEASE = 5        /* after so many that did not come, a server is gone */
};

enum fleet_topic { FLEET_HELLO, FLEET_HEALTH, FLEET_WILL, FLEET_DEMAND, FLEET_TIMES, FLEET_ZONES, FLEET_PRICES,
	FLEET_ORDERS, FLEET_PAIRS, FLEET_TOPICS };

struct fleet_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	unsigned lane;       /* of jobs that connect: two wide */
	struct part *holder; /* whose memory all that is named here is; held */
	const char *name, *server, *region; /* region: "" */
	struct redis_open_opts redis;       /* without `key` and `patience_ms` */
	const uint8_t *secret, *staging;    /* [FLEET_SECRET]; staging: or NULL */
};

/* A saying. All borrowed for the call. */
struct fleet_news {
	enum fleet_topic topic;
	const char *server;
	bool kept; /* it was read, not heard */
	const uint8_t *bytes;
	size_t len;
	int64_t said_ms; /* by the fleet's clock */
};

/* Who follows; each may be NULL. */
struct fleet_follower {
	void *ctx;
	void (*take)(void *ctx, const struct fleet_news *n); /* of others alone */
	/* The engine can be reached, and what it keeps of the topic has been told of: but for FLEET_WILL, FLEET_ZONES
	 * and FLEET_DEMAND, of which it is much, and who needs it fetches it. */
	void (*caught_up)(void *ctx);
	/* The engine has forgotten what we kept there, or could not keep it for a while. */
	void (*lost)(void *ctx);
	/* A server has come, or is gone. */
	void (*mate)(void *ctx, const char *server, bool live);
	/* One that is gone, and will not be told of any more unless it comes again. */
	void (*forget)(void *ctx, const char *server);
};

/* Begins to connect. Never NULL. */
struct fleet *fleet_new(const struct fleet_opts *opts);
/* Says good bye where it can without waiting. */
void fleet_free(struct fleet *f);

/* Once each topic, before the loop runs on. */
void fleet_follow(struct fleet *f, enum fleet_topic topic, const struct fleet_follower *by);

/* What a sign of life says beside its own: fills a JSON object. */
void fleet_set_hello(struct fleet *f, void (*fill)(void *ctx, void *json), void *ctx);
void fleet_hello_soon(struct fleet *f);

/* To all that listen now. False: nobody hears it. */
bool fleet_say(struct fleet *f, enum fleet_topic topic, const uint8_t *bytes, size_t len);
/* For those who come later: in the place of what was kept before. */
bool fleet_keep(struct fleet *f, enum fleet_topic topic, const uint8_t *bytes, size_t len);
/* What another keeps of that is told again. */
bool fleet_fetch(struct fleet *f, enum fleet_topic topic, const char *server);

/* Commands of who follows; as redis_send(). The key of a hash of that topic. */
bool fleet_send(struct fleet *f, const struct redis_word *words, unsigned n, redis_told *told, void *ctx);
const char *fleet_key(const struct fleet *f, enum fleet_topic topic);
const struct fleet_keys *fleet_keys(const struct fleet *f);

/* Both ways to the engine are open. */
bool fleet_is_up(const struct fleet *f);
/* It was, and all that was kept has been told of, since. */
bool fleet_is_caught_up(const struct fleet *f);
const char *fleet_fault(const struct fleet *f); /* why not; "" */

/* The fleet's clock: the engine's, as far as it was heard of; else our own. UNIX time, ms. */
int64_t fleet_now_ms(const struct fleet *f);
/* Our own clock is so much ahead of it. */
int64_t fleet_clock_off_ms(const struct fleet *f);

struct fleet_mate {
	const char *server, *region; /* region: "" */
	bool live;
	const void *hello;     /* JSON: what it last said of itself; borrowed; or NULL */
	double heard_s;        /* ago */
	double lag_ms, lag_most_ms; /* from saying to hearing; most: of the last minutes */
};
/* The others, in the order of their names. */
size_t fleet_mates(const struct fleet *f);
struct fleet_mate fleet_mate(const struct fleet *f, size_t i);
/* Is that word set in his sign of life? And: sets it in ours, while it is filled. */
bool fleet_mate_says(const struct fleet_mate *m, const char *word);
void fleet_hello_say(void *json, const char *word);
size_t fleet_live(const struct fleet *f); /* others that live */
/* Another is called as we are. */
bool fleet_has_twin(const struct fleet *f);

struct fleet_counts {
	struct redis_counts redis, listener;
	uint64_t said, heard, forged; /* forged: what could not be opened */
	uint64_t full;                /* times that the engine had no room */
	uint64_t old;                 /* what was said again, long after */
	uint64_t lost;                /* times that it had forgotten */
	bool is_full;                 /* it has none now */
	char where[REDIS_WHERE];
};
struct fleet_counts fleet_counts(const struct fleet *f);

#endif
