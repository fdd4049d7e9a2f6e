#include "steer/choose.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

/* p has m in it, by a way, and q stands in for p; k for m, or is in it. */
enum { P, M, Q, K, POOLS };
enum way { MEMBER, NET_PIN, RULE };

static const uint16_t ams[] = { AMS }, rom[] = { ROM }, nyc[] = { NYC }, sfo[] = { SFO }; /* the last without AAAA */

struct pools {
	struct pool_opts of[POOLS];
	struct pool_member member, inner[2];
	struct pool_pin pin;
	struct pool_rule rule;
};

static struct pool_opts pool_of(const char *name, const uint16_t *edge)
{
	struct pool_opts p = small_pool();

	p.name = name;
	p.edges = edge;
	p.n = 1;
	p.policy = POOL_ORDERED;
	p.all_down = POOL_EMPTY;
	return p;
}

static void fill(struct pools *p, enum way way)
{
	memset(p, 0, sizeof *p);
	p->of[P] = pool_of("p", rom);
	p->of[M] = pool_of("m", ams);
	p->of[Q] = pool_of("q", nyc);
	p->of[K] = pool_of("k", sfo);
	p->of[P].all_down = POOL_OTHER;
	p->of[P].other = Q;
	p->member = (struct pool_member){ .is_pool = true, .number = M, .weight = 1 };
	p->inner[0] = (struct pool_member){ .number = AMS, .weight = 1 };
	p->inner[1] = (struct pool_member){ .is_pool = true, .number = K, .weight = 1 };
	p->pin = (struct pool_pin){ .kind = PIN_NET, .to_pool = true, .pool = M };
	p->rule = (struct pool_rule){ .to = { .kind = PIN_RULE, .code = "rule", .to_pool = true, .pool = M } };
	if (way == MEMBER) {
		p->of[P].n = 0;
		p->of[P].members = &p->member;
		p->of[P].n_members = 1;
	} else if (way == NET_PIN) {
		p->of[P].pins = &p->pin;
		p->of[P].n_pins = 1;
	} else {
		p->of[P].rules = &p->rule;
		p->of[P].n_rules = 1;
	}
}

/* "q 20": who answers, and for how long. */
static const char *ask(struct small *s, const char *up, bool v6, struct choose_trace *trace)
{
	static char text[40];

	for (unsigned e = 0; e < 4; e++)
		s->states[e] = strchr(up, *small_edges[e].name) ? EDGE_UP : EDGE_DOWN;
	struct standing *st = small_standing(s->steer, s->states);
	st->pools[M].steady_us = 100 * 1000000u;
	const struct choice c = choose(&(struct choose_ask){ .steer = s->steer, .standing = st, .v6 = v6, .now_us = 110 * 1000000u }, trace);
	snprintf(text, sizeof text, "%s %u", c.n ? s->steer->edges[c.edges[0]].name : "none", c.ttl_most_s);
	standing_free(st);
	return text;
}

