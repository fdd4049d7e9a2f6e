#include "steer/verdict.h"

#include <assert.h>
#include <math.h>

/* The `k`th soonest (from 1) that one of those that are up, or down, changes. */
static uint64_t soonest(const struct verdict *parts, unsigned n, bool up, unsigned k)
{
	uint64_t at[VERDICT_PARTS_MOST];
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++) {
		if (parts[i].up != up)
			continue;
		unsigned to = m++;
		for (; to && at[to - 1] > parts[i].changes_us; to--)
			at[to] = at[to - 1];
		at[to] = parts[i].changes_us;
	}
	return k <= m ? at[k - 1] : UINT64_MAX;
}

struct verdict verdict_of_parts(const struct verdict *parts, unsigned n, unsigned least)
{
	struct verdict v = { .rtt_ms = NAN, .load = NAN };
	unsigned up = 0, surely_up = 0, surely_down = 0, awaited = 0;

	assert(n && n <= VERDICT_PARTS_MOST && least && least <= n);
	for (unsigned i = 0; i < n; i++) {
		const struct verdict *p = &parts[i];
		up += p->up;
		surely_up += p->known && p->up;
		surely_down += p->known && !p->up;
		awaited += p->awaited && !p->up;
		if (!p->up)
			continue;
		v.rtt_ms = isnan(v.rtt_ms) ? p->rtt_ms : v.rtt_ms;
		v.load = fmaxf(v.load, p->load);
	}
	v.up = up >= least;
	v.known = surely_up >= least || surely_down > n - least;
	v.awaited = !v.known && !v.up && up + awaited >= least;
	v.changes_us = v.up ? soonest(parts, n, true, up - least + 1)
			    : soonest(parts, n, false, least - up);
	return v;
}
