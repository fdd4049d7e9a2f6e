/* xdp_slots.h - the places of what is held in the kernel (net/xdp_answers.h): which are free, and which has which question.
 *
 * Numbers of slots are those that the program knows (net/xdp_shared.h). One thread.
 */
#ifndef NET_XDP_SLOTS_H
#define NET_XDP_SLOTS_H

#include "net/xdp_make.h"

enum { XDP_NO_SLOT = XDP_SLOTS };

/* A question that is held; or, where it is steered, one of its answers. */
struct xdp_slot {
	struct xdp_question q;
	struct xdp_counts counts; /* of an answer */
	struct xdp_given seen; /* xdp_tables_given(), when it was counted */
	uint64_t asks;    /* of a question: struct xdp_made's */
	uint32_t client;  /* for whom it was made */
	uint32_t signed_until_s; /* of an answer: struct xdp_made's */
	unsigned asked;   /* of a question: the turn in which somebody asked last */
	uint16_t listed;  /* ... where in `list` */
	uint16_t next;    /* of a question: that of the same hash; of an answer: another of the question's. XDP_NO_SLOT */
	uint16_t set;     /* not 0: it is a question that is steered, */
	uint16_t answers; /* ... the first of its answers; XDP_NO_SLOT */
};

/* The free ones of a group, which are XDP_GROUP at most. */
struct xdp_free {
	uint8_t n, first;
	uint8_t of[XDP_GROUP]; /* a ring: what was given back last is had again last, for the program may be reading it */
};

struct xdp_slots {
	unsigned n_list, n_free, turn;
	uint16_t list[XDP_SLOTS];    /* [n_list] the questions */
	uint16_t by_hash[XDP_SLOTS]; /* ... their first; XDP_NO_SLOT */
	struct xdp_free free[XDP_GROUPS];
	struct xdp_slot of[XDP_SLOTS];
};

/* All are free. Never NULL; free() takes it. */
struct xdp_slots *xdp_slots_new(void);

/* A free one, zeroed, of each group in turn, or of those of a question with that hash (xdp_tables_hash()). XDP_NO_SLOT: there is none.
 * And back. */
unsigned xdp_slots_take(struct xdp_slots *s);
unsigned xdp_slots_take_for(struct xdp_slots *s, uint64_t hash);
void xdp_slots_give(struct xdp_slots *s, unsigned at);

uint64_t xdp_slots_hash(const struct xdp_question *q);
/* XDP_NO_SLOT: it is not in the list. */
unsigned xdp_slots_find(const struct xdp_slots *s, const struct xdp_question *q, uint64_t hash);
/* Slot `at`, whose question is set, comes into the list; and goes, the last of the list into its place there. */
void xdp_slots_enlist(struct xdp_slots *s, unsigned at);
void xdp_slots_delist(struct xdp_slots *s, unsigned at);

#endif
