#include "daemon/load_fleet.h"

#include "base/memory.h"
#include "steer/demand.h"
#include "unit/steer/sixty.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a fleet of ten, and sixty edges ------------------------------------------------------- */

enum { SERVERS = 10 };
#define EASE 0.75

struct server {
	struct load_memory memory;
	struct load_edge loads[EDGES];
	double part[CITIES]; /* of a city's queries so many come here */
	struct load_record *counted;
};

struct ten {
	struct sixty w;
	struct server of[SERVERS];
	struct standing *standing;
	double load[EDGES], grown; /* what edges get; the demand, as it was in the beginning: 1 */
};

static uint16_t all_of_it[EDGES];
static bool have_price[EDGES];

/* Cities are asked about here and there: each server has its own. */
static void ten_open(struct ten *t, uint32_t seed)
{
	memset(t, 0, sizeof *t);
	sixty_open(&t->w, seed, 1);
	t->grown = 1;
	/* Easier than it is made, so that prices are found soon. */
	for (unsigned i = 0; i < GROUPS; i++)
		t->w.groups[i].rate *= EASE;
	for (unsigned c = 0; c < CITIES; c++)
		t->w.demand[c] *= EASE;
	for (unsigned c = 0; c < CITIES; c++) {
		double sum = 0;
		for (unsigned k = 0; k < SERVERS; k++)
			sum += t->of[k].part[c] = pow(sixty_draw(&t->w), 3);
		for (unsigned k = 0; k < SERVERS; k++)
			t->of[k].part[c] /= sum;
	}
	for (unsigned e = 0; e < EDGES; e++) {
		all_of_it[e] = SHED_ALL;
		have_price[e] = true;
	}
	for (unsigned k = 0; k < SERVERS; k++) {
		t->of[k].memory.groups = groups_new();
		t->of[k].memory.sum = groups_new();
		for (unsigned e = 0; e < EDGES; e++)
			t->of[k].loads[e].room = SHED_ALL;
	}
	t->standing = small_standing(t->w.steer, t->w.states);
}

static void ten_close(struct ten *t)
{
	for (unsigned k = 0; k < SERVERS; k++) {
		groups_free(t->of[k].memory.groups);
		groups_free(t->of[k].memory.sum);
		load_record_drop(t->of[k].counted);
	}
	standing_free(t->standing);
	sixty_close(&t->w);
}

/* Where clients go, server after server; who has the prices of the one before has his answers, too. */
static void ask(struct ten *t, struct load_counted (*counted)[EDGES])
{
	static struct sixty_outcome o;
	uint32_t price[EDGES], was[EDGES];

	memset(t->load, 0, sizeof t->load);
	memset(counted, 0, SERVERS * sizeof *counted);
	for (unsigned k = 0; k < SERVERS; k++) {
		for (unsigned e = 0; e < EDGES; e++) {
			price[e] = t->of[k].loads[e].price;
			counted[k][e].told = NAN;
		}
		if (!k || memcmp(price, was, sizeof price) != 0)
			sixty_play(&t->w, price, &o);
		memcpy(was, price, sizeof was);
		groups_clear(t->of[k].memory.groups);
		for (unsigned i = 0; i < GROUPS; i++) {
			const double rate = t->w.groups[i].rate * t->of[k].part[i / SPLIT] * t->grown;
			groups_add(t->of[k].memory.groups, demand_key(0, false, &t->w.groups[i].addr), rate);
			counted[k][o.went[i]].rate += rate;
			t->load[o.went[i]] += rate;
		}
	}
}

static struct load_count count_of(struct ten *t, unsigned k, struct load_fleet *f)
{
	return (struct load_count){ .steer = t->w.steer,
		.standing = t->standing,
		.has_price = have_price,
		.share = all_of_it,
		.loads = t->of[k].loads,
		.memory = &t->of[k].memory,
		.fleet = f };
}

static void settle(struct ten *t, unsigned k, struct load_fleet f, struct load_counted *counted)
{
	const struct load_count c = count_of(t, k, &f);

	load_count_settle(&c, counted);
	load_record_drop(t->of[k].counted);
	t->of[k].counted = f.counted;
}

/* An interval. The first `together` servers hear each other, and the first of them leads; each of the others hears
 * nobody. `sure`: it is known that nobody has died. */
