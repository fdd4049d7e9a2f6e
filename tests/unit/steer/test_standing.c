#include "steer/standing.h"

#include "steer/choose.h"
#include "steer/forced_effect.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The small world's edges, each address a target of its own number. */
struct desk {
	struct small s;
	struct verdict verdicts[7];
	uint32_t targets[7];
	struct standing_row row;
	uint8_t forced[4];
	uint16_t row_of[2];
};

static void open_desk(struct desk *d, struct pool_opts *pool)
{
	memset(d, 0, sizeof *d);
	small_open(&d->s, pool, 1);
	CU_ASSERT_EQUAL_FATAL(d->s.steer->n_addresses, 7);
	for (unsigned i = 0; i < 7; i++) {
		d->verdicts[i] = (struct verdict){ true, true, false, UINT64_MAX, NAN, NAN };
		d->targets[i] = i;
	}
	d->row = (struct standing_row){ 1, d->targets };
	d->row_of[0] = 1;
}

static struct standing *stand(struct desk *d, const struct standing *before)
{
	return standing_new(&(struct standing_opts){ .steer = d->s.steer,
		.states = d->s.states,
		.forced = d->forced,
		.verdicts = d->verdicts,
		.rows = &d->row,
		.n_rows = 1,
		.row_of = d->row_of,
		.before = before });
}

static uint8_t marks(struct desk *d, unsigned row, unsigned edge)
{
	struct standing *s = stand(d, NULL);
	const uint8_t m = standing_marks(s, row, edge);

	standing_free(s);
	return m;
}

static void the_rule_over_all_addresses_decides_and_each_type_needs_one(void)
{
	static const struct {
		const char *say;
		unsigned need;
		bool a, aaaa;
		uint8_t want;
	} row[] = {
		{ "any: both", 1, true, true, STANDS_A | STANDS_AAAA },
		{ "any: one of two", 1, true, false, STANDS_A },
		{ "any: the other", 1, false, true, STANDS_AAAA },
		{ "any: none", 1, false, false, STANDS_FAILS },
		{ "all: one is not enough", STANDING_ALL, true, false, STANDS_FAILS },
		{ "all: both", STANDING_ALL, true, true, STANDS_A | STANDS_AAAA },
		{ "a number: as many as it has are enough", 9, true, true,
			STANDS_A | STANDS_AAAA },
		{ "two: one is not", 2, false, true, STANDS_FAILS },
	};
	struct pool_opts pool = small_pool();
	struct desk d;

	open_desk(&d, &pool);
	const uint32_t first = d.s.steer->edges[ROM].first_address;
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		d.row.need = row[i].need;
		d.verdicts[first].up = row[i].a;
		d.verdicts[first + 1].up = row[i].aaaa;
		CU_ASSERT_EQUAL(marks(&d, 1, ROM), row[i].want);
		CU_ASSERT_EQUAL(marks(&d, 0, ROM), STANDS_A | STANDS_AAAA);
	}
	small_close(&d.s);
}

static void the_operator_stands_above_the_probes(void)
{
	struct pool_opts pool = small_pool();
	struct desk d;

	open_desk(&d, &pool);
	d.verdicts[0].up = d.verdicts[1].up = false;
	CU_ASSERT_EQUAL(marks(&d, 1, AMS), STANDS_FAILS);
	d.forced[AMS] = 1; /* up */
	CU_ASSERT_EQUAL(marks(&d, 1, AMS), STANDS_FAILS | STANDS_A | STANDS_AAAA);
	d.s.states[AMS] = EDGE_DRAIN;
	CU_ASSERT_EQUAL(marks(&d, 1, AMS), STANDS_FAILS | STANDS_DRAINED);
	d.s.states[AMS] = EDGE_DOWN;
	CU_ASSERT_EQUAL(marks(&d, 1, AMS), STANDS_FAILS);
	CU_ASSERT_EQUAL(marks(&d, 0, AMS), 0);
	small_close(&d.s);
}

