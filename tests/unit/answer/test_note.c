#include "answer/note.h"

#include "unit/answer/asking.h"
#include "unit/unit.h"

#include "net/choice_counts_new.h"

#include <stdio.h>
#include <string.h>

static struct asking x;

static int open_world(void)
{
	asking_open(&x, false);
	x.a.counts = choice_counts_new();
	x.a.samples = &x.samples;
	return 0;
}

static int close_world(void)
{
	choice_counts_free(x.a.counts);
	asking_close(&x);
	return 0;
}

static void the_first_steered_client_of_a_batch_is_told(void)
{
	struct sample one;
	char text[ADDR_TEXT];

	CU_ASSERT_FALSE(samples_get(&x.samples, &one));
	x.samples.due = true;
	asking(&x, "mail A");
	CU_ASSERT_TRUE(x.samples.due);
	asking(&x, "two A ecs=3.0.1.0/24");
	asking(&x, "www A");
	CU_ASSERT_FALSE(x.samples.due);
	CU_ASSERT_TRUE_FATAL(samples_get(&x.samples, &one));
	CU_ASSERT_STRING_EQUAL(addr_text(text, &one.client), "3.0.1.0");
	CU_ASSERT_EQUAL(one.pool, 1);
	CU_ASSERT_TRUE(one.by_subnet);
	CU_ASSERT_FALSE(samples_get(&x.samples, &one));
	x.samples.due = true;
	asking(&x, "www A");
	CU_ASSERT_TRUE_FATAL(samples_get(&x.samples, &one));
	CU_ASSERT_STRING_EQUAL(addr_text(text, &one.client), "9.9.9.9");
	CU_ASSERT_FALSE(one.by_subnet);
}

/* Its numbers are those of other tables. */
static void clients_of_a_stage_are_not_told(void)
{
	struct sample one;

	x.share = UINT64_C(1) << 32;
	asking_again(&x);
	x.samples.due = true;
	asking(&x, "www A");
	CU_ASSERT_FALSE(samples_get(&x.samples, &one));
	x.share = 0;
	asking_again(&x);
}

static uint64_t times(const char *pool, const char *edge, enum choose_why why)
{
	const struct steer *s = x.world->steer;

	return tally_kept(&x.a.counts->reasons,
		choice_counts_reason(s->pools[steer_pool(s, pool)].hash,
			s->edges[steer_edge(s, edge)].hash, why));
}

static void each_edge_of_an_answer_counts_with_its_reason(void)
{
	const uint64_t before = times("two", "ams", WHY_BEST),
		       nyc = times("two", "nyc", WHY_BEST);

	asking(&x, "two A ecs=1.0.1.0/24");
	asking(&x, "two A ecs=1.0.1.0/24");
	CU_ASSERT_EQUAL(times("two", "ams", WHY_BEST), before + 2);
	CU_ASSERT_EQUAL(times("two", "rom", WHY_BEST), 2);
	CU_ASSERT_EQUAL(times("two", "nyc", WHY_BEST), nyc);
	asking(&x, "turn A");
	asking(&x, "turn A");
	CU_ASSERT_EQUAL(times("turn", "ams", WHY_TURN), 1);
	CU_ASSERT_EQUAL(times("turn", "rom", WHY_TURN), 1);
	CU_ASSERT_EQUAL(times("turn", "rom", WHY_BEST), 0);
	x.states[0] = EDGE_DOWN;
	asking_again(&x);
	asking(&x, "two A ecs=1.0.1.0/24");
	CU_ASSERT_EQUAL(times("two", "rom", WHY_FAILOVER), 1);
	x.states[0] = EDGE_UP;
	asking_again(&x);
}

/* Pools of other tables have other numbers: what is asked for is counted apart. */
static void what_a_stages_clients_ask_for_is_counted_apart(void)
{
	const struct choice c = { .demand = 7 };
	const uint32_t tick = x.world->standing->tick;

	note_choice(&x.a, &(struct choose_ask){ .steer = x.world->steer }, &c);
	CU_ASSERT_EQUAL(tally_get(&x.a.counts->demand, 7, tick), 1);
	CU_ASSERT_EQUAL(tally_get(&x.a.counts->staged, 7, tick), 0);
	note_choice(&x.a, &(struct choose_ask){ .steer = NULL }, &c);
	note_choice(&x.a, &(struct choose_ask){ .steer = NULL }, &c);
	CU_ASSERT_EQUAL(tally_get(&x.a.counts->demand, 7, tick), 1);
	CU_ASSERT_EQUAL(tally_get(&x.a.counts->staged, 7, tick), 2);
}

static struct decision *next(void)
{
	return &x.a.counts->ring[x.a.counts->read++ % CHOICE_COUNTS_RING];
}

