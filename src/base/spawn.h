/* spawn.h - a command of the operator's becomes a process.
 *
 * It has a process group of its own, and nothing of ours is open in it (all is close-on-exec). It is killed
 * when the thread that has made it ends, so none outlives a server that was killed. No shell is asked. Any
 * thread.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct spawn {
	const char *const *command; /* its path and its words; NULL at the end */
	char *const *words; /* [n_words] "NAME=VALUE", in its environment beside ours */
	size_t n_words;
	int in; /* -1: nothing is there */
	int out; /* of both outputs */
};

/* Returns 0, or an errno. */
int spawn(pid_t *pid, const struct spawn *s);

/* Runs one to its end, on a helper thread: it reads `input`, and may not when it knows enough. */
struct spawn_run {
	const char *const *command;
	char *const *words;
	size_t n_words;
	const char *input;
	size_t len;
	unsigned most_ms;
	/* Asked now and then: is the answer still wanted? NULL: always. */
	bool (*wanted)(void *ctx);
	void *ctx;
};

/* True when its exit status is 0. Else what it printed first, or what became of it, is in the sentence. */
bool spawn_run(const struct spawn_run *r, struct fault *why);

#endif
