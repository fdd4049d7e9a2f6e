#include "measure/rank_kept.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "geo/netmap_kept.h"
#include "measure/client_map_inner.h"
#include "measure/rank_split.h"

#include <string.h>

enum { MANY = 1 << 16, NO_ROWS = 0, WIDE = 1, NARROW = 2 };

struct kept_counts {
	uint64_t splits, ranks, fronts;
};

struct kept_split {
	uint64_t keys, view;
};

/* As struct rank has it. */
struct kept_rank {
	double spread_ms, spread_share, close_ms, gain_ms, gain_share;
	uint64_t n, classes, split, kind, order, within, close, costs, ms, gap, shifts;
};

struct kept_front {
	uint64_t of, k, rows;
};

void rank_kept_fini(struct rank_kept *k)
{
	for (size_t i = 0; i < k->n_fronts; i++)
		rank_front_drop(k->fronts[i]);
	for (size_t i = 0; i < k->n; i++)
		rank_drop(k->ranks[i]);
	memory_free(k->fronts);
	memory_free(k->ranks);
	*k = (struct rank_kept){ .ranks = NULL };
}

bool rank_kept_of(const struct client_map *m, struct text *to)
{
	if (client_map_is_measured(m))
		return false;
	text_addf(to, "%u edges\n", m->n_edges);
	for (unsigned i = 0; i < m->n_edges; i++)
		if (m->edges[i].placed)
			text_addf(to, "%a %a\n", m->edges[i].lat, m->edges[i].lon);
		else
			text_add(to, "nowhere\n");
	return true;
}

/* --- writing ------------------------------------------------------------------------------ */

static uint64_t form_of(const struct rank_rows *r)
{
	return r->wide ? WIDE : r->narrow ? NARROW : NO_ROWS;
}

static size_t row_size(uint64_t form)
{
	return form == WIDE ? sizeof(uint16_t) : form == NARROW ? 1 : 0;
}

/* The places of ranks' splits: of the first rank that has it. Returns how many there are. */
static size_t number_splits(const struct rank_kept *k, size_t *of)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++) {
		size_t first = 0;
		while (k->ranks[first]->split != k->ranks[i]->split)
			first++;
		of[i] = first < i ? of[first] : n++;
	}
	return n;
}

static void put_split(struct kept_out *o, const struct rank_split *s)
{
	const struct kept_split head = { s->keys, s->view != NULL };

	kept_put(o, &head, sizeof head);
	kept_put(o, s->class_of, s->keys * sizeof *s->class_of);
	if (s->view)
		netmap_kept_put(o, s->view);
	else
		netmap_seams_kept_put(o, s->seams);
}

static struct kept_rank head_of(const struct rank *r, size_t split)
{
	struct kept_rank h = { r->spread_ms, r->spread_share, r->close_ms, r->change.gain_ms, r->change.share, r->n, r->classes, split, r->kind,
		form_of(&r->order), form_of(&r->within), form_of(&r->close), r->costs, r->ms != NULL, r->gap != NULL, r->shifts != NULL };

	return h;
}

static void put_rows(struct kept_out *o, const struct rank *r, const struct rank_rows *rows)
{
	const void *p = rows->wide ? (const void *)rows->wide : rows->narrow;

	if (p)
		kept_put(o, p, (size_t)r->classes * r->n * row_size(form_of(rows)));
}

static void put_rank(struct kept_out *o, const struct rank *r, size_t split)
{
	const struct kept_rank head = head_of(r, split);

	kept_put(o, &head, sizeof head);
	kept_put(o, r->edges, r->n * sizeof *r->edges);
	kept_put(o, r->fallback, r->n * sizeof *r->fallback);
	put_rows(o, r, &r->order);
	put_rows(o, r, &r->within);
	put_rows(o, r, &r->close);
	if (r->ms) {
		kept_put(o, r->ms, (size_t)r->classes * r->n * sizeof *r->ms);
		kept_put(o, r->keys, r->classes * sizeof *r->keys);
	}
	if (r->gap)
		kept_put(o, r->gap, r->classes * sizeof *r->gap);
	if (r->shifts)
		kept_put(o, r->shifts, r->n * sizeof *r->shifts);
}

static size_t place_of(const struct rank_kept *k, const struct rank *r)
{
	size_t i = 0;

	while (k->ranks[i] != r)
		i++;
	return i;
}

