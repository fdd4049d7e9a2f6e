#include "steer/health.h"

static uint16_t top(struct health_rule r)
{
	return (uint16_t)(r.rise + r.fall - 1u);
}

struct health health_begin(struct health_rule r, bool up)
{
	return (struct health){ up ? top(r) : 0 };
}

/* One number tells up from down: below `rise` is down, and the ends are sticky, so that one odd
 * probe cannot flap an edge: crossing the line jumps to the far end. */
struct health health_after(struct health h, struct health_rule r, bool passed)
{
	if (passed) {
		if (h.score < top(r) && ++h.score >= r.rise)
			h.score = top(r);
	} else {
		if (h.score > 0 && --h.score < r.rise)
			h.score = 0;
	}
	return h;
}

bool health_up(struct health h, struct health_rule r)
{
	return h.score >= r.rise;
}

unsigned health_left(struct health h, struct health_rule r)
{
	return health_up(h, r) ? h.score - r.rise + 1u : r.rise - (unsigned)h.score;
}

bool health_shaky(struct health h, struct health_rule r)
{
	return h.score != 0 && h.score != top(r);
}
