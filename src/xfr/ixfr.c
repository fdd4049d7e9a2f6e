#include "xfr/ixfr.h"

#include <stdlib.h>

static bool keep_step(struct ixfr *x, struct fault *why)
{
	if (x->n == x->room) {
		const size_t room = x->room ? 2 * x->room : 8;
		struct change **steps = realloc(x->steps, room * sizeof(*steps));
		if (!steps)
			return fault(why, "out of memory");
		x->steps = steps;
		x->room = room;
	}
	if (!change_seal(x->step, why))
		return false;
	x->steps[x->n++] = x->step;
	x->step = NULL;
	x->comes = false;
	return true;
}

/* Between two halves, between two steps, or at the end. */
static bool take_soa(
	struct ixfr *x, const struct change_record *rr, uint32_t serial, struct fault *why)
{
	if (x->step && !x->comes) {
		x->comes = true;
		return change_add(x->step, rr, why);
	}
	if (x->step && !keep_step(x, why))
		return false;
	if (x->n && serial == x->last && change_to(x->steps[x->n - 1]) == x->last) {
		x->ended = true;
		return true;
	}
	x->step = change_new(x->apex);
	if (!x->step)
		return fault(why, "out of memory");
	return change_remove(x->step, rr, why);
}

bool ixfr_take(struct ixfr *x, const struct change_record *rr, bool is_soa, uint32_t serial,
	struct fault *why)
{
	if (is_soa)
		return take_soa(x, rr, serial, why);
	if (!x->step)
		return fault(why, "a record stands between two steps");
	return x->comes ? change_add(x->step, rr, why) : change_remove(x->step, rr, why);
}

struct change *ixfr_change(const struct ixfr *x, struct fault *why)
{
	if (!x->n || !x->ended) {
		fault(why, "it has no step");
		return NULL;
	}
	return change_join((const struct change *const *)x->steps, x->n, why);
}

void ixfr_fini(struct ixfr *x)
{
	for (size_t i = 0; i < x->n; i++)
		change_free(x->steps[i]);
	free(x->steps);
	change_free(x->step);
	*x = (struct ixfr){ 0 };
}
