#include "steer/forced_effect.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void say(
	struct forced_list *l, const char *edge, const char *pool, enum edge_state state)
{
	forced_set(l,
		&(struct forced){ .edge = (char *)(uintptr_t)edge,
			.pool = (char *)(uintptr_t)pool,
			.state = state,
			.begun = true,
			.until_us = UINT64_MAX });
}

static void weigh(struct forced_list *l, const char *edge, const char *pool, unsigned weight)
{
	forced_set(l,
		&(struct forced){ .edge = (char *)(uintptr_t)edge,
			.pool = (char *)(uintptr_t)pool,
			.what = FORCED_WEIGHT,
			.weight = weight,
			.begun = true,
			.until_us = UINT64_MAX });
}

/* web, api and img have all edges; eu has ams and rom; world has eu and nyc. */
struct desk {
	struct small s;
	struct pool_opts pools[5];
	struct pool_member members[2];
	struct forced_list list;
};

enum { WEB, API, IMG, EU, WORLD };

static void open_desk(struct desk *d, enum pool_policy policy)
{
	static const char *const names[] = { "web", "api", "img", "eu", "world" };

	memset(d, 0, sizeof *d);
	for (unsigned i = 0; i < 5; i++) {
		d->pools[i] = small_pool();
		d->pools[i].name = names[i];
		d->pools[i].policy = policy;
	}
	d->pools[EU].n = 2;
	d->members[0] = (struct pool_member){ .number = EU, .is_pool = true, .weight = 1 };
	d->members[1] = (struct pool_member){ .number = NYC, .weight = 1 };
	d->pools[WORLD].edges = NULL;
	d->pools[WORLD].n = 0;
	d->pools[WORLD].members = d->members;
	d->pools[WORLD].n_members = 2;
	small_open(&d->s, d->pools, 5);
}

static void close_desk(struct desk *d)
{
	forced_fini(&d->list);
	small_close(&d->s);
}

static struct standing *stand(struct desk *d, const struct standing_row *row,
	const uint16_t *row_of, const struct verdict *verdicts)
{
	struct forced_effect e = forced_effect_of(&d->list, d->s.steer);
	struct standing *to = standing_new(&(struct standing_opts){ .steer = d->s.steer,
		.states = e.states,
		.forced = e.forced,
		.effect = &e,
		.rows = row,
		.n_rows = row ? 1 : 0,
		.row_of = row_of,
		.verdicts = verdicts });

	forced_effect_fini(&e);
	return to;
}

/* Which may answer in a pool, in its order: "a--s". */
static const char *who(struct desk *d, const struct standing *s, unsigned pool)
{
	static char text[8];
	const struct pool *p = &d->s.steer->pools[pool];
	unsigned n = 0;

	for (; n < p->n; n++) {
		const uint8_t m = standing_marks(
			s, standing_row_at(s, d->s.steer, pool, n), p->edges[n]);
		text[n] = m & STANDS_A       ? d->s.steer->edges[p->edges[n]].name[0]
			: m & STANDS_DRAINED ? '~'
					     : '-';
	}
	text[n] = 0;
	return text;
}

static const char *without_probes(struct desk *d, unsigned pool)
{
	struct standing *s = stand(d, NULL, NULL, NULL);
	const char *text = who(d, s, pool);

	standing_free(s);
	return text;
}

static void an_edge_is_out_in_one_pool_alone(void)
{
	struct desk d;

	open_desk(&d, POOL_NEAREST);
	say(&d.list, "rom", "web", EDGE_DOWN);
	CU_ASSERT_STRING_EQUAL(without_probes(&d, WEB), "a-ns");
	CU_ASSERT_STRING_EQUAL(without_probes(&d, API), "arns");
	say(&d.list, "sfo", "w*,img", EDGE_DRAIN);
	CU_ASSERT_STRING_EQUAL(without_probes(&d, WEB), "a-n~");
	CU_ASSERT_STRING_EQUAL(without_probes(&d, IMG), "arn~");
	CU_ASSERT_STRING_EQUAL(without_probes(&d, API), "arns");
	/* What is said of all pools holds in those, too; and what comes after that. */
	say(&d.list, "?o*", "", EDGE_DRAIN);
	say(&d.list, "rom", "api", EDGE_UP);
	CU_ASSERT_STRING_EQUAL(without_probes(&d, WEB), "a~n~");
	CU_ASSERT_STRING_EQUAL(without_probes(&d, API), "arns");
	say(&d.list, "*", "img", EDGE_DOWN);
	CU_ASSERT_STRING_EQUAL(without_probes(&d, IMG), "----");
	close_desk(&d);
}

