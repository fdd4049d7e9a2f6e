/* engine.h - a Redis that says what a test wants it to say, on the test's own loop.
 *
 * It takes commands in pieces as they come, notes them, and answers each by the first line of the script that it
 * begins with; else as a master with nothing in it does. The loop's thread, whoever asks.
 */
#ifndef UNIT_FLEET_ENGINE_H
#define UNIT_FLEET_ENGINE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

enum { ENGINE_CALLS = 16, ENGINE_NOTES = 4000, ENGINE_WORDS = 512 };

struct redisReply;

/* As it goes over the wire. "": nothing is said; NULL: it hangs up. */
struct engine_line {
	const char *begins, *reply;
};

struct engine_call {
	struct engine *e;
	ev_io io;
	int fd; /* -1: there is none */
	struct redisReader *reader;
};

struct engine {
	struct ev_loop *loop;
	ev_io io;
	unsigned port; /* of 127.0.0.1 */
	const struct engine_line *script; /* borrowed; ends in one without `begins`; NULL: none */
	struct engine_call of[ENGINE_CALLS]; /* in the order of coming, those that have ended as well */
	unsigned n;
	unsigned live;
	char notes[ENGINE_NOTES]; /* "AUTH s3cret|PING|": all words up to ENGINE_WORDS bytes; the first that have room */
	unsigned commands;
	/* Answers in the place of the script, when it is there: true when it has. */
	bool (*answer)(void *ctx, struct engine_call *c, const struct redisReply *words);
	void *ctx;
};

void engine_open(struct engine *e, struct ev_loop *loop);
void engine_close(struct engine *e);

/* All of it, however long that takes; to the connection that came last, or to that one. */
void engine_send(struct engine *e, const char *bytes, size_t len);
void engine_send_to(struct engine_call *c, const char *bytes, size_t len);
void engine_hang_up(struct engine *e); /* on all */
void engine_forget(struct engine *e);  /* what it has noted */

#endif
