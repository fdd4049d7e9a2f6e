/* choose_inner.h - what the files of choose share: the walk, and how edges are taken from a
 * list.
 *
 * Of choose.c; choose_links.c has the policies that are chains and affinity.
 */
#ifndef STEER_CHOOSE_INNER_H
#define STEER_CHOOSE_INNER_H

#include "steer/choose.h"

/* What is known on the way. */
struct choose_walk {
	const struct choose_ask *ask;
	struct choose_trace *trace;
	struct choice *choice;
	const struct pool *pool;
	const struct standing_pool *standing; /* of the pool */
	uint16_t number;                      /* ... and which it is */
	uint32_t can; /* a bit that edges must have, */
	uint8_t marks; /* ... and STANDS_A or STANDS_AAAA, of which one is enough */
	bool barely; /* pools of which too few are up may answer, too: nothing else can */
	bool otherwise; /* a pool that another stands in for has live addresses of the other family */
	bool over; /* a rule has it that nothing else is said in this pool */
	const struct choose_own *own; /* what the name says of the pool that is walked */
	unsigned first, most; /* the pool's answers are those from the one up to the other */
	struct addr who;
	bool by_source; /* `who` is the source: the scope does not get narrower by what it shows
			 */
	const struct netmap *placed; /* that `place` was looked up in; NULL: none yet */
	struct netmap_hit place;
	bool net_known; /* the scope is as narrow as the place's net already, which is `place` */
	unsigned
		group_bits; /* of `who`'s family: the net whose clients are alike in the rank */
	uint64_t changes_us; /* the soonest that the pools on the way can change */
	bool timed; /* hours of the week have decided, */
	uint32_t hours_s; /* ... which do so for so long */
	uint32_t ttl_most_s; /* of the pools in this one that have answered, and of those that have nothing for now */
};

/* Some edges of a pool in an order, to be taken from the front. */
struct choose_list {
	const uint16_t *edges; /* numbers of edges, or positions in `pool` when that is given */
	const struct pool *pool;
	unsigned n;
	const uint16_t *within; /* [n] or NULL */
	const uint16_t *holders; /* [n], or by position in `pool`: the pools that judge; NULL: the
				  * one that is walked */
	enum choose_by by;
	const struct pool_pin *pin;
	bool even_down, even_drained;
	unsigned only;              /* the first so many alone may be taken; 0: all */
	enum choose_verdict beyond; /* ... since the others are this */
};

/* The answer depends on so many bits of the client's address. */
static inline void choose_consult(struct choose_walk *w, unsigned bits)
{
	if (w->by_source)
		return;
	w->choice->by_subnet = true;
	if (bits > w->choice->scope)
		w->choice->scope = bits;
}

static inline const struct standing_pool *choose_standing(const struct choose_walk *w)
{
	return w->standing;
}

/* [pool->n] What its edges weigh now, and [tree->n] what member `i` does. */
static inline const uint16_t *choose_weights(const struct choose_walk *w)
{
	return w->standing->weights ? w->standing->weights : w->pool->weights;
}

static inline unsigned choose_member_weight(const struct choose_walk *w, unsigned i)
{
	return w->standing->member_weights ? w->standing->member_weights[i]
					   : w->pool->tree->members[i].weight;
}

static inline uint16_t choose_edge(const struct choose_list *l, unsigned i)
{
	return l->pool ? l->pool->edges[l->edges ? l->edges[i] : i] : l->edges[i];
}

static inline bool choose_has_address(const struct choose_walk *w, const struct edge *e)
{
	return e->can & w->can;
}

/* Where the client's place is looked up: in what the pool's rank has in front, or its view, which say all there
 * is to know at once, unless pins ask for the place itself. */
static inline const struct netmap *choose_map_of(const struct steer *s, const struct pool *p)
{
	if (p->asks_place)
		return s->atlas->cities.map;
	return p->front ? p->front->view : p->rank && p->rank->view ? p->rank->view : s->atlas->cities.map;
}

