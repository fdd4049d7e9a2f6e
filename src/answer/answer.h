/* answer.h - the way of a query, from its bytes to those of the answer.
 *
 * Called by a worker for each packet, and by the control thread to explain one: it is the same
 * function. No allocation, lock, log or system call.
 */
#ifndef ANSWER_ANSWER_H
#define ANSWER_ANSWER_H

#include "answer/choice_counts.h"
#include "answer/news.h"
#include "answer/rrl.h"
#include "answer/sample.h"
#include "answer/sign_asks.h"
#include "answer/stats.h"
#include "base/addr.h"
#include "dns/query.h"
#include "dns/tsig.h"
#include "steer/choose.h"
#include "world/world.h"
#include "zone/denial.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ANSWER_UDP_MOST =
		1232, /* bytes of an answer over UDP (no fragments: dnsflagday.net/2020) */
	ANSWER_TCP_MOST = 65535,
	ANSWER_TURNS = POOLS_MOST * CHOOSE_TURNS * 2, /* pools; then the same of a stage */
	ANSWER_CHAIN_MOST = 16         /* CNAMEs and DNAMEs followed in our zones */
};

/* Who answers: a worker's own state. */
struct answerer {
	const struct world *world;
	struct stats *stats;
	struct choose_turn *turns;    /* [ANSWER_TURNS] */
	struct choice_counts *counts; /* NULL: none are kept */
	struct choose_trace *trace;   /* NULL but when explaining: the last choice made */
	struct choice *chose;         /* NULL, or where it goes */
	uint32_t *signed_until_s;     /* NULL, or where goes when the first of what pools have signed in the answer ends; UNIX time, was 0 */
	struct samples *samples;      /* of who is steered; NULL: nobody wants to know */
	answer_tell *tell;            /* NULL: nobody wants to know */
	void *tell_ctx;
	uint32_t told_s; /* UNIX time of what was told last of who may not */
	struct rrl *rrl;              /* shared by all workers; NULL: no rate is limited */
	uint32_t now_s;               /* UNIX time, of the batch */
	uint64_t now_us;              /* monotonic time, of the batch */
	struct sign_asks asks;        /* for what is not signed yet */
	uint16_t keepalive_100ms;     /* how long an idle TCP connection is kept (RFC 7828) */
};

struct transfer;

/* An UPDATE that may be looked into: its answer comes later, and not from here. */
struct answer_later {
	bool asked;
	struct tsig tsig; /* its key is the world's */
	uint8_t zone[NAME_MOST]; /* the id (zone/view.h) of the zone that it is for */
};

/* What carries a query, and its answer back. */
enum answer_via {
	VIA_UDP, /* the asker says how much it takes */
	VIA_TCP, /* messages of any length, in order: many may answer one query */
	VIA_TLS, /* the same, encrypted */
	VIA_HTTPS, /* one message of any length to one query */
	VIA_QUIC /* the same, but that many may answer one (RFC 9250) */
};

_Static_assert(VIA_UDP == (int)POOL_UDP && VIA_TCP == (int)POOL_TCP && VIA_TLS == (int)POOL_TLS &&
		VIA_HTTPS == (int)POOL_HTTPS_VIA && VIA_QUIC == (int)POOL_QUIC,
	"rules of pools count them alike");

static inline bool answer_via_stream(enum answer_via via)
{
	return via == VIA_TCP || via == VIA_TLS;
}

struct answer_ask {
	const uint8_t *packet;
	size_t len;
	struct addr source; /* as it came, not yet plain */
	enum answer_via via;
	uint8_t seen; /* 1 + what rules of pools take `via` for; 0: what it is */
	const char *names; /* of the client's certificate: see policy_asker; or NULL */
	bool secret; /* length is all that others between see (RFC 7830) */
	bool proven; /* the source is no forged one: answers to it have come back */
	size_t room; /* bytes of `to`: ANSWER_UDP_MOST or ANSWER_TCP_MOST */
	uint8_t *to; /* not `packet` */
	struct transfer *transfer; /* where one may begin; NULL: nowhere */
	struct answer_later *later; /* where an UPDATE is kept; NULL: nowhere */
};

/* The length of the answer in `ask->to`; 0: none is to be sent, or `ask->transfer` has begun, and
 * all messages of the answer come from there, or `ask->later` was asked. */
size_t answer(struct answerer *a, const struct answer_ask *ask);

/* The same in steps, for many queries at a time: what one step asks the memory for is there
 * when the next comes to the same query, so that the waits of a batch overlap. All steps go
 * through the whole batch, one after the other; answer() is all of them for one query. */
struct answer_pending {
	enum query_result parsed;
	struct query query;
	struct tsig tsig;        /* without a key: the answer is not signed */
	struct zone_name name;   /* the question's, when there is one */
	const struct zone *zone; /* that has the say about it, or NULL */
	size_t number;
	uint8_t view_scope; /* bits of the subnet by which that zone was chosen among views */
	struct lookup found;       /* what the zone says */
	struct denial_proof proof; /* and what proves it, where that is asked for */
	/* When that is a pool: who asks it, and at which bit of the subnet IPv4 starts. */
	struct choose_ask who;
	unsigned v4_at;
	/* Where the answer's signatures are looked for, the choice is made ahead of it. */
	bool chosen;
	uint64_t signatures; /* the key of what they sign; 0: not known yet */
	struct choice choice;
};

/* How many steps there are: fewer where no pool is, and where none is signed. */
enum { ANSWER_STEPS_POOLS = 3 + CHOOSE_STEPS, ANSWER_STEPS_SIGNED = ANSWER_STEPS_POOLS + 2 };

static inline unsigned answer_steps(const struct answerer *a)
{
	const struct pool_signatures *s = a->world->signatures;

	return !a->world->steer->n_pools          ? 4
		: s && pool_signatures_any(s) ? ANSWER_STEPS_SIGNED
						  : ANSWER_STEPS_POOLS;
}

void answer_read(
	const struct answerer *a, const struct answer_ask *ask, struct answer_pending *p);
void answer_step(const struct answerer *a, const struct answer_ask *ask,
	struct answer_pending *p, unsigned step);
size_t answer_write(struct answerer *a, const struct answer_ask *ask, struct answer_pending *p);

#endif
