#include "steer/fail_over.h"

#include "base/memory.h"
#include "steer/standing.h"
#include "steer/steer.h"

#include <string.h>

static char *copy(const char *text)
{
	const size_t len = strlen(text) + 1;

	return memcpy(memory_zeroed(len, 1), text, len);
}

static size_t find(const struct fail_overs *l, const char *pool)
{
	size_t i = 0;

	while (i < l->n && strcmp(l->of[i].pool, pool) != 0)
		i++;
	return i;
}

struct fail_over *fail_over_find(const struct fail_overs *l, const char *pool)
{
	const size_t i = find(l, pool);

	return i < l->n ? &l->of[i] : NULL;
}

struct fail_over *fail_over_set(struct fail_overs *l, const char *pool, const char *member)
{
	struct fail_over to = { .pool = copy(pool), .member = copy(member) };

	fail_over_clear(l, pool);
	l->of = memory_grow(l->of, (l->n + 1) * sizeof *l->of);
	l->of[l->n] = to;
	return &l->of[l->n++];
}

void fail_over_clear(struct fail_overs *l, const char *pool)
{
	const size_t i = find(l, pool);

	if (i == l->n)
		return;
	memory_free(l->of[i].pool);
	memory_free(l->of[i].member);
	l->of[i] = l->of[--l->n];
}

struct fail_overs fail_overs_copy(const struct fail_overs *l)
{
	struct fail_overs to = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		struct fail_over *f = fail_over_set(&to, l->of[i].pool, l->of[i].member);
		f->when_s = l->of[i].when_s;
		f->better_us = l->of[i].better_us;
	}
	return to;
}

void fail_overs_fini(struct fail_overs *l)
{
	while (l->n)
		fail_over_clear(l, l->of[0].pool);
	memory_free(l->of);
	*l = (struct fail_overs){ 0 };
}

/* --- members ------------------------------------------------------------------------------ */

unsigned fail_over_members(const struct steer *s, unsigned pool)
{
	const struct pool *p = &s->pools[pool];

	return p->tree ? p->tree->n : p->n;
}

static bool has_share(const struct pool *p, unsigned at)
{
	return p->tree && p->tree->units[at];
}

unsigned fail_over_base(const struct steer *s, unsigned pool)
{
	const unsigned n = fail_over_members(s, pool);
	unsigned at = 0;

	while (at < n && has_share(&s->pools[pool], at))
		at++;
	return at < n ? at : 0;
}

const char *fail_over_name(const struct steer *s, unsigned pool, unsigned at)
{
	const struct pool *p = &s->pools[pool];

	if (!p->tree)
		return s->edges[p->edges[at]].name;
	const struct pool_member *m = &p->tree->members[at];
	return m->is_pool ? s->pools[m->number].name : s->edges[m->number].name;
}

bool fail_over_may(const struct steer *s, const struct standing *now, unsigned pool, unsigned at)
{
	const struct pool *p = &s->pools[pool];
	const struct pool_member *m = p->tree ? &p->tree->members[at] : NULL;

	if (has_share(p, at))
		return false;
	if (m && m->is_pool)
		return now->pools[m->number].lives != 0;
	const uint8_t marks =
		standing_marks(now, now->pools[pool].row, m ? m->number : p->edges[at]);
	return marks & (STANDS_A | STANDS_AAAA) && !(marks & STANDS_DRAINED);
}

void fail_over_put(const struct steer *s, struct standing *now, unsigned pool, unsigned at)
{
	const unsigned n = fail_over_members(s, pool);
	uint16_t *order = arena_alloc(&now->mem, n * sizeof *order);
	unsigned k = 0;

	order[k++] = (uint16_t)at;
	for (unsigned i = 0; i < n; i++)
		if (i != at)
			order[k++] = (uint16_t)i;
	now->pools[pool].order = order;
	now->pools[pool].first = (uint16_t)at;
}

bool fail_over_stays(const struct pool *p)
{
	return p->policy == POOL_ORDERED && p->fail_back != POOL_BACK_AUTO;
}

unsigned fail_over_place(const struct fail_over *at, const struct steer *s, unsigned pool)
{
	const unsigned n = fail_over_members(s, pool);

	for (unsigned i = 0; at && i < n; i++)
		if (strcmp(fail_over_name(s, pool, i), at->member) == 0)
			return i;
	return fail_over_base(s, pool);
}

static bool may_any(const struct steer *s, const struct standing *now, unsigned pool)
{
	for (unsigned i = 0; i < fail_over_members(s, pool); i++)
		if (fail_over_may(s, now, pool, i))
			return true;
	return false;
}

void fail_overs_apply(const struct fail_overs *l, const struct steer *s, struct standing *now)
{
	for (unsigned i = 0; i < s->n_pools; i++) {
		if (!fail_over_stays(&s->pools[i]) || !fail_over_members(s, i))
			continue;
		const unsigned at =
			fail_over_place(fail_over_find(l, s->pools[i].name), s, i);
		if (at != fail_over_base(s, i) && (fail_over_may(s, now, i, at) || !may_any(s, now, i)))
			fail_over_put(s, now, i, at);
	}
}
