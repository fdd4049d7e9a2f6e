#include "steer/steer.h"

#include "base/memory.h"
#include "base/scope.h"
#include "steer/group.h"
#include "steer/hours.h"
#include "steer/rules.h"
#include "steer/steer_below.h"
#include "steer/steer_edges.h"
#include "steer/steer_kept.h"
#include "steer/steer_ranks.h"
#include "steer/steer_tree.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- pins --------------------------------------------------------------------------------- */

static void pin_nets(struct pool *p)
{
	struct netmap_net *nets = memory_zeroed(p->n_pins, sizeof *nets);
	size_t n = 0;

	for (unsigned i = 0; i < p->n_pins; i++)
		if (p->pins[i].from->kind == PIN_NET)
			nets[n++] = (struct netmap_net){ p->pins[i].from->net, i + 1 };
	if (n)
		p->nets = netmap_from_nets(nets, n);
	memory_free(nets);
}

static void pin_asns(struct pool *p, struct atlas *atlas)
{
	for (unsigned i = 0; i < p->n_pins; i++) {
		if (p->pins[i].from->kind != PIN_ASN)
			continue;
		if (!p->pin_of_asn)
			p->pin_of_asn = memory_zeroed(atlas->asns.n, sizeof *p->pin_of_asn);
		for (size_t k = 1; k < atlas->asns.n; k++)
			if (atlas->asns.asn[k].number == p->pins[i].from->asn) {
				p->pin_of_asn[k] = i + 1;
				p->pins[i].matches = true;
			}
	}
	if (p->pin_of_asn)
		p->asn_seams = netmap_seams_new(atlas->asns.map, p->pin_of_asn, atlas->asns.n);
}

/* The strongest kind that matches a place has it: region before country before continent. */
static void pin_places(struct pool *p, struct atlas *atlas)
{
	const struct places *places = atlas->cities.places;
	const uint32_t n = places_count(places) + 1;
	bool any = false;

	for (unsigned i = 0; i < p->n_pins; i++)
		any = any ||
			(p->pins[i].from->kind >= PIN_CITY && p->pins[i].from->kind < PIN_RULE);
	if (!any)
		return;
	p->pin_of_place = memory_zeroed(n, sizeof *p->pin_of_place);
	for (uint32_t k = 1; k < n; k++) {
		const struct place *place = places_get(places, k);
		int best = -1;
		for (unsigned i = 0; i < p->n_pins; i++) {
			if (!pool_pin_matches(p->pins[i].from, places, place))
				continue;
			p->pins[i].matches = true;
			if (best < 0 || p->pins[i].from->kind < p->pins[best].from->kind)
				best = (int)i;
		}
		p->pin_of_place[k] = (uint32_t)(best + 1);
	}
	p->place_seams = netmap_seams_new(atlas->cities.map, p->pin_of_place, n);
}

/* The pools by whose probes the edges of a pin are up. */
static const uint16_t *holders_of(
	struct steer *s, const struct pool *p, const struct pool_pin *pin)
{
	if (!p->tree)
		return NULL;
	uint16_t *holders = arena_alloc(&s->mem, pin->n * sizeof *holders);
	for (size_t i = 0; i < pin->n; i++)
		holders[i] = steer_tree_holder(p, pin->edges[i]);
	return holders;
}

static void fill_pins(struct steer *s, struct pool *p, const struct pool_opts *o)
{
	p->n_pins = (unsigned)o->n_pins;
	p->pins = arena_zalloc(&s->mem, o->n_pins * sizeof *p->pins);
	for (size_t i = 0; i < o->n_pins; i++) {
		struct pool_pin *pin = arena_memdup(&s->mem, &o->pins[i], sizeof *pin);
		pin->code = pin->code ? arena_strdup(&s->mem, pin->code) : NULL;
		pin->edges = arena_memdup(&s->mem, pin->edges, pin->n * sizeof *pin->edges);
		p->pins[i] = (struct pool_pinned){ pin, pin->edges, holders_of(s, p, pin),
			(unsigned)pin->n, pin->kind == PIN_NET || pin->kind == PIN_DEFAULT };
		if (pin->kind == PIN_DEFAULT)
			p->pin_default = (unsigned)i + 1;
	}
	pin_nets(p);
	pin_asns(p, s->atlas);
	pin_places(p, s->atlas);
	p->asks_place = p->pin_of_place != NULL;
}