static void put_front(struct kept_out *o, const struct rank_kept *k, const struct rank_front *f)
{
	const struct kept_front head = { place_of(k, f->of), f->k, f->rows };

	kept_put(o, &head, sizeof head);
	kept_put(o, f->edges, (size_t)f->rows * f->k * sizeof *f->edges);
	netmap_kept_put(o, f->view);
}

void rank_kept_put(struct kept_out *o, const struct rank_kept *k)
{
	size_t *split = memory_zeroed(k->n, sizeof *split), next = 0;
	const struct kept_counts counts = { number_splits(k, split), k->n, k->n_fronts };

	kept_put(o, &counts, sizeof counts);
	for (size_t i = 0; i < k->n; i++)
		if (split[i] == next) {
			put_split(o, k->ranks[i]->split);
			next++;
		}
	for (size_t i = 0; i < k->n; i++)
		put_rank(o, k->ranks[i], split[i]);
	for (size_t i = 0; i < k->n_fronts; i++)
		put_front(o, k, k->fronts[i]);
	memory_free(split);
}

static uint64_t add_bytes(uint64_t sum, const void *p, size_t len)
{
	static const struct hash_key key = { 0x6a09e667f3bcc909u, 0xbb67ae8584caa73bu };

	return hash_pair(sum, p ? hash_bytes(key, p, len) : 0);
}

uint64_t rank_kept_sum(const struct rank_kept *k)
{
	uint64_t sum = hash_pair(k->n, k->n_fronts);

	for (size_t i = 0; i < k->n; i++) {
		const struct rank *r = k->ranks[i];
		const struct kept_rank head = head_of(r, 0);
		const size_t all = (size_t)r->classes * r->n;
		sum = add_bytes(hash_pair(sum, r->split->hash), &head, sizeof head);
		sum = add_bytes(sum, r->edges, r->n * sizeof *r->edges);
		sum = add_bytes(sum, r->fallback, r->n * sizeof *r->fallback);
		sum = add_bytes(sum, r->order.wide ? (const void *)r->order.wide : r->order.narrow, all * row_size(head.order));
		sum = add_bytes(sum, r->ms, all * sizeof *r->ms);
		sum = add_bytes(sum, r->shifts, r->n * sizeof *r->shifts);
	}
	for (size_t i = 0; i < k->n_fronts; i++)
		sum = hash_pair(sum, hash_pair(place_of(k, k->fronts[i]->of), k->fronts[i]->k));
	return sum;
}

/* --- reading ------------------------------------------------------------------------------ */

/* `n` of `size` bytes. NULL: the next part is something else. */
static void *get_array(struct kept_in *in, size_t n, size_t size)
{
	if (kept_next(in) != n * size)
		return NULL;
	void *p = memory_zeroed(n, size);
	memory_huge(p, n * size);
	if (kept_get(in, p, n * size))
		return p;
	memory_free(p);
	return NULL;
}

/* All of them below `most`? */
static bool are_below(const uint32_t *p, size_t n, uint32_t most)
{
	uint32_t highest = 0;

	for (size_t i = 0; i < n; i++)
		highest = p[i] > highest ? p[i] : highest;
	return highest < most;
}

static bool get_split(struct kept_in *in, const struct client_map *m, struct rank_split **to)
{
	struct kept_split head;

	if (!kept_get(in, &head, sizeof head) || head.keys != client_map_keys(m))
		return false;
	struct rank_split *s = *to = memory_zeroed(1, sizeof *s);
	s->refs = 1;
	s->map = netmap_hold(client_map_netmap(m));
	s->keys = (uint32_t)head.keys;
	s->class_of = get_array(in, s->keys, sizeof *s->class_of);
	if (!s->class_of)
		return false;
	s->hash = rank_split_hash(s);
	if (head.view)
		s->view = netmap_kept_get(in);
	else
		s->seams = netmap_seams_kept_get(in, s->map, s->class_of, s->keys);
	return s->view || s->seams;
}

static bool get_rows(struct kept_in *in, const struct rank *r, uint64_t form, struct rank_rows *to)
{
	const size_t n = (size_t)r->classes * r->n;
	unsigned highest = 0;

	if (form == WIDE)
		to->wide = get_array(in, n, sizeof *to->wide);
	if (form == NARROW)
		to->narrow = get_array(in, n, 1);
	if (!rank_has(to))
		return form == NO_ROWS;
	for (size_t i = 0; i < n; i++) {
		const unsigned v = to->wide ? to->wide[i] : to->narrow[i];
		highest = v > highest ? v : highest;
	}
	return highest < r->n || !n;
}

