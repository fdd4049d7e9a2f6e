#include "simulate/simulate.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "simulate/simulate_inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { V4_LEAST = ADDR_V4_BITS + 24, V6_LEAST = 48 };

static struct u128 to_number(const struct addr *a)
{
	return (struct u128){ be64_get(a->b), be64_get(a->b + 8) };
}

static struct addr to_addr(struct u128 number)
{
	struct addr a;

	be64_put(a.b, number.high);
	be64_put(a.b + 8, number.low);
	return a;
}

/* --- milliseconds ------------------------------------------------------------------------- */

/* The mean of what the edges of an answer take, by that kind; NAN when that is not known of all. */
static double mean_ms(struct simulate_work *w, enum latency_kind kind, const struct simulate_said *said, const struct addr *who)
{
	const float *by_new = simulate_judge_ms(&w->judges[0], kind, who, w->o->now_s),
		    *by_old = NULL;
	double sum = 0;

	for (unsigned i = 0; i < said->n; i++) {
		const int at = w->judges[0].edge[said->edges[i]];
		if (at < 0 && !by_old)
			by_old = simulate_judge_ms(&w->judges[1], kind, who, w->o->now_s);
		sum += at >= 0 ? by_new[at] : by_old[w->judges[1].edge[said->edges[i]]];
	}
	return said->n ? sum / said->n : NAN;
}

double simulate_ms(const struct simulate_sum *s)
{
	return s->ms_weight > 0 ? s->ms / s->ms_weight : NAN;
}

/* --- one client --------------------------------------------------------------------------- */

/* What a net is asked about, once. */
struct question {
	struct addr who;
	enum simulate_type type;
	const uint8_t *name; /* NULL: none */
	const struct simulate_client *from;
};

/* What is different at the name that is asked for. */
static struct choose_own own_of(
	const struct simulate_client *c, const struct steer *s, int pool)
{
	int edge = c->edge ? steer_edge(s, c->edge) : -1;

	if (edge >= 0 && pool >= 0)
		edge = steer_edge_in(s, (unsigned)pool, (uint16_t)edge);
	return (struct choose_own){ .one = c->edge != NULL,
		.edge = edge < 0 ? UINT16_MAX : (uint16_t)edge,
		.answers = c->answers };
}

/* As answer.c asks for a client subnet of all bits. */
static struct simulate_said ask(struct simulate_work *w, struct simulate_asker *a, const struct question *q)
{
	const bool v6 = q->type == SIMULATE_AAAA;
	const struct addr *who = &q->who;
	const unsigned family = addr_is_v4(who) ? ADDR_V4_BITS : 0;
	struct simulate_said said = { .bits = family, .cached_alone = true };

	if (a->pool < 0)
		return said;
	const struct choice c = choose(
		&(struct choose_ask){ .steer = a->side->steer,
			.standing = a->side->standing,
			.now_us = clock_us(),
			.pool = (uint16_t)a->pool,
			.v6 = v6,
			.has_subnet = a->side->ecs,
			.subnet = *who,
			.source = *who,
			.now_s = w->o->now_s,
			.turns = a->turns,
			.name = q->name,
			.name_len = q->name ? (unsigned)name_len(q->name) : 0,
			.own = own_of(q->from, a->side->steer, a->pool) },
		NULL);
	said.n = c.n;
	for (unsigned i = 0; i < c.n; i++)
		said.edges[i] = a->of_edge[c.edges[i]];
	said.turns = c.by_chance;
	/* Without subnets all of it depends on the source, of which nothing is said. */
	said.bits = !a->side->ecs ? 128 : family + (c.by_subnet ? c.scope : 0);
	said.cached_alone = !a->side->ecs || !c.by_subnet;
	return said;
}

/* A resolver that is asked by this client: does it hold the answer already? */
static void cache(
	struct simulate_asker *a, const struct simulate_said *said, const struct addr *who, unsigned least)
{
	const unsigned bits = said->cached_alone ? 0 : said->bits < least ? said->bits : least;
	const struct prefix entry = addr_prefix(who, bits);

