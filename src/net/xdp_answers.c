#include "net/xdp_answers.h"

#include "answer/choice_counts.h"
#include "base/clock.h"
#include "base/log.h"
#include "dns/rrtype.h"
#include "net/batch.h"
#include "net/choice_counts_new.h"
#include "net/xdp_make.h"
#include "net/xdp_question.h"
#include "net/xdp_slots.h"
#include "net/xdp_tables.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TURN_S 0.02

enum {
	HEAT = 8192,        /* questions that are watched; a power of 2 */
	HOT = 2,            /* times that one is seen in ... */
	HEAT_TURNS = 50,    /* ... so many turns */
	REFILL_US = 1000,   /* at a time, at most */
	LOOK_US = 2000,     /* in a turn, at most */
	ANSWERS_MOST = 256, /* of a question, which are made anew in one go; and one name leaves room for others */
	FEW = 32,           /* queries that are shown in a turn */
	IDLE_TURNS = 500,   /* in which nobody asked: its place is free */
	NO_SLOT = XDP_NO_SLOT
};

/* How often a question was shown lately. */
struct heat {
	uint64_t hash;
	uint8_t n;
	bool known; /* found to be none that can be held */
};

struct xdp_answers {
	const struct epoch *epoch;
	struct ev_loop *loop; /* NULL: it does not run */
	ev_timer turn, refill;
	struct xdp_tables tables;
	struct xdp_hot **hot; /* [n_hot] */
	unsigned n_hot;
	struct stats stats;
	struct choice_counts *counts;
	const char *why_not; /* static text; NULL: it may answer */
	bool alike;          /* all are steered as when what is held was made */
	unsigned to_refill;  /* of the slots' `list`: the first so many are of an older generation */
	unsigned counted, turns;
	unsigned n_answers;
	unsigned sets; /* so many numbers were given away since the tables were empty */
	bool alive[XDP_SETS]; /* the set is some question's */
	struct xdp_slots *slots;
	struct heat heat[HEAT];
};

struct xdp_answers *xdp_answers_new(const struct epoch *epoch)
{
	struct xdp_answers *a = batch_lines(1, sizeof *a);

	a->epoch = epoch;
	a->counts = choice_counts_new();
	a->tables.generation = 1;
	a->why_not = "nothing is served yet";
	a->slots = xdp_slots_new();
	return a;
}

void xdp_answers_free(struct xdp_answers *a)
{
	if (!a)
		return;
	xdp_answers_stop(a);
	for (unsigned i = 0; i < a->n_hot; i++)
		free(a->hot[i]);
	free(a->hot);
	choice_counts_free(a->counts);
	free(a->slots);
	free(a);
}

void xdp_answers_add(struct xdp_answers *a, const struct xdp_maps *maps)
{
	xdp_tables_add(&a->tables, maps);
}

struct xdp_hot *xdp_answers_hot(struct xdp_answers *a)
{
	struct xdp_hot **more = realloc(a->hot, (a->n_hot + 1) * sizeof *more);

	if (!more)
		die("out of memory");
	a->hot = more;
	a->hot[a->n_hot] = batch_lines(1, sizeof(struct xdp_hot));
	a->hot[a->n_hot]->every = 1;
	return a->hot[a->n_hot++];
}

/* --- what is given and counted ------------------------------------------------------------ */

/* How often an answer was given since it was counted last. */
static uint64_t count_answer(struct xdp_answers *a, unsigned at)
{
	struct xdp_slot *s = &a->slots->of[at];
	const struct world *w = epoch_current(a->epoch);
	const struct xdp_given all = xdp_tables_given(&a->tables, at);
	const uint32_t v6 = all.n[1] - s->seen.n[1], v4 = all.n[0] - s->seen.n[0];
	const uint64_t n = (uint64_t)v4 + v6;

	s->seen = all;
	if (!n)
		return 0;
	for (unsigned i = 0; i < s->counts.n; i++)
		stats_add((uint64_t *)&a->stats + s->counts.more[i].at, n * s->counts.more[i].more);
	stats_add(&a->stats.queries_v6[VIA_UDP], v6);
	stats_add(&a->stats.in_kernel, n);
	if (w->policy.counts_more && s->counts.zone)
		tally_keep_more(&a->counts->zones, s->counts.zone, w->standing->tick, n);
	for (unsigned i = 0; i < s->counts.n_reasons; i++)
		tally_keep_more(&a->counts->reasons, s->counts.reasons[i], w->standing->tick, n);
	return n;
}

