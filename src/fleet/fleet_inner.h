/* fleet_inner.h - what the files of a fleet share.
 *
 * fleet.c: what we say, signs of life, the two ways to the engine. fleet_record.c: what a saying is on the way.
 * fleet_heard.c: what others have said. fleet_kept.c: what the engine keeps of that. fleet_mates.c: who is there.
 * fleet_clock.c: the engine's clock.
 */
#ifndef FLEET_FLEET_INNER_H
#define FLEET_FLEET_INNER_H

#include "fleet/fleet.h"

#include <ev.h>
#include <jansson.h>

enum { FLEET_KEY_MOST = 128, FLEET_CLOCKS = 16, FLEET_LAG_KEPT = 128 };

struct fleet_place {
	uint64_t life, number;
};

struct mate {
	char server[FLEET_NAME_MOST + 1];
	struct fleet_place last[FLEET_TOPICS];
	bool live;
	uint64_t heard_us, lease_us;
	int64_t said_ms; /* the last that we know of, by the fleet's clock */
	json_t *hello;
	double lag_ms[FLEET_LAG_KEPT];
	unsigned n_lag;
};

struct clock_look {
	int64_t offset_us; /* of the engine's clock from ours that only goes forward */
	uint64_t took_us;
};

struct fleet {
	struct fleet_opts opts;
	struct fleet_keys keys;
	char channel[FLEET_KEY_MOST], key[FLEET_TOPICS][FLEET_KEY_MOST];
	struct redis *redis, *listener;
	struct fleet_follower followers[FLEET_TOPICS];
	bool follows[FLEET_TOPICS];
	void (*fill)(void *ctx, void *json);
	void *fill_ctx;
	ev_timer tick;
	uint64_t life, number; /* our own; life 0: not known yet */
	uint64_t hello_us, echo_us, asked_clock_us;
	bool hello_kept; /* since the engine was reached */
	bool was_up; /* and was told of */
	bool caught_up;
	/* It has refused to keep something; all was said again since; something was refused since then, or at all. The next time that all is
	 * said again, and how long after it is the one behind that. */
	bool is_full, said_again, refused;
	uint64_t again_us;
	unsigned again_ms;
	bool down_told; /* why it cannot be reached */
	bool mute_told; /* why nobody hears us */
	uint64_t catching; /* counts them */
	unsigned fetching; /* what is kept that has not come yet */
	uint64_t twin_us;
	int64_t said_us; /* the latest that was heard, by the clocks of others, from ours that only goes forward; 0: nothing */
	bool old_told;
	struct clock_look looks[FLEET_CLOCKS];
	unsigned n_looks;
	struct mate **mates; /* by name */
	size_t n_mates;
	struct fleet_counts counts;
};

/* --- fleet_record.c ----------------------------------------------------------------------- */

struct fleet_record {
	enum fleet_topic topic;
	struct fleet_place place;
	int64_t said_ms;
	char server[FLEET_NAME_MOST + 1];
	const uint8_t *bytes;
	size_t len;
};

/* Sealed; the caller frees it. NULL: no memory. */
uint8_t *fleet_record_write(struct fleet *f, enum fleet_topic topic, const uint8_t *bytes, size_t len, size_t *to_len);
/* `plain` has room for `len` bytes, and is what the record borrows from. False: nobody with our secret has said it. */
bool fleet_record_read(const struct fleet *f, struct fleet_record *r, const uint8_t *sealed, size_t len, uint8_t *plain);

/* --- fleet_heard.c ------------------------------------------------------------------------ */

/* `server`: who must have said it; or NULL. */
void fleet_heard_take(struct fleet *f, const uint8_t *sealed, size_t len, bool kept, const char *server);

/* --- fleet_kept.c ------------------------------------------------------------------------- */

/* The engine is reached: all that it keeps, but for what is much, is told of. */
void fleet_kept_catch_up(struct fleet *f);

/* --- fleet_mates.c ------------------------------------------------------------------------ */

/* NULL: it is not known; `at` (or NULL) is where it would be. */
struct mate *fleet_mates_find(const struct fleet *f, const char *server, size_t *at);
/* NULL: there is no memory, or there are too many. */
struct mate *fleet_mates_need(struct fleet *f, const char *server);
void fleet_mates_tell(struct fleet *f, const char *server, bool live);
void fleet_mates_take_lag(struct mate *m, double ms);
/* Who has not been heard of for long is gone. */
void fleet_mates_look(struct fleet *f, uint64_t now);
/* Who is gone for a week is forgotten. What the engine keeps of it, too: names of machines may be new each time. */
void fleet_mates_forget_old(struct fleet *f);

/* --- fleet_clock.c ------------------------------------------------------------------------ */

/* The reply to TIME, asked at `asked_clock_us`. `ctx` is the fleet. */
void fleet_clock_take(void *ctx, const struct redisReply *reply);

#endif
