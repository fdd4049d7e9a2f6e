#include "steer/choose.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const uint16_t in_eu[] = { AMS, ROM }, in_us[] = { NYC, SFO };

enum { TOP, EU, US, LAST };

/* The pool under test with two others in it, and room for one more. */
struct pools {
	struct pool_opts of[4];
	struct pool_member members[4];
};

static void fill(struct pools *p)
{
	for (unsigned i = 0; i < 4; i++)
		p->of[i] = small_pool();
	p->of[EU].name = "eu";
	p->of[EU].edges = in_eu;
	p->of[EU].n = 2;
	p->of[US].name = "us";
	p->of[US].edges = in_us;
	p->of[US].n = 2;
	p->of[LAST].name = "last";
	p->members[0] = (struct pool_member){ .is_pool = true, .number = EU, .weight = 1 };
	p->members[1] = (struct pool_member){ .is_pool = true, .number = US, .weight = 1 };
	p->of[TOP].edges = NULL;
	p->of[TOP].n = 0;
	p->of[TOP].members = p->members;
	p->of[TOP].n_members = 2;
}

/* The first member that may answer does, and in it its own policy counts. */
static void members_are_asked_as_the_policy_says(void)
{
	static const struct {
		const char *say;
		enum pool_policy top, inside;
		const char *client;
		const char *down; /* first letters */
		const char *want;
	} row[] = {
		{ "the nearest in the nearest", POOL_NEAREST, POOL_NEAREST, "2.0.5.0/24", "",
			"rom /16" },
		{ "the first in the nearest", POOL_NEAREST, POOL_ORDERED, "2.0.5.0/24", "",
			"ams /16" },
		{ "the nearest in the first", POOL_ORDERED, POOL_NEAREST, "3.0.5.0/24", "",
			"ams /8" },
		{ "the first is down", POOL_ORDERED, POOL_NEAREST, "3.0.5.0/24", "ar", "sfo /17" },
		{ "one that is down does not make its pool far", POOL_NEAREST, POOL_NEAREST,
			"2.0.5.0/24", "r", "ams /16" },
		{ "one whose nearest is down is as near as its next", POOL_NEAREST, POOL_NEAREST,
			"1.0.5.0/24", "ar", "nyc /8" },
		{ "all are down: as if none were", POOL_NEAREST, POOL_NEAREST, "3.0.5.0/24",
			"arns", "sfo /17" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct pools p;
		struct small s;
		fill(&p);
		p.of[TOP].policy = row[i].top;
		p.of[EU].policy = p.of[US].policy = row[i].inside;
		small_open(&s, p.of, 3);
		for (unsigned e = 0; e < 4; e++)
			if (strchr(row[i].down, *small_edges[e].name))
				s.states[e] = EDGE_DOWN;
		const char *is = small_ask(&s, row[i].client, NULL, false);
		if (strcmp(is, row[i].want) != 0)
			printf("%s: %s, should be %s\n", row[i].say, is, row[i].want);
		CU_ASSERT_STRING_EQUAL(is, row[i].want);
		small_close(&s);
	}
}

static void count(struct small *s, unsigned queries, unsigned n[static 4])
{
	struct standing *st = small_standing(s->steer, s->states);
	struct choose_ask a = { .steer = s->steer, .standing = st, .turns = s->turns };

	memset(n, 0, 4 * sizeof *n);
	for (unsigned i = 0; i < queries; i++)
		n[choose(&a, NULL).edges[0]]++;
	standing_free(st);
}

/* 5 % to us, of them nyc and sfo as they are weighted there; eu has the rest in turns. */
static void shares_and_weights_are_exact_at_every_level(void)
{
	struct pools p;
	struct small s;
	unsigned n[4];

	fill(&p);
	p.members[1].share = POOL_SHARE / 20;
	p.of[TOP].policy = POOL_ORDERED;
	p.of[EU].policy = POOL_ROUND_ROBIN;
	p.of[US].policy = POOL_WEIGHTED;
	small_open(&s, p.of, 3);
	count(&s, 80000, n);
	CU_ASSERT_EQUAL(n[AMS], 38000);
	CU_ASSERT_EQUAL(n[ROM], 38000);
	CU_ASSERT_EQUAL(n[NYC], 3000);
	CU_ASSERT_EQUAL(n[SFO], 1000);
	/* A share that cannot be given is everybody's; and all goes there when nothing else can. */
	s.states[NYC] = s.states[SFO] = EDGE_DOWN;
	count(&s, 1000, n);
	CU_ASSERT_EQUAL(n[AMS] + n[ROM], 1000);
	s.states[NYC] = EDGE_UP;
	s.states[AMS] = s.states[ROM] = EDGE_DOWN;
	count(&s, 1000, n);
	CU_ASSERT_EQUAL(n[NYC], 1000);
	small_close(&s);
}

/* 25 % to an edge; two pools have the rest as 3 to 1, or what is left of them. */
static void plain_weights_divide_what_shares_leave(void)
{
	static const uint16_t sfo[] = { SFO }, nyc[] = { NYC };
	struct pools p;
	struct small s;
	unsigned n[4];

	fill(&p);
	p.of[TOP].policy = POOL_WEIGHTED;
	p.of[TOP].edges = nyc;
	p.of[TOP].n = 1;
	p.of[US].edges = sfo;
	p.of[US].n = 1;
	p.of[EU].policy = POOL_ORDERED;
	p.members[0].weight = 3;
	p.members[2] = (struct pool_member){ .number = NYC, .share = POOL_SHARE / 4 };
	p.of[TOP].n_members = 3;
	small_open(&s, p.of, 3);
	count(&s, 1600, n);
	CU_ASSERT_EQUAL(n[AMS], 900);
	CU_ASSERT_EQUAL(n[SFO], 300);
	CU_ASSERT_EQUAL(n[NYC], 400);
	s.states[SFO] = EDGE_DOWN;
	count(&s, 1600, n);
	CU_ASSERT_EQUAL(n[AMS], 1200);
	CU_ASSERT_EQUAL(n[NYC], 400);
	small_close(&s);
}

static void a_membership_has_its_own_weight(void)
{
	struct pools p;
	struct small s;
	unsigned n[4];

	fill(&p);
	p.of[EU].policy = POOL_WEIGHTED;
	p.members[0] = (struct pool_member){ .number = AMS, .weight = 5 };
	p.members[1] = (struct pool_member){ .number = ROM, .weight = 3 };
	p.of[EU].members = p.members;
	p.of[EU].n_members = 2;
	small_open(&s, &p.of[EU], 1);
	count(&s, 800, n);
	CU_ASSERT_EQUAL(n[AMS], 500);
	CU_ASSERT_EQUAL(n[ROM], 300);
	small_close(&s);
}

/* Two of four pools of weights 1 to 4, of an edge each. */
static void further_members_are_drawn_by_weight(void)
{
	static const uint16_t edges[4] = { AMS, ROM, NYC, SFO };
	struct pool_opts of[5];
	struct pool_member members[4];
	double count[4][4] = { { 0 } }, chi = 0;
	struct small s;
	enum { QUERIES = 120000 };

	for (unsigned i = 0; i < 5; i++)
		of[i] = small_pool();
	for (unsigned i = 0; i < 4; i++) {
		members[i] = (struct pool_member){
			.is_pool = true, .number = (uint16_t)(i + 1), .weight = (uint16_t)(i + 1)
		};
		of[i + 1].edges = &edges[i];
		of[i + 1].n = 1;
	}
	of[TOP].n = 0;
	of[TOP].members = members;
	of[TOP].n_members = 4;
	of[TOP].policy = POOL_WEIGHTED;
	of[TOP].answers = 2;
	small_open(&s, of, 5);
	struct standing *st = small_standing(s.steer, s.states);
	struct choose_ask a = { .steer = s.steer, .standing = st, .turns = s.turns };
	for (unsigned i = 0; i < QUERIES; i++) {
		a.now_us = 1000 + i / 5 * 13;
		const struct choice c = choose(&a, NULL);
		CU_ASSERT_EQUAL_FATAL(c.n, 2);
		count[c.edges[0]][c.edges[1]]++;
	}
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 4; k++) {
			const double first = QUERIES * (i + 1) / 10.0,
				     want = first * (k + 1) / (10 - (i + 1));
			CU_ASSERT(i != k || count[i][k] == 0);
			if (i != k)
				chi += pow(count[i][k] - want, 2) / want;
		}
	CU_ASSERT(chi < 27.9); /* at most 11 degrees of freedom less 3: more in one of 1000 */
	standing_free(st);
	small_close(&s);
}

