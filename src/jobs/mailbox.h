/* mailbox.h - news from any thread to the loop's.
 *
 * A ring of a fixed size: who posts never waits, takes no lock and no memory, and is told when
 * there is no room. The loop is woken, and takes what has come in the order in which it came;
 * it never looks without being woken.
 */
#ifndef JOBS_MAILBOX_H
#define JOBS_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct mailbox;

struct mailbox_opts {
	struct ev_loop *loop;
	size_t room; /* items that may wait; a power of two, over 1 */
	size_t item; /* bytes of one */
	void *ctx;
	/* On the loop, once for each item; `item` is good during the call. */
	void (*take)(void *ctx, const void *item);
};

/* The loop's thread. Never NULL. */
struct mailbox *mailbox_new(const struct mailbox_opts *opts);
/* When nobody posts any more. What nobody has taken is lost. */
void mailbox_free(struct mailbox *m);

/* Any thread. Copies the item. False: there is no room, and it is counted. */
bool mailbox_post(struct mailbox *m, const void *item);

/* Any thread: how many items found no room. */
uint64_t mailbox_lost(const struct mailbox *m);

#endif