static void one_answer_of_so_many_is_logged_as_it_was(void)
{
	char text[ADDR_TEXT];

	x.policy.sample_every = 3;
	asking_again(&x);
	for (unsigned i = 0; i < 7; i++)
		asking(&x, "two AAAA ecs=2a00::/32 from=8.8.8.8");
	/* The first, the fourth and the seventh. */
	CU_ASSERT_EQUAL_FATAL(x.a.counts->written, 3);
	const struct decision *d = next();
	CU_ASSERT_EQUAL(d->time_s, 1700000000);
	CU_ASSERT_STRING_EQUAL(addr_text(text, &d->source), "8.8.8.8");
	CU_ASSERT_STRING_EQUAL(addr_text(text, &d->who), "2a00::");
	CU_ASSERT_EQUAL(d->name_len, 13);
	CU_ASSERT_EQUAL(memcmp(d->name, "\3two\7example", 13), 0);
	CU_ASSERT_EQUAL(d->scope, 32);
	CU_ASSERT_EQUAL(d->why, WHY_BEST);
	CU_ASSERT_TRUE(d->v6);
	CU_ASSERT_TRUE(d->by_subnet);
	CU_ASSERT_EQUAL(d->ttl_s, 300);
	CU_ASSERT_STRING_EQUAL(d->pool, "two");
	CU_ASSERT_STRING_EQUAL(d->edge, "rom");
	x.a.counts->read = x.a.counts->written;
	x.a.counts->until_sample = 0;
	asking(&x, "turn A");
	d = next();
	CU_ASSERT_FALSE(d->v6);
	CU_ASSERT_FALSE(d->by_subnet);
	CU_ASSERT_EQUAL(d->why, WHY_TURN);
	CU_ASSERT_EQUAL(d->ttl_s, 50);
	/* What has no addresses is not one. */
	x.a.counts->until_sample = 0;
	asking(&x, "few AAAA");
	CU_ASSERT_EQUAL(x.a.counts->read, x.a.counts->written);
	x.policy.sample_every = 0;
	asking_again(&x);
	asking(&x, "turn A");
	CU_ASSERT_EQUAL(x.a.counts->read, x.a.counts->written);
}

static void watch(const char *net, const char *subnets)
{
	struct policy_watch *w = &x.policy.watched[x.policy.n_watched++];
	struct fault why;

	CU_ASSERT_TRUE_FATAL(prefix_parse(&w->net, net, &why) && prefix_parse(&w->subnets, subnets, &why));
	asking_again(&x);
}

static void all_answers_of_who_is_watched_are_logged(void)
{
	x.policy.sample_every = 0;
	watch("10.0.0.1/32", "10.0.0.0/24");
	watch("2.0.1.77/32", "2.0.1.0/24");
	watch("9.9.0.0/16", "9.9.0.0/16");
	const uint32_t before = x.a.counts->written;
	asking(&x, "www A ecs=2.0.2.0/24 from=8.8.8.8");
	CU_ASSERT_EQUAL(x.a.counts->written, before);
	asking(&x, "www A ecs=2.0.1.0/24 from=8.8.8.8"); /* what is sent of 2.0.1.77 */
	asking(&x, "www A ecs=2.0.2.0/24 from=9.9.1.1");
	asking(&x, "www A from=2.0.1.78");
	CU_ASSERT_EQUAL(x.a.counts->written, before + 2);
	CU_ASSERT_TRUE(next()->watched && next()->watched);
	/* Beside a sample one is logged once; and what nobody may answer is logged as such. */
	x.policy.sample_every = 1;
	x.a.counts->until_sample = 0;
	asking_again(&x);
	asking(&x, "www A from=9.9.1.1");
	asking(&x, "www A from=8.8.1.1");
	CU_ASSERT_EQUAL(x.a.counts->written, before + 4);
	CU_ASSERT_TRUE(next()->watched && !next()->watched);
	x.policy.sample_every = 0;
	x.policy.n_watched = 0;
	asking_again(&x);
}

static void a_full_log_of_decisions_counts_what_it_misses(void)
{
	x.policy.sample_every = 1;
	asking_again(&x);
	x.a.counts->read = x.a.counts->written;
	x.a.counts->until_sample = 0;
	const uint32_t before = x.a.counts->written;
	for (unsigned i = 0; i < CHOICE_COUNTS_RING + 5; i++)
		asking(&x, "www A");
	CU_ASSERT_EQUAL(x.a.counts->written, before + CHOICE_COUNTS_RING);
	CU_ASSERT_EQUAL(x.a.counts->missed, 5);
	x.policy.sample_every = 0;
	asking_again(&x);
}

static const struct unit_case cases[] = {
	{ "the first steered client of a batch is told",
		the_first_steered_client_of_a_batch_is_told },
	{ "clients of a stage are not told", clients_of_a_stage_are_not_told },
	{ "each edge of an answer counts, with its reason",
		each_edge_of_an_answer_counts_with_its_reason },
	{ "what a stage's clients ask for is counted apart",
		what_a_stages_clients_ask_for_is_counted_apart },
	{ "one answer of so many is logged as it was",
		one_answer_of_so_many_is_logged_as_it_was },
	{ "all answers of who is watched are logged", all_answers_of_who_is_watched_are_logged },
	{ "a full log of decisions counts what it misses",
		a_full_log_of_decisions_counts_what_it_misses },
};

void suite_note(void);
void suite_note(void)
{
	unit_suite_with("answer/note", cases, UNIT_COUNT(cases), open_world, close_world);
}