static struct pool_when keep_when(struct steer *s, const struct pool_when *w)
{
	struct pool_when to = *w;
	struct pool_pin *conds = arena_memdup(&s->mem, w->conds, w->n * sizeof *conds);

	for (size_t i = 0; i < w->n; i++)
		conds[i].code = conds[i].code ? arena_strdup(&s->mem, conds[i].code) : NULL;
	to.conds = conds;
	to.resolvers = arena_memdup(&s->mem, w->resolvers, w->n_resolvers * sizeof *w->resolvers);
	to.clients = arena_memdup(&s->mem, w->clients, w->n_clients * sizeof *w->clients);
	return to;
}

/* The room for hours doubles, so that many rules do not take the square of their number. */
static unsigned hours_room(unsigned n)
{
	unsigned room = n ? 8 : 0;

	while (room < n)
		room *= 2;
	return room;
}

static void add_hours(struct steer *s, struct rules_when *to, const struct pool_when *w)
{
	const unsigned n = s->n_hours + (unsigned)w->n_during;

	to->hours = s->n_hours;
	if (n > hours_room(s->n_hours)) {
		struct hours *all = arena_alloc(&s->mem, hours_room(n) * sizeof *all);
		if (s->n_hours)
			memcpy(all, s->hours, s->n_hours * sizeof *all);
		s->hours = all;
	}
	for (size_t i = 0; i < w->n_during; i++)
		s->hours[s->n_hours++] = hours_copy(&s->mem, &w->during[i]);
}

static void fill_rules(struct steer *s, struct pool *p, const struct pool_opts *o)
{
	struct pool_rule *own = arena_memdup(&s->mem, o->rules, o->n_rules * sizeof *own);

	if (!o->n_rules)
		return;
	for (size_t i = 0; i < o->n_rules; i++) {
		struct pool_pin *to = &own[i].to;
		own[i].when = keep_when(s, &o->rules[i].when);
		own[i].unless = keep_when(s, &o->rules[i].unless);
		to->code = arena_strdup(&s->mem, to->code);
		to->edges = arena_memdup(&s->mem, to->edges, to->n * sizeof *to->edges);
	}
	p->rules = rules_new(&s->mem, own, o->n_rules, s->atlas);
	for (unsigned i = 0; i < p->rules->n; i++) {
		struct rule *r = &p->rules->rule[i];
		r->holders = holders_of(s, p, &own[i].to);
		add_hours(s, &r->when, &own[i].when);
		add_hours(s, &r->unless, &own[i].unless);
	}
	p->asks_place = p->asks_place || p->rules->places.class_of;
}

/* --- pools -------------------------------------------------------------------------------- */

/* A pool that sends every client to its nearest edge, where one of them can be too full. */
static bool sheds(const struct steer *s, const struct pool *p)
{
	bool any = false;

	for (unsigned i = 0; i < p->n; i++)
		any = any || s->edges[p->edges[i]].capacity > 0;
	return any && p->policy == POOL_NEAREST && !p->n_links && !p->affinity &&
		(!p->tree || p->tree->merged);
}

static void fill_forms(struct steer *s, struct pool_form *to, const struct pool_form *from)
{
	for (unsigned i = 0; i < POOL_SERVICES; i++) {
		to[i] = from[i];
		if (!from[i].front)
			continue;
		to[i].front = arena_memdup(&s->mem, from[i].front, from[i].front_len);
		to[i].middle = arena_memdup(&s->mem, from[i].middle, from[i].middle_len);
		to[i].back = arena_memdup(&s->mem, from[i].back, from[i].back_len);
	}
}

