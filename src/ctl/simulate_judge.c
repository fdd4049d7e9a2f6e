#include "ctl/simulate_judge.h"

#include "base/memory.h"
#include "ctl/estimates.h"

void simulate_judge_init(struct simulate_judge *j, const struct simulate_side *side,
	const struct simulate_edge *edges, unsigned n)
{
	j->side = side;
	j->ms = memory_zeroed(ground_keys(side->steer->ground), sizeof *j->ms);
	j->edge = memory_zeroed(n, sizeof *j->edge);
	for (unsigned i = 0; i < n; i++)
		j->edge[i] = steer_edge(side->steer, edges[i].name);
}

void simulate_judge_fini(struct simulate_judge *j)
{
	for (uint32_t i = 0; i < ground_keys(j->side->steer->ground); i++)
		memory_free(j->ms[i]);
	memory_free(j->ms);
	memory_free(j->edge);
}

const float *simulate_judge_ms(struct simulate_judge *j, const struct addr *who, uint32_t now_s)
{
	const struct ground *g = j->side->steer->ground;
	const uint32_t hit = netmap_find(ground_map(g), who).value,
		       key = hit < ground_keys(g) ? hit : 0;
	struct estimates e;

	if (!j->ms[key]) {
		estimates_init(&e, j->side->steer, j->side->table, now_s, who);
		j->ms[key] = e.ms;
		e.ms = NULL;
		estimates_fini(&e);
	}
	return j->ms[key];
}