/* Members that are down are passed over whatever they say; when all are, each says its own. */
static void all_down_rules_of_members_count_when_all_is_down(void)
{
	struct pools p;
	struct small s;

	fill(&p);
	p.of[TOP].policy = POOL_ORDERED;
	p.of[EU].all_down = POOL_FIRST;
	small_open(&s, p.of, 3);
	s.states[AMS] = s.states[ROM] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, false), "sfo /17");
	s.states[NYC] = s.states[SFO] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, false), "ams /0");
	small_close(&s);
	p.of[EU].all_down = POOL_EMPTY;
	small_open(&s, p.of, 3);
	memset(s.states, EDGE_DOWN, 4);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, false), "sfo /17");
	small_close(&s);
}

static void who_stands_in_for_a_member_is_its_own(void)
{
	static const uint16_t sfo[] = { SFO };
	struct pools p;
	struct small s;

	fill(&p);
	p.of[TOP].policy = POOL_ORDERED;
	p.of[EU].all_down = POOL_OTHER;
	p.of[EU].other = LAST;
	p.of[LAST].edges = sfo;
	p.of[LAST].n = 1;
	small_open(&s, p.of, 4);
	s.states[AMS] = s.states[ROM] = EDGE_DOWN;
	/* Not nyc, which is nearer: eu is up, for last is. */
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.200.0/24", NULL, false), "sfo /8");
	s.states[SFO] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.200.0/24", NULL, false), "nyc /17");
	small_close(&s);
}

