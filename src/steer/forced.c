#include "steer/forced.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- words -------------------------------------------------------------------------------- */

/* Of one pattern, up to `end`. The last star is where to go on from when something differs. */
static bool fits(const char *p, const char *end, const char *name)
{
	const char *star = NULL, *back = NULL;

	while (*name) {
		if (p < end && *p == '*') {
			star = ++p;
			back = name;
		} else if (p < end && (*p == '?' || *p == *name)) {
			p++;
			name++;
		} else if (star) {
			p = star;
			name = ++back;
		} else {
			return false;
		}
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

bool forced_matches(const char *patterns, const char *name)
{
	for (const char *p = patterns;; p++) {
		const char *end = p + strcspn(p, ",");
		if (end > p && fits(p, end, name))
			return true;
		p = end;
		if (!*p)
			return false;
	}
}

bool forced_is_pattern(const char *patterns)
{
	return strpbrk(patterns, "*?,") != NULL;
}

const char *forced_text(const struct forced *f, char to[static 32])
{
	if (f->what == FORCED_WEIGHT)
		snprintf(to, 32, "weight %u", f->weight);
	else
		snprintf(to, 32, "%s", edge_state_text(f->state));
	return to;
}

/* --- finding ------------------------------------------------------------------------------ */

static size_t find_id(const struct forced_list *l, uint32_t id)
{
	size_t i = 0;

	while (i < l->n && l->of[i].id != id)
		i++;
	return i;
}

const struct forced *forced_by_id(const struct forced_list *l, uint32_t id)
{
	const size_t i = find_id(l, id);

	return i < l->n ? &l->of[i] : NULL;
}

const struct forced *forced_find(
	const struct forced_list *l, const char *edge, const char *pool, enum forced_what what)
{
	for (size_t i = l->n; i-- > 0;) {
		const struct forced *f = &l->of[i];
		if (f->begun && f->what == what && forced_matches(f->edge, edge) &&
			(!*f->pool || (pool && forced_matches(f->pool, pool))))
			return f;
	}
	return NULL;
}

bool forced_touches(const struct forced_list *l, const char *edge)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->of[i].begun && forced_matches(l->of[i].edge, edge))
			return true;
	return false;
}

const struct forced *forced_of(const struct forced_list *l, const char *edge, const char *pool)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct forced *f = &l->of[i];
		if (f->begun && !f->configured && strcmp(f->edge, edge) == 0 &&
			strcmp(f->pool, pool) == 0)
			return f;
	}
	return NULL;
}

/* --- changing ----------------------------------------------------------------------------- */

static void let_go(struct forced *f)
{
	memory_free(f->edge);
	memory_free(f->pool);
	memory_free(f->who);
	memory_free(f->why);
}

static char *copy_text(const char *text, size_t most)
{
	return memory_strndup(text ? text : "", most);
}

/* Opens a place there. */
static struct forced *open_at(struct forced_list *l, size_t at)
{
	l->of = memory_grow(l->of, (l->n + 1) * sizeof *l->of);
	memmove(l->of + at + 1, l->of + at, (l->n - at) * sizeof *l->of);
	l->n++;
	return &l->of[at];
}

static void drop_at(struct forced_list *l, size_t at)
{
	let_go(&l->of[at]);
	memmove(l->of + at, l->of + at + 1, (--l->n - at) * sizeof *l->of);
}

static void insert(struct forced_list *l, const struct forced *f, size_t at)
{
	struct forced new = *f;

	new.edge = copy_text(f->edge, FORCED_WHERE_MOST);
	new.pool = copy_text(f->pool, FORCED_WHERE_MOST);
	new.who = copy_text(f->who, FORCED_TEXT_MOST);
	new.why = copy_text(f->why, FORCED_TEXT_MOST);
	if (!new.id)
		new.id = l->last_id + 1;
	if (new.id > l->last_id)
		l->last_id = new.id;
	*open_at(l, at) = new;
}

uint32_t forced_set(struct forced_list *l, const struct forced *f)
{
	const char *pool = f->pool ? f->pool : "";

	for (size_t i = 0; f->begun && i < l->n; i++) {
		const struct forced *was = &l->of[i];
		if (was->begun && !was->configured && was->what == f->what &&
			strcmp(was->edge, f->edge) == 0 && strcmp(was->pool, pool) == 0) {
			drop_at(l, i);
			break;
		}
	}
	insert(l, f, l->n);
	return l->of[l->n - 1].id;
}

