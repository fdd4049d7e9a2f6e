#include "net/xdp_answers.h"

#include "answer/answer.h"
#include "base/clock.h"
#include "base/log.h"
#include "dns/rrtype.h"
#include "net/batch.h"
#include "net/choice_counts_new.h"
#include "net/xdp_question.h"

#include <bpf/bpf.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TURN_S 0.02

enum {
	MAPS_MOST = 16,
	HEAT = 8192,        /* questions that are watched; a power of 2 */
	HOT = 2,            /* times that one is seen in ... */
	HEAT_TURNS = 50,    /* ... so many turns */
	REFILL_US = 1000,   /* at a time, at most */
	IDLE_TURNS = 500,   /* in which nobody asked: its place is free */
	MORE_MOST = 12      /* counters that an answer moves */
};

/* A question that is held, or a place for one. */
struct slot {
	struct xdp_question q;
	bool used;
	unsigned asked; /* the turn in which somebody asked last */
	uint8_t n;
	struct {
		uint16_t at; /* in struct stats, in numbers */
		uint16_t more;
	} more[MORE_MOST]; /* what one answer counts */
	uint64_t zone; /* choice_counts_zone() */
	uint64_t seen[2]; /* given so far, over IPv4 and IPv6 */
};

/* How often a question was shown lately. */
struct heat {
	uint64_t hash;
	uint8_t n;
	bool known; /* held, or found to be none that can be */
};

struct xdp_answers {
	const struct epoch *epoch;
	struct ev_loop *loop; /* NULL: it does not run */
	ev_timer turn, refill;
	struct xdp_maps maps[MAPS_MOST];
	unsigned n_maps;
	struct xdp_hot **hot; /* [n_hot] */
	unsigned n_hot;
	struct stats stats;
	struct choice_counts *counts;
	uint32_t generation; /* not 0 */
	const char *why_not; /* static text; NULL: it may answer */
	unsigned refilled;   /* slots from there on are of an older generation */
	unsigned counted, turns;
	unsigned held, top;  /* used slots; all are below `top` */
	struct slot slot[XDP_SLOTS];
	struct heat heat[HEAT];
};

struct xdp_answers *xdp_answers_new(const struct epoch *epoch)
{
	struct xdp_answers *a = batch_lines(1, sizeof *a);

	a->epoch = epoch;
	a->counts = choice_counts_new();
	a->generation = 1;
	a->why_not = "nothing is served yet";
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
	free(a);
}

void xdp_answers_add(struct xdp_answers *a, const struct xdp_maps *maps)
{
	if (a->n_maps < MAPS_MOST)
		a->maps[a->n_maps++] = *maps;
}

struct xdp_hot *xdp_answers_hot(struct xdp_answers *a)
{
	struct xdp_hot **more = realloc(a->hot, (a->n_hot + 1) * sizeof *more);

	if (!more)
		die("out of memory");
	a->hot = more;
	return a->hot[a->n_hot++] = batch_lines(1, sizeof(struct xdp_hot));
}

/* --- what is held ------------------------------------------------------------------------- */

/* Bytes first, then the generation by which the program takes them. */
static void put(struct xdp_answers *a, unsigned at, const struct xdp_held *h)
{
	for (unsigned i = 0; i < a->n_maps; i++) {
		struct xdp_held *to = &a->maps[i].held[2 * at + (a->generation & 1)];
		__atomic_store_n(&to->generation, 0, __ATOMIC_SEQ_CST);
		memcpy((uint8_t *)to + sizeof to->generation, (const uint8_t *)h + sizeof h->generation,
			sizeof *h - sizeof h->generation);
		__atomic_store_n(&to->generation, a->generation, __ATOMIC_SEQ_CST);
	}
}

static void drop(struct xdp_answers *a, unsigned at)
{
	struct slot *s = &a->slot[at];

	for (unsigned i = 0; i < a->n_maps; i++)
		bpf_map_delete_elem(a->maps[i].questions, &s->q);
	s->used = false;
	a->held--;
	while (a->top && !a->slot[a->top - 1].used)
		a->top--;
}