static void fill_edges(struct steer *s, struct pool *p, const struct pool_opts *o)
{
	uint16_t *weights = arena_alloc(&s->mem, o->n * sizeof *weights);

	for (size_t i = 0; i < o->n; i++)
		weights[i] = s->edges[o->edges[i]].weight;
	/* Without pools in it the members are the edges. */
	for (size_t i = 0; i < o->n_members && i < o->n; i++)
		weights[i] = o->members[i].weight;
	p->n = (unsigned)o->n;
	p->edges = arena_memdup(&s->mem, o->edges, o->n * sizeof *o->edges);
	p->weights = weights;
}

static void fill_pool(struct steer *s, const struct steer_opts *all, unsigned number)
{
	const struct pool_opts *o = &all->pools[number];
	struct pool *p = &s->pools[number];

	*p = (struct pool){ .name = arena_strdup(&s->mem, o->name),
		.n_links = o->n_links,
		.policy = o->policy,
		.affinity = o->affinity,
		.goal = o->goal,
		.answers = o->answers,
		.pairs = o->pairs,
		.part = o->part,
		.fail_back = o->fail_back,
		.fail_back_ms = o->fail_back_ms,
		.split = o->split,
		.ttl_least_s = o->ttl_min_s,
		.ttl_most_s = o->ttl_max_s,
		.spread_ms = o->spread_ms,
		.spread_share = o->spread_share,
		.panic_share = o->panic_share,
		.least_share = o->least_share,
		.least_up = o->least_up,
		.least_a = o->least_a,
		.least_aaaa = o->least_aaaa,
		.apart = o->apart,
		.all_down = o->all_down,
		.other = o->other,
		.reads = (uint16_t)number,
		.hash = group_hash((const uint8_t *)o->name, strlen(o->name)) };
	memcpy(p->links, o->links, sizeof p->links);
	p->skipped = arena_memdup(&s->mem, o->skipped, o->n_skipped * sizeof *o->skipped);
	p->n_skipped = (unsigned)o->n_skipped;
	if (steer_tree_is(o))
		steer_tree_fill(s, all, number);
	else
		fill_edges(s, p, o);
	p->bound = p->tree || !pool_has_bound(o) ? 0 : o->bound;
	p->sheds = sheds(s, p);
	p->only_cnames = p->n > 0;
	for (unsigned i = 0; i < p->n; i++) {
		const struct edge *e = &s->edges[p->edges[i]];
		p->only_cnames = p->only_cnames && e->cname;
		p->can |= e->can | (e->flatten ? CAN_A | CAN_AAAA : 0u);
		p->unresolved = p->unresolved || e->unresolved;
	}
	fill_forms(s, p->forms, o->forms);
	fill_pins(s, p, o);
	fill_rules(s, p, o);
}

static bool is_by_place(const struct steer *s, const struct pool *p)
{
	return p->rank && p->policy == POOL_NEAREST && !p->n_links && !p->affinity && !p->sheds &&
		!rank_has(&p->rank->close) && client_map_netmap(p->rank->clients) == s->atlas->cities.map;
}

/* A pool that does not ask where the client is has its answer from one that may. */
static uint16_t find_reads(const struct steer *s, uint16_t number)
{
	const struct pool *p = &s->pools[number];

	for (unsigned depth = 0; depth < POOL_DEPTH_MOST && p->tree && !p->rank && !p->asks_place;
		depth++) {
		unsigned i = 0;
		while (i < p->tree->n && !p->tree->members[i].is_pool)
			i++;
		if (i == p->tree->n)
			break;
		number = p->tree->members[i].number;
		p = &s->pools[number];
	}
	return number;
}

