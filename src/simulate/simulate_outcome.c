#include "simulate/simulate_inner.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { NOBODY = -1 };

static void add(struct simulate_sum *to, double weight, double ms)
{
	to->weight += weight;
	if (isnan(ms))
		return;
	to->ms += weight * ms;
	to->ms_weight += weight;
}

static bool has(const struct simulate_said *s, int edge)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->edges[i] == edge)
			return true;
	return false;
}

static struct simulate_group *country(struct simulate_work *w, uint32_t place)
{
	struct simulate *s = w->s;
	const char *code = place ? places_get(s->atlas->cities.places, place)->country : "";
	int at = 26 * 26;

	if (code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z')
		at = (code[0] - 'A') * 26 + code[1] - 'A';
	if (w->country_of[at] < 0) {
		w->country_of[at] = (int)s->n_countries;
		if (s->n_countries == w->countries_room) {
			w->countries_room = w->countries_room ? 2 * w->countries_room : 64;
			s->countries = memory_grow(
				s->countries, w->countries_room * sizeof *s->countries);
		}
		s->countries[s->n_countries++] = (struct simulate_group){
			.by_edge = memory_zeroed(2 * s->n_edges, sizeof(double))
		};
		memcpy(s->countries[s->n_countries - 1].name, at == 26 * 26 ? "??" : code, 2);
	}
	return &s->countries[w->country_of[at]];
}

static struct simulate_move *find_move(struct simulate_work *w, int from, int to)
{
	struct simulate *s = w->s;
	uint32_t *at = &w->move_of[(size_t)(from + 1) * (s->n_edges + 1) + (size_t)(to + 1)];

	if (*at)
		return &s->moves[*at - 1];
	if (s->n_moves == w->moves_room) {
		w->moves_room = w->moves_room ? 2 * w->moves_room : 64;
		s->moves = memory_grow(s->moves, w->moves_room * sizeof *s->moves);
	}
	s->moves[s->n_moves] = (struct simulate_move){ .from = from, .to = to };
	*at = (uint32_t)++s->n_moves;
	return &s->moves[*at - 1];
}

/* Each edge that a client leaves, to the next of those that it finds. Returns the share of the
 * client that moves. */
static double add_moves(struct simulate_work *w, const struct simulate_said *old, const struct simulate_said *new,
	double weight, double extra_ms)
{
	unsigned to = 0, moves = 0;

	if (old->n == 0 || new->n == 0) {
		if (old->n == new->n)
			return 0;
		find_move(w, old->n ? old->edges[0] : NOBODY, new->n ? new->edges[0] : NOBODY)
			->weight += weight;
		return 1;
	}
	for (unsigned i = 0; i < old->n; i++) {
		if (has(new, old->edges[i]))
			continue;
		for (unsigned k = 0; k < new->n &&has(old, new->edges[to % new->n]); k++)
			to++;
		struct simulate_move *m = find_move(
			w, old->edges[i], new->edges[to++ % new->n]);
		m->weight += weight / old->n;
		if (!isnan(extra_ms)) {
			m->extra_ms += extra_ms * weight / old->n;
			m->ms_weight += weight / old->n;
		}
		moves++;
	}
	return (double)moves / old->n;
}

/* The edges of an answer share its client. */
static void add_edges(struct simulate_work *w, const struct simulate_outcome *r, struct simulate_group *g)
{
	const double o = r->old->n ? r->weight / r->old->n : 0,
		     n = r->new->n ? r->weight / r->new->n : 0;

	for (unsigned i = 0; i < r->old->n; i++) {
		add(&w->s->edges[r->old->edges[i]].old, o, r->all.old_ms);
		g->by_edge[r->old->edges[i]] += o;
	}
	for (unsigned i = 0; i < r->new->n; i++) {
		add(&w->s->edges[r->new->edges[i]].new, n, r->all.new_ms);
		g->by_edge[w->s->n_edges + (unsigned)r->new->edges[i]] += n;
	}
}

static void add_place(struct simulate_place *p, const struct simulate_outcome *r, double moved)
{
	p->weight += r->weight;
	p->moved += moved;
	add(&p->old, r->weight, r->all.old_ms);
	add(&p->new, r->weight, r->all.new_ms);
	const int old = r->old->n ? r->old->edges[0] : NOBODY,
		  new = r->new->n ? r->new->edges[0] : NOBODY;
	if (r->weight > p->heaviest) {
		p->heaviest = r->weight;
		p->edge_old = old;
		p->edge_new = new;
	}
	if (moved > p->heaviest_moved) {
		p->heaviest_moved = moved;
		p->from = old;
		p->to = new;
	}
}

void simulate_outcome_add(struct simulate_work *w, const struct simulate_outcome *r)
{
	struct simulate *s = w->s;
	struct simulate_group *g = country(w, r->place);
	const bool turns = r->old->turns || r->new->turns;
	const double extra = r->goal.new_ms - r->goal.old_ms,
		     moved = turns ? 0
				   : r->weight * add_moves(w, r->old, r->new, r->weight, r->all.new_ms - r->all.old_ms);

	s->weight += r->weight;
	s->moved += moved;
	s->unanswered_old += r->old->n ? 0 : r->weight;
	s->unanswered_new += r->new->n ? 0 : r->weight;
	s->worse += moved > 0 && extra > 0 ? moved : 0;
	s->better += moved > 0 && extra < 0 ? moved : 0;
	w->pool->turns = w->pool->turns || turns;
	w->pool->moved += moved;
	g->moved += moved;
	add(&s->old, r->weight, r->all.old_ms);
	add(&s->new, r->weight, r->all.new_ms);
	add(&w->pool->old, r->weight, r->goal.old_ms);
	add(&w->pool->new, r->weight, r->goal.new_ms);
	add(&w->pool->old_rtt, r->weight, r->rtt.old_ms);
	add(&w->pool->new_rtt, r->weight, r->rtt.new_ms);
	add(&g->old, r->weight, r->all.old_ms);
	add(&g->new, r->weight, r->all.new_ms);
	add_edges(w, r, g);
	if (!turns)
		add_place(&s->places[r->place], r, moved);
}