static void pools_of_which_the_same_is_said_share_a_row(void)
{
	struct desk d;

	open_desk(&d, POOL_NEAREST);
	say(&d.list, "rom", "*", EDGE_DOWN);
	struct standing *s = stand(&d, NULL, NULL, NULL);
	CU_ASSERT_EQUAL(s->n_probed, 1);
	CU_ASSERT_EQUAL(s->n_rows, 2);
	standing_free(s);
	say(&d.list, "ams", "web", EDGE_DOWN);
	say(&d.list, "nyc", "web", EDGE_DOWN);
	s = stand(&d, NULL, NULL, NULL);
	CU_ASSERT_EQUAL(s->n_rows, 3);
	standing_free(s);
	struct forced_effect e = forced_effect_of(&d.list, d.s.steer);
	CU_ASSERT_EQUAL(e.n_views, 2); /* none is left over */
	forced_effect_fini(&e);
	close_desk(&d);
}

static void what_is_said_of_a_pool_holds_in_those_in_it(void)
{
	struct desk d;

	open_desk(&d, POOL_ORDERED);
	say(&d.list, "*", "world", EDGE_DOWN);
	CU_ASSERT_STRING_EQUAL(without_probes(&d, EU), "--");
	CU_ASSERT_STRING_EQUAL(without_probes(&d, WORLD), "---");
	CU_ASSERT_STRING_EQUAL(without_probes(&d, WEB), "arns");
	CU_ASSERT_PTR_NOT_NULL(forced_in(&d.list, d.s.steer, "ams", EU, FORCED_STATE));
	CU_ASSERT_PTR_NULL(forced_in(&d.list, d.s.steer, "ams", WEB, FORCED_STATE));
	CU_ASSERT_PTR_NULL(forced_in(&d.list, d.s.steer, "ams", -1, FORCED_STATE));
	forced_fini(&d.list);
	/* The other way round only what comes by that pool is out. */
	say(&d.list, "*", "eu", EDGE_DOWN);
	CU_ASSERT_STRING_EQUAL(without_probes(&d, WORLD), "--n");
	close_desk(&d);
}

static void forced_up_in_a_pool_goes_before_its_probes_there_and_panic_does_not_forget_it(void)
{
	struct verdict verdicts[7];
	uint32_t targets[7];
	const struct standing_row row = { STANDING_ALL, targets };
	const uint16_t row_of[5] = { 1, 1, 0, 0, 0 };
	struct desk d;

	open_desk(&d, POOL_NEAREST);
	for (unsigned i = 0; i < 7; i++) {
		verdicts[i] = (struct verdict){ true, true, false, UINT64_MAX, NAN, NAN };
		targets[i] = i;
	}
	/* rom fails its probes. */
	for (unsigned k = 0; k < 2; k++)
		verdicts[d.s.steer->edges[ROM].first_address + k].up = false;
	say(&d.list, "rom", "web", EDGE_UP);
	say(&d.list, "ams", "web", EDGE_DOWN);
	struct standing *s = stand(&d, &row, row_of, verdicts);
	CU_ASSERT_STRING_EQUAL(who(&d, s, WEB), "-rns");
	CU_ASSERT_STRING_EQUAL(who(&d, s, API), "a-ns");
	CU_ASSERT_EQUAL(s->pools[WEB].up, 3);
	CU_ASSERT_EQUAL(s->pools[WEB].asked, 3);
	CU_ASSERT_EQUAL(s->pools[WEB].probed, 1);
	/* The addresses of rom may be answered with there, and only there. */
	const uint32_t address = d.s.steer->edges[ROM].first_address;
	CU_ASSERT_TRUE(standing_address(standing_alive(s, s->pools[WEB].row), address));
	CU_ASSERT_FALSE(standing_address(standing_alive(s, s->pools[API].row), address));
	CU_ASSERT_FALSE(s->pools[WEB].panics);
	standing_free(s);
	/* All others fail: what is not trusted is the probe, not the operator. */
	for (unsigned i = 0; i < 7; i++)
		verdicts[i].up = false;
	forced_fini(&d.list);
	say(&d.list, "ams", "web", EDGE_DOWN);
	((struct pool *)&d.s.steer->pools[WEB])->panic_share = 0.5;
	s = stand(&d, &row, row_of, verdicts);
	CU_ASSERT_TRUE(s->pools[WEB].panics);
	CU_ASSERT_STRING_EQUAL(who(&d, s, WEB), "-rns");
	standing_free(s);
	close_desk(&d);
}