	if (a->pool < 0 ||
		(a->has_entry && a->entry.bits == bits &&
			memcmp(&a->entry.addr, &entry.addr, sizeof entry.addr) == 0))
		return;
	a->entry = entry;
	a->has_entry = true;
	a->entries++;
}

/* --- all of them -------------------------------------------------------------------------- */

static void tell_change(
	struct simulate_work *w, const struct simulate_outcome *r, struct prefix net, const struct question *q)
{
	if (w->o->each)
		w->o->each(w->o->ctx, w->s,
			&(struct simulate_each){ w->pool->name, net, q->type, r->weight,
				r->goal.old_ms, r->goal.new_ms, r->old->n, r->new->n, r->old->edges,
				r->new->edges, q->name });
}

static unsigned most(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* A client, with each of the names that it asks for. */
struct asked {
	struct question q[SIMULATE_NAMES_EACH];
	struct simulate_said old[SIMULATE_NAMES_EACH], new[SIMULATE_NAMES_EACH];
	uint8_t made[SIMULATE_NAMES_EACH][NAME_MOST];
	unsigned n;
	unsigned bits; /* all addresses that share them are answered alike */
};

static void ask_all(struct simulate_work *w, const struct simulate_client *c, const struct addr *who,
	struct asked *x)
{
	const bool own = !c->name && w->names;

	x->n = 1;
	if (own)
		x->n = w->names->n < SIMULATE_NAMES_EACH ? (unsigned)w->names->n
							 : SIMULATE_NAMES_EACH;
	for (unsigned i = 0; i < x->n; i++) {
		x->q[i] = (struct question){ *who, c->type, c->name, c };
		if (own)
			x->q[i].name = simulate_names_get(w->names, w->turn++, x->made[i]);
		x->old[i] = ask(w, &w->askers[0], &x->q[i]);
		x->new[i] = ask(w, &w->askers[1], &x->q[i]);
		x->bits = most(x->bits, most(x->old[i].bits, x->new[i].bits));
	}
}

static struct simulate_took took(struct simulate_work *w, enum latency_kind kind, const struct asked *x, unsigned i)
{
	return (struct simulate_took){ mean_ms(w, kind, &x->old[i], &x->q[i].who), mean_ms(w, kind, &x->new[i], &x->q[i].who) };
}

static void add_all(
	struct simulate_work *w, const struct asked *x, struct prefix net, double weight, uint32_t place)
{
	w->s->clients++;
	for (unsigned i = 0; i < x->n; i++) {
		struct simulate_outcome r = { &x->old[i], &x->new[i], weight / x->n, .rtt = took(w, LATENCY_RTT, x, i), .place = place };
		r.goal = w->pool->goal == LATENCY_RTT ? r.rtt : took(w, w->pool->goal, x, i);
		r.all = w->s->goal == LATENCY_RTT ? r.rtt : r.goal;
		simulate_outcome_add(w, &r);
		tell_change(w, &r, net, &x->q[i]);
	}
}

/* The client at the front of what is left of a net. Returns the last address that is like it.
 */
static struct u128 one_client(
	struct simulate_work *w, const struct simulate_client *c, struct u128 at, struct u128 last)
{
	const struct addr who = to_addr(at);
	const bool v4 = addr_is_v4(&who);
	const struct netmap *map = w->s->atlas->cities.map;
	const struct netmap_hit hit = netmap_find(map, &who);
	const unsigned family = v4 ? ADDR_V4_BITS : 0, usual = v4 ? V4_LEAST : V6_LEAST,
		       least = most(c->net.bits, usual),
		       place_bits = family + netmap_scope(map, NULL, &who, hit);
	const uint32_t place = hit.value < w->s->n_places ? hit.value : 0;
	struct asked x;

	x.bits = most(place_bits, c->net.bits);
	if (place || !c->known_only)
		ask_all(w, c, &who, &x);
	const unsigned bits = x.bits < least ? x.bits : least;
	if (place || !c->known_only) {
		/* One name's: each has as many. */
		cache(&w->askers[0], &x.old[0], &who, least);
		cache(&w->askers[1], &x.new[0], &who, least);
		add_all(w, &x, addr_prefix(&who, bits),
			ldexp(c->weight, (int)c->net.bits - (int)bits), place);
	}
	const struct u128 end = u128_or(at, u128_behind(bits));
	return u128_less(end, last) ? end : last;
}

static void walk(struct simulate_work *w, const struct simulate_client *c)
{
	struct u128 at = to_number(&c->net.addr);
	const struct u128 last = u128_or(at, u128_behind(c->net.bits));

	for (;;) {
		const struct u128 end = one_client(w, c, at, last);
		if (u128_equal(end, last))
			return;
		at = u128_next(end);
	}
}

static void run_pool(struct simulate_work *w, size_t pool)
{
	struct simulate_pool *p = &w->s->pools[pool];

	w->pool = p;
	w->names = w->o->names && w->o->names[pool].n ? &w->o->names[pool] : NULL;
	for (unsigned i = 0; i < 2; i++) {
		struct simulate_asker *a = &w->askers[i];
		a->pool = steer_pool(a->side->steer, p->name);
		a->has_entry = false;
		a->entries = 0;
		memset(a->turns, 0, CHOOSE_TURNS * (size_t)a->side->steer->n_pools * sizeof *a->turns);
	}
	p->is_old = w->askers[0].pool >= 0;
	p->is_new = w->askers[1].pool >= 0;
	for (size_t i = 0; i < w->o->n_clients; i++) {
		const struct simulate_client *c = &w->o->clients[i];
		if (c->pool < 0 || (size_t)c->pool == pool)
			walk(w, c);
	}
	p->entries_old = w->askers[0].entries;
	p->entries_new = w->askers[1].entries;
}

/* --- begin and end ------------------------------------------------------------------------ */

static int in_union(const struct simulate *s, const char *name)
{
	for (unsigned i = 0; i < s->n_edges; i++)
		if (strcmp(s->edges[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int *take_edges(struct simulate *s, const struct steer *from, bool is_new)
{
	int *of = memory_zeroed(from->n_edges, sizeof *of);

	for (unsigned i = 0; i < from->n_edges; i++) {
		const struct edge *e = &from->edges[i];
		of[i] = in_union(s, e->name);
		if (of[i] < 0) {
			of[i] = (int)s->n_edges;
			s->edges[s->n_edges++] = (struct simulate_edge){ .name = e->name,
				.placed = e->placed,
				.lat = e->lat,
				.lon = e->lon };
		}
		*(is_new ? &s->edges[of[i]].is_new : &s->edges[of[i]].is_old) = true;
		*(is_new ? &s->edges[of[i]].new_capacity
			 : &s->edges[of[i]].old_capacity) = e->capacity;
	}
	return of;
}

static int compare_clients(const void *va, const void *vb)
{
	const struct simulate_client *a = va, *b = vb;
	const int d = memcmp(&a->net.addr, &b->net.addr, sizeof a->net.addr);

	return d ? d : (a->net.bits > b->net.bits) - (a->net.bits < b->net.bits);
}

static int compare_countries(const void *va, const void *vb)
{
	const struct simulate_group *a = va, *b = vb;

	return a->old.weight != b->old.weight ? (a->old.weight < b->old.weight ? 1 : -1)
					      : strcmp(a->name, b->name);
}

static int compare_moves(const void *va, const void *vb)
{
	const struct simulate_move *a = va, *b = vb;

	return (a->weight < b->weight) - (a->weight > b->weight);
}

/* The new side's, where it has the pool. */
static enum latency_kind goal_of(const struct simulate_opts *o, const char *pool)
{
	const struct steer *of[] = { o->new.steer, o->old.steer };

	for (unsigned i = 0; i < 2; i++) {
		const int at = steer_pool(of[i], pool);
		if (at >= 0)
			return of[i]->pools[at].goal;
	}
	return LATENCY_RTT;
}

static void find_goals(struct simulate *s, const struct simulate_opts *o)
{
	for (size_t i = 0; i < o->n_pools; i++)
		s->pools[i].goal = goal_of(o, o->pools[i]);
	s->goal = o->n_pools ? s->pools[0].goal : LATENCY_RTT;
	for (size_t i = 1; i < o->n_pools; i++)
		if (s->pools[i].goal != s->goal)
			s->goal = LATENCY_RTT;
}

/* All is counted. */
static void add_roles(struct simulate *s, const struct steer *from, const int *of, bool is_new)
{
	for (unsigned i = from->n_origins; i < from->n_edges; i++) {
		struct simulate_edge *to = &s->edges[of[from->edges[i].origin]];
		*(is_new ? &to->new_roles : &to->old_roles) += is_new ? s->edges[of[i]].new.weight
								      : s->edges[of[i]].old.weight;
	}
}

void simulate_run(struct simulate *s, const struct simulate_opts *o)
{
	struct simulate_work w = { .s = s, .o = o };
	const struct simulate_side *sides[2] = { &o->old, &o->new };

	*s = (struct simulate){ .atlas = o->new.steer->atlas, .n_pools = o->n_pools };
	s->edges = memory_zeroed(
		o->old.steer->n_edges + o->new.steer->n_edges, sizeof *s->edges);
	w.askers[1].of_edge = take_edges(s, o->new.steer, true);
	w.askers[0].of_edge = take_edges(s, o->old.steer, false);
	simulate_judge_init(&w.judges[0], &o->new, s->edges, s->n_edges);
	simulate_judge_init(&w.judges[1], &o->old, s->edges, s->n_edges);
	for (unsigned i = 0; i < 2; i++) {
		w.askers[i].side = sides[i];
		w.askers[i].turns = memory_zeroed(
			CHOOSE_TURNS * (size_t)sides[i]->steer->n_pools, sizeof *w.askers[i].turns);
	}
	w.move_of = memory_zeroed(
		(size_t)(s->n_edges + 1) * (s->n_edges + 1), sizeof *w.move_of);
	memset(w.country_of, 0xff, sizeof w.country_of);
	s->pools = memory_zeroed(o->n_pools, sizeof *s->pools);
	find_goals(s, o);
	s->n_places = places_count(s->atlas->cities.places) + 1;
	s->places = memory_zeroed(s->n_places, sizeof *s->places);
	if (o->n_clients)
		qsort(o->clients, o->n_clients, sizeof *o->clients, compare_clients);
	for (size_t i = 0; i < o->n_pools; i++) {
		s->pools[i].name = o->pools[i];
		run_pool(&w, i);
	}
	if (s->n_countries)
		qsort(s->countries, s->n_countries, sizeof *s->countries, compare_countries);
	if (s->n_moves)
		qsort(s->moves, s->n_moves, sizeof *s->moves, compare_moves);
	for (unsigned i = 0; i < 2; i++) {
		add_roles(s, sides[i]->steer, w.askers[i].of_edge, i == 1);
		simulate_judge_fini(&w.judges[i]);
		memory_free(w.askers[i].turns);
		memory_free(w.askers[i].of_edge);
	}
	memory_free(w.move_of);
}

void simulate_fini(struct simulate *s)
{
	for (size_t i = 0; i < s->n_countries; i++)
		memory_free(s->countries[i].by_edge);
	memory_free(s->edges);
	memory_free(s->pools);
	memory_free(s->countries);
	memory_free(s->places);
	memory_free(s->moves);
	*s = (struct simulate){ 0 };
}