static void answers_count_members_and_no_edge_comes_twice(void)
{
	static const uint16_t rom_ams[] = { ROM, AMS };
	struct pools p;
	struct small s;

	fill(&p);
	p.of[TOP].policy = POOL_ORDERED;
	p.of[TOP].answers = 2;
	p.of[EU].answers = 2;
	p.of[EU].policy = p.of[US].policy = POOL_ORDERED;
	small_open(&s, p.of, 3);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, false), "ams rom nyc /0");
	small_close(&s);
	p.of[EU].answers = 1;
	p.of[US].edges = rom_ams;
	p.members[0].number = EU;
	p.of[US].answers = 2;
	small_open(&s, p.of, 3);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, false), "ams rom /0");
	small_close(&s);
}

/* Whoever explains gets the answer that others get, with its scope and its turns. */
static void explaining_changes_nothing(void)
{
	struct choose_trace t;
	struct pools p;
	struct small s;

	for (unsigned kind = 0; kind < 112; kind++) {
		struct choose_turn one[8] = { { 0 } }, two[8] = { { 0 } };
		fill(&p);
		p.of[TOP].policy = (enum pool_policy)(kind % 7);
		p.of[TOP].affinity = p.of[TOP].policy == POOL_HASH ? AFFINITY_CLIENT : 0;
		p.of[TOP].answers = 1 + kind / 7 % 2;
		p.members[1].share = kind / 14 % 2 ? POOL_SHARE / 2 : 0;
		small_open(&s, p.of, 3);
		s.states[AMS] = kind / 28 % 2;
		s.states[NYC] = kind / 56 % 2;
		struct standing *st = small_standing(s.steer, s.states);
		for (unsigned i = 0; i < 8; i++) {
			struct choose_ask a = { .steer = s.steer,
				.standing = st,
				.has_subnet = true,
				.subnet = addr_from_v4((const uint8_t[]){ 1, 0, 5, 0 }),
				.turns = one };
			const struct choice c = choose(&a, NULL);
			a.turns = two;
			const struct choice d = choose(&a, &t);
			CU_ASSERT_EQUAL(c.n, d.n);
			CU_ASSERT_EQUAL(c.scope, d.scope);
			CU_ASSERT_EQUAL(c.by_subnet, d.by_subnet);
			CU_ASSERT_EQUAL(c.why, d.why);
			CU_ASSERT_EQUAL(memcmp(c.edges, d.edges, c.n * sizeof *c.edges), 0);
			CU_ASSERT_EQUAL(t.steps[0].n, s.steer->pools[TOP].tree->merged ? 4 : 2);
		}
		CU_ASSERT_EQUAL(memcmp(one, two, sizeof one), 0);
		standing_free(st);
		small_close(&s);
	}
}