static void weights_are_of_a_pool_or_of_all(void)
{
	struct desk d;

	open_desk(&d, POOL_WEIGHTED);
	weigh(&d.list, "rom", "web", 7);
	weigh(&d.list, "pool:eu", "", 9);
	struct standing *s = stand(&d, NULL, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->pools[WEB].weights);
	CU_ASSERT_EQUAL(s->pools[WEB].weights[1], 7);
	CU_ASSERT_EQUAL(s->pools[WEB].weights[0], d.s.steer->pools[WEB].weights[0]);
	CU_ASSERT_PTR_NULL(s->pools[API].weights);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->pools[WORLD].member_weights);
	CU_ASSERT_EQUAL(s->pools[WORLD].member_weights[0], 9);
	CU_ASSERT_EQUAL(s->pools[WORLD].member_weights[1], 1);
	CU_ASSERT_EQUAL(s->n_rows, 2); /* its states are as in all, in a row of its own */
	standing_free(s);
	weigh(&d.list, "*", "", 0);
	s = stand(&d, NULL, NULL, NULL);
	CU_ASSERT_TRUE(!s->pools[WEB].weights || s->pools[WEB].weights[1] == 0);
	CU_ASSERT_TRUE(!s->pools[API].weights || s->pools[API].weights[3] == 0);
	standing_free(s);
	/* As it is: nothing is different. */
	for (unsigned i = 0; i < 4; i++)
		weigh(&d.list, d.s.steer->edges[i].name, "", d.s.steer->edges[i].weight);
	struct standing *t = stand(&d, NULL, NULL, NULL);
	CU_ASSERT_PTR_NULL(t->pools[API].weights);
	standing_free(t);
	close_desk(&d);
}

static void turns_go_by_the_weights_that_are_forced(void)
{
	unsigned n[4] = { 0 };
	struct desk d;

	open_desk(&d, POOL_WEIGHTED);
	weigh(&d.list, "*", "", 1);
	weigh(&d.list, "rom", "web", 5);
	weigh(&d.list, "sfo", "web", 0);
	struct standing *s = stand(&d, NULL, NULL, NULL);
	for (unsigned i = 0; i < 70; i++) {
		const struct choice c = choose(&(struct choose_ask){ .steer = d.s.steer,
						       .standing = s,
						       .pool = WEB,
						       .turns = d.s.turns,
						       .now_us = i,
						       .name = (const uint8_t *)"" },
			NULL);
		CU_ASSERT_EQUAL_FATAL(c.n, 1);
		n[c.edges[0]]++;
	}
	CU_ASSERT_TRUE(n[AMS] == 10 && n[ROM] == 50 && n[NYC] == 10 && n[SFO] == 0);
	standing_free(s);
	close_desk(&d);
}

static void names_that_nothing_has_are_told(void)
{
	struct desk d;

	open_desk(&d, POOL_NEAREST);
	CU_ASSERT_TRUE(forced_names_edge(d.s.steer, "a*"));
	CU_ASSERT_TRUE(forced_names_edge(d.s.steer, "pool:eu"));
	CU_ASSERT_FALSE(forced_names_edge(d.s.steer, "pool:ams"));
	CU_ASSERT_FALSE(forced_names_edge(d.s.steer, "eu"));
	CU_ASSERT_TRUE(forced_names_pool(d.s.steer, "x,img"));
	CU_ASSERT_FALSE(forced_names_pool(d.s.steer, "rom"));
	/* One that is not there, but may be after a reload, does nothing. */
	say(&d.list, "gone", "", EDGE_DOWN);
	say(&d.list, "ams", "gone", EDGE_DOWN);
	CU_ASSERT_STRING_EQUAL(without_probes(&d, WEB), "arns");
	close_desk(&d);
}