static bool get_numbers(struct kept_in *in, struct rank *r, const struct kept_rank *h)
{
	r->edges = get_array(in, r->n, sizeof *r->edges);
	r->fallback = r->edges ? get_array(in, r->n, sizeof *r->fallback) : NULL;
	if (!r->fallback || !get_rows(in, r, h->order, &r->order) || !get_rows(in, r, h->within, &r->within) || !get_rows(in, r, h->close, &r->close))
		return false;
	for (unsigned i = 0; i < r->n; i++)
		if (r->edges[i] >= client_map_edges(r->clients) || r->fallback[i] >= r->n)
			return false;
	if (h->ms) {
		r->ms = get_array(in, (size_t)r->classes * r->n, sizeof *r->ms);
		r->keys = r->ms ? get_array(in, r->classes, sizeof *r->keys) : NULL;
	}
	if (h->gap)
		r->gap = get_array(in, r->classes, sizeof *r->gap);
	if (h->shifts)
		r->shifts = get_array(in, r->n, sizeof *r->shifts);
	return !h->ms == !r->keys && !h->gap == !r->gap && !h->shifts == !r->shifts;
}

static bool get_rank(struct kept_in *in, struct client_map *m, struct rank_split *const *splits, size_t n_splits, struct rank **to)
{
	struct kept_rank h;

	if (!kept_get(in, &h, sizeof h) || h.split >= n_splits || !h.n || h.n > RANK_EDGES_MOST || !h.classes || h.classes > client_map_keys(m) ||
		h.kind >= LATENCY_KINDS || h.order == NO_ROWS)
		return false;
	struct rank *r = *to = memory_zeroed(1, sizeof *r);
	r->refs = 1;
	r->clients = client_map_hold(m);
	r->n = (unsigned)h.n;
	r->classes = (uint32_t)h.classes;
	r->spread_ms = h.spread_ms;
	r->spread_share = h.spread_share;
	r->close_ms = h.close_ms;
	r->change = (struct rank_switch){ h.gain_ms, h.gain_share };
	r->kind = (enum latency_kind)h.kind;
	r->costs = h.costs;
	r->split = rank_split_hold(splits[h.split]);
	r->class_of = r->split->class_of;
	r->seams = r->split->seams;
	r->view = r->split->view;
	return are_below(r->class_of, r->split->keys, r->classes) && get_numbers(in, r, &h);
}

static bool get_front(struct kept_in *in, const struct rank_kept *k, struct rank_front **to)
{
	struct kept_front h;

	if (!kept_get(in, &h, sizeof h) || h.of >= k->n || !h.k || h.k > RANK_FRONT_MOST || h.k > k->ranks[h.of]->n || !h.rows ||
		h.rows > k->ranks[h.of]->classes)
		return false;
	struct rank_front *f = *to = memory_zeroed(1, sizeof *f);
	f->refs = 1;
	f->of = k->ranks[h.of];
	f->k = (unsigned)h.k;
	f->rows = (uint32_t)h.rows;
	f->edges = get_array(in, (size_t)f->rows * f->k, sizeof *f->edges);
	f->view = f->edges ? netmap_kept_get(in) : NULL;
	for (size_t i = 0; f->view && i < (size_t)f->rows * f->k; i++)
		if (f->edges[i] >= f->of->n)
			return false;
	return f->view;
}

bool rank_kept_get(struct kept_in *in, struct client_map *clients, struct rank_kept *to)
{
	struct kept_counts counts;
	size_t n = 0;

	*to = (struct rank_kept){ .ranks = NULL };
	if (!kept_get(in, &counts, sizeof counts) || counts.splits > counts.ranks || counts.ranks > MANY || counts.fronts > MANY)
		return false;
	struct rank_split **splits = memory_zeroed((size_t)counts.splits, sizeof *splits);
	to->ranks = memory_zeroed((size_t)counts.ranks, sizeof *to->ranks);
	to->fronts = memory_zeroed((size_t)counts.fronts, sizeof *to->fronts);
	bool ok = true;
	while (ok && n < counts.splits)
		ok = get_split(in, clients, &splits[n++]);
	while (ok && to->n < counts.ranks)
		ok = get_rank(in, clients, splits, n, &to->ranks[to->n++]);
	while (ok && to->n_fronts < counts.fronts)
		ok = get_front(in, to, &to->fronts[to->n_fronts++]);
	while (n)
		rank_split_drop(splits[--n]);
	memory_free(splits);
	if (!ok)
		rank_kept_fini(to);
	return ok;
}
