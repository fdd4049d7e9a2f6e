/* balancer_fleet.c - prices that servers of a fleet find together.
 */
#include "daemon/balancer_inner.h"

#include "base/bytes.h"

static void on_prices(void *ctx)
{
	balancer_take_prices(ctx);
}

void balancer_set_fleet(struct balancer *b, struct fleet *f, const char *server)
{
	fleet_demand_free(b->demand);
	b->demand = f ? fleet_demand_new(&(struct fleet_demand_opts){
				.fleet = f, .server = server, .ctx = b, .prices = on_prices })
		      : NULL;
	b->told = false;
	if (b->demand)
		fleet_demand_set(b->demand, b->limited);
}

void balancer_say_prices(struct balancer *b)
{
	if (!b->demand || !fleet_demand_leads(b->demand))
		return;
	struct load_record *r = load_record_prices(b->steer, b->loads, b->memory.per_query);
	fleet_demand_say_prices(b->demand, r);
	load_record_drop(r);
}

void balancer_take_prices(struct balancer *b)
{
	const struct load_record *r = fleet_demand_prices(b->demand);
	double each;
	bool changed;

	/* The job has what they go to. */
	b->told = b->counts;
	if (b->counts || !r || !load_record_take(r, b->steer, b->loads, &each, &changed))
		return;
	load_count_set_per_query(&b->memory, b->loads, b->n_edges, each);
	b->moves = changed;
	if (changed)
		publisher_soon(b->opts.publisher);
}

struct fleet_demand_sum balancer_fleet(const struct balancer *b)
{
	return fleet_demand_sum(b->demand);
}

void balancer_hello(const struct balancer *b, void *json)
{
	if (b->demand)
		fleet_demand_hello(b->demand, json);
}

uint64_t balancer_prices_sum(const struct balancer *b)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < b->n_edges; i++)
		sum += hash_pair(b->steer->edges[i].hash, (uint64_t)b->loads[i].price << 16 | b->loads[i].room);
	return sum;
}
