#include "world/edge_own.h"

#include "zone/edge_rr.h"

#include <string.h>

struct choose_own edge_own(
	const struct steer *s, unsigned pool, const uint8_t *rdata, size_t len)
{
	struct choose_own own = { .answers = 0 };
	struct edge_rr rr;
	char name[UINT8_MAX + 1];

	if (!edge_rr_has_words(rdata, len))
		return own;
	edge_rr_read(&rr, rdata, len);
	own.answers = (uint8_t)rr.answers;
	own.has_ttl = rr.has_ttl;
	own.ttl_least_s = rr.ttl_least_s;
	own.ttl_most_s = rr.ttl_most_s;
	if (!rr.edge_len)
		return own;
	memcpy(name, rr.edge, rr.edge_len);
	name[rr.edge_len] = 0;
	own.one = true;
	own.edge = (uint16_t)steer_edge(s, name);
	if (s->n_origins < s->n_edges && own.edge < s->n_edges)
		own.edge = steer_edge_in(s, pool, own.edge);
	return own;
}