static void turn(struct ten *t, unsigned together, bool sure)
{
	static struct load_counted counted[SERVERS][EDGES];
	struct load_record *others[SERVERS];
	bool changed;
	double each;

	ask(t, counted);
	for (unsigned k = 1; k < SERVERS; k++) {
		const bool alone = k >= together;
		settle(t, k, (struct load_fleet){ .speaks = alone, .split = alone, .sure = alone, .who = 1 }, counted[k]);
	}
	struct load_fleet f = { .speaks = true, .split = together < SERVERS, .sure = sure, .who = together, .others = others };
	for (f.n = 0; f.n + 1 < together; f.n++)
		others[f.n] = t->of[f.n + 1].counted;
	settle(t, 0, f, counted[0]);
	struct load_record *r = load_record_prices(t->w.steer, t->of[0].loads, t->of[0].memory.per_query);
	for (unsigned k = 1; k < together; k++) {
		CU_ASSERT_TRUE(load_record_take(r, t->w.steer, t->of[k].loads, &each, &changed));
		load_count_set_per_query(&t->of[k].memory, t->of[k].loads, EDGES, each);
	}
	load_record_drop(r);
}

/* Of the fullest edge in the last interval, by its capacity. */
static double fullest(const struct ten *t)
{
	double most = 0;

	for (unsigned e = 0; e < EDGES; e++)
		most = fmax(most, t->load[e] / t->w.edges[e].capacity);
	return most;
}

static bool same_prices(const struct ten *t, unsigned n)
{
	for (unsigned k = 1; k < n; k++)
		for (unsigned e = 0; e < EDGES; e++)
			if (t->of[k].loads[e].price != t->of[0].loads[e].price)
				return false;
	return true;
}

static double extra_ms(struct ten *t)
{
	static struct sixty_outcome o;
	uint32_t price[EDGES];

	for (unsigned e = 0; e < EDGES; e++)
		price[e] = t->of[0].loads[e].price;
	sixty_play(&t->w, price, &o);
	return o.extra_ms;
}

static void ten_servers_fill_edges_as_one_would_and_no_more_when_they_fall_apart(void)
{
	static struct ten t;

	ten_open(&t, 1);
	turn(&t, SERVERS, false);
	CU_ASSERT(fullest(&t) > 1.2); /* without prices */
	const struct load_count c = count_of(&t, 0, NULL);
	load_count_prices(&c);
	load_fleet_foresee(&c);
	turn(&t, SERVERS, false);
	turn(&t, SERVERS, false);
	CU_ASSERT(same_prices(&t, SERVERS));
	const double together = fullest(&t), extra = extra_ms(&t), best = sixty_optimum(&t.w);
	CU_ASSERT(together <= SIXTY_HIGH * 1.000001);
	CU_ASSERT(isnan(best) || extra <= best * 1.2);
	/* One hears nobody any more; then all ask more, as much as one server could still place. */
	double apart = 0;
	for (unsigned i = 0; i < 4; i++) {
		t.grown = i < 2 ? 1 + i * 0.04 : t.grown;
		turn(&t, SERVERS - 1, false);
		apart = fmax(i < 3 ? 0 : apart, fullest(&t));
	}
	CU_ASSERT(apart <= SIXTY_HIGH * 1.000001);
	CU_ASSERT(same_prices(&t, SERVERS - 1));
	turn(&t, SERVERS, false);
	turn(&t, SERVERS, false);
	CU_ASSERT(same_prices(&t, SERVERS));
	CU_ASSERT(fullest(&t) <= SIXTY_HIGH * 1.000001);
	printf("  asserts: ten servers fill the fullest edge to %.1f %%, mean extra %.2f ms (optimum %.2f); one of them "
	       "alone: %.1f %%\n", together * 100, extra, best, apart * 100);
	ten_close(&t);
}

/* --- records ------------------------------------------------------------------------------- */

