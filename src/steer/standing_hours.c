/* standing_hours.c - which hours of rules are now, and until when.
 */
#include "base/clock.h"
#include "steer/hours.h"
#include "steer/standing_inner.h"

#include <time.h>

void standing_put_hours(const struct make *m)
{
	const struct steer *steer = m->o->steer;
	struct standing *s = m->s;
	struct timespec now;

	s->n_hours = steer->n_hours;
	if (!s->n_hours)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	const int64_t time_s = m->o->time_s ? m->o->time_s : now.tv_sec;
	const uint64_t from_us = clock_us() - (m->o->time_s ? 0 : (uint64_t)now.tv_nsec / 1000);
	s->hours = arena_alloc(&s->mem, s->n_hours);
	s->hours_end_s = arena_alloc(&s->mem, s->n_hours * sizeof *s->hours_end_s);
	s->hours_end_us = arena_alloc(&s->mem, s->n_hours * sizeof *s->hours_end_us);
	for (unsigned i = 0; i < s->n_hours; i++) {
		const int64_t end_s = hours_next(&steer->hours[i], time_s);
		s->hours[i] = hours_hold(&steer->hours[i], time_s);
		s->hours_end_s[i] = end_s;
		s->hours_end_us[i] = end_s == INT64_MAX
			? UINT64_MAX
			: from_us + (uint64_t)(end_s - time_s) * 1000000;
	}
}

int64_t standing_hours_end_s(const struct standing *s)
{
	int64_t soonest = INT64_MAX;

	for (unsigned i = 0; i < s->n_hours; i++)
		if (s->hours_end_s[i] < soonest)
			soonest = s->hours_end_s[i];
	return soonest;
}
