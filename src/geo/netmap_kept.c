#include "geo/netmap_kept.h"

#include "base/memory.h"
#include "geo/netmap_inner.h"
#include "geo/pages.h"

enum { TOP_MOST = 24, BLOCKS_MOST = 1 << 28 };

struct kept_family {
	uint64_t n, top, ranges, low;
};

static size_t count_first(const struct netmap_family *f)
{
	return ((size_t)1 << f->top) + 1;
}

static void put_family(struct kept_out *o, const struct netmap_family *f)
{
	const struct kept_family head = { f->n, f->top, f->ranges, f->low != NULL };

	kept_put(o, &head, sizeof head);
	kept_put(o, f->blocks, f->n * sizeof *f->blocks);
	kept_put(o, f->high, f->n * sizeof *f->high);
	if (f->low)
		kept_put(o, f->low, f->n * sizeof *f->low);
	kept_put(o, f->first, count_first(f) * sizeof *f->first);
}

void netmap_kept_put(struct kept_out *o, const struct netmap *map)
{
	put_family(o, &map->family[0]);
	put_family(o, &map->family[1]);
}

/* NULL: it is not there. */
static void *get_table(struct kept_in *in, size_t len)
{
	if (kept_next(in) != len)
		return NULL;
	void *p = pages_table(len);
	if (kept_get(in, p, len))
		return p;
	pages_resize(p, len, 0);
	return NULL;
}

/* Every part of it is of use to find a block that is there. */
static bool is_right(const struct netmap_family *f)
{
	for (size_t i = 0; i + 1 < count_first(f); i++)
		if (f->first[i] > f->first[i + 1])
			return false;
	return f->first[count_first(f) - 1] < f->n;
}

static bool get_family(struct kept_in *in, struct netmap_family *f)
{
	struct kept_family head;

	if (!kept_get(in, &head, sizeof head) || !head.n || head.n > BLOCKS_MOST || head.n > SIZE_MAX / sizeof *f->blocks || head.top > TOP_MOST)
		return false;
	f->top = (unsigned)head.top;
	f->ranges = (size_t)head.ranges;
	f->n = (uint32_t)head.n;
	f->blocks = get_table(in, f->n * sizeof *f->blocks);
	f->high = f->blocks ? get_table(in, f->n * sizeof *f->high) : NULL;
	f->low = f->high && head.low ? get_table(in, f->n * sizeof *f->low) : NULL;
	if (!f->high || !f->low != !head.low || kept_next(in) != count_first(f) * sizeof *f->first)
		return false;
	f->first = memory_zeroed(count_first(f), sizeof *f->first);
	return kept_get(in, f->first, count_first(f) * sizeof *f->first) && is_right(f);
}

/* What a family has, which may not be all. */
static void forget(struct netmap_family *f)
{
	if (f->blocks)
		pages_resize(f->blocks, f->n * sizeof *f->blocks, 0);
	if (f->high)
		pages_resize(f->high, f->n * sizeof *f->high, 0);
	if (f->low)
		pages_resize(f->low, f->n * sizeof *f->low, 0);
	memory_free(f->first);
}

struct netmap *netmap_kept_get(struct kept_in *in)
{
	struct netmap *map = memory_zeroed(1, sizeof *map);

	map->refs = 1;
	if (get_family(in, &map->family[0]) && get_family(in, &map->family[1]))
		return map;
	forget(&map->family[0]);
	forget(&map->family[1]);
	memory_free(map);
	return NULL;
}
