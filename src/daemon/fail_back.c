#include "daemon/fail_back.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/timeline.h"
#include "steer/standing.h"

#include <ev.h>
#include <string.h>
#include <time.h>

struct fail_back {
	struct fail_back_opts opts;
	struct fail_overs list;
	ev_timer due; /* the next pool comes back */
};

static void on_due(struct ev_loop *loop, ev_timer *t, int events)
{
	struct fail_back *f = t->data;

	(void)loop;
	(void)events;
	f->opts.changed(f->opts.ctx, true);
}

struct fail_back *fail_back_new(const struct fail_back_opts *opts)
{
	struct fail_back *f = memory_zeroed(1, sizeof *f);

	f->opts = *opts;
	ev_timer_init(&f->due, on_due, 0, 0);
	f->due.data = f;
	return f;
}

void fail_back_free(struct fail_back *f)
{
	ev_timer_stop(f->opts.loop, &f->due);
	fail_overs_fini(&f->list);
	memory_free(f);
}

const struct fail_overs *fail_back_list(const struct fail_back *f)
{
	return &f->list;
}

void fail_back_recall(struct fail_back *f, const struct fail_overs *kept)
{
	fail_overs_fini(&f->list);
	f->list = fail_overs_copy(kept);
}

/* --- where a pool is ---------------------------------------------------------------------- */

enum { NOWHERE = UINT16_MAX };

static unsigned first_that_may(
	const struct steer *s, const struct standing *now, unsigned pool)
{
	const unsigned n = fail_over_members(s, pool);

	for (unsigned i = 0; i < n; i++)
		if (fail_over_may(s, now, pool, i))
			return i;
	return NOWHERE;
}

static void tell(struct fail_back *f, const char *pool, const char *member, const char *what)
{
	log_line(LOG_NOTICE, "pool %s: %s %s", pool, what, member);
	if (f->opts.timeline)
		timeline_add(f->opts.timeline,
			&(struct store_event){
				.what = "fail-back", .pool = pool, .is = member, .why = what });
}

static void move(struct fail_back *f, const struct steer *s, unsigned pool, unsigned to)
{
	const char *name = s->pools[pool].name;
	const bool over = to != fail_over_base(s, pool);

	tell(f, name, fail_over_name(s, pool, to), over ? "fails over to" : "is back at");
	if (over) {
		struct fail_over *at = fail_over_set(&f->list, name, fail_over_name(s, pool, to));
		at->when_s = time(NULL);
	} else {
		fail_over_clear(&f->list, name);
	}
	f->opts.changed(f->opts.ctx, false);
}

/* When it comes back by itself; UINT64_MAX: it does not. */
static uint64_t follow_pool(
	struct fail_back *f, const struct steer *s, struct standing *now, unsigned pool)
{
	const struct pool *p = &s->pools[pool];
	struct fail_over *at = fail_over_find(&f->list, p->name);
	const unsigned from = fail_over_place(at, s, pool), best = first_that_may(s, now, pool);
	const bool may = fail_over_may(s, now, pool, from);
	const uint64_t time_us = clock_us();
	unsigned to = from;

	if (at && best < from && may) {
		if (!at->better_us)
			at->better_us = time_us;
		if (p->fail_back == POOL_BACK_AFTER &&
			time_us - at->better_us >= p->fail_back_ms * (uint64_t)1000)
			to = best;
	} else if (at) {
		at->better_us = 0;
	}
	if (!may && best != NOWHERE)
		to = best;
	const bool over = to != fail_over_base(s, pool);
	if (to != from || (at && !over)) {
		move(f, s, pool, to);
		at = fail_over_find(&f->list, p->name);
	}
	if (over)
		fail_over_put(s, now, pool, to);
	return at && at->better_us && p->fail_back == POOL_BACK_AFTER
		? at->better_us + p->fail_back_ms * (uint64_t)1000
		: UINT64_MAX;
}

/* A pool that is gone, or comes back at once now, has failed over nowhere. */
static void forget_others(struct fail_back *f, const struct steer *s)
{
	for (size_t i = f->list.n; i-- > 0;) {
		const int pool = steer_pool(s, f->list.of[i].pool);
		if (pool >= 0 && fail_over_stays(&s->pools[pool]))
			continue;
		fail_over_clear(&f->list, f->list.of[i].pool);
		f->opts.changed(f->opts.ctx, false);
	}
}

void fail_back_follow(struct fail_back *f, const struct steer *s, struct standing *now)
{
	uint64_t soonest = UINT64_MAX;

	forget_others(f, s);
	for (unsigned i = 0; i < s->n_pools; i++) {
		if (!fail_over_stays(&s->pools[i]) || !fail_over_members(s, i))
			continue;
		if (now->pools[i].waits) { /* nothing is known yet */
			const unsigned at =
				fail_over_place(fail_over_find(&f->list, s->pools[i].name), s, i);
			if (at != fail_over_base(s, i))
				fail_over_put(s, now, i, at);
			continue;
		}
		const uint64_t due = follow_pool(f, s, now, i);
		soonest = due < soonest ? due : soonest;
	}
	ev_timer_stop(f->opts.loop, &f->due);
	if (soonest == UINT64_MAX)
		return;
	const uint64_t time_us = clock_us();
	ev_now_update(f->opts.loop);
	ev_timer_set(&f->due, soonest > time_us ? (double)(soonest - time_us) / 1e6 : 0, 0);
	ev_timer_start(f->opts.loop, &f->due);
}

void fail_back_apply(const struct fail_back *f, const struct steer *s, struct standing *now)
{
	fail_overs_apply(&f->list, s, now);
}

bool fail_back_order(struct fail_back *f, const struct steer *s, const char *pool, struct fault *why)
{
	const int number = pool ? steer_pool(s, pool) : -1;

	if (pool && number < 0)
		return fault(why, "there is no pool \"%s\" (\"waymarkctl pools\" lists them)", pool);
	if (pool && !fail_over_stays(&s->pools[number]))
		return fault(why, "pool %s comes back by itself, at once; it has no \"fail-back\"", pool);
	if (pool && !fail_over_find(&f->list, pool))
		return fault(why, "pool %s has not failed over", pool);
	if (!pool && !f->list.n)
		return fault(why, "no pool has failed over");
	for (size_t i = f->list.n; i-- > 0;)
		if (!pool || strcmp(f->list.of[i].pool, pool) == 0) {
			tell(f, f->list.of[i].pool, f->list.of[i].member, "is ordered back from");
			fail_over_clear(&f->list, f->list.of[i].pool);
		}
	f->opts.changed(f->opts.ctx, true);
	return true;
}