static void count(struct xdp_answers *a, unsigned at)
{
	struct xdp_slot *s = &a->slots->of[at];
	uint64_t n = s->set ? 0 : count_answer(a, at);

	for (unsigned i = s->set ? s->answers : NO_SLOT; i != NO_SLOT; i = a->slots->of[i].next)
		n += count_answer(a, i);
	if (n)
		s->asked = a->turns;
}

/* What was given before is another's. NO_SLOT: there is none. */
static unsigned taken(struct xdp_answers *a, unsigned at)
{
	if (at != NO_SLOT)
		a->slots->of[at].seen = xdp_tables_given(&a->tables, at);
	return at;
}

/* --- what is held ------------------------------------------------------------------------- */

/* Its set is nobody's any more: what clients have in it is not found. */
static void drop_answers(struct xdp_answers *a, struct xdp_slot *s)
{
	while (s->answers != NO_SLOT) {
		const unsigned at = s->answers;
		s->answers = a->slots->of[at].next;
		xdp_slots_give(a->slots, at);
		a->n_answers--;
	}
	a->alive[s->set] = false;
	s->set = 0;
}

static void drop(struct xdp_answers *a, unsigned at)
{
	struct xdp_slot *s = &a->slots->of[at];

	xdp_tables_forget(&a->tables, at);
	if (s->set)
		drop_answers(a, s);
	else
		a->n_answers--;
	xdp_slots_delist(a->slots, at);
	xdp_slots_give(a->slots, at);
	if (a->to_refill > a->slots->n_list)
		a->to_refill = a->slots->n_list;
}

/* When all numbers were some set's, no table has anybody, and it begins anew. */
static uint16_t new_set(struct xdp_answers *a)
{
	if (a->sets == XDP_SETS - 1) {
		for (unsigned i = a->slots->n_list; i--;)
			if (a->slots->of[a->slots->list[i]].set)
				drop(a, a->slots->list[i]);
		xdp_tables_forget_clients(&a->tables);
		a->sets = 0;
	}
	a->alive[++a->sets] = true;
	return (uint16_t)a->sets;
}

static bool is_same(const struct xdp_answers *a, unsigned at, const struct xdp_made *made)
{
	return xdp_tables_holds(&a->tables, at, &made->held) &&
		memcmp(&a->slots->of[at].counts, &made->counts, sizeof made->counts) == 0;
}

/* That client of a question that is steered gets what was made for it from now on. False: there is no room. */
static bool steer_client(struct xdp_answers *a, struct xdp_slot *s, uint32_t client, const struct xdp_made *made)
{
	unsigned at = s->answers, n = 0;

	for (; at != NO_SLOT && !is_same(a, at, made); n++)
		at = a->slots->of[at].next;
	if (at == NO_SLOT) {
		at = n < ANSWERS_MOST ? taken(a, xdp_slots_take(a->slots)) : NO_SLOT;
		if (at == NO_SLOT)
			return false;
		xdp_tables_put(&a->tables, at, &made->held);
		a->slots->of[at].counts = made->counts;
		a->slots->of[at].client = client;
		a->slots->of[at].signed_until_s = made->signed_until_s;
		a->slots->of[at].next = s->answers;
		s->answers = (uint16_t)at;
		a->n_answers++;
	}
	xdp_tables_steer(&a->tables, xdp_client(client, s->set) | (uint64_t)made->scope << XDP_SLOT_BITS | at, a->alive);
	return true;
}

/* What was made for a client is what slot `at`, which has no set, holds. */
static void take(struct xdp_answers *a, unsigned at, uint32_t client, const struct xdp_made *made)
{
	struct xdp_slot *s = &a->slots->of[at];

	s->asks = made->asks;
	s->client = client;
	s->counts = made->counts;
	if (!made->steered) {
		xdp_tables_put(&a->tables, at, &made->held);
		a->n_answers++;
		return;
	}
	s->answers = NO_SLOT;
	s->set = new_set(a);
	xdp_tables_put(&a->tables, at, &(struct xdp_answer){ .q = s->q, .set = s->set });
	steer_client(a, s, client, made);
}

/* A question that is not held. False: it never can be. */
static bool hold(struct xdp_answers *a, const struct xdp_question *q, uint32_t client)
{
	struct xdp_made made;
	const enum xdp_makes is = xdp_make(epoch_current(a->epoch), q, client, &made);
	const unsigned at = is == XDP_MADE ? taken(a, xdp_slots_take_for(a->slots, xdp_tables_hash(&a->tables, q))) : NO_SLOT;

	if (at == NO_SLOT)
		return is == XDP_MADE_NOT_NOW;
	a->slots->of[at].q = *q;
	a->slots->of[at].asked = a->turns;
	take(a, at, client, &made);
	xdp_slots_enlist(a->slots, at);
	if (xdp_tables_ask(&a->tables, q, at))
		return true;
	drop(a, at);
	return false;
}

