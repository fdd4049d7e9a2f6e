/* plan.c - which targets there are: one for each address and way to probe it, whoever asks.
 */
#include "base/bytes.h"
#include "base/memory.h"
#include "probe/line.h"
#include "probe/target.h"

#include <stdlib.h>
#include <string.h>

/* Targets by their address: open addressing, at most half full. */
struct map {
	struct target **at;
	size_t mask;
};

static size_t slot_of(const struct map *m, const struct edge_point *p)
{
	const struct hash_key key = { 5, 7 };

	return (size_t)(p->name ? hash_bytes(key, (const uint8_t *)p->name, strlen(p->name))
				: hash_bytes(key, p->addr.b, sizeof p->addr.b)) &
		m->mask;
}

static void put(struct map *m, struct target *t)
{
	size_t i = slot_of(m, &t->point);

	while (m->at[i])
		i = (i + 1) & m->mask;
	m->at[i] = t;
}

static bool same_point(const struct edge_point *a, const struct edge_point *b)
{
	return memcmp(&a->addr, &b->addr, sizeof a->addr) == 0 && a->port == b->port &&
		!a->name == !b->name && (!a->name || strcmp(a->name, b->name) == 0);
}

static struct target *find(const struct map *m, const struct probe_opts *p,
	const struct edge_point *point, const char *edge)
{
	for (size_t i = slot_of(m, point); m->at[i]; i = (i + 1) & m->mask) {
		const struct check *c = &m->at[i]->check;
		if (same_point(&m->at[i]->point, point) &&
			(c->probe == p || probe_same(c->probe, p)) &&
			(!probe_is_of_edge(p) || strcmp(c->edge, edge) == 0))
			return m->at[i];
	}
	return NULL;
}

/* What is being made, beside what is there. */
struct plan {
	struct round *r;
	struct map map;
	struct target **targets;
	struct verdict *verdicts;
	uint32_t n;
};

static uint32_t take(
	struct plan *p, const struct probe_opts *probe, const struct edge *e, unsigned k);

/* Parts have smaller numbers than what is made of them. */
static void take_parts(struct plan *p, struct target *t, const struct edge *e, unsigned k)
{
	const struct probe_opts *probe = t->check.probe;

	target_clear_parts(t);
	for (unsigned i = 0; i < probe->n_parts; i++)
		target_add_part(t, p->targets[take(p, &probe->parts[i], e, k)]);
}

static void keep(struct plan *p, struct target *t, const struct edge *e, unsigned k)
{
	const struct probe_opts *probe = t->check.probe;

	t->kept = true;
	take_parts(p, t, e, k);
	p->verdicts[p->n] = t->number == UINT32_MAX
		? (struct verdict){ .awaited = probe->initial == PROBE_WAIT,
			  .up = probe->initial == PROBE_UP,
			  .changes_us = 0,
			  .rtt_ms = (float)t->rtt_ms,
			  .load = (float)t->load }
		: p->r->verdicts[t->number];
	target_rename(t, e->called);
	t->number = p->n;
	p->targets[p->n++] = t;
}

/* The number of the target of an edge's slot `k`. */
static uint32_t take(
	struct plan *p, const struct probe_opts *probe, const struct edge *e, unsigned k)
{
	const struct edge_point *point = edge_point(e, k);

	if (!point)
		return STANDING_NO_TARGET;
	struct target *t = find(&p->map, probe, point, e->called);
	if (!t) {
		t = target_new(p->r, probe, point, e->called);
		t->number = UINT32_MAX;
		put(&p->map, t);
	}
	if (!t->kept) {
		t->check.probe = probe; /* the same, of the configuration that stays */
		keep(p, t, e, k);
	}
	return t->number;
}

static uint32_t *plan_row(
	struct plan *p, const struct steer *steer, const struct round_row *row)
{
	uint32_t *of = memory_zeroed(steer->n_addresses, sizeof *of);

