#include "steer/choose.h"

#include "unit/steer/draw.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Pools three deep: four in the top one, three in each of those, two edges in each of these. The last
 * of the four, and the last of each three, has a share; the others have weights. */
enum { MIDS = 4, LOWS = 3, LEAVES = 2, TREE_EDGES = MIDS * LOWS * LEAVES, TREE_POOLS = 1 + MIDS + MIDS * LOWS };
static const uint16_t mid_weights[MIDS] = { 3, 2, 1, 0 }, low_weights[LOWS] = { 4, 1, 0 },
		      leaf_weights[LEAVES] = { 1, 2 };
#define MID_SHARE 0.2
#define LOW_SHARE 0.1

struct tree {
	struct edge_opts edges[TREE_EDGES];
	struct addr addrs[TREE_EDGES];
	char names[TREE_EDGES + TREE_POOLS][8];
	uint16_t numbers[TREE_EDGES];
	struct pool_opts pools[TREE_POOLS];
	struct pool_member members[TREE_POOLS][MIDS];
	struct choose_turn turns[TREE_POOLS * CHOOSE_TURNS];
	struct atlas *atlas;
	struct steer *steer;
	struct standing *standing;
};

static void put_pools(struct tree *t, unsigned at, const uint16_t *weights, unsigned n, double share)
{
	const unsigned first = at ? 1 + MIDS + (at - 1) * LOWS : 1;

	for (unsigned i = 0; i < n; i++)
		t->members[at][i] = (struct pool_member){ .is_pool = true,
			.number = (uint16_t)(first + i),
			.weight = weights[i],
			.share = i + 1 == n ? (uint32_t)(share * POOL_SHARE) : 0 };
	t->pools[at].members = t->members[at];
	t->pools[at].n_members = n;
	t->pools[at].n = 0;
}

static void open_tree(struct tree *t, enum pool_policy policy, unsigned answers)
{
	uint8_t states[TREE_EDGES] = { 0 };

	memset(t, 0, sizeof *t);
	for (unsigned i = 0; i < TREE_EDGES; i++) {
		snprintf(t->names[i], sizeof *t->names, "e%u", i);
		t->addrs[i] = (struct addr){ { [10] = 255, 255, 192, 0, 2, (uint8_t)(i + 1) } };
		t->numbers[i] = (uint16_t)i;
		t->edges[i] = (struct edge_opts){ .name = t->names[i],
			.a = &t->addrs[i],
			.n_a = 1,
			.weight = leaf_weights[i % LEAVES] };
	}
	for (unsigned i = 0; i < TREE_POOLS; i++) {
		snprintf(t->names[TREE_EDGES + i], sizeof *t->names, "p%u", i);
		t->pools[i] = small_pool();
		t->pools[i].name = t->names[TREE_EDGES + i];
		t->pools[i].policy = policy;
		t->pools[i].affinity = policy == POOL_HASH ? AFFINITY_CLIENT : AFFINITY_NONE;
		if (i > MIDS) {
			t->pools[i].edges = &t->numbers[(i - 1 - MIDS) * LEAVES];
			t->pools[i].n = LEAVES;
		}
	}
	put_pools(t, 0, mid_weights, MIDS, MID_SHARE);
	for (unsigned i = 1; i <= MIDS; i++)
		put_pools(t, i, low_weights, LOWS, LOW_SHARE);
	t->pools[0].answers = answers;
	t->atlas = small_atlas();
	t->steer = steer_new(
		&(struct steer_opts){ t->edges, TREE_EDGES, t->pools, TREE_POOLS, NULL, NULL }, t->atlas, NULL);
	t->standing = small_standing(t->steer, states);
}

static void close_tree(struct tree *t)
{
	standing_free(t->standing);
	steer_drop(t->steer);
	atlas_drop(t->atlas);
}

/* By chi-square, are they as the odds are? By chance that fails less than once in 10^5 times. */
static bool are_odds(const unsigned *seen, const double *odds, unsigned n)
{
	double sum = 0, of = 0, chi = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += seen[i];
		of += odds[i];
	}
	for (unsigned i = 0; i < n; i++) {
		const double want = sum * odds[i] / of;
		if (want == 0 && seen[i])
			return false;
		chi += want > 0 ? pow(seen[i] - want, 2) / want : 0;
	}
	return chi < 16 + 4 * n;
}