static void what_stands_in_holds_as_long_as_what_it_stands_in_for_would(void)
{
	static const struct {
		const char *say;
		enum way way;
		uint32_t ttl[POOLS];
		const char *up;
		bool v6;
		const char *want;
	} row[] = {
		{ "m answers by itself", MEMBER, { 300, 20, 300, 300 }, "an", false, "ams 20" },
		{ "what stands in, as m would", MEMBER, { 300, 20, 300, 300 }, "n", false, "nyc 20" },
		{ "... and as q itself says", MEMBER, { 300, 20, 10, 300 }, "n", false, "nyc 10" },
		{ "... and as p says", MEMBER, { 5, 20, 10, 300 }, "n", false, "nyc 5" },
		{ "none at all", MEMBER, { 300, 20, 300, 300 }, "", false, "none 20" },
		{ "none, and only p says something", MEMBER, { 300, UINT32_MAX, UINT32_MAX, 300 }, "", false, "none 300" },
		{ "nobody says anything", MEMBER, { UINT32_MAX, UINT32_MAX, UINT32_MAX, 300 }, "n", false, "nyc 4294967295" },
		{ "m by a pin", NET_PIN, { 300, 20, 300, 300 }, "n", false, "nyc 20" },
		{ "m by a pin, and none", NET_PIN, { 300, 20, 300, 300 }, "", false, "none 20" },
		{ "p answers by itself for m of a pin", NET_PIN, { 300, 20, 300, 300 }, "rn", false, "rom 300" },
		{ "m by a rule", RULE, { 300, 20, 300, 300 }, "n", false, "nyc 20" },
		{ "m by a rule, and none", RULE, { 300, 20, 300, 300 }, "", false, "none 20" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct pools p;
		struct small s;
		fill(&p, row[i].way);
		for (unsigned k = 0; k < POOLS; k++)
			p.of[k].ttl_max_s = row[i].ttl[k];
		small_open(&s, p.of, POOLS);
		const char *is = ask(&s, row[i].up, row[i].v6, NULL);
		if (strcmp(is, row[i].want) != 0)
			printf("%s: %s, should be %s\n", row[i].say, is, row[i].want);
		CU_ASSERT_STRING_EQUAL(is, row[i].want);
		small_close(&s);
	}
}

/* k is in m, or stands in for it. */
static void pools_deeper_down_are_heeded(void)
{
	static const struct {
		const char *say;
		bool stands_in;
		const char *up;
		bool v6;
		const char *want;
	} row[] = {
		{ "k in m in p", false, "n", false, "nyc 20" },
		{ "... which has no AAAA, ever", false, "n", true, "nyc 300" },
		{ "k stands in for m in p", true, "sn", false, "sfo 20" },
		{ "... and is down, too", true, "n", false, "nyc 20" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct pools p;
		struct small s;
		fill(&p, MEMBER);
		for (unsigned k = 0; k < POOLS; k++)
			p.of[k].ttl_max_s = k == K ? 20 : 300;
		if (row[i].stands_in) {
			p.of[M].all_down = POOL_OTHER;
			p.of[M].other = K;
		} else {
			p.of[M].members = p.inner;
			p.of[M].n_members = 2;
		}
		small_open(&s, p.of, POOLS);
		const char *is = ask(&s, row[i].up, row[i].v6, NULL);
		if (strcmp(is, row[i].want) != 0)
			printf("%s: %s, should be %s\n", row[i].say, is, row[i].want);
		CU_ASSERT_STRING_EQUAL(is, row[i].want);
		small_close(&s);
	}
}

/* m says as long as it has been steady, which is 10 s. */
static void explain_names_the_pool_that_has_been_steady_for_so_long(void)
{
	static const struct {
		const char *say;
		uint32_t least, most, of_p, of_q;
		const char *up, *want, *young;
	} row[] = {
		{ "m itself", 1, 20, 300, 300, "an", "ams 10", "m" },
		{ "who stands in for it", 1, 20, 300, 300, "n", "nyc 10", "m" },
		{ "p says less", 1, 20, 7, 300, "n", "nyc 7", NULL },
		{ "q says less", 1, 20, 300, 7, "n", "nyc 7", NULL },
		{ "m is steady", 1, 9, 300, 300, "n", "nyc 9", NULL },
		{ "m is steady for less than its least", 15, 20, 300, 300, "n", "nyc 15", "m" },
	};
	static struct choose_trace trace;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct pools p;
		struct small s;
		fill(&p, MEMBER);
		p.of[P].ttl_max_s = row[i].of_p;
		p.of[Q].ttl_max_s = row[i].of_q;
		p.of[M].ttl_min_s = row[i].least;
		p.of[M].ttl_max_s = row[i].most;
		small_open(&s, p.of, POOLS);
		const char *is = ask(&s, row[i].up, false, &trace);
		if (strcmp(is, row[i].want) != 0)
			printf("%s: %s, should be %s\n", row[i].say, is, row[i].want);
		CU_ASSERT_STRING_EQUAL(is, row[i].want);
		CU_ASSERT_STRING_EQUAL(trace.young ? trace.young : "", row[i].young ? row[i].young : "");
		small_close(&s);
	}
}

/* Whatever there is below, few are looked at. */
static void what_says_nothing_beside_another_is_not_kept(void)
{
	enum { MANY = 300 };
	static struct pool_opts pools[MANY + 1];
	static struct pool_member members[MANY];
	struct small s;

	for (unsigned i = 0; i < MANY; i++) {
		static char names[MANY][8];
		snprintf(names[i], sizeof names[i], "m%u", i);
		pools[i + 1] = pool_of(names[i], i % 2 ? ams : sfo);
		pools[i + 1].ttl_min_s = pools[i + 1].ttl_max_s = 100 + i;
		members[i] = (struct pool_member){ .is_pool = true, .number = (uint16_t)(i + 1), .weight = 1 };
	}
	pools[0] = pool_of("p", rom);
	pools[0].n = 0;
	pools[0].members = members;
	pools[0].n_members = MANY;
	small_open(&s, pools, MANY + 1);
	/* The first has no AAAA, and the second none beside it. */
	CU_ASSERT_EQUAL_FATAL(s.steer->pools[0].n_below, 2);
	CU_ASSERT_EQUAL(s.steer->pools[0].below[0], 1);
	CU_ASSERT_EQUAL(s.steer->pools[0].below[1], 2);
	CU_ASSERT_EQUAL(s.steer->pools[1].n_below, 0);
	small_close(&s);
}

void suite_choose_ttl(void);
void suite_choose_ttl(void)
{
	static const struct unit_case cases[] = {
		{ "what stands in holds as long as what it stands in for would", what_stands_in_holds_as_long_as_what_it_stands_in_for_would },
		{ "pools deeper down are heeded", pools_deeper_down_are_heeded },
		{ "explain names the pool that has been steady for so long", explain_names_the_pool_that_has_been_steady_for_so_long },
		{ "what says nothing beside another is not kept", what_says_nothing_beside_another_is_not_kept },
	};

	unit_suite("steer/choose_ttl", cases, UNIT_COUNT(cases));
}
