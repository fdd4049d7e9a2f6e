/* pace.h - when may the next be published? The first few at once, and then so that all of it takes a share of the time.
 *
 * What comes while one is waited for is in the next. A bucket of PACE_AT_ONCE, of which one is filled again in each
 * rest (the generic cell rate algorithm of ITU-T I.371). Times are monotonic. A value; for one thread.
 */
#ifndef DAEMON_PACE_H
#define DAEMON_PACE_H

#include <stdint.h>

enum {
	PACE_AT_ONCE = 4,
	PACE_GAPS = 10 /* so many between two are a rest: what comes together is told together, also of the first few */
};

struct pace {
	uint64_t last_us; /* 0: there was none */
	uint64_t full_us; /* the bucket is full again */
};

/* One is published now. `rest_us`: between two of many, on the average. */
static inline void pace_spend(struct pace *p, uint64_t now_us, uint64_t rest_us)
{
	p->full_us = (p->full_us > now_us ? p->full_us : now_us) + rest_us;
	p->last_us = now_us;
}

/* When the next may be; it may be over. */
static inline uint64_t pace_next_us(const struct pace *p, uint64_t rest_us)
{
	const uint64_t ahead = (PACE_AT_ONCE - 1) * rest_us, gap_us = p->last_us ? p->last_us + rest_us / PACE_GAPS : 0;
	const uint64_t share_us = p->full_us > ahead ? p->full_us - ahead : 0;

	return gap_us > share_us ? gap_us : share_us;
}

#endif
