/* key_names.h - the names of private files in the folder of keys, as they were when it was last looked through.
 *
 * So that a hundred thousand zones without keys do not look through it each. Any thread but the loop.
 */
#ifndef DAEMON_KEY_NAMES_H
#define DAEMON_KEY_NAMES_H

#include "base/fault.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct key_names {
	pthread_mutex_t lock; /* of all that follows; nothing that may fail a scope is called under it */
	char **names; /* ascending, without ".private" */
	size_t n, room;
	struct timespec changed;
	uint64_t looked_us;
};

void key_names_init(struct key_names *f);
void key_names_fini(struct key_names *f);

/* Those that begin so, as copies for free(), `most` at most. Returns how many. False in `*ok`: the folder cannot be looked through. */
struct key_names_wanted {
	const char *start;
	char **to;
	size_t most;
};
size_t key_names_like(struct key_names *f, const char *dir, const struct key_names_wanted *w, bool *ok, struct fault *why);

#endif
