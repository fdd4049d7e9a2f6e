#include "fleet/fleet_inner.h"

#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

/* The look that took the least time is the best. */
static int64_t offset_us(const struct fleet *f)
{
	struct timespec t;
	const unsigned n = f->n_looks < FLEET_CLOCKS ? f->n_looks : FLEET_CLOCKS;
	const struct clock_look *best = NULL;

	for (unsigned i = 0; i < n; i++)
		if (!best || f->looks[i].took_us < best->took_us)
			best = &f->looks[i];
	if (best)
		return best->offset_us;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - (int64_t)clock_us();
}

int64_t fleet_now_ms(const struct fleet *f)
{
	return ((int64_t)clock_us() + offset_us(f)) / 1000;
}

int64_t fleet_clock_off_ms(const struct fleet *f)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 - fleet_now_ms(f);
}

void fleet_clock_take(void *ctx, const struct redisReply *reply)
{
	struct fleet *f = ctx;
	const uint64_t now = clock_us();
	const struct redis_value s = redis_item(reply, 0), us = redis_item(reply, 1);

	if (!s.len || !us.len)
		return;
	const int64_t there = strtoll(s.s, NULL, 10) * 1000000 + strtoll(us.s, NULL, 10);
	struct clock_look *l = &f->looks[f->n_looks++ % FLEET_CLOCKS];
	l->took_us = now - f->asked_clock_us;
	l->offset_us = there - (int64_t)(f->asked_clock_us + l->took_us / 2);
	if (!f->life)
		f->life = (uint64_t)there / 1000;
}
