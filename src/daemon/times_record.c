#include "daemon/times_record.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NET = 17, OF_EDGE = 255 /* in the place of a prefix's length */ };

static const struct hash_key name_key = { 21, 22 }, row_key = { 23, 24 };

/* --- edges -------------------------------------------------------------------------------- */

struct times_edge {
	uint64_t hash;
	unsigned number;
};

static int compare(const void *a, const void *b)
{
	const struct times_edge *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

void times_edges_init(struct times_edges *e, const struct latency *t)
{
	e->n = latency_edges(t);
	e->hash = memory_zeroed(e->n, sizeof *e->hash);
	e->by_hash = memory_zeroed(e->n, sizeof *e->by_hash);
	for (unsigned i = 0; i < e->n; i++) {
		const char *name = latency_edge_name(t, i);
		e->hash[i] = hash_bytes(name_key, (const uint8_t *)name, strlen(name));
		e->by_hash[i] = (struct times_edge){ e->hash[i], i };
	}
	qsort(e->by_hash, e->n, sizeof *e->by_hash, compare);
}

void times_edges_fini(struct times_edges *e)
{
	memory_free(e->hash);
	memory_free(e->by_hash);
}

/* -1: there is none. */
static int edge_of(const struct times_edges *e, uint64_t hash)
{
	const struct times_edge key = { hash, 0 },
				*at = e->n ? bsearch(&key, e->by_hash, e->n, sizeof *e->by_hash, compare) : NULL;

	return at ? (int)at->number : -1;
}

/* --- rows --------------------------------------------------------------------------------- */

void times_row_write(uint8_t to[static TIMES_ROW], const struct times_edges *e, const struct times_of *of,
	const struct latency_cell *c, int64_t offset_s)
{
	uint32_t rtt;

	memset(to, 0, NET);
	if (of->net)
		memcpy(to, of->net->addr.b, sizeof of->net->addr.b);
	else
		be64_put(to, e->hash[of->src]);
	to[16] = of->net ? of->net->bits : OF_EDGE;
	be64_put(to + 17, e->hash[c->edge]);
	memcpy(&rtt, &c->rtt_ms, sizeof rtt);
	be32_put(to + 25, rtt);
	be32_put(to + 29, (uint32_t)((int64_t)c->at_s + offset_s));
	be16_put(to + 33, c->n);
	to[TIMES_RTT_ROW] = (uint8_t)of->kind;
}

static bool is_value(enum latency_kind kind, float ms)
{
	return kind == LATENCY_LOSS ? ms >= 0 && ms <= LATENCY_LOSS_MOST_MS : ms > 0 && ms <= LATENCY_RTT_MOST_MS;
}

bool times_row_read(struct times_row *to, const struct times_edges *e, const uint8_t from[static TIMES_ROW],
	int64_t offset_s)
{
	const uint32_t bits = be32_get(from + 25);
	const int64_t at_s = (int64_t)be32_get(from + 29) - offset_s;
	const bool mesh = from[16] == OF_EDGE;
	const uint8_t kind = from[TIMES_RTT_ROW];
	const int edge = edge_of(e, be64_get(from + 17));
	float rtt;

	memcpy(&rtt, &bits, sizeof rtt);
	if (kind >= LATENCY_KINDS)
		return false;
	*to = (struct times_row){ .src = mesh ? edge_of(e, be64_get(from)) : -1, .edge = (unsigned)edge, .kind = kind };
	to->sample = (struct latency_sample){ (double)rtt, be16_get(from + 33), (uint32_t)at_s, false };
	if (edge < 0 || !isfinite(rtt) || !is_value(kind, rtt) || at_s <= 0 || at_s > UINT32_MAX ||
		!to->sample.n || to->sample.n > LATENCY_SAMPLES_MOST)
		return false;
	if (mesh)
		return to->src >= 0 && to->src != edge && kind == LATENCY_RTT;
	struct addr a;
	memcpy(a.b, from, sizeof a.b);
	if (from[16] > 128)
		return false;
	to->net = addr_prefix(&a, from[16]);
	return memcmp(to->net.addr.b, from, sizeof a.b) == 0;
}

static bool is_later(const struct latency_sample *s, const struct latency_cell *c)
{
	if (c->filed || s->at_s != c->at_s)
		return s->at_s > c->at_s || (c->filed && s->at_s == c->at_s);
	return s->n != c->n ? s->n > c->n : (float)s->rtt_ms > c->rtt_ms;
}

bool times_row_merge(struct latency *table, const struct times_row *r)
{
	struct latency *t = latency_of(table, r->kind);
	const struct latency_row *row = r->src >= 0 ? latency_mesh(t, (unsigned)r->src) : latency_find(t, &r->net);
	const struct latency_cell *c = row ? latency_cell(row, r->edge) : NULL;

	if (c && !is_later(&r->sample, c))
		return true;
	return r->src >= 0 ? latency_put_mesh(t, (unsigned)r->src, r->edge, &r->sample)
			   : latency_put(t, &r->net, r->edge, &r->sample);
}

/* --- all of a table ----------------------------------------------------------------------- */

struct walk {
	const struct times_edges *edges;
	int64_t offset_s;
	void (*row)(void *ctx, const uint8_t row[static TIMES_ROW]);
	void *ctx;
};

static void walk_row(const struct walk *w, const struct latency_row *r, const struct times_of *of)
{
	uint8_t bytes[TIMES_ROW];

	for (unsigned k = 0; k < r->n; k++) {
		if (r->cell[k].filed || !r->cell[k].n)
			continue;
		times_row_write(bytes, w->edges, of, &r->cell[k], w->offset_s);
		w->row(w->ctx, bytes);
	}
}

static void walk(const struct latency *t, const struct walk *w)
{
	for (unsigned kind = 0; kind < LATENCY_KINDS; kind++) {
		size_t n;
		const struct latency_row *rows = latency_rows(latency_kind_of(t, kind), &n);
		for (size_t i = 0; i < n; i++)
			walk_row(w, &rows[i], &(struct times_of){ &rows[i].net, 0, kind });
	}
	for (unsigned e = 0; e < w->edges->n; e++)
		walk_row(w, latency_mesh(t, e), &(struct times_of){ NULL, e, LATENCY_RTT });
}

static unsigned bucket_of(const uint8_t row[static TIMES_ROW])
{
	return (unsigned)(hash_bytes(name_key, row, NET) % TIMES_BUCKETS);
}

static void add_to_digest(void *ctx, const uint8_t row[static TIMES_ROW])
{
	struct times_digest *d = ctx;
	const bool rtt = times_row_is_rtt(row);
	const uint64_t sum = hash_bytes(row_key, row, rtt ? TIMES_RTT_ROW : TIMES_ROW);
	struct times_sums *to = rtt ? &d->rtt : &d->others;

	to->of[bucket_of(row)] += sum;
	to->all += sum;
	d->cells++;
}

void times_digest(const struct latency *t, int64_t offset_s, struct times_digest *to)
{
	struct times_edges e;

	memset(to, 0, sizeof *to);
	times_edges_init(&e, t);
	walk(t, &(struct walk){ &e, offset_s, add_to_digest, to });
	times_edges_fini(&e);
}

struct picking {
	const struct times_wanted *wanted;
	uint8_t *rows;
	size_t n, room, most;
};

static void pick(void *ctx, const uint8_t row[static TIMES_ROW])
{
	struct picking *p = ctx;

	if (p->n == p->most || (int64_t)be32_get(row + 29) < p->wanted->since_s ||
		(p->wanted->buckets && !p->wanted->buckets[bucket_of(row)]))
		return;
	if (p->n == p->room) {
		p->room = p->room ? 2 * p->room : 1024;
		p->rows = memory_grow(p->rows, p->room * TIMES_ROW);
	}
	memcpy(p->rows + p->n++ * TIMES_ROW, row, TIMES_ROW);
}

uint8_t *times_rows(const struct latency *t, int64_t offset_s, const struct times_wanted *w, size_t most, size_t *n)
{
	struct picking p = { .wanted = w, .most = most };
	struct times_edges e;

	times_edges_init(&e, t);
	walk(t, &(struct walk){ &e, offset_s, pick, &p });
	times_edges_fini(&e);
	*n = p.n;
	return p.rows;
}