/* --- publications ------------------------------------------------------------------------- */

/* Does every client that asks a pool get the same edges, and for as long? */
static bool steers_alike(const struct world *a, const struct world *b)
{
	return a && a->steer == b->steer && a->policy.ecs == b->policy.ecs &&
		standing_same(a->steer, a->standing, b->standing);
}

void xdp_answers_withdraw(struct xdp_answers *a, const struct world *next)
{
	a->alike = a->alike && steers_alike(epoch_current(a->epoch), next);
	xdp_tables_begin(&a->tables);
	xdp_tables_give(&a->tables, !a->why_not);
}

/* What makes answers differ by who asks, or has each query looked at. */
static const char *why_not(const struct world *w)
{
	return w->policy.dnstap_every | w->policy.log_every ? "all queries are logged"
		: w->policy.limits.on                ? "rates are limited (rrl)"
		: w->policy.query_limited            ? "not everybody may ask for all zones"
		: w->policy.n_proxies                ? "proxies tell who asks"
		: w->stage.share                     ? "a stage is on"
		: zone_set_has_views(w->zones)       ? "there are views"
						     : NULL;
}

void xdp_answers_published(struct xdp_answers *a)
{
	a->why_not = why_not(epoch_current(a->epoch));
	xdp_tables_give(&a->tables, !a->why_not);
	a->to_refill = a->slots->n_list;
	if (a->loop && !ev_is_active(&a->refill)) {
		ev_timer_set(&a->refill, 0, 0);
		ev_timer_start(a->loop, &a->refill);
	}
}

/* Clients stay in the set, if what each answer was made for is answered as before. */
static bool refill_answers(struct xdp_answers *a, struct xdp_slot *s)
{
	struct xdp_made made;

	if (!a->alike)
		return false;
	for (unsigned at = s->answers; at != NO_SLOT; at = a->slots->of[at].next) {
		if (xdp_make(epoch_current(a->epoch), &s->q, a->slots->of[at].client, &made) != XDP_MADE || !made.steered ||
			made.asks != s->asks)
			return false;
		a->slots->of[at].counts = made.counts;
		a->slots->of[at].signed_until_s = made.signed_until_s;
		xdp_tables_put(&a->tables, at, &made.held);
	}
	return true;
}

static void refill(struct xdp_answers *a, unsigned at)
{
	struct xdp_slot *s = &a->slots->of[at];
	struct xdp_made made;

	/* By what an answer has counted until now. */
	count(a, at);
	if (s->set && refill_answers(a, s)) {
		xdp_tables_put(&a->tables, at, &(struct xdp_answer){ .q = s->q, .set = s->set });
		return;
	}
	if (xdp_make(epoch_current(a->epoch), &s->q, s->client, &made) != XDP_MADE) {
		drop(a, at);
		return;
	}
	if (s->set)
		drop_answers(a, s);
	else
		a->n_answers--;
	take(a, at, s->client, &made);
}

static void on_refill(struct ev_loop *loop, ev_timer *t, int events)
{
	struct xdp_answers *a = t->data;
	const uint64_t start = clock_us();

	(void)events;
	if (a->why_not)
		return;
	while (a->to_refill) {
		a->to_refill--;
		refill(a, a->slots->list[a->to_refill]);
		if (clock_us() - start > REFILL_US) {
			ev_timer_set(t, 0, 0);
			ev_timer_start(loop, t);
			return;
		}
	}
	a->alike = true;
}

/* --- what is asked, and what was answered --------------------------------------------------- */

/* Of one that is held, who asks is of interest where it is steered. */
static bool shown_again(struct xdp_answers *a, struct xdp_slot *s, uint32_t client)
{
	struct xdp_made made;
	const bool is_new = s->set && client &&
		!xdp_tables_steers(&a->tables, xdp_client(client, s->set)) &&
		xdp_make(epoch_current(a->epoch), &s->q, client, &made) == XDP_MADE && made.asks == s->asks;

	return is_new && steer_client(a, s, client, &made);
}

