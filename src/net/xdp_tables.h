/* xdp_tables.h - what the programs in the kernel read and write, of all interfaces as if they were one.
 *
 * Each has the same in its tables. Slots are net/xdp_slots.h's. What is put there is of the current *generation*, and
 * a program gives what is of the one that it was told. The loop's thread.
 */
#ifndef NET_XDP_TABLES_H
#define NET_XDP_TABLES_H

#include "net/xdp_question.h"

#include <stdint.h>

/* Of an interface: what we share with its program. Lives longer than who uses it. */
struct xdp_maps {
	struct xdp_group *questions; /* [XDP_GROUPS] */
	struct xdp_held *held;   /* [generation & 1][XDP_SLOTS] */
	struct xdp_held_long *held_long; /* likewise */
	struct xdp_line *clients; /* [XDP_LINES] */
	struct xdp_given *given; /* [cpus][XDP_SLOTS] */
	struct xdp_state *state;
	unsigned cpus;
};

enum { XDP_TABLES_MOST = 16 };

struct xdp_tables {
	struct xdp_maps of[XDP_TABLES_MOST]; /* [n] */
	unsigned n;
	uint32_t generation; /* not 0 */
	unsigned spread[XDP_TABLES_MOST];    /* so often the lines of clients in use were doubled */
	unsigned displaced[XDP_TABLES_MOST]; /* clients that had to go since, though their set is alive */
};

/* Before anything is held. All have the seed of the first; those over XDP_TABLES_MOST are left out: nothing is answered there. */
void xdp_tables_add(struct xdp_tables *t, const struct xdp_maps *maps);

/* Another generation: what was put until now is given no more once xdp_tables_give() has told it. */
void xdp_tables_begin(struct xdp_tables *t);
/* The programs give what is of this generation, or nothing. */
void xdp_tables_give(const struct xdp_tables *t, bool on);

/* What slot `at` holds in this generation: an answer, or, with a set, a question that is steered. */
void xdp_tables_put(const struct xdp_tables *t, unsigned at, const struct xdp_answer *h);
/* Is that what it holds, but for the question and the set? Of at least one interface. */
bool xdp_tables_holds(const struct xdp_tables *t, unsigned at, const struct xdp_answer *h);

/* Of xdp_question_hash(), as the programs have it. */
uint64_t xdp_tables_hash(const struct xdp_tables *t, const struct xdp_question *q);
/* Slot `at`, in one of its groups, is the question's, until it is forgotten. False: another one is like it. */
bool xdp_tables_ask(const struct xdp_tables *t, const struct xdp_question *q, unsigned at);
void xdp_tables_forget(const struct xdp_tables *t, unsigned at);

/* As xdp_clients_put() and xdp_clients_has(); when many have had to go there is more room. */
void xdp_tables_steer(struct xdp_tables *t, uint64_t is, const bool *alive);
bool xdp_tables_steers(const struct xdp_tables *t, uint64_t client);
/* All of them. */
void xdp_tables_forget_clients(struct xdp_tables *t);

/* How often slot `at` was given since the start. */
struct xdp_given xdp_tables_given(const struct xdp_tables *t, unsigned at);

#endif
