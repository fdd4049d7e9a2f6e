/* hashes.h - an engine that keeps the hashes of a fleet, and passes on what is published.
 */
#ifndef UNIT_FLEET_HASHES_H
#define UNIT_FLEET_HASHES_H

#include "unit/fleet/engine.h"

#include <stdbool.h>
#include <stddef.h>

enum { HASHES_MOST = 64, HASHES_LATER = 64 };

struct hashes {
	struct engine engine;
	struct hashed {
		char *key, *field, *value; /* own */
		size_t len;                /* of the value */
	} of[HASHES_MOST];
	size_t n;
	bool refuses; /* scripts, for want of memory */
	bool holds;   /* what is published waits for hashes_pass_on() */
	struct {
		char *s;
		size_t len;
	} later[HASHES_LATER];
	size_t n_later;
	bool listens[ENGINE_CALLS];
};

void hashes_open(struct hashes *h, struct ev_loop *loop);
void hashes_close(struct hashes *h);
/* As the engine's `answer`, for who puts his own before it. */
bool hashes_answer(void *hashes, struct engine_call *c, const struct redisReply *words);

void hashes_set(struct hashes *h, const char *key, const char *field, const char *value, size_t len);
void hashes_forget(struct hashes *h); /* all of them */
size_t hashes_count(const struct hashes *h, const char *key);
void hashes_pass_on(struct hashes *h);

#endif