static void a_pool_in_panic_reads_the_row_of_no_probe(void)
{
	struct pool_opts pool = small_pool();
	struct desk d;

	pool.panic_share = pool.least_share = 0.5;
	open_desk(&d, &pool);
	for (unsigned down = 0; down <= 4; down++) {
		struct standing *s = stand(&d, NULL);
		CU_ASSERT_EQUAL(s->pools[0].up, 4 - down);
		CU_ASSERT_EQUAL(s->pools[0].asked, 4);
		CU_ASSERT_EQUAL(s->pools[0].panics, down > 2);
		CU_ASSERT_EQUAL(s->pools[0].row, down > 2 ? 0 : 1);
		/* As a member it is passed over: who is up goes before who only says so. */
		CU_ASSERT_EQUAL(s->pools[0].lives != 0, down <= 2);
		CU_ASSERT(s->pools[0].lives_barely);
		standing_free(s);
		if (down == 4)
			break;
		const struct edge *e = &d.s.steer->edges[down];
		for (unsigned k = 0; k < e->n_a + e->n_aaaa; k++)
			d.verdicts[e->first_address + k].up = false;
	}
	d.s.states[AMS] = d.s.states[ROM] = d.s.states[NYC] = EDGE_DRAIN;
	struct standing *s = stand(&d, NULL);
	CU_ASSERT_EQUAL(s->pools[0].asked, 1); /* who is drained does not count */
	standing_free(s);
	small_close(&d.s);
}

/* The order of a pool of all four by these times. */
static const char *order_of(struct desk *d, struct standing **last, const float ms[static 4])
{
	static char text[64];

	for (unsigned i = 0; i < 4; i++) {
		const struct edge *e = &d->s.steer->edges[i];
		for (unsigned k = 0; k < e->n_a + e->n_aaaa; k++)
			d->verdicts[e->first_address + k].rtt_ms = ms[i];
	}
	struct standing *s = stand(d, *last);
	standing_free(*last);
	*last = s;
	text[0] = 0;
	for (unsigned i = 0; i < 4; i++) {
		strcat(text,
			d->s.steer->edges[d->s.steer->pools[0].edges[s->pools[0].order[i]]]
				.name);
		strcat(text, i < 3 ? " " : "");
	}
	return text;
}

static void an_order_changes_only_for_a_clear_gain(void)
{
	static const struct {
		const char *say;
		float ms[4]; /* ams, rom, nyc, sfo */
		const char *want;
	} row[] = {
		{ "the first order is exact", { 20, 19.9f, 50, NAN }, "rom ams nyc sfo" },
		{ "a little better is not enough", { 18.5f, 19.9f, 50, NAN },
			"rom ams nyc sfo" },
		{ "2 ms are not more than 2 ms", { 18, 20, 50, NAN }, "rom ams nyc sfo" },
		{ "more is", { 17, 20, 50, NAN }, "ams rom nyc sfo" },
		{ "nor is a tenth of a long time", { 100, 108, 109, NAN }, "ams rom nyc sfo" },
		{ "which has to be clear as well", { 100, 108, 80, NAN }, "nyc ams rom sfo" },
		{ "who is measured comes before who is not", { NAN, 108, 80, 500 },
			"nyc rom sfo ams" },
	};
	struct pool_opts pool = small_pool();
	struct standing *last = NULL;
	struct desk d;

	pool.policy = POOL_LEAST_LATENCY;
	open_desk(&d, &pool);
	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_STRING_EQUAL(order_of(&d, &last, row[i].ms), row[i].want);
	standing_free(last);
	small_close(&d.s);
}

