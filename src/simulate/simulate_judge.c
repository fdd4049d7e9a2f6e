#include "simulate/simulate_judge.h"

#include "base/memory.h"
#include "measure/estimates.h"

void simulate_judge_init(struct simulate_judge *j, const struct simulate_side *side,
	const struct simulate_edge *edges, unsigned n)
{
	j->side = side;
	j->ms = memory_zeroed(client_map_keys(side->steer->clients), sizeof *j->ms);
	j->edge = memory_zeroed(n, sizeof *j->edge);
	for (unsigned i = 0; i < n; i++) {
		const int at = steer_edge(side->steer, edges[i].name);
		j->edge[i] = at < 0 ? -1 : side->steer->edges[at].origin;
	}
}

void simulate_judge_fini(struct simulate_judge *j)
{
	for (uint32_t i = 0; i < client_map_keys(j->side->steer->clients); i++)
		memory_free(j->ms[i]);
	memory_free(j->ms);
	memory_free(j->edge);
}

const float *simulate_judge_ms(struct simulate_judge *j, const struct addr *who, uint32_t now_s)
{
	const struct client_map *m = j->side->steer->clients;
	const uint32_t hit = netmap_find(client_map_netmap(m), who).value,
		       key = hit < client_map_keys(m) ? hit : 0;
	struct estimates e;

	if (!j->ms[key]) {
		estimates_init(&e, &(struct estimates_of){ m, j->side->table, LATENCY_RTT, now_s }, who);
		j->ms[key] = e.ms;
		e.ms = e.rtt_ms = NULL;
		estimates_fini(&e);
	}
	return j->ms[key];
}
