#include "steer/external.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* By probe and edge; of one edge the edge itself before its addresses. */
static int compare(const struct external_verdict *a, const char *probe, const char *edge,
	const struct addr *one)
{
	int d = strcmp(a->probe, probe);

	d = d ? d : strcmp(a->edge, edge);
	if (d || (!a->one && !one))
		return d;
	return a->one && one ? memcmp(&a->addr, one, sizeof *one) : a->one - (one != NULL);
}

/* The first that is not before it. */
static size_t spot(
	const struct externals *l, const char *probe, const char *edge, const struct addr *one)
{
	size_t from = 0, to = l->n;

	while (from < to) {
		const size_t mid = (from + to) / 2;
		if (compare(&l->of[mid], probe, edge, one) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static struct external_verdict *get(
	const struct externals *l, const char *probe, const char *edge, const struct addr *one)
{
	const size_t i = spot(l, probe, edge, one);

	return i < l->n && compare(&l->of[i], probe, edge, one) == 0 ? &l->of[i] : NULL;
}

static void fini_one(struct external_verdict *v)
{
	memory_free(v->probe);
	memory_free(v->edge);
	memory_free(v->why);
	memory_free(v->who);
}

static struct external_verdict copy_one(const struct external_verdict *v)
{
	struct external_verdict c = *v;

	c.probe = memory_strdup(v->probe);
	c.edge = memory_strdup(v->edge);
	c.why = memory_strdup(v->why);
	c.who = memory_strdup(v->who);
	return c;
}

static void make_room(struct externals *l)
{
	if (l->n < l->room)
		return;
	l->room = l->room ? 2 * l->room : 16;
	l->of = memory_grow(l->of, l->room * sizeof *l->of);
}

bool externals_set(struct externals *l, const struct external_verdict *v)
{
	const struct addr *one = v->one ? &v->addr : NULL;
	struct external_verdict *was = get(l, v->probe, v->edge, one);
	struct external_verdict now;

	if (!was && l->n == EXTERNALS_MOST)
		return false;
	now = copy_one(v);
	now.changed_s = was && was->up == v->up ? was->changed_s
		: v->changed_s                  ? v->changed_s
						: v->when_s;
	if (was) {
		fini_one(was);
		*was = now;
		return true;
	}
	make_room(l);
	const size_t i = spot(l, v->probe, v->edge, one);
	memmove(&l->of[i + 1], &l->of[i], (l->n - i) * sizeof *l->of);
	l->of[i] = now;
	l->n++;
	return true;
}

/* "" is the edge of what a file has told of addresses. */
const struct external_verdict *externals_find(
	const struct externals *l, const char *probe, const char *edge, const struct addr *addr)
{
	const struct external_verdict *v = get(l, probe, edge, addr);

	v = v ? v : get(l, probe, "", addr);
	return v ? v : get(l, probe, edge, NULL);
}

static void cut(struct externals *l, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		fini_one(&l->of[i]);
	if (to < l->n)
		memmove(&l->of[from], &l->of[to], (l->n - to) * sizeof *l->of);
	l->n -= to - from;
}

size_t externals_drop(
	struct externals *l, const char *probe, const char *edge, const struct addr *addr)
{
	const size_t from = spot(l, probe, edge, addr);
	size_t to = from;

	while (to < l->n &&
		(addr ? compare(&l->of[to], probe, edge, addr) == 0
		      : strcmp(l->of[to].probe, probe) == 0 && strcmp(l->of[to].edge, edge) == 0))
		to++;
	cut(l, from, to);
	return to - from;
}

void externals_drop_over(struct externals *l, uint64_t now_us)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->of[i].until_us > now_us)
			l->of[n++] = l->of[i];
		else
			fini_one(&l->of[i]);
	l->n = n;
}

static int compare_two(const void *a, const void *b)
{
	const struct external_verdict *y = b;

	return compare(a, y->probe, y->edge, y->one ? &y->addr : NULL);
}

const struct external_verdict *externals_sort(struct externals *l)
{
	if (l->n)
		qsort(l->of, l->n, sizeof *l->of, compare_two);
	for (size_t i = 1; i < l->n; i++)
		if (compare_two(&l->of[i - 1], &l->of[i]) == 0)
			return &l->of[i];
	return NULL;
}

bool externals_add(struct externals *l, const struct external_verdict *v)
{
	if (l->n == EXTERNALS_MOST)
		return false;
	make_room(l);
	l->of[l->n++] = copy_one(v);
	return true;
}

/* What says the same as before has said so since then. */
static void keep_changed(struct external_verdict *v, const struct externals *before)
{
	const struct external_verdict *was =
		get(before, v->probe, v->edge, v->one ? &v->addr : NULL);

	v->changed_s = was && was->up == v->up ? was->changed_s : v->when_s;
}

bool externals_replace(struct externals *l, const char *probe, struct externals *of)
{
	const size_t from = spot(l, probe, "", NULL);
	size_t to = from;

	for (size_t i = 0; i < of->n; i++)
		keep_changed(&of->of[i], l);
	while (to < l->n && strcmp(l->of[to].probe, probe) == 0)
		to++;
	if (l->n - (to - from) + of->n > EXTERNALS_MOST)
		return false;
	cut(l, from, to);
	if (of->n) {
		l->room = l->n + of->n;
		l->of = memory_grow(l->of, l->room * sizeof *l->of);
		memmove(&l->of[from + of->n], &l->of[from], (l->n - from) * sizeof *l->of);
		memcpy(&l->of[from], of->of, of->n * sizeof *of->of);
		l->n += of->n;
	}
	memory_free(of->of);
	*of = (struct externals){ 0 };
	return true;
}

struct externals externals_copy(const struct externals *l, uint64_t now_us)
{
	struct externals c = { .of = memory_zeroed(l->n, sizeof *c.of), .room = l->n };

	for (size_t i = 0; i < l->n; i++)
		if (l->of[i].until_us > now_us && *l->of[i].who)
			c.of[c.n++] = copy_one(&l->of[i]);
	return c;
}

void externals_fini(struct externals *l)
{
	for (size_t i = 0; i < l->n; i++)
		fini_one(&l->of[i]);
	memory_free(l->of);
	*l = (struct externals){ 0 };
}
