/* xdp_make.h - an answer that the program in the kernel may give, and to whom.
 *
 * Made by the code that answers everything (answer/answer.h), and looked at: is it the same for everybody, or for all
 * queries of this client, until the next publication? Nothing is kept. The loop's thread.
 */
#ifndef NET_XDP_MAKE_H
#define NET_XDP_MAKE_H

#include "answer/stats.h"
#include "net/xdp_question.h"
#include "world/world.h"

enum { XDP_COUNTS_MOST = 16, XDP_REASONS_MOST = 4 };

/* What each query that is answered so counts for. */
struct xdp_counts {
	uint64_t zone;                      /* choice_counts_zone(); 0: none */
	uint64_t reasons[XDP_REASONS_MOST]; /* choice_counts_reason() */
	unsigned n, n_reasons;
	struct {
		uint32_t at; /* in struct stats, in numbers */
		uint32_t more;
	} more[XDP_COUNTS_MOST];
};

struct xdp_made {
	struct xdp_answer held; /* of no set */
	struct xdp_counts counts;
	bool steered;  /* it is for this client */
	uint8_t scope; /* ... that of the answer */
	uint64_t asks; /* ... of which pool, and how: who asks alike is steered alike */
	uint32_t signed_until_s; /* ... UNIX time; 0: nothing in it was signed for a pool */
};

enum xdp_makes {
	XDP_MADE,
	XDP_MADE_NOT_NOW, /* not for this client, or not at this time */
	XDP_MADE_NEVER    /* for nobody, as the world is */
};

/* Signatures of what pools answer are renewed without a publication (world/pool_signatures.h), so what has them is held
 * until they end, but for so long. */
enum { XDP_SIGNED_LEAST_S = 60 };

static inline bool xdp_made_lasts(uint32_t signed_until_s, uint32_t now_s)
{
	return !signed_until_s || (int32_t)(signed_until_s - now_s) >= XDP_SIGNED_LEAST_S;
}

/* `client`: of a query with a subnet its /24, of one without where it came from, IPv4; 0: from elsewhere. */
enum xdp_makes xdp_make(const struct world *w, const struct xdp_question *q, uint32_t client, struct xdp_made *to);

#endif
