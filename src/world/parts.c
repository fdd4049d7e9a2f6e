#include "world/parts.h"

struct parts parts_hold(const struct parts *p)
{
	part_hold(p->conf);
	if (p->zones)
		registry_hold(p->zones);
	if (p->atlas)
		atlas_hold(p->atlas);
	stamps_hold(p->geo_files);
	if (p->table)
		latency_hold(p->table);
	stamps_hold(p->table_files);
	if (p->steer)
		steer_hold(p->steer);
	pool_numbers_hold(p->numbers);
	pool_signatures_hold(p->signatures);
	plain_zones_hold(p->plain);
	return *p;
}

void parts_drop(struct parts *p)
{
	part_drop(p->conf);
	registry_drop(p->zones);
	if (p->atlas)
		atlas_drop(p->atlas);
	stamps_drop(p->geo_files);
	latency_drop(p->table);
	stamps_drop(p->table_files);
	steer_drop(p->steer);
	pool_numbers_drop(p->numbers);
	pool_signatures_drop(p->signatures);
	plain_zones_drop(p->plain);
	*p = (struct parts){ 0 };
}
