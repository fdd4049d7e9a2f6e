#include "steer/needs.h"

#include "base/memory.h"

struct walk {
	const struct steer *steer;
	uint8_t *states, *done;
	const uint8_t *forced;
};

/* Down before drained before up. */
static unsigned badness(uint8_t state)
{
	switch ((enum edge_state)state) {
	case EDGE_UP: return 0;
	case EDGE_DRAIN: return 1;
	case EDGE_DOWN: return 2;
	}
	return 0;
}

static void settle(struct walk *w, unsigned edge)
{
	const struct edge *e = &w->steer->edges[edge];

	if (w->done[edge])
		return;
	w->done[edge] = 1;
	for (unsigned i = 0; i < e->n_needs && !w->forced[edge]; i++) {
		settle(w, e->needs[i]);
		if (badness(w->states[e->needs[i]]) > badness(w->states[edge]))
			w->states[edge] = w->states[e->needs[i]];
	}
}

void needs_states(const struct steer *s, uint8_t *states, const uint8_t *forced)
{
	struct walk w = { s, states, NULL, forced };

	if (!s->has_needs)
		return;
	w.done = memory_zeroed(s->n_edges, 1);
	for (unsigned i = 0; i < s->n_edges; i++)
		settle(&w, i);
	memory_free(w.done);
}
