/* balancer_bounds.c - what edges keep of their keys, from one configuration to the next and into a standing.
 */
#include "daemon/balancer_inner.h"
#include "daemon/load_bounds.h"

#include "base/memory.h"

#include <string.h>

bool balancer_has_bounds(const struct steer *s)
{
	bool any = false;

	for (unsigned i = 0; i < s->n_pools; i++)
		any = any || s->pools[i].bound > 0;
	return any;
}

/* Of the edge in the pool of that name; `was` may be NULL. */
static struct load_bound bound_before(const struct balancer *b, const struct steer *was,
	const size_t *first, const char *pool, const char *edge)
{
	const int at = was && b->bounds ? steer_pool(was, pool) : -1;
	const struct pool *p = at >= 0 ? &was->pools[at] : NULL;

	for (unsigned k = 0; p && k < p->n; k++)
		if (strcmp(was->edges[p->edges[k]].name, edge) == 0)
			return b->bounds[first[at] + k];
	return (struct load_bound){ 0, SHED_ALL };
}

void balancer_bounds_take_over(
	struct balancer *b, const struct steer *was, const struct steer *now)
{
	size_t *first = was ? memory_zeroed(was->n_pools, sizeof *first) : NULL;
	struct load_bound *of = NULL, *to;

	for (unsigned i = 1; was && i < was->n_pools; i++)
		first[i] = first[i - 1] + was->pools[i - 1].n;
	if (balancer_has_bounds(now))
		of = memory_zeroed(load_bounds_cells(now), sizeof *of);
	to = of;
	for (unsigned i = 0; of && i < now->n_pools; i++) {
		const struct pool *p = &now->pools[i];
		for (unsigned k = 0; k < p->n; k++, to++)
			*to = p->bound > 0 ? bound_before(b, was, first, p->name,
						     now->edges[p->edges[k]].name)
					   : (struct load_bound){ 0, SHED_ALL };
	}
	memory_free(first);
	memory_free(b->bounds);
	b->bounds = of;
	b->n_bounds = of ? load_bounds_cells(now) : 0;
}

void balancer_bounds_put(const struct balancer *b, struct standing *s)
{
	const struct load_bound *of = b->bounds;

	for (unsigned i = 0; of && i < b->n_pools; i++) {
		const struct pool *p = &b->steer->pools[i];
		bool any = false;
		for (unsigned k = 0; k < p->n; k++)
			any = any || of[k].share != SHED_ALL;
		if (any) {
			uint16_t *shares = arena_alloc(&s->mem, p->n * sizeof *shares);
			for (unsigned k = 0; k < p->n; k++)
				shares[k] = of[k].share;
			s->pools[i].bounds = shares;
		}
		of += p->n;
	}
}
