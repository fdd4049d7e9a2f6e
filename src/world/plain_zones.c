#include "world/plain_zones.h"

#include "base/memory.h"
#include "zone/registry.h"
#include "zone/serial.h"

static void free_zone(struct part *part)
{
	struct plain_zone *p = (struct plain_zone *)part; /* its first member */

	if (p->zone)
		zone_drop(p->zone);
	zone_drop(p->of);
	arena_fini(&p->mem);
	memory_free(p);
}

static void free_zones(struct part *part)
{
	struct plain_zones *p = (struct plain_zones *)part; /* its first member */

	for (size_t i = 0; i < p->n; i++)
		plain_zone_drop(p->list[i]);
	memory_free(p->list);
	memory_free(p);
}

struct plain_zone *plain_zone_new(struct zone *of)
{
	struct plain_zone *p = memory_zeroed(1, sizeof *p);

	p->part = part_new(free_zone);
	arena_init(&p->mem);
	zone_hold(of);
	p->of = of;
	return p;
}

struct plain_zones *plain_zones_new(struct plain_zone **list, size_t n)
{
	struct plain_zones *p = memory_zeroed(1, sizeof *p);

	p->part = part_new(free_zones);
	p->list = list;
	p->n = n;
	return p;
}

struct plain_zone *plain_zones_find(const struct plain_zones *p, const uint8_t *id)
{
	size_t from = 0, to = p ? p->n : 0;

	while (from < to) {
		const size_t at = from + (to - from) / 2;
		const int d = registry_compare(id, zone_id(p->list[at]->of));
		if (d == 0)
			return p->list[at];
		if (d < 0)
			to = at;
		else
			from = at + 1;
	}
	return NULL;
}

uint32_t plain_zones_serial(uint32_t zone, uint32_t last)
{
	return serial_is_newer(zone, last) ? zone : last + 1;
}
