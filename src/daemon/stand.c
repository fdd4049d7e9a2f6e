#include "daemon/stand.h"

#include "base/memory.h"

#include <stdlib.h>

struct standing *stand(const struct stand *s)
{
	struct standing_row *rows = memory_zeroed(s->rows->n, sizeof *rows);
	uint8_t *states = memory_zeroed(s->steer->n_edges, 1),
		*forced = memory_zeroed(s->steer->n_edges, 1);

	for (unsigned i = 0; i < s->steer->n_edges; i++)
		states[i] = (uint8_t)s->steer->edges[i].state;
	for (size_t i = 0; i < s->forced->n; i++) {
		const int edge = steer_edge(s->steer, s->forced->of[i].edge);
		if (edge < 0)
			continue; /* not now, but perhaps after the next reload */
		states[edge] = (uint8_t)s->forced->of[i].state;
		forced[edge] = 1;
	}
	for (unsigned i = 0; i < s->rows->n; i++)
		rows[i] = (struct standing_row){ s->rows->need[i],
			round_row_targets(s->round, s->first + i) };
	struct standing *to = standing_new(&(struct standing_opts){ .steer = s->steer,
		.states = states,
		.forced = forced,
		.verdicts = round_verdicts(s->round),
		.rows = rows,
		.n_rows = s->rows->n,
		.row_of = s->rows->row_of,
		.before = s->before });
	free(rows);
	free(states);
	free(forced);
	return to;
}
