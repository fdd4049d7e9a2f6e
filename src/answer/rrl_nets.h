/* rrl_nets.h - the nets whose responses are being limited, for who tells of them.
 *
 * A small table of fixed size. Whoever answers writes down that a net was limited, at no cost
 * to nets that are not; one thread beside them reads, and frees the place of a net that was not
 * limited for a while. No lock: where two threads are in each other's way a net is told twice
 * or a count is off, and nothing else. What finds no place is counted.
 */
#ifndef ANSWER_RRL_NETS_H
#define ANSWER_RRL_NETS_H

#include "base/addr.h"
#include "world/policy.h"

#include <stdbool.h>
#include <stdint.h>

enum { RRL_NETS = 256, RRL_NETS_WAYS = 8 };

struct rrl_net {
	struct prefix net;
	enum policy_class class;
	unsigned factor;   /* so many times the rate of one address */
	uint64_t first_us; /* as what follows, by the clock of rrl_account() */
	uint64_t last_us;
	uint64_t count; /* of limited responses */
};

struct rrl_nets {
	struct rrl_nets_place {
		uint64_t tag; /* atomic; 0: free */
		bool ready;   /* atomic: the net is written */
		struct rrl_net of;
	} place[RRL_NETS];
	uint64_t lost; /* atomic: what found no place */
};

/* Any thread. `tag` is never 0, and the same for the same net, class and width. */
void rrl_nets_note(struct rrl_nets *t, uint64_t tag, const struct rrl_net *net);

/* One thread: what is at place `i`; false when that is free. */
bool rrl_nets_get(const struct rrl_nets *t, unsigned i, struct rrl_net *to);
void rrl_nets_free_place(struct rrl_nets *t, unsigned i);

#endif
