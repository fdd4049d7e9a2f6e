#include "measure/rank.h"

#include "base/memory.h"
#include "base/scope.h"
#include "measure/rank_build.h"
#include "measure/rank_split.h"

#include <string.h>

static size_t row_bytes(const struct rank *r)
{
	return r->n * sizeof(uint16_t);
}

/* The order for clients that nobody knows: the configured one, then the pool's other edges. By
 * position in the pool. */
static void fill_fallback(struct rank *r, const struct rank_opts *o)
{
	unsigned k = 0;

	for (size_t i = 0; i < o->n_fallback; i++)
		for (size_t e = 0; e < o->n; e++)
			if (o->edges[e] == o->fallback[i])
				r->fallback[k++] = (uint16_t)e;
	for (size_t e = 0; e < o->n; e++) {
		bool named = false;
		for (unsigned i = 0; i < k && !named; i++)
			named = r->fallback[i] == e;
		if (!named)
			r->fallback[k++] = (uint16_t)e;
	}
}

static bool same_shifts(const struct rank *a, const struct rank *b)
{
	return !a->shifts == !b->shifts &&
		(!a->shifts || memcmp(a->shifts, b->shifts, a->n * sizeof *a->shifts) == 0);
}

static bool same_rank(const struct rank *a, const struct rank *b)
{
	return a->clients == b->clients && a->n == b->n && a->spread_ms == b->spread_ms &&
		a->spread_share == b->spread_share && a->close_ms == b->close_ms &&
		a->kind == b->kind && a->costs == b->costs && a->change.gain_ms == b->change.gain_ms &&
		a->change.share == b->change.share &&
		memcmp(a->edges, b->edges, row_bytes(a)) == 0 && same_shifts(a, b) &&
		memcmp(a->fallback, b->fallback, row_bytes(a)) == 0;
}

static void make_narrow(const struct rank *r, struct rank_rows *rows)
{
	const size_t n = (size_t)r->classes * r->n;

	if (!rows->wide || r->n > UINT8_MAX + 1)
		return;
	rows->narrow = memory_grow(NULL, n);
	for (size_t i = 0; i < n; i++)
		rows->narrow[i] = (uint8_t)rows->wide[i];
	memory_free(rows->wide);
	rows->wide = NULL;
}

static void find_split(struct rank *r, const struct rank_end *end, uint32_t *class_of)
{
	r->split = rank_split_take(
		&(struct rank_split_opts){ client_map_netmap(r->clients),
			client_map_keys(r->clients), r->classes, end->quick, end->known, end->n_known },
		class_of);
	r->class_of = r->split->class_of;
	r->seams = r->split->seams;
	r->view = r->split->view;
}

/* For a scope. */
static void let_go(void *r)
{
	rank_drop(r);
}

static struct rank *hold(struct rank *r)
{
	__atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
	scope_hold(r, let_go);
	return r;
}

struct rank *rank_begin(const struct rank_opts *opts)
{
	struct rank *r = memory_zeroed(1, sizeof *r);

	r->refs = 1;
	r->n = (unsigned)opts->n;
	r->clients = client_map_hold(opts->clients);
	r->spread_ms = opts->spread_ms;
	r->spread_share = opts->spread_share;
	r->close_ms = opts->close_ms;
	r->change = opts->change;
	r->costs = opts->costs;
	r->kind = opts->kind;
	r->edges = memory_grow(NULL, row_bytes(r));
	r->fallback = memory_grow(NULL, row_bytes(r));
	for (unsigned i = 0; i < r->n; i++)
		r->edges[i] = opts->edges[i];
	if (opts->shifts) {
		r->shifts = memory_grow(NULL, r->n * sizeof *r->shifts);
		memcpy(r->shifts, opts->shifts, r->n * sizeof *r->shifts);
	}
	fill_fallback(r, opts);
	for (size_t i = 0; i < opts->n_known; i++)
		if (same_rank(r, opts->known[i])) {
			rank_drop(r);
			return hold(opts->known[i]);
		}
	/* Whoever counts edges otherwise means it: nothing stays in front for what was. */
	const bool keeps = opts->before && opts->before->kind == r->kind && opts->before->n == r->n && same_shifts(r, opts->before);
	r->build = rank_build_new(r, keeps ? opts->before : NULL);
	return r;
}

void rank_build_all(struct rank *const *r, size_t n)
{
	struct rank_build **builds = memory_zeroed(n, sizeof *builds);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		bool listed = !r[i]->build;
		for (size_t j = 0; j < k && !listed; j++)
			listed = builds[j] == r[i]->build;
		if (!listed)
			builds[k++] = r[i]->build;
	}
	rank_builds_run(builds, k);
	memory_free(builds);
}

void rank_end(struct rank *r, const struct rank_end *end)
{
	if (!r->build)
		return;
	struct rank_build *b = r->build;
	r->build = NULL;
	find_split(r, end, rank_build_end(b));
	if (!end->quick) {
		make_narrow(r, &r->order);
		make_narrow(r, &r->within);
		make_narrow(r, &r->close);
	}
}

struct rank *rank_new(const struct rank_opts *opts)
{
	struct rank *r = rank_begin(opts);

	rank_build_all(&r, 1);
	rank_end(r, &(struct rank_end){ opts->quick, opts->known, opts->n_known });
	return r;
}

static void rows_free(struct rank_rows *rows)
{
	memory_free(rows->wide);
	memory_free(rows->narrow);
}

void rank_drop(struct rank *r)
{
	scope_forget(r, let_go);
	if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL))
		return;
	rank_build_free(r->build);
	rank_split_drop(r->split);
	client_map_drop(r->clients);
	rows_free(&r->order);
	rows_free(&r->within);
	rows_free(&r->close);
	memory_free(r->ms);
	memory_free(r->gap);
	memory_free(r->keys);
	memory_free(r->shifts);
	memory_free(r->edges);
	memory_free(r->fallback);
	memory_free(r);
}