static void a_pool_with_too_few_up_is_passed_over(void)
{
	struct pools p;
	struct small s;

	for (unsigned share = 0; share < 2; share++) {
		fill(&p);
		p.of[TOP].policy = POOL_ORDERED;
		p.of[EU].least_up = share ? 0 : 2;
		p.of[EU].least_share = share ? 0.6 : 0;
		small_open(&s, p.of, 3);
		CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "ams /8");
		s.states[ROM] = EDGE_DOWN;
		CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "nyc /8");
		/* Rather those few than none. */
		s.states[NYC] = s.states[SFO] = EDGE_DOWN;
		CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "ams /8");
		small_close(&s);
	}
}

static void clients_may_be_pinned_to_a_pool(void)
{
	struct pool_pin pin = { .kind = PIN_COUNTRY, .code = "US", .to_pool = true, .pool = US };
	struct pools p;
	struct small s;

	fill(&p);
	p.of[EU].pins = &pin;
	p.of[EU].n_pins = 1;
	small_open(&s, p.of, 3);
	struct standing *st = small_standing(s.steer, s.states);
	struct choose_ask a = { .steer = s.steer,
		.standing = st,
		.pool = EU,
		.has_subnet = true,
		.subnet = addr_from_v4((const uint8_t[]){ 3, 0, 200, 0 }) };
	CU_ASSERT_EQUAL(choose(&a, NULL).edges[0], NYC);
	CU_ASSERT_EQUAL(choose(&a, NULL).why, WHY_PINNED);
	standing_free(st);
	s.states[NYC] = s.states[SFO] = EDGE_DOWN;
	a.standing = st = small_standing(s.steer, s.states);
	CU_ASSERT_EQUAL(choose(&a, NULL).edges[0], AMS);
	standing_free(st);
	small_close(&s);
}

/* us lives, and says nothing: the share has all, not eu, whose weight is 0. */
static void weight_0_is_for_when_no_share_is_left_either(void)
{
	static const struct {
		enum pool_policy policy;
		enum pool_affinity affinity;
	} row[] = { { POOL_WEIGHTED, AFFINITY_NONE }, { POOL_WEIGHTED, AFFINITY_CLIENT },
		{ POOL_HASH, AFFINITY_CLIENT } };
	static const uint16_t sfo[] = { SFO };
	const struct pool_rule nobody = { .to = { .kind = PIN_RULE, .code = "rule" }, .nobody = true };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct pools p;
		struct small s;
		char client[16];
		fill(&p);
		p.of[TOP].policy = row[i].policy;
		p.of[TOP].affinity = row[i].affinity;
		p.of[US].edges = sfo;
		p.of[US].n = 1;
		p.of[US].rules = &nobody;
		p.of[US].n_rules = 1;
		p.members[0].weight = 0;
		p.members[2] = (struct pool_member){ .number = NYC, .share = POOL_SHARE / 10 * 4 };
		p.of[TOP].n_members = 3;
		small_open(&s, p.of, 3);
		for (unsigned k = 0; k < 200; k++) {
			snprintf(client, sizeof client, "1.0.%u.0/24", k);
			s.states[NYC] = EDGE_UP;
			CU_ASSERT_EQUAL(strncmp(small_ask(&s, client, NULL, false), "nyc", 3), 0);
			s.states[NYC] = EDGE_DOWN;
			CU_ASSERT_NOT_EQUAL(strpbrk(small_ask(&s, client, NULL, false), "ar"), NULL);
		}
		small_close(&s);
	}
}

/* `only` has it that eu says ams, up or down: first, it does, and with its address, beside live
 * ones of others; behind a live one, it says nothing. */