/* What an answer has counted; false: something that is not the same each time, or more than there is room for. */
static bool take_counts(struct slot *s, const struct stats *one)
{
	const uint64_t *n = (const uint64_t *)one;

	if (one->steered || one->services || one->pool_signed || one->pool_unsigned || one->dropped ||
		one->truncated)
		return false;
	s->n = 0;
	for (unsigned i = 0; i < sizeof *one / sizeof *n; i++)
		if (n[i]) {
			if (s->n == MORE_MOST || n[i] > UINT16_MAX)
				return false;
			s->more[s->n].at = (uint16_t)i;
			s->more[s->n++].more = (uint16_t)n[i];
		}
	return true;
}

/* Anybody: over that of IPv4 and IPv6 over which answers are smaller, as they are held for both. */
static struct addr asker(const struct policy *policy)
{
	const struct addr v4 = addr_from_v4((const uint8_t[]){ 192, 0, 2, 1 }), v6 = { .b = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };

	return policy_udp_size(policy, &v6) < policy_udp_size(policy, &v4) ? v6 : v4;
}

/* By the world as it is. False: it is no answer that can be held. */
static bool make(struct xdp_answers *a, struct slot *s, struct xdp_held *h)
{
	uint8_t query[XDP_QUERY_ROOM], to[ANSWER_UDP_MOST];
	struct stats one = { .dropped = 0 };
	struct answerer by = { .world = epoch_current(a->epoch),
		.stats = &one,
		.now_s = (uint32_t)time(NULL),
		.now_us = clock_us() };
	const struct answer_ask ask = { .packet = query,
		.len = xdp_question_write(&s->q, query),
		.source = asker(&by.world->policy),
		.room = ANSWER_UDP_MOST,
		.to = to };
	struct answer_pending p;

	if (be16_get((const uint8_t *)&s->q.type) == RRTYPE_SOA && by.world->policy.plain.n)
		return false; /* peers may see another one */
	answer_read(&by, &ask, &p);
	for (unsigned step = 0; step < answer_steps(&by); step++)
		answer_step(&by, &ask, &p, step);
	s->zone = p.zone ? choice_counts_zone(p.zone) : 0;
	const size_t len = answer_write(&by, &ask, &p);
	return len && take_counts(s, &one) && xdp_question_hold(h, &s->q, to, len);
}

static void count(struct xdp_answers *a, unsigned at);

static void refill(struct xdp_answers *a, unsigned at)
{
	struct xdp_held h;

	/* By what an answer has counted until now. */
	count(a, at);
	if (make(a, &a->slot[at], &h))
		put(a, at, &h);
	else
		drop(a, at);
}

/* Where there is a place. */
static void hold(struct xdp_answers *a, const struct xdp_question *q)
{
	unsigned at = 0;
	bool ok = true;
	struct xdp_held h;

	while (at < XDP_SLOTS && a->slot[at].used)
		at++;
	if (at == XDP_SLOTS)
		return;
	struct slot *s = &a->slot[at];
	s->q = *q;
	if (!make(a, s, &h))
		return;
	put(a, at, &h);
	s->used = true;
	s->asked = a->turns;
	a->held++;
	if (at >= a->top)
		a->top = at + 1;
	for (unsigned i = 0; i < a->n_maps; i++)
		ok = bpf_map_update_elem(a->maps[i].questions, q, &at, BPF_NOEXIST) == 0 && ok;
	if (!ok)
		drop(a, at);
}

/* --- publications ------------------------------------------------------------------------- */

static void set_generation(struct xdp_answers *a, uint32_t n)
{
	for (unsigned i = 0; i < a->n_maps; i++)
		__atomic_store_n(&a->maps[i].state->generation, n, __ATOMIC_SEQ_CST);
}

void xdp_answers_withdraw(struct xdp_answers *a)
{
	if (!++a->generation)
		a->generation = 2; /* as odd as 0 is */
	set_generation(a, a->why_not ? 0 : a->generation);
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
	set_generation(a, a->why_not ? 0 : a->generation);
	a->refilled = 0;
	if (a->loop && !ev_is_active(&a->refill)) {
		ev_timer_set(&a->refill, 0, 0);
		ev_timer_start(a->loop, &a->refill);
	}
}