static void what_is_told_is_what_was_counted_and_nothing_else_is_taken(void)
{
	struct small s;
	const struct pool_opts pool = small_pool();
	const struct addr oslo = { { [10] = 255, 255, 1, 0, 16 } };
	struct load_counted counted[4] = { { 10, 1, 50, 1 }, { 5, 0, NAN, 0 } };
	const struct load_sum own = { counted, 12 };
	const struct shed_demand demand = { .pool = 0, .v6 = true, .addr = oslo, .rate = 2.5 };
	struct load_counted edges[4] = { { 1, 1, NAN, 0 } };
	struct load_sum sum = { edges, 1 };
	struct groups *groups = groups_new();
	size_t n;

	small_open(&s, &pool, 1);
	struct load_record *r = load_record_counted(s.steer, &own, &demand, 1);
	CU_ASSERT_TRUE(load_record_add(r, s.steer, &sum, groups));
	CU_ASSERT_TRUE(load_record_add(r, s.steer, &sum, groups));
	CU_ASSERT_DOUBLE_EQUAL(edges[0].rate, 21, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(edges[0].other, 3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(edges[0].told, 50, 1e-6);
	CU_ASSERT(edges[0].n == 2 && edges[1].n == 0 && edges[2].rate == 0);
	CU_ASSERT_EQUAL(sum.slow, 25);
	struct shed_demand *list = groups_list(groups, &n);
	CU_ASSERT(n == 1 && list[0].pool == 0 && list[0].v6);
	CU_ASSERT_DOUBLE_EQUAL(list[0].rate, 5, 1e-6);
	CU_ASSERT_EQUAL(memcmp(&list[0].addr, &oslo, sizeof oslo), 0);
	free(list);
	/* Cut off anywhere it is taken in part at most, and never read beyond. One that ends with its groups is of a server
	 * that smooths nothing. */
	for (size_t len = 0; len < r->len; len++) {
		struct load_record *part = load_record_new(r->bytes, len);
		sum.slow = 0;
		CU_ASSERT_EQUAL(load_record_add(part, s.steer, &sum, groups), len >= r->len - LOAD_SLOW);
		CU_ASSERT_EQUAL(sum.slow, len >= r->len - LOAD_SLOW ? 15 : 0);
		load_record_drop(part);
	}
	r->bytes[0]++;
	CU_ASSERT_FALSE(load_record_add(r, s.steer, &sum, groups)); /* another version */
	load_record_drop(r);
	groups_free(groups);
	small_close(&s);
}

static void prices_are_taken_by_the_names_of_edges(void)
{
	struct small s;
	const struct pool_opts pool = small_pool();
	struct load_edge from[4] = { { .price = 1234, .room = SHED_ALL, .whole = 8, .base = 3, .use = { .load = 11 } },
		{ .price = UINT32_MAX, .room = 77 }, { .whole = 9, .told_all = true, .ours = 6 } }, to[4] = { { .other = 5 } };
	double each;
	bool changed;

	small_open(&s, &pool, 1);
	struct load_record *r = load_record_prices(s.steer, from, 0.25);
	CU_ASSERT_TRUE(load_record_take(r, s.steer, to, &each, &changed));
	CU_ASSERT_TRUE(changed);
	CU_ASSERT(to[0].price == 1234 && to[0].room == SHED_ALL && to[0].other == 5 && to[0].whole == 8 && to[0].base == 3);
	CU_ASSERT_EQUAL(to[2].whole, 6);
	CU_ASSERT(to[0].use.load == 11 && to[1].price == SHED_MOST && to[1].room == 77 && each == 0.25);
	CU_ASSERT_TRUE(load_record_take(r, s.steer, to, &each, &changed));
	CU_ASSERT_FALSE(changed);
	for (size_t len = 0; len < r->len; len++) {
		struct load_record *part = load_record_new(r->bytes, len);
		CU_ASSERT_FALSE(load_record_take(part, s.steer, to, &each, &changed));
		load_record_drop(part);
	}
	load_record_drop(r);
	small_close(&s);
}

/* --- who falls silent ----------------------------------------------------------------------- */

/* A server that leads, and another. */
struct pair {
	struct sixty w;
	struct load_memory memory;
	struct load_edge loads[EDGES];
};

static void pair_open(struct pair *p)
{
	memset(p, 0, sizeof *p);
	p->memory.groups = groups_new();
	p->memory.sum = groups_new();
	sixty_open(&p->w, 1, 1);
}

static void pair_close(struct pair *p)
{
	groups_free(p->memory.groups);
	groups_free(p->memory.sum);
	sixty_close(&p->w);
}

/* What is asked of one of them in an interval, of the first edge. */
struct asks {
	double rate, slow;
};

/* The other one says what he is asked, or is silent. */
static struct load_count pair_turn(struct pair *p, double ours, const struct asks *other, bool sure)
{
	struct load_counted all[EDGES] = { { .rate = ours, .told = NAN } },
			    of[EDGES] = { { .rate = other ? other->rate : 0, .told = NAN } };
	struct load_record *counted =
		load_record_counted(p->w.steer, &(struct load_sum){ of, other ? other->slow : 0 }, NULL, 0);
	struct load_fleet f = { .speaks = true, .split = !other, .sure = sure, .who = other ? 1 : 2, .others = &counted,
		.n = other != NULL };
	struct load_count c = { .steer = p->w.steer, .loads = p->loads, .memory = &p->memory, .fleet = &f };

	load_fleet_gather(&c, all, &(struct load_own){ NULL, 0, 0 });
	CU_ASSERT_EQUAL(p->memory.part, !other);
	load_record_drop(f.counted);
	load_record_drop(counted);
	c.fleet = NULL;
	return c;
}

static const struct asks forty = { 40, 40 };

/* Who died is known by his clients. */
static void a_part_is_held_for_who_is_silent_until_his_clients_come(void)
{
	static struct pair p;
	static const double rate[] = { 60, 70, 100 }, held[] = { 40, 40, 0 };

	pair_open(&p);
	struct load_count c = pair_turn(&p, 60, &forty, false);
	CU_ASSERT_EQUAL(load_fleet_of_others(&c, 0), 0);
	for (unsigned i = 0; i < 3; i++) {
		c = pair_turn(&p, rate[i], NULL, false);
		CU_ASSERT_DOUBLE_EQUAL(load_fleet_of_others(&c, 0), held[i], 1e-9);
	}
	/* It is we who hear nobody: then it is growth. */
	c = pair_turn(&p, 100, NULL, true);
	CU_ASSERT_DOUBLE_EQUAL(load_fleet_of_others(&c, 0), 40, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(load_fleet_capacity(&c, 0) * SIXTY_HIGH,
		60 + (p.w.edges[0].capacity * SIXTY_HIGH - 100) * 0.6, 1e-6);
	pair_close(&p);
}

/* Else who happened to be asked much right then would have it all, and the other one goes on as before. */
static void what_is_held_does_not_go_by_a_burst_before_the_loss(void)
{
	static const struct asks burst = { 400, 76 };
	static struct pair p;

	pair_open(&p);
	for (unsigned i = 0; i < 20; i++)
		pair_turn(&p, 60, &forty, false);
	/* Ours, in the interval in which the other one is lost. */
	struct load_count c = pair_turn(&p, 60 + 360, NULL, true);
	CU_ASSERT_DOUBLE_EQUAL(p.loads[0].whole, 100, 1e-4);
	CU_ASSERT_DOUBLE_EQUAL(p.loads[0].held, 60, 1e-4);
	for (unsigned i = 0; i < 100; i++)
		pair_turn(&p, 60, &forty, false);
	/* Of both, in the last that both are in: what each holds is a part of what they asked before. */
	pair_turn(&p, 60 + 360, &burst, false);
	CU_ASSERT_DOUBLE_EQUAL(p.loads[0].whole, 96 + 76, 0.02);
	c = pair_turn(&p, 400, NULL, true);
	CU_ASSERT_DOUBLE_EQUAL(p.loads[0].held, 96, 0.02);
	CU_ASSERT_DOUBLE_EQUAL(load_fleet_of_others(&c, 0), 76, 0.02);
	/* Less is asked by now: that is no burst. */
	pair_turn(&p, 60, &forty, false);
	c = pair_turn(&p, 30, NULL, true);
	CU_ASSERT_DOUBLE_EQUAL(p.loads[0].held, 30, 1e-9);
	pair_close(&p);
}

static void who_followed_holds_what_he_was_asked_when_prices_last_came(void)
{
	static struct pair p;
	struct load_edge leads[EDGES] = { { .whole = 100 } };
	struct load_fleet f = { .who = 1 };
	struct load_record *r;
	double each;
	bool changed;

	pair_open(&p);
	r = load_record_prices(p.w.steer, leads, 1);
	const struct load_count c = { .steer = p.w.steer, .loads = p.loads, .memory = &p.memory, .fleet = &f };
	/* Then prices are awaited for a while, and more is asked. */
	for (unsigned i = 0; i < 8; i++) {
		struct load_counted all[EDGES] = { { .rate = i < 4 ? 20 : 500, .told = NAN } };
		f.speaks = f.split = f.sure = i >= 6;
		load_fleet_gather(&c, all, &(struct load_own){ NULL, 0, 0 });
		load_record_drop(f.counted);
		if (i < 4) {
			CU_ASSERT_TRUE(load_record_take(r, p.w.steer, p.loads, &each, &changed));
			load_count_set_per_query(&p.memory, p.loads, EDGES, each);
		}
	}
	CU_ASSERT_TRUE(p.memory.part);
	CU_ASSERT_DOUBLE_EQUAL(p.loads[0].held, 20, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(load_fleet_of_others(&c, 0), 80, 1e-9);
	load_record_drop(r);
	pair_close(&p);
}

void suite_load_fleet(void);
void suite_load_fleet(void)
{
	static const struct unit_case cases[] = {
		{ "what is told is what was counted, and nothing else is taken",
			what_is_told_is_what_was_counted_and_nothing_else_is_taken },
		{ "prices are taken by the names of edges", prices_are_taken_by_the_names_of_edges },
		{ "a part is held for who is silent, until his clients come",
			a_part_is_held_for_who_is_silent_until_his_clients_come },
		{ "what is held does not go by a burst before the loss",
			what_is_held_does_not_go_by_a_burst_before_the_loss },
		{ "who followed holds what he was asked when prices last came",
			who_followed_holds_what_he_was_asked_when_prices_last_came },
		{ "ten servers fill edges as one would, and no more when they fall apart",
			ten_servers_fill_edges_as_one_would_and_no_more_when_they_fall_apart },
	};

	unit_suite("daemon/load_fleet", cases, UNIT_COUNT(cases));
}
