/* refresh_inner.h - what a secondary zone has; between refresh.c, refresh_ask.c (its primary's serial) and
 * refresh_fetch.c (its transfers) only. Loop.
 */
#ifndef XFR_REFRESH_INNER_H
#define XFR_REFRESH_INNER_H

#include "xfr/exchange.h"
#include "xfr/refresh.h"

#include <ev.h>

enum {
	REFRESH_FETCHING_MOST = 10,
	REFRESH_FIRST_S = 3, /* retry of a zone that we have not got */
	REFRESH_SOA_NUMBERS = 20,
	REFRESH_FAULT_MOST = 255
};

enum doing { WAITS, ASKS, QUEUES, FETCHES, STORES };

struct secondary {
	struct refresher *of;
	struct peer *peers; /* [n], own */
	size_t n, at;       /* who is asked next */
	size_t tried;       /* ... in this round */
	struct zone *zone;  /* held; NULL: there is none */
	ev_timer timer;     /* of the next question */
	ev_timer expiry;
	enum doing doing;
	struct exchange *exchange;
	struct tsig tsig; /* of the question that is underway */
	bool gone;        /* dropped while it is fetched or stored */
	bool again;       /* asked for once more meanwhile */
	bool whole;
	bool unstored;    /* what is served could not be stored */
	bool first; /* before others that wait to be fetched */
	bool expired;
	unsigned failures;
	uint32_t expire_s;
	double checked; /* clock_seconds(); when a primary was last heard */
	struct refresh_view view;
	struct secondary *next_fetch;
	const uint8_t *apex; /* behind it */
};

struct refresher {
	struct refresher_opts opts;
	unsigned lane;
	void *tree; /* of struct secondary, by apex */
	struct exchanges *exchanges;
	struct secondary *first_fetch, **last_fetch;
	struct refresher_counts counts;
};

/* --- refresh.c ---------------------------------------------------------------------------- */

void refresh_wait(struct secondary *s, double after_s);
/* A primary was heard: what we have is good. */
void refresh_heard(struct secondary *s, uint32_t expire_s);
/* ... until its SOA says that it is to be asked again, or at once when somebody has said meanwhile that there is
 * something new. */
void refresh_rest(struct secondary *s);
/* Both, when what a primary has is what we have. */
void refresh_heard_same(struct secondary *s, uint32_t expire_s);
/* Nobody of them has what we want. */
void refresh_failed(struct secondary *s);
/* `zone` is taken; NULL: it has none that may be served. */
void refresh_tell(struct secondary *s, struct zone *zone, const struct fetched *how);
void refresh_free_secondary(struct secondary *s);

/* --- refresh_ask.c ------------------------------------------------------------------------ */

/* Asks the primary whose turn it is, then the others. */
void refresh_ask_serial(struct secondary *s);

/* --- refresh_fetch.c ---------------------------------------------------------------------- */

/* What is served and could not be stored. */
void refresh_store_again(struct secondary *s);
void refresh_fetch(struct secondary *s);

#endif