static void on_refill(struct ev_loop *loop, ev_timer *t, int events)
{
	struct xdp_answers *a = t->data;
	const uint64_t start = clock_us();

	(void)events;
	if (a->why_not)
		return;
	for (; a->refilled < a->top; a->refilled++) {
		if (a->slot[a->refilled].used)
			refill(a, a->refilled);
		if (a->refilled % 16 == 0 && clock_us() - start > REFILL_US) {
			a->refilled++;
			ev_timer_set(t, 0, 0);
			ev_timer_start(loop, t);
			return;
		}
	}
}

/* --- what is asked, and what was answered --------------------------------------------------- */

static void shown(struct xdp_answers *a, const uint8_t *query, size_t len)
{
	static const struct hash_key key = { 0x243f6a8885a308d3u, 0x13198a2e03707344u };
	struct xdp_question q;

	if (!xdp_question_read(&q, query, len))
		return;
	const unsigned type = be16_get((const uint8_t *)&q.type);
	if (type == RRTYPE_AXFR || type == RRTYPE_IXFR)
		return;
	const uint64_t hash = hash_bytes(key, (const uint8_t *)&q, sizeof q);
	struct heat *h = &a->heat[hash % HEAT];
	if (h->hash != hash)
		*h = (struct heat){ .hash = hash };
	if (h->known || ++h->n < HOT)
		return;
	h->known = true;
	hold(a, &q);
}

static void look(struct xdp_answers *a, struct xdp_hot *h)
{
	const uint32_t written = __atomic_load_n(&h->written, __ATOMIC_ACQUIRE);

	for (; h->read != written && !a->why_not; __atomic_store_n(&h->read, h->read + 1, __ATOMIC_RELEASE))
		shown(a, h->list[h->read % XDP_HOT_RING].bytes, h->list[h->read % XDP_HOT_RING].len);
	__atomic_store_n(&h->read, written, __ATOMIC_RELEASE);
}

static uint64_t given(const struct xdp_answers *a, unsigned at, bool is_v6)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < a->n_maps; i++)
		for (unsigned cpu = 0; cpu < a->maps[i].cpus; cpu++)
			n += __atomic_load_n(
				&a->maps[i].given[((size_t)cpu * XDP_SLOTS + at) * 2 + is_v6], __ATOMIC_RELAXED);
	return n;
}

static void count(struct xdp_answers *a, unsigned at)
{
	struct slot *s = &a->slot[at];
	const uint64_t all[2] = { given(a, at, false), given(a, at, true) };
	const uint64_t v6 = all[1] - s->seen[1], n = all[0] - s->seen[0] + v6;

	memcpy(s->seen, all, sizeof all);
	if (!n)
		return;
	s->asked = a->turns;
	for (unsigned i = 0; i < s->n; i++)
		stats_add((uint64_t *)&a->stats + s->more[i].at, n * s->more[i].more);
	stats_add(&a->stats.queries_v6[VIA_UDP], v6);
	stats_add(&a->stats.in_kernel, n);
	const struct world *w = epoch_current(a->epoch);
	if (w->policy.counts_more && s->zone)
		tally_keep_more(&a->counts->zones, s->zone, w->standing->tick, n);
}

/* All in a second, some at each turn; what nobody asks for any more makes room. */
static void count_some(struct xdp_answers *a)
{
	for (unsigned i = 0; i < XDP_SLOTS / HEAT_TURNS + 1; i++) {
		a->counted = a->counted + 1 < a->top ? a->counted + 1 : 0;
		if (!a->slot[a->counted].used)
			continue;
		count(a, a->counted);
		if (a->turns - a->slot[a->counted].asked > IDLE_TURNS)
			drop(a, a->counted);
		if (a->top <= XDP_SLOTS / HEAT_TURNS && a->counted == 0)
			break;
	}
}

static void on_turn(struct ev_loop *loop, ev_timer *t, int events)
{
	struct xdp_answers *a = t->data;

	(void)loop;
	(void)events;
	for (unsigned i = 0; i < a->n_hot; i++)
		look(a, a->hot[i]);
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
	set_generation(a, 0);
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
	return a->held;
}

const char *xdp_answers_why_not(const struct xdp_answers *a)
{
	return a->why_not ? a->why_not : "";
}
