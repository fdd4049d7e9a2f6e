/* spawn.h - a command of the operator's becomes a process.
 *
 * The launcher starts it (base/launcher), since who answers may start none. It has a process group of its own, and nothing of ours is open
 * in it. It is killed when this process ends, so none outlives a server that was killed. No shell is asked. Any thread.
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

enum spawn_kind {
	SPAWN_RUNS,   /* `value`: its process */
	SPAWN_FAILED, /* `value`: errno; nothing more comes of it that is of use */
	SPAWN_ENDED   /* `value`: as wait(2) has it; it and its group are no more */
};

struct spawn_news {
	enum spawn_kind kind;
	int value;
};

/* Returns an end, the caller's to close, that can be read when there are news; -1 and errno. When it is closed the command is killed with
 * its group. */
int spawn(const struct spawn *s);

/* False: none have come. SPAWN_FAILED with EAGAIN when the launcher is gone. */
bool spawn_hear(int end, struct spawn_news *to);
/* The same, once it has ended; what came before is passed over. Waits. */
void spawn_wait(int end);

/* It is killed with its group; SPAWN_ENDED tells that it was. */
void spawn_kill(int end);

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