/* Of `n` members, of which the last has a share, the odds of each. */
static void odds_of(double *odds, const uint16_t *weights, unsigned n, double share)
{
	double sum = 0;

	for (unsigned i = 0; i + 1 < n; i++)
		sum += weights[i];
	for (unsigned i = 0; i + 1 < n; i++)
		odds[i] = (1 - share) * weights[i] / sum;
	odds[n - 1] = share;
}

/* seen[edge]: answer by answer of the top pool, below it all go by the same odds. */
static void check_below(const unsigned seen[static TREE_EDGES])
{
	static const double leaf_odds[LEAVES] = { 1, 2 };
	double low_odds[LOWS];

	odds_of(low_odds, low_weights, LOWS, LOW_SHARE);
	for (unsigned m = 0; m < MIDS; m++) {
		unsigned low[LOWS] = { 0 };
		for (unsigned i = 0; i < LOWS * LEAVES; i++)
			low[i / LEAVES] += seen[m * LOWS * LEAVES + i];
		CU_ASSERT(are_odds(low, low_odds, LOWS));
		for (unsigned i = 0; i < LOWS; i++)
			CU_ASSERT(are_odds(seen + (m * LOWS + i) * LEAVES, leaf_odds, LEAVES));
	}
}

static void first_answers_are_by_weight(enum pool_policy policy)
{
	enum { QUERIES = 200000 };
	struct draw draw = { 1616 };
	unsigned seen[TREE_EDGES] = { 0 }, mid[MIDS] = { 0 };
	double odds[MIDS];
	struct tree t;

	open_tree(&t, policy, 1);
	for (unsigned i = 0; i < QUERIES; i++) {
		struct choose_ask ask = { .steer = t.steer,
			.standing = t.standing,
			.turns = t.turns,
			.source = draw_addr(&draw, false),
			.now_us = 1000 + i };
		const struct choice c = choose(&ask, NULL);
		CU_ASSERT_EQUAL_FATAL(c.n, 1);
		seen[c.edges[0]]++;
		mid[c.edges[0] / (LOWS * LEAVES)]++;
	}
	odds_of(odds, mid_weights, MIDS, MID_SHARE);
	CU_ASSERT(are_odds(mid, odds, MIDS));
	check_below(seen);
	close_tree(&t);
}

static void who_takes_turns_has_them_by_weight_at_every_level(void)
{
	first_answers_are_by_weight(POOL_WEIGHTED);
}

static void clients_are_divided_by_weight_at_every_level(void)
{
	first_answers_are_by_weight(POOL_HASH);
}

/* Whoever is left has the second answer by its weight, whoever has the first. */
static void second_answers_are_by_weight_at_every_level(void)
{
	enum { QUERIES = 300000 };
	struct draw draw = { 1617 };
	unsigned seen[TREE_EDGES] = { 0 }, mid[MIDS][MIDS] = { { 0 } };
	struct tree t;

	open_tree(&t, POOL_WEIGHTED, 2);
	for (unsigned i = 0; i < QUERIES; i++) {
		struct choose_ask ask = { .steer = t.steer,
			.standing = t.standing,
			.turns = t.turns,
			.now_us = draw_number(&draw) >> 20 };
		const struct choice c = choose(&ask, NULL);
		CU_ASSERT_EQUAL_FATAL(c.n, 2);
		seen[c.edges[1]]++;
		mid[c.edges[0] / (LOWS * LEAVES)][c.edges[1] / (LOWS * LEAVES)]++;
	}
	for (unsigned m = 0; m < MIDS; m++) {
		double odds[MIDS];
		for (unsigned i = 0; i < MIDS; i++)
			odds[i] = i == m ? 0 : mid_weights[i];
		CU_ASSERT(are_odds(mid[m], odds, MIDS));
	}
	check_below(seen);
	close_tree(&t);
}

void suite_choose_odds(void)
{
	static const struct unit_case cases[] = {
		{ "who takes turns has them by weight at every level",
			who_takes_turns_has_them_by_weight_at_every_level },
		{ "clients are divided by weight at every level",
			clients_are_divided_by_weight_at_every_level },
		{ "second answers are by weight at every level",
			second_answers_are_by_weight_at_every_level },
	};

	unit_suite("steer/choose_odds", cases, UNIT_COUNT(cases));
}