/* True: more is held by it. */
static bool shown(struct xdp_answers *a, const uint8_t *query, size_t len, const struct addr *source)
{
	struct xdp_question q;

	if (!xdp_question_read(&q, query, len))
		return false;
	const unsigned type = be16_get((const uint8_t *)&q.type);
	if (type == RRTYPE_AXFR || type == RRTYPE_IXFR)
		return false;
	const uint32_t client = q.says & XDP_ECS ? xdp_question_subnet(query, len)
		: addr_is_v4(source)             ? be32_get(source->b + 12)
						 : 0;
	const uint64_t hash = xdp_slots_hash(&q);
	const unsigned at = xdp_slots_find(a->slots, &q, hash);
	if (at != NO_SLOT)
		return shown_again(a, &a->slots->of[at], client);
	struct heat *h = &a->heat[hash % HEAT];
	if (!a->slots->n_free)
		return false;
	if (h->hash != hash)
		*h = (struct heat){ .hash = hash };
	if (h->known || ++h->n < HOT)
		return false;
	h->known = !hold(a, &q, client);
	return !h->known;
}

/* All of them, as long as they are few or many are of use; else the fewer the longer. */
static void look(struct xdp_answers *a, struct xdp_hot *h, uint64_t until_us)
{
	const uint32_t written = __atomic_load_n(&h->written, __ATOMIC_ACQUIRE);
	const uint32_t every = h->every, n = written - h->read;
	uint32_t use = 0;

	while (h->read != written && (h->read % 16 || clock_us() < until_us)) {
		const unsigned at = h->read % XDP_HOT_RING;
		if (!a->why_not)
			use += shown(a, h->list[at].bytes, h->list[at].len, &h->list[at].source);
		__atomic_store_n(&h->read, h->read + 1, __ATOMIC_RELEASE);
	}
	if (n < FEW || (use > n / 8 && n < XDP_HOT_RING))
		__atomic_store_n(&h->every, every > 1 ? every / 2 : 1, __ATOMIC_RELAXED);
	else if (every < XDP_HOT_EVERY_MOST)
		__atomic_store_n(&h->every, 2 * every, __ATOMIC_RELAXED);
}

/* Of one of its answers. */
static bool signatures_end(const struct xdp_answers *a, const struct xdp_slot *s, uint32_t now_s)
{
	for (unsigned at = s->set ? s->answers : NO_SLOT; at != NO_SLOT; at = a->slots->of[at].next)
		if (!xdp_made_lasts(a->slots->of[at].signed_until_s, now_s))
			return true;
	return false;
}

/* All in a second, some at each turn; what nobody asks for any more makes room, and so does what soon is signed no more. */
static void count_some(struct xdp_answers *a)
{
	const uint32_t now_s = (uint32_t)time(NULL);

	for (unsigned i = 0; i < XDP_SLOTS / HEAT_TURNS + 1 && i < a->slots->n_list; i++) {
		a->counted = a->counted + 1 < a->slots->n_list ? a->counted + 1 : 0;
		const unsigned at = a->slots->list[a->counted];
		count(a, at);
		if (a->turns - a->slots->of[at].asked > IDLE_TURNS || signatures_end(a, &a->slots->of[at], now_s))
			drop(a, at);
	}
}

static void on_turn(struct ev_loop *loop, ev_timer *t, int events)
{
	struct xdp_answers *a = t->data;
	const uint64_t until_us = clock_us() + LOOK_US;

	(void)loop;
	(void)events;
	/* What is shown is for what is held now, and for nothing where nothing may be. Each worker is the first in its
	 * turn, when there is no time for all. */
	for (unsigned i = 0; i < a->n_hot && (a->why_not || !a->to_refill); i++)
		look(a, a->hot[(a->turns + i) % a->n_hot], until_us);
	count_some(a);
	if (++a->turns % HEAT_TURNS == 0)
		memset(a->heat, 0, sizeof a->heat);
}

void xdp_answers_start(struct xdp_answers *a, struct ev_loop *loop)
{
	a->loop = loop;
	ev_timer_init(&a->turn, on_turn, TURN_S, TURN_S);
	ev_timer_init(&a->refill, on_refill, 0, 0);
	a->turn.data = a->refill.data = a;
	ev_timer_start(loop, &a->turn);
	xdp_answers_published(a);
}

void xdp_answers_stop(struct xdp_answers *a)
{
	if (!a->loop)
		return;
	xdp_tables_give(&a->tables, false);
	ev_timer_stop(a->loop, &a->turn);
	ev_timer_stop(a->loop, &a->refill);
	a->loop = NULL;
}

const struct stats *xdp_answers_stats(const struct xdp_answers *a)
{
	return &a->stats;
}

struct choice_counts *xdp_answers_counts(const struct xdp_answers *a)
{
	return a->counts;
}

unsigned xdp_answers_held(const struct xdp_answers *a)
{
	return a->n_answers;
}

const char *xdp_answers_why_not(const struct xdp_answers *a)
{
	return a->why_not ? a->why_not : "";
}