	for (unsigned i = 0; i < steer->n_edges; i++) {
		const struct edge *e = &steer->edges[i];
		const struct probe_opts *probe = round_row_probe(row, i);
		for (unsigned k = 0; k < e->n_slots; k++)
			of[e->first_address + k] = probe ? take(p, probe, e, k)
							 : STANDING_NO_TARGET;
	}
	return of;
}

static size_t room_for(const struct steer *steer, const struct round_row *rows, unsigned n_rows)
{
	size_t n = 0;

	for (unsigned row = 0; row < n_rows; row++)
		for (unsigned i = 0; i < steer->n_edges; i++)
			if (rows[row].edges[i])
				n += steer->edges[i].n_slots *
					(size_t)probe_targets(round_row_probe(&rows[row], i));
	return n;
}

static void make_map(struct plan *p, size_t room)
{
	size_t size = 16;

	while (size < 2 * (room + p->r->n))
		size *= 2;
	p->map = (struct map){ memory_zeroed(size, sizeof *p->map.at), size - 1 };
	for (uint32_t i = 0; i < p->r->n; i++) {
		p->r->targets[i]->kept = false;
		put(&p->map, p->r->targets[i]);
	}
}

static void throw_map(struct part *p)
{
	struct round_map *m = (struct round_map *)p; /* its first member */

	for (unsigned i = 0; i < m->n_rows; i++)
		memory_free(m->row_targets[i]);
	memory_free(m->row_targets);
	memory_free(m);
}

struct round_map *round_map_new(unsigned n_rows)
{
	struct round_map *m = memory_zeroed(1, sizeof *m);

	*m = (struct round_map){ part_new(throw_map), n_rows,
		memory_zeroed(n_rows, sizeof *m->row_targets) };
	return m;
}

/* Takes the place of what was there. */
static void settle(struct plan *p, struct round_map *map)
{
	struct round *r = p->r;

	for (uint32_t i = 0; i < r->n; i++)
		if (!r->targets[i]->kept)
			target_free(r->targets[i]);
	round_map_drop(r->map);
	memory_free(r->targets);
	memory_free(r->told);
	r->told = NULL;
	memory_free(r->verdicts);
	r->map = map;
	r->targets = p->targets;
	r->verdicts = p->verdicts;
	r->n = p->n;
	r->waits = 0;
	for (unsigned i = 0; i < PROBE_KINDS; i++)
		r->lines[i].wanted = 0;
	for (uint32_t i = 0; i < r->n; i++) {
		struct target *t = r->targets[i];
		if (t->n_parts) {
			target_combine(t);
			continue;
		}
		if (t->check.probe->kind == PROBE_EXTERNAL) {
			target_take_told(t);
			r->waits += r->verdicts[i].awaited;
			continue;
		}
		r->lines[t->check.probe->kind].wanted += 1e3 / t->check.probe->every_ms;
		r->waits += t->check.probe->initial == PROBE_WAIT && !r->verdicts[i].known;
		if (!t->probes && !t->running)
			line_join(t, false);
	}
	line_pump_soon(r); /* those who have gone left room for those who wait */
}

void round_plan(struct round *r, const struct steer *steer, const struct round_row *rows,
	unsigned n_rows)
{
	round_plan_parts(r, &(struct round_part){ steer, rows, n_rows }, 1);
}

void round_plan_parts(struct round *r, const struct round_part *parts, unsigned n)
{
	struct plan p = { .r = r };
	size_t room = 0;
	unsigned n_rows = 0, row = 0;

	for (unsigned i = 0; i < n; i++) {
		room += room_for(parts[i].steer, parts[i].rows, parts[i].n_rows);
		n_rows += parts[i].n_rows;
	}
	struct round_map *map = round_map_new(n_rows);

	p.targets = memory_zeroed(room, sizeof *p.targets);
	p.verdicts = memory_zeroed(room, sizeof *p.verdicts);
	make_map(&p, room);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < parts[i].n_rows; k++)
			map->row_targets[row++] = plan_row(&p, parts[i].steer, &parts[i].rows[k]);
	settle(&p, map);
	memory_free(p.map.at);
}