/* An edge that flattens a name has more addresses than slots. */
static void what_is_said_of_a_flattened_edge_leaves_others_their_addresses(void)
{
	static const uint8_t a[70 * 4], name[] = "\3cdn\4test";
	static const uint16_t edges[] = { 0, 1 };
	const struct addr own = addr_from_v4((const uint8_t[4]){ 192, 0, 2, 9 });
	const struct edge_opts of[] = { { .name = "flat", .flatten = name, .weight = 1 },
		{ .name = "own", .a = &own, .n_a = 1, .weight = 1 } };
	const struct edge_flat found[] = { { true, a, NULL, 70, 0, 30 }, { .known = false } };
	struct pool_opts pool = small_pool();
	struct desk d = { .s.atlas = small_atlas() };

	pool.policy = POOL_ORDERED;
	pool.edges = edges;
	pool.n = 2;
	d.s.steer = steer_new(&(struct steer_opts){ .edges = of, .n_edges = 2, .pools = &pool,
				      .n_pools = 1, .flats = found }, d.s.atlas, NULL);
	say(&d.list, "flat", "web", EDGE_DOWN);
	struct standing *s = stand(&d, NULL, NULL, NULL);
	const struct edge *e = &d.s.steer->edges[1];
	CU_ASSERT(standing_address(s->alive + (size_t)s->pools[0].row * s->words, e->first_address));
	standing_free(s);
	close_desk(&d);
}

/* The states that pool `pool` has, by edges: "u" up, "d" down, "~" drained, "l" leaves, "." as in all. */
static const char *view(struct forced_effect *e, unsigned pool)
{
	static char text[8];
	const unsigned at = e->view_of[pool];

	for (unsigned i = 0; i < 4; i++) {
		const uint8_t state = at ? e->views[at - 1].states[i] : FORCED_AS_ALL;
		text[i] = state == FORCED_AS_ALL ? '.'
			: state == FORCED_LEAVES ? 'l'
			: state == EDGE_DRAIN    ? '~'
			: state == EDGE_DOWN     ? 'd'
						 : 'u';
	}
	text[4] = 0;
	return text;
}

static void edges_leave_a_pool_and_its_neighbours_stay_as_they_were(void)
{
	static const uint16_t both[] = { ROM, SFO };
	struct desk d;

	open_desk(&d, POOL_NEAREST);
	say(&d.list, "rom,sfo", "web,api,img", EDGE_DRAIN);
	say(&d.list, "nyc", "web,api,img", EDGE_DOWN);
	struct forced_effect e = forced_effect_of(&d.list, d.s.steer);
	CU_ASSERT_EQUAL_FATAL(e.n_views, 1);
	/* All that leave the same are one view, and who is left has the one before. */
	CU_ASSERT_TRUE(forced_effect_leave(&e, d.s.steer, WEB, both, 2));
	CU_ASSERT_STRING_EQUAL(view(&e, WEB), ".ldl");
	CU_ASSERT_STRING_EQUAL(view(&e, API), ".~d~");
	CU_ASSERT_STRING_EQUAL(view(&e, EU), "....");
	CU_ASSERT_TRUE(forced_effect_leave(&e, d.s.steer, API, both, 2));
	CU_ASSERT_EQUAL(e.view_of[WEB], e.view_of[API]);
	CU_ASSERT_EQUAL(e.n_views, 2);
	CU_ASSERT_EQUAL(e.views[0].pools, 1);
	CU_ASSERT_EQUAL(e.views[1].pools, 2);
	/* Fewer of them, or others, are another. */
	CU_ASSERT_TRUE(forced_effect_leave(&e, d.s.steer, IMG, both + 1, 1));
	CU_ASSERT_STRING_EQUAL(view(&e, IMG), ".~dl");
	CU_ASSERT_STRING_EQUAL(view(&e, WEB), ".ldl");
	CU_ASSERT_EQUAL(e.n_views, 3);
	CU_ASSERT_EQUAL(e.views[0].pools, 0);
	/* What leaves is up as its probes say, and others of the pool are as they are forced. */
	struct standing *s = standing_new(&(struct standing_opts){
		.steer = d.s.steer, .states = e.states, .forced = e.forced, .effect = &e });
	CU_ASSERT_STRING_EQUAL(who(&d, s, WEB), "ar-s");
	CU_ASSERT_STRING_EQUAL(who(&d, s, IMG), "a~-s");
	standing_free(s);
	forced_effect_fini(&e);
	close_desk(&d);
}

