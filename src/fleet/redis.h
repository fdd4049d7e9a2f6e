/* redis.h - one connection to the Redis of a fleet, which is made again whenever it is lost.
 *
 * Commands go one after the other without waiting, and their replies come back in order. Nothing blocks: to
 * connect is a job, and who does not reply in time is hung up on. Or it is one that listens to a channel.
 * The loop's thread.
 */
#ifndef FLEET_REDIS_H
#define FLEET_REDIS_H

#include "base/part.h"
#include "fleet/redis_open.h"
#include "jobs/jobs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct redis;
struct redisReply;

struct redis_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	unsigned lane;       /* of jobs that connect */
	struct part *holder; /* whose memory `open` borrows from; held as long as needed */
	struct redis_open_opts open;
	unsigned reply_ms;   /* so long a reply may take */
	const char *channel; /* it listens to that; NULL: commands. Borrowed for good */
	void *ctx;
	void (*up)(void *ctx);
	/* All that was not replied to has been told of before. */
	void (*down)(void *ctx, const char *why);
	void (*heard)(void *ctx, const uint8_t *message, size_t len);
};

/* Begins to connect at the end of the turn. NULL: no memory. */
struct redis *redis_new(const struct redis_opts *opts);
/* What waits for replies is told of as lost; `down` is not called. */
void redis_free(struct redis *r);

bool redis_is_up(const struct redis *r);
const char *redis_where(const struct redis *r); /* the one that it is connected to, or was last; "" */
const char *redis_fault(const struct redis *r); /* why it is down; "" */

/* Hangs up, and connects anew. */
void redis_again(struct redis *r, const char *why);

/* A word of a command. */
struct redis_word {
	const void *s;
	size_t len;
};

/* `reply` NULL: the connection was lost before there was one; whether it was done is not known. Borrowed. */
typedef void redis_told(void *ctx, const struct redisReply *reply);

/* False: it is down, or has too much to do, and nothing is sent. `told` may be NULL; never called inside. */
bool redis_send(struct redis *r, const struct redis_word *words, unsigned n, redis_told *told, void *ctx);

/* As much of what waits to be sent as goes now. */
void redis_flush(struct redis *r);

/* --- replies, for who does not want to know the library ------------------------------------ */

enum redis_kind { REDIS_NOTHING, REDIS_NUMBER, REDIS_TEXT, REDIS_LIST, REDIS_FAULT };
struct redis_value {
	enum redis_kind kind;
	const char *s; /* of TEXT and FAULT; ends in NUL, too */
	size_t len;    /* ... of it; of LIST: how many there are */
	int64_t number;
};
struct redis_value redis_value(const struct redisReply *reply);
struct redis_value redis_item(const struct redisReply *list, size_t i);
const struct redisReply *redis_list(const struct redisReply *list, size_t i); /* for lists in lists; or NULL */

/* Behind what is in the text. False: no memory, and the text is as it was. */
struct text;
bool redis_value_command(struct text *to, const struct redis_word *words, unsigned n);
/* An error that means that this is not the one to talk to any more. */
bool redis_value_is_of_server(const struct redisReply *reply);

struct redis_counts {
	uint64_t commands, connects, bytes_in, bytes_out;
	uint64_t reply_us;      /* how long the last took */
	uint64_t reply_most_us; /* the longest since it was connected */
};
struct redis_counts redis_counts(const struct redis *r);

#endif
