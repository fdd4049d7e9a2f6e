#include "simulate/simulate_judge.h"

#include "base/memory.h"
#include "measure/estimates.h"

void simulate_judge_init(struct simulate_judge *j, const struct simulate_side *side,
	const struct simulate_edge *edges, unsigned n)
{
	*j = (struct simulate_judge){ .side = side };
	j->edge = memory_zeroed(n, sizeof *j->edge);
	for (unsigned i = 0; i < n; i++) {
		const int at = steer_edge(side->steer, edges[i].name);
		j->edge[i] = at < 0 ? -1 : side->steer->edges[at].origin;
	}
}

void simulate_judge_fini(struct simulate_judge *j)
{
	for (unsigned kind = 0; kind < LATENCY_KINDS; kind++) {
		for (uint32_t i = 0; j->ms[kind] && i < client_map_keys(j->side->steer->clients); i++)
			memory_free(j->ms[kind][i]);
		memory_free(j->ms[kind]);
	}
	memory_free(j->edge);
}

const float *simulate_judge_ms(struct simulate_judge *j, enum latency_kind kind, const struct addr *who, uint32_t now_s)
{
	const struct client_map *m = j->side->steer->clients;
	const uint32_t hit = netmap_find(client_map_netmap(m), who).value,
		       key = hit < client_map_keys(m) ? hit : 0;
	struct estimates e;

	if (!j->ms[kind])
		j->ms[kind] = memory_zeroed(client_map_keys(m), sizeof *j->ms[kind]);
	if (!j->ms[kind][key]) {
		estimates_init(&e, &(struct estimates_of){ m, j->side->table, kind, now_s }, who);
		j->ms[kind][key] = e.ms;
		e.rtt_ms = e.rtt_ms == e.ms ? NULL : e.rtt_ms;
		e.ms = NULL;
		estimates_fini(&e);
	}
	return j->ms[kind][key];
}