/* A view of the same edges, of which one was forced otherwise, is no view of theirs. */
static void what_leaves_keeps_the_weights_that_are_forced(void)
{
	static const uint16_t rom[] = { ROM };
	struct desk d;

	open_desk(&d, POOL_WEIGHTED);
	say(&d.list, "rom", "web,api", EDGE_DRAIN);
	weigh(&d.list, "nyc", "api", 7);
	struct forced_effect e = forced_effect_of(&d.list, d.s.steer);
	CU_ASSERT_EQUAL_FATAL(e.n_views, 2);
	CU_ASSERT_TRUE(forced_effect_leave(&e, d.s.steer, WEB, rom, 1));
	CU_ASSERT_TRUE(forced_effect_leave(&e, d.s.steer, API, rom, 1));
	CU_ASSERT_NOT_EQUAL(e.view_of[WEB], e.view_of[API]);
	CU_ASSERT_PTR_NULL(e.views[e.view_of[WEB] - 1].weights);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e.views[e.view_of[API] - 1].weights);
	CU_ASSERT_EQUAL(e.views[e.view_of[API] - 1].weights[NYC], 7);
	CU_ASSERT_EQUAL(e.views[e.view_of[API] - 1].weights[AMS], FORCED_NO_WEIGHT);
	forced_effect_fini(&e);
	close_desk(&d);
}

/* Views are numbered in 16 bits. */
static void without_numbers_nothing_leaves(void)
{
	static const uint16_t rom[] = { ROM };
	struct desk d;

	open_desk(&d, POOL_NEAREST);
	say(&d.list, "rom", "web", EDGE_DRAIN);
	struct forced_effect e = forced_effect_of(&d.list, d.s.steer);
	const unsigned views = e.n_views;
	e.n_views = UINT16_MAX;
	CU_ASSERT_FALSE(forced_effect_leave(&e, d.s.steer, WEB, rom, 1));
	e.n_views = views;
	CU_ASSERT_STRING_EQUAL(view(&e, WEB), ".~..");
	CU_ASSERT_EQUAL(e.views[0].pools, 1);
	forced_effect_fini(&e);
	close_desk(&d);
}

static const struct unit_case cases[] = {
	{ "edges leave a pool, and its neighbours stay as they were",
		edges_leave_a_pool_and_its_neighbours_stay_as_they_were },
	{ "what leaves keeps the weights that are forced", what_leaves_keeps_the_weights_that_are_forced },
	{ "without numbers nothing leaves", without_numbers_nothing_leaves },
		{ "what is said of a flattened edge leaves others their addresses",
			what_is_said_of_a_flattened_edge_leaves_others_their_addresses },
	{ "an edge is out in one pool alone", an_edge_is_out_in_one_pool_alone },
	{ "pools of which the same is said share a row",
		pools_of_which_the_same_is_said_share_a_row },
	{ "what is said of a pool holds in those in it",
		what_is_said_of_a_pool_holds_in_those_in_it },
	{ "forced up in a pool goes before its probes, and panic does not forget it",
		forced_up_in_a_pool_goes_before_its_probes_there_and_panic_does_not_forget_it },
	{ "weights are of a pool or of all", weights_are_of_a_pool_or_of_all },
	{ "turns go by the weights that are forced", turns_go_by_the_weights_that_are_forced },
	{ "names that nothing has are told", names_that_nothing_has_are_told },
};

void suite_forced_effect(void);
void suite_forced_effect(void)
{
	unit_suite("steer/forced_effect", cases, UNIT_COUNT(cases));
}