static struct client_map *make_client_map(
	const struct steer_opts *opts, struct atlas *atlas, const struct steer *before)
{
	const struct steer_measured *m = opts->measured;
	struct model_site *sites = memory_zeroed(opts->n_edges, sizeof *sites);

	for (size_t i = 0; i < opts->n_edges; i++)
		sites[i] = (struct model_site){ opts->edges[i].placed, opts->edges[i].lat,
			opts->edges[i].lon };
	struct client_map_opts of = {
		{ atlas, sites, opts->n_edges, m ? m->table : NULL, m ? m->now_s : 0 },
		before ? before->clients : NULL, { 0 } };
	for (size_t i = 0; i < opts->n_pools; i++)
		of.kinds[opts->pools[i].goal] = true;
	struct client_map *map = client_map_new(&of);
	memory_free(sites);
	return map;
}

/* In place of `before`, or with what is `kept`; or neither. */
static struct steer *make(
	const struct steer_opts *opts, struct atlas *atlas, const struct steer *before, struct steer_kept *kept)
{
	struct steer *s = memory_zeroed(1, sizeof *s);
	const struct steer_measured *m = opts->measured;

	s->refs = 1;
	s->atlas = atlas_hold(atlas);
	s->clients = make_client_map(opts, atlas, before);
	s->explore = m && m->close_ms > 0 ? m->explore : (struct explore){ 0, 1 };
	s->n_edges = (unsigned)opts->n_edges;
	s->n_pools = (unsigned)opts->n_pools;
	while (s->n_named < s->n_pools && !opts->pools[s->n_named].part)
		s->n_named++;
	s->pools = arena_zalloc(&s->mem, s->n_pools * sizeof *s->pools);
	steer_edges_fill(s, opts, before);
	for (unsigned i = 0; i < s->n_pools; i++)
		fill_pool(s, opts, i);
	steer_ranks_fill(s, opts, before, kept);
	for (unsigned i = 0; i < s->n_pools; i++)
		s->pools[i].reads = find_reads(s, (uint16_t)i);
	steer_tree_look(s);
	steer_below_fill(s);
	for (unsigned i = 0; i < s->n_pools; i++)
		s->pools[i].by_place = is_by_place(s, &s->pools[i]);
	s->edge_numbers = numbers_new(&s->mem, &s->edges->name, sizeof *s->edges, s->n_edges);
	s->pool_numbers = numbers_new(&s->mem, &s->pools->name, sizeof *s->pools, s->n_pools);
	client_map_settle(s->clients);
	return s;
}

struct steer *steer_new(
	const struct steer_opts *opts, struct atlas *atlas, const struct steer *before)
{
	return make(opts, atlas, before, NULL);
}

struct steer *steer_kept_new(const struct steer_opts *opts, struct atlas *atlas, struct steer_kept *k)
{
	return make(opts, atlas, NULL, k);
}

/* For a scope. */
static void let_go(void *s)
{
	steer_drop(s);
}

struct steer *steer_hold(struct steer *s)
{
	__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
	scope_hold(s, let_go);
	return s;
}

void steer_drop(struct steer *s)
{
	scope_forget(s, let_go);
	if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (unsigned i = 0; i < s->n_pools; i++) {
		struct pool *p = &s->pools[i];
		rank_front_drop(p->front);
		rank_drop(p->rank);
		if (p->nets)
			netmap_drop(p->nets);
		if (p->asn_seams)
			netmap_seams_free(p->asn_seams);
		if (p->place_seams)
			netmap_seams_free(p->place_seams);
		rules_drop(p->rules);
		memory_free(p->pin_of_asn);
		memory_free(p->pin_of_place);
	}
	if (s->places)
		netmap_seams_free(s->places);
	if (s->asns)
		netmap_seams_free(s->asns);
	client_map_drop(s->clients);
	atlas_drop(s->atlas);
	arena_fini(&s->mem);
	memory_free(s);
}

int steer_pool(const struct steer *s, const char *name)
{
	return numbers_find(&s->pool_numbers, name);
}

int steer_edge(const struct steer *s, const char *name)
{
	return numbers_find(&s->edge_numbers, name);
}
