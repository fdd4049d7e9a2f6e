/* launched.h - the commands that the launcher runs (base/launcher), which others of our processes have asked for (base/spawn).
 *
 * Each has a process group of its own, nothing of ours open, and a cage (base/cage). It is known by an end of a fd_pass_pair():
 * what becomes of it is told there, and it is killed when nobody holds the other end, or who holds it asks for that. In the launcher alone,
 * which has one thread; nothing is allocated, since that one may be forked from a process with many.
 */
#ifndef BASE_LAUNCHED_H
#define BASE_LAUNCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pollfd;

enum { LAUNCHED_MOST = 900 /* at a time: a file each, of the 1024 that a process mostly may have */ };

struct launched {
	struct {
		pid_t pid;
		int end;
		bool killed;
	} of[LAUNCHED_MOST];
	unsigned n;
};

/* An order: `n_command` words, then `n_words` of its environment, each with a NUL behind it. With it come its end, the file
 * of both outputs, and that of its input, where it has one. */
struct launched_order {
	char kind; /* 'c' */
	uint16_t n_command, n_words;
	char text[];
};

enum { LAUNCHED_WORDS_MOST = 8192, LAUNCHED_ORDER_MOST = 160 << 10 };

/* Runs it, or says at its end why not. `order` has a NUL behind its `len` bytes. The files stay the caller's. */
void launched_start(struct launched *l, struct launched_order *order, size_t len, const int *fds, size_t n);

/* What is to be waited for; returns l->n. And what has come of that: before anything else is started or has ended. */
unsigned launched_wait(const struct launched *l, struct pollfd *to);
void launched_look(struct launched *l, const struct pollfd *of);

/* That process has ended, and is not waited for yet. True: it is one of these, was waited for, and that was told. */
bool launched_ended(struct launched *l, pid_t pid);

void launched_kill_all(struct launched *l);

#endif
