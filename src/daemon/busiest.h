/* busiest.h - which names are asked for most, and by whom: "busiest", while somebody looks.
 *
 * A command begins it, and it ends when none has come for BUSIEST_LOOKS_S. Meanwhile workers take a copy of one in so many
 * queries (net/tap.h), which the thread of taps.h puts into sketches of bounded size (base/frequent.h): names, the nets
 * that queries come from, and the client subnets that they are for. How many are one is set anew as the load changes, so
 * that some thousand samples a second come in, whatever is asked. Counts fade: what is told is a mean of the last
 * BUSIEST_MEAN_S or so. While nobody looks nothing is taken and no memory is held.
 */
#ifndef DAEMON_BUSIEST_H
#define DAEMON_BUSIEST_H

#include "console/command.h"
#include "daemon/publish.h"

struct busiest;
struct ev_loop;
struct tap_head;

enum { BUSIEST_LOOKS_S = 10, BUSIEST_MEAN_S = 10 };

struct busiest_opts {
	struct ev_loop *loop;
	struct publisher *publisher;
	/* Somebody begins to look, or nobody looks any more. */
	void (*tell)(void *ctx, bool looks);
	void *ctx;
};

/* Never NULL. Binds "busiest". Loop. */
struct busiest *busiest_new(const struct busiest_opts *opts, struct commands *commands);
/* When nobody calls busiest_take() any more. */
void busiest_free(struct busiest *b);

/* Any one thread: a query that was taken for it. */
void busiest_take(struct busiest *b, const struct tap_head *h);

#endif