static void the_soonest_change_of_any_edge_bounds_the_ttl(void)
{
	static const struct {
		const char *say;
		uint64_t changes_us, now_us;
		unsigned least, most;
		uint32_t want;
	} row[] = {
		{ "steady", UINT64_MAX, 5, 0, 60, 60 },
		{ "in 7.9 s", 107900000, 100000000, 0, 60, 7 },
		{ "not above the most", 200000000, 100000000, 0, 60, 60 },
		{ "not below the least", 107900000, 100000000, 20, 60, 20 },
		{ "soon", 100000001, 100000000, 0, 60, 1 },
		{ "late already", 90000000, 100000000, 0, 60, 1 },
		{ "a least above the most", 90000000, 100000000, 90, 60, 60 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct pool_opts pool = small_pool();
		struct desk d;
		pool.ttl_min_s = row[i].least;
		pool.ttl_max_s = row[i].most;
		open_desk(&d, &pool);
		d.verdicts[3].changes_us = row[i].changes_us;
		struct standing *s = stand(&d, NULL);
		const struct choice c = choose(&(struct choose_ask){ .steer = d.s.steer,
						       .standing = s,
						       .now_us = row[i].now_us },
			NULL);
		CU_ASSERT_EQUAL(c.ttl_most_s, row[i].want);
		standing_free(s);
		d.forced[ROM] = 1; /* whose address that is: its probes change nothing */
		s = stand(&d, NULL);
		CU_ASSERT_EQUAL(s->pools[0].changes_us, UINT64_MAX);
		standing_free(s);
		small_close(&d.s);
	}
}

static void two_are_the_same_when_they_answer_alike(void)
{
	struct pool_opts pool = small_pool();
	struct desk d;

	open_desk(&d, &pool);
	struct standing *a = stand(&d, NULL);
	d.verdicts[2].rtt_ms = 5;
	struct standing *b = stand(&d, NULL);
	CU_ASSERT_TRUE(standing_same(d.s.steer, a, b)); /* nobody goes by that */
	d.verdicts[2].up = false;
	struct standing *c = stand(&d, NULL);
	CU_ASSERT_FALSE(standing_same(d.s.steer, a, c));
	standing_free(a);
	standing_free(b);
	standing_free(c);
	small_close(&d.s);
}

/* No number is another row's: what has none is as in all pools, and counted. */
static void rows_that_have_no_number_are_counted(void)
{
	enum { ROWS = UINT16_MAX - 1 };
	struct pool_opts pool = small_pool();
	struct desk d;
	uint8_t down[4] = { EDGE_DOWN, FORCED_AS_ALL, FORCED_AS_ALL, FORCED_AS_ALL };
	uint16_t view_of[1] = { 1 };
	struct forced_view view = { .states = down, .pools = 1 };

	open_desk(&d, &pool);
	struct forced_effect effect = { .views = &view, .n_views = 1, .view_of = view_of };
	struct standing_row *rows = malloc(ROWS * sizeof *rows);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
	for (unsigned i = 0; i < ROWS; i++)
		rows[i] = d.row;
	for (unsigned n = ROWS - 2; n <= ROWS; n++) {
		struct standing *s = standing_new(&(struct standing_opts){ .steer = d.s.steer,
			.states = d.s.states,
			.forced = d.forced,
			.effect = &effect,
			.verdicts = d.verdicts,
			.rows = rows,
			.n_rows = n });
		CU_ASSERT_EQUAL(s->n_lost, n == ROWS);
		CU_ASSERT_EQUAL(standing_marks(s, s->pools[0].row, AMS) == 0, n != ROWS);
		standing_free(s);
	}
	free(rows);
	small_close(&d.s);
}

void suite_standing(void)
{
	static const struct unit_case cases[] = {
		{ "the rule over all addresses decides, and each type needs one",
			the_rule_over_all_addresses_decides_and_each_type_needs_one },
		{ "the operator stands above the probes",
			the_operator_stands_above_the_probes },
		{ "a pool in panic reads the row of no probe",
			a_pool_in_panic_reads_the_row_of_no_probe },
		{ "an order changes only for a clear gain",
			an_order_changes_only_for_a_clear_gain },
		{ "the soonest change of any edge bounds the TTL",
			the_soonest_change_of_any_edge_bounds_the_ttl },
		{ "two are the same when they answer alike",
			two_are_the_same_when_they_answer_alike },
		{ "rows that have no number are counted", rows_that_have_no_number_are_counted },
	};

	unit_suite("steer/standing", cases, UNIT_COUNT(cases));
}
