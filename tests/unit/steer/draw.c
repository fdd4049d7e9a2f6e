#include "unit/steer/draw.h"

#include <string.h>

uint64_t draw_number(struct draw *d)
{
	d->seed ^= d->seed << 13;
	d->seed ^= d->seed >> 7;
	d->seed ^= d->seed << 17;
	return d->seed;
}

double draw_between(struct draw *d, double from, double to)
{
	return from + (to - from) * (double)(draw_number(d) >> 11) / (double)(1ull << 53);
}

struct addr draw_addr(struct draw *d, bool v6)
{
	struct addr a;
	const uint64_t x = draw_number(d), y = draw_number(d);

	if (!v6)
		return addr_from_v4((const uint8_t *)&x);
	memcpy(a.b, &x, 8);
	memcpy(a.b + 8, &y, 8);
	a.b[0] = (uint8_t)(0x20 | (a.b[0] & 0x1f));
	return addr_plain(&a, NULL);
}