static void what_is_down_is_never_put_behind_what_is_up(void)
{
	const struct pool_rule only = {
		.to = { .kind = PIN_RULE, .code = "rule", .edges = in_eu, .n = 1 }, .only = true
	};
	struct pools p;
	struct small s;

	for (unsigned eu_first = 0; eu_first < 2; eu_first++) {
		fill(&p);
		p.of[TOP].policy = POOL_ORDERED;
		p.of[TOP].answers = 2;
		p.of[EU].rules = &only;
		p.of[EU].n_rules = 1;
		p.members[!eu_first].number = EU;
		p.members[eu_first].number = US;
		small_open(&s, p.of, 3);
		CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.200.0/24", NULL, false),
			eu_first ? "ams nyc /17" : "nyc ams /17");
		s.states[AMS] = EDGE_DOWN;
		struct standing *st = small_standing(s.steer, s.states);
		const struct choice c = choose(&(struct choose_ask){ .steer = s.steer,
						       .standing = st,
						       .has_subnet = true,
						       .subnet = addr_from_v4(
							       (const uint8_t[]){ 3, 0, 200, 0 }) },
			NULL);
		CU_ASSERT_EQUAL_FATAL(c.n, eu_first ? 2 : 1);
		CU_ASSERT_EQUAL(c.edges[0], eu_first ? AMS : NYC);
		CU_ASSERT_EQUAL(choice_alive(&c, 0) == NULL, eu_first);
		const uint64_t *nyc = choice_alive(&c, eu_first);
		CU_ASSERT_PTR_NOT_NULL_FATAL(nyc);
		CU_ASSERT_EQUAL(c.edges[eu_first], NYC);
		CU_ASSERT_TRUE(standing_address(nyc, s.steer->edges[NYC].first_address));
		standing_free(st);
		small_close(&s);
	}
}

/* What is not there for now is remembered no longer than what a pool in the pool would have answered. */
static void that_there_is_none_for_now_holds_as_long_as_members_say(void)
{
	static const struct {
		const char *say;
		uint32_t eu, us, top;
		bool v6;
		uint32_t want;
	} row[] = {
		{ "the least of the members", 20, 30, 600, false, 20 },
		{ "whichever it is", 30, 20, 600, false, 20 },
		{ "the pool's own", 30, 20, 10, false, 10 },
		{ "none says anything", UINT32_MAX, UINT32_MAX, UINT32_MAX, false, UINT32_MAX },
		{ "one that never has any says nothing", 30, 20, 600, true, 30 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		static const uint16_t sfo[] = { SFO }; /* without AAAA */
		struct pools p;
		struct small s;
		fill(&p);
		p.of[US].edges = sfo;
		p.of[US].n = 1;
		p.of[EU].ttl_max_s = row[i].eu;
		p.of[US].ttl_max_s = row[i].us;
		p.of[TOP].ttl_max_s = row[i].top;
		for (unsigned k = 0; k < 4; k++)
			p.of[k].all_down = POOL_EMPTY;
		small_open(&s, p.of, 4);
		memset(s.states, EDGE_DOWN, sizeof s.states);
		struct standing *down = small_standing(s.steer, s.states);
		const struct choice c = choose(&(struct choose_ask){ .steer = s.steer, .standing = down, .v6 = row[i].v6 }, NULL);
		if (c.ttl_most_s != row[i].want)
			fprintf(stderr, "%s: %u\n", row[i].say, c.ttl_most_s);
		CU_ASSERT(c.n == 0 && c.for_now);
		CU_ASSERT_EQUAL(c.ttl_most_s, row[i].want);
		standing_free(down);
		small_close(&s);
	}
}

void suite_choose_members(void)
{
	static const struct unit_case cases[] = {
		{ "members are asked as the policy says", members_are_asked_as_the_policy_says },
		{ "shares and weights are exact at every level",
			shares_and_weights_are_exact_at_every_level },
		{ "plain weights divide what shares leave",
			plain_weights_divide_what_shares_leave },
		{ "a membership has its own weight", a_membership_has_its_own_weight },
		{ "further members are drawn by weight", further_members_are_drawn_by_weight },
		{ "all-down rules of members count when all is down",
			all_down_rules_of_members_count_when_all_is_down },
		{ "who stands in for a member is its own", who_stands_in_for_a_member_is_its_own },
		{ "answers count members, and no edge comes twice",
			answers_count_members_and_no_edge_comes_twice },
		{ "weight 0 is for when no share is left, either",
			weight_0_is_for_when_no_share_is_left_either },
		{ "what is down is never put behind what is up",
			what_is_down_is_never_put_behind_what_is_up },
		{ "explaining changes nothing", explaining_changes_nothing },
		{ "a pool with too few up is passed over", a_pool_with_too_few_up_is_passed_over },
		{ "clients may be pinned to a pool", clients_may_be_pinned_to_a_pool },
		{ "that there is none for now holds as long as members say", that_there_is_none_for_now_holds_as_long_as_members_say },
	};

	unit_suite("steer/choose_members", cases, UNIT_COUNT(cases));
}