bool forced_drop(struct forced_list *l, uint32_t id)
{
	const size_t i = find_id(l, id);

	if (i == l->n)
		return false;
	drop_at(l, i);
	return true;
}

void forced_begin(struct forced_list *l, uint32_t id, int64_t wall_s)
{
	const size_t i = find_id(l, id);

	if (i == l->n || l->of[i].begun)
		return;
	struct forced f = l->of[i];
	memmove(l->of + i, l->of + i + 1, (l->n - i - 1) * sizeof *l->of);
	f.begun = true;
	f.begun_s = wall_s;
	l->of[l->n - 1] = f;
}

/* --- the configuration -------------------------------------------------------------------- */

static bool same(const struct forced *a, const struct forced *b)
{
	return strcmp(a->edge, b->edge) == 0 && strcmp(a->pool, b->pool) == 0 &&
		a->what == b->what && a->state == b->state && a->weight == b->weight &&
		a->from_s == b->from_s && a->until_s == b->until_s &&
		strcmp(a->why, b->why) == 0;
}

/* One that has begun already stands where it would had it been there all along. */
static void configure_one(struct forced_list *l, const struct forced *f, int64_t wall_s)
{
	struct forced to = *f;
	size_t at = l->n;

	if (f->until_s && f->until_s <= wall_s)
		return;
	to.configured = true;
	to.until_us = UINT64_MAX;
	to.begun = f->from_s <= wall_s;
	to.begun_s = f->from_s;
	to.id = 0;
	while (to.begun && at && (!l->of[at - 1].begun || l->of[at - 1].begun_s > f->from_s))
		at--;
	insert(l, &to, at);
}

void forced_configure(struct forced_list *l, const struct forced *of, size_t n, int64_t wall_s)
{
	bool *there = memory_zeroed(n, sizeof *there);

	for (size_t i = 0; i < l->n;) {
		size_t k = 0;
		while (l->of[i].configured && k < n && (there[k] || !same(&l->of[i], &of[k])))
			k++;
		if (l->of[i].configured && k == n) {
			drop_at(l, i);
			continue;
		}
		if (l->of[i].configured)
			there[k] = true;
		i++;
	}
	for (size_t k = 0; k < n; k++)
		if (!there[k])
			configure_one(l, &of[k], wall_s);
	memory_free(there);
}

/* --- time --------------------------------------------------------------------------------- */

static bool is_over(const struct forced *f, struct forced_now now)
{
	return (f->begun && f->until_us <= now.us) || (f->until_s && f->until_s <= now.wall_s);
}

const struct forced *forced_over(const struct forced_list *l, struct forced_now now)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_over(&l->of[i], now))
			return &l->of[i];
	return NULL;
}

/* Of those that begin together (the server was down meanwhile) in the order of their times. */
const struct forced *forced_due(const struct forced_list *l, struct forced_now now)
{
	const struct forced *first = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct forced *f = &l->of[i];
		if (!f->begun && f->from_s <= now.wall_s && !is_over(f, now) &&
			(!first || f->from_s < first->from_s))
			first = f;
	}
	return first;
}

uint64_t forced_next_us(const struct forced_list *l, struct forced_now now)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < l->n; i++) {
		const struct forced *f = &l->of[i];
		if (f->begun && f->until_us < next)
			next = f->until_us;
		if ((f->until_s || !f->begun) && now.us + 1000000u < next)
			next = now.us + 1000000u;
	}
	return next;
}

static int compare_begun(const void *a, const void *b)
{
	const struct forced *x = a, *y = b;

	if (x->begun != y->begun)
		return x->begun ? -1 : 1;
	if (x->begun && x->begun_s != y->begun_s)
		return x->begun_s < y->begun_s ? -1 : 1;
	if (x->fleet_at != y->fleet_at)
		return x->fleet_at < y->fleet_at ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

void forced_mark(struct forced_list *l, uint32_t id, uint64_t fleet_at)
{
	const size_t i = find_id(l, id);

	if (i < l->n)
		l->of[i].fleet_at = fleet_at;
}

void forced_sort(struct forced_list *l)
{
	if (l->n)
		qsort(l->of, l->n, sizeof *l->of, compare_begun);
}

struct forced_list forced_copy(const struct forced_list *l)
{
	struct forced_list to = { .last_id = l->last_id };

	for (size_t i = 0; i < l->n; i++)
		insert(&to, &l->of[i], i);
	return to;
}

void forced_fini(struct forced_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		let_go(&l->of[i]);
	memory_free(l->of);
	*l = (struct forced_list){ 0 };
}