static inline const struct netmap *choose_map(const struct choose_walk *w)
{
	if (w->net_known && w->pool->by_place)
		return w->ask->steer->atlas->cities.map;
	return choose_map_of(w->ask->steer, w->pool);
}

static inline void choose_find_place(struct choose_walk *w)
{
	const struct netmap *map = choose_map(w);

	if (w->placed == map)
		return;
	w->place = netmap_find(map, &w->who);
	w->placed = map;
}

/* The row that edge `i` of the list is judged by. */
static inline unsigned choose_row(
	const struct choose_walk *w, const struct choose_list *l, unsigned i)
{
	if (!l->holders)
		return choose_standing(w)->row;
	return w->ask->standing->pools[l->holders[l->pool && l->edges ? l->edges[i] : i]].row;
}

/* May edge `i` of the list answer, whatever its place in it? */
__attribute__((always_inline)) static inline enum choose_verdict choose_judge(
	const struct choose_walk *w, const struct choose_list *l, unsigned i)
{
	const uint16_t number = choose_edge(l, i);
	const uint8_t marks = standing_marks(w->ask->standing, choose_row(w, l, i), number);

	if (!choose_has_address(w, &w->ask->steer->edges[number]))
		return PASSED_NO_ADDRESS;
	if (marks & STANDS_DRAINED)
		return l->even_drained ? CHOSEN : PASSED_DRAIN;
	if (!(marks & w->marks) && !l->even_down)
		return PASSED_DOWN;
	return CHOSEN;
}

/* Pins of a kind that the pool has: false, when the client is not pinned, or nothing that it is
 * pinned to may answer. */
bool choose_by_net(struct choose_walk *w);
bool choose_by_asn(struct choose_walk *w);
bool choose_by_place(struct choose_walk *w);
bool choose_by_default(struct choose_walk *w);

/* For choose_fetch(): what rules will look up of the client first. */
struct rules;
void choose_fetch_rules(const struct rules *r, const struct addr *who, unsigned step);

/* Rules, which there are: false when there is nothing by them; the walk may be over then. */
bool choose_by_rules(struct choose_walk *w);

/* By the pool's policy; with `even_down` as if all were up. */
bool choose_by_policy(struct choose_walk *w, bool even_down, bool even_drained);

/* What the pool's all-down rule says at the end of the walk; false: the walk goes on in the pool
 * that stands in, which has been entered. And in a pool in a pool. */
bool choose_all_down(struct choose_walk *w);
bool choose_all_down_inside(struct choose_walk *w, bool even_drained);

/* Might an edge of the pool answer somebody? */
bool choose_has_any(const struct choose_walk *w);

/* So many edges may an answer of the pool have. */
static inline unsigned choose_answers(const struct choose_walk *w)
{
	return w->own->answers && !w->pool->split ? w->own->answers : w->pool->answers;
}

/* The walk is in that pool from now on. */
static inline void choose_enter(struct choose_walk *w, uint16_t pool)
{
	const struct choose_ask *ask = w->ask;

	w->pool = &ask->steer->pools[pool];
	const unsigned most = w->first + choose_answers(w);
	w->standing = &ask->standing->pools[pool];
	w->number = pool;
	w->most = most < POOL_ANSWERS_MOST ? most : POOL_ANSWERS_MOST;
}

/* Of the pool's own edges, by position. */
static inline const uint16_t *choose_holders(const struct choose_walk *w)
{
	return w->pool->tree ? w->pool->tree->holders : NULL;
}

/* Takes the first edges of a list that may answer: at most the pool's `answers`, within the
 * spread of the first. True when there was one. */
bool choose_take(struct choose_walk *w, const struct choose_list *l);

/* The client's class in the pool's rank, which there is. */
uint32_t choose_class(struct choose_walk *w);

