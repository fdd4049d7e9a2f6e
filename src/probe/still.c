#include "probe/still.h"

#include "base/memory.h"
#include "probe/target.h"

#include <string.h>

static const char *copy(struct still *s, const char *text)
{
	return *text ? arena_strdup(&s->mem, text) : "";
}

struct still *still_take(const struct round *r, bool texts)
{
	struct still *s = memory_zeroed(1, sizeof *s);

	s->n = r->n;
	s->waits = r->waits;
	s->totals = round_totals(r);
	s->map = round_map_hold(r->map);
	s->views = arena_alloc(&s->mem, r->n * sizeof *s->views);
	s->verdicts = arena_memdup(&s->mem, r->verdicts, r->n * sizeof *s->verdicts);
	for (uint32_t i = 0; i < r->n; i++) {
		struct round_view v = target_view(r->targets[i]);
		s->n_probed += round_is_probed(&v);
		s->n_noticed += *v.notice != 0;
		v.edge = copy(s, v.edge);
		v.say = texts ? copy(s, v.say) : "";
		v.error = texts ? copy(s, v.error) : "";
		v.notice = texts ? copy(s, v.notice) : "";
		v.parts = arena_memdup(&s->mem, v.parts, v.n_parts * sizeof *v.parts);
		s->views[i] = v;
	}
	return s;
}

void still_free(struct still *s)
{
	if (!s)
		return;
	round_map_drop(s->map);
	arena_fini(&s->mem);
	memory_free(s);
}

void still_each(const struct still *s, uint32_t target,
	void (*take)(void *ctx, uint32_t target), void *ctx)
{
	const struct round_view *v = &s->views[target];

	take(ctx, target);
	for (unsigned i = 0; i < v->n_parts; i++)
		still_each(s, v->parts[i], take, ctx);
}
