#include "measure/latency.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <stdlib.h>

/* --- one table into another --------------------------------------------------------------- */

/* How rows find their way. */
struct taking {
	struct latency *t;
	enum latency_what what;
	const int *to; /* [edges of the other table] numbers in `t`; -1: gone */
};

static bool take_cell(
	const struct taking *w, const struct prefix *net, int src, const struct latency_cell *c)
{
	const struct latency_sample s = { (double)c->rtt_ms, c->n, c->at_s, c->filed };
	const bool add = w->what == LATENCY_AS_SAMPLES;
	const int edge = w->to[c->edge];

	if (edge < 0 || (w->what == LATENCY_LEARNED && c->filed))
		return true;
	if (net)
		return (add ? latency_add : latency_put)(w->t, net, (unsigned)edge, &s);
	return (add ? latency_add_mesh : latency_put_mesh)(
		w->t, (unsigned)src, (unsigned)edge, &s);
}

/* Of one kind. */
static bool take_kind(struct latency *t, const struct latency *from, enum latency_what what)
{
	const unsigned edges = latency_edges(from);
	int *to = memory_zeroed(edges, sizeof *to);
	const struct taking w = { t, what, to };
	size_t n;
	const struct latency_row *rows = latency_rows(from, &n);
	bool ok = true;

	for (unsigned e = 0; e < edges; e++) {
		const char *name = latency_edge_name(from, e);
		to[e] = latency_edge(t, name, strlen(name));
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < rows[i].n; k++)
			ok = take_cell(&w, &rows[i].net, -1, &rows[i].cell[k]) && ok;
	for (unsigned e = 0; e < edges; e++) {
		const struct latency_row *r = latency_mesh(from, e);
		for (unsigned k = 0; to[e] >= 0 && k < r->n; k++)
			ok = take_cell(&w, NULL, to[e], &r->cell[k]) && ok;
	}
	for (unsigned e = 0; e < edges && what != LATENCY_AS_SAMPLES; e++)
		if (to[e] >= 0)
			latency_add_source(t, (unsigned)to[e], from, e);
	memory_free(to);
	return ok;
}

bool latency_take(struct latency *t, const struct latency *from, enum latency_what what)
{
	bool ok = true;

	for (unsigned i = LATENCY_RTT; i < LATENCY_KINDS; i++)
		ok = take_kind(latency_of(t, i), latency_kind_of(from, i), what) && ok;
	if (what == LATENCY_ALL)
		latency_count_impossible(t, (size_t)latency_size(from).impossible);
	return ok;
}

/* --- in order ----------------------------------------------------------------------------- */

/* A row with what it is sorted by at hand. */
struct sorted {
	uint64_t high, low;
	const struct latency_row *row;
};

static int by_net(const void *va, const void *vb)
{
	const struct sorted *a = va, *b = vb;

	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return (int)a->row->net.bits - (int)b->row->net.bits;
}

static bool is_measured_since(const struct latency_row *r, uint32_t at_s)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->cell[i].at_s >= at_s)
			return true;
	return false;
}

const struct latency_row **latency_sorted(const struct latency *t, uint32_t since_s, size_t *n)
{
	size_t all, k = 0;
	const struct latency_row *rows = latency_rows(t, &all);
	struct sorted *sorted = memory_zeroed(all, sizeof *sorted);

	for (size_t i = 0; i < all; i++)
		if (is_measured_since(&rows[i], since_s))
			sorted[k++] = (struct sorted){ be64_get(rows[i].net.addr.b),
				be64_get(rows[i].net.addr.b + 8), &rows[i] };
	qsort(sorted, k, sizeof *sorted, by_net);
	const struct latency_row **to = memory_zeroed(k, sizeof *to);
	for (size_t i = 0; i < k; i++)
		to[i] = sorted[i].row;
	memory_free(sorted);
	*n = k;
	return to;
}