/* The client's value in the map of AS numbers, of which those alike in `seams` are one; NULL: none are. */
uint32_t choose_asn(struct choose_walk *w, const struct netmap_seams *seams);

/* To explain: does the atlas have coordinates for the client? */
bool choose_is_placed(const struct choose_walk *w);

/* Moves the pool's turn on and returns where it is: 0 to sum - 1. */
uint32_t choose_next_turn(const struct choose_walk *w, uint32_t sum, bool mixed);

/* Where answer `k` of several falls in what is left of the weights: 0 to sum - 1. It differs from
 * moment to moment and from turn to turn. */
uint64_t choose_draw(const struct choose_walk *w, uint32_t turn, unsigned k, uint64_t sum);

/* Does load decide something of some edge of the pool, or does one come or go? */
static inline bool choose_has_cuts(const struct choose_walk *w)
{
	return w->ask->standing->cuts || w->standing->shares;
}

/* What it decides of the edge at that position. */
static inline struct shed_cut choose_cut(const struct choose_walk *w, unsigned at)
{
	const struct shed_cut *cuts = w->ask->standing->cuts;
	struct shed_cut c = cuts ? cuts[w->pool->edges[at]] : (struct shed_cut){ 0, SHED_ALL };

	if (w->standing->shares && w->standing->shares[at] < c.share)
		c.share = w->standing->shares[at];
	return c;
}

/* Is the edge dearer now than its way, or not for all? */
static inline bool choose_is_cut(const struct choose_walk *w, unsigned at)
{
	const struct shed_cut c = choose_cut(w, at);

	return c.price || c.share != SHED_ALL;
}

/* Those that are nearest to the client, or count as such. */
bool choose_nearest(struct choose_walk *w, bool even_down, bool even_drained);

/* The nearest where time and price together are least. False: load decides nothing here, and
 * nothing is taken. */
bool choose_by_cost(struct choose_walk *w, uint32_t class);

/* The query is one of the group's, for whom reads the demand. */
void choose_count(struct choose_walk *w);

/* Of an edge that comes or goes, by position, in policies that know no groups: so many of 16 queries may
 * go to it; and which of 16 this one is. */
unsigned choose_sixteenths(const struct choose_walk *w, unsigned at);
unsigned choose_sixteenth(const struct choose_walk *w);

/* What goes to the same edge with an affinity: the name, the client's group in the net of so many
 * bits, or both. */
uint64_t choose_key(struct choose_walk *w, unsigned class_bits);

/* Policies that look at no client. */
bool choose_by_turn(struct choose_walk *w, bool even_down, bool even_drained);
bool choose_by_measure(struct choose_walk *w, bool even_down, bool even_drained);

/* Policies of several links, and pools with affinity. */
bool choose_by_links(struct choose_walk *w, bool even_down, bool even_drained);

/* Pools of pools: by members, of which each chooses among its own. */
bool choose_by_members(struct choose_walk *w, bool even_down, bool even_drained);

/* As if that pool had been asked, after what was taken so far. True when something was. */
struct choose_inside {
	uint16_t pool;
	bool even_down, even_drained; /* the all-down rules are in force */
};
bool choose_in_pool(struct choose_walk *w, const struct choose_inside *x);

/* The pool that stands in for the one that is walked, in a pool: likewise. */
bool choose_stand_in(struct choose_walk *w, bool even_down, bool even_drained);

/* What is answered holds no longer than the pool that is walked would have it. */
void choose_limit_by_pool(struct choose_walk *w);

/* Where it has nothing for now, or another stands in for it: no longer than what pools in it would have answered. */
void choose_limit_by_below(struct choose_walk *w);

/* The ceiling of all pools on the way, while an edge of theirs may change. */
uint32_t choose_ttl_most_s(struct choose_walk *w);

/* To explain: a step of the walk, NULL when nobody asks; and what is passed over in it. */
struct choose_step *choose_step(struct choose_walk *w, enum choose_by by);

#endif
