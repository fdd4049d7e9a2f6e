#include "tools/agent_tally.h"

#include "unit/unit.h"

#include <string.h>

static struct prefix net(const char *client)
{
	struct addr a;

	CU_ASSERT_TRUE_FATAL(addr_parse(&a, client));
	return tally_net(&a);
}

static void add(struct tally *t, const char *client, uint64_t cookie, uint32_t us)
{
	const struct prefix p = net(client);

	tally_add(t, &p, NULL, cookie, us, 100);
}

/* The one row there is. */
static struct agent_report_row only(struct tally *t, double now_s)
{
	struct agent_report s;

	tally_take(t, &s, now_s);
	CU_ASSERT_EQUAL_FATAL(s.n, 1);
	const struct agent_report_row row = s.rows[0];
	agent_report_fini(&s);
	CU_ASSERT_EQUAL(tally_count(t), 0);
	return row;
}

static void a_net_has_count_least_and_median(void)
{
	struct tally *t = tally_new(0.5);
	char text[ADDR_TEXT];

	add(t, "192.0.2.1", 1, 30000);
	add(t, "192.0.2.2", 2, 10000);
	add(t, "192.0.2.3", 3, 90000);
	struct agent_report_row row = only(t, 107.9);
	CU_ASSERT_STRING_EQUAL(prefix_text(text, &row.net), "192.0.2.0/24");
	CU_ASSERT_EQUAL(row.samples, 3);
	CU_ASSERT_DOUBLE_EQUAL(row.min_ms, 10, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(row.rtt_ms, 30, 1e-9);
	CU_ASSERT_EQUAL(row.age_s, 7);
	add(t, "2001:db8:1:2::3", 1, 10000);
	add(t, "2001:db8:1:9::4", 2, 20000);
	row = only(t, 100);
	CU_ASSERT_STRING_EQUAL(prefix_text(text, &row.net), "2001:db8:1::/48");
	CU_ASSERT_DOUBLE_EQUAL(row.rtt_ms, 15, 1e-9); /* of two, the mean */
	tally_free(t);
}

static void a_connection_seen_again_is_one_sample(void)
{
	struct tally *t = tally_new(0.5);

	for (unsigned i = 0; i < 100; i++) {
		add(t, "192.0.2.1", 1, 50000 - 100 * i);
		add(t, "192.0.2.2", 2, 20000);
	}
	add(t, "192.0.2.1", 1, 90000);
	const struct agent_report_row row = only(t, 100);
	CU_ASSERT_EQUAL(row.samples, 2);
	CU_ASSERT_DOUBLE_EQUAL(row.rtt_ms, (40.1 + 20) / 2, 1e-9);
	tally_free(t);
}

static void of_many_samples_a_fair_draw_is_kept(void)
{
	struct tally *t = tally_new(0.5);
	double sum = 0;

	/* Times rise from 1 to 1000 ms; the first ones must not be all that is kept. */
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 1; i <= 1000; i++)
			add(t, "192.0.2.1", 0, i * 1000);
		const struct agent_report_row row = only(t, 100);
		CU_ASSERT_EQUAL(row.samples, 1000);
		CU_ASSERT_DOUBLE_EQUAL(row.min_ms, 1, 1e-9);
		sum += row.rtt_ms;
	}
	/* Medians of 31 draws: deviation about 88 ms each, 12 ms their mean's. */
	CU_ASSERT_DOUBLE_EQUAL(sum / 50, 500, 75);
	tally_free(t);
}

static void edges_are_told_apart_from_nets(void)
{
	struct tally *t = tally_new(0.5);
	struct agent_report s;

	tally_add(t, NULL, "fra1", 0, 8000, 100);
	tally_add(t, NULL, "iad1", 0, 80000, 100);
	add(t, "192.0.2.1", 1, 5000);
	CU_ASSERT_EQUAL(tally_count(t), 3);
	tally_take(t, &s, 100);
	for (size_t i = 0; i < s.n; i++)
		CU_ASSERT_DOUBLE_EQUAL(s.rows[i].rtt_ms,
			strcmp(s.rows[i].edge, "fra1") == 0       ? 8
				: strcmp(s.rows[i].edge, "") == 0 ? 5
								  : 80,
			1e-9);
	agent_report_fini(&s);
	tally_free(t);
}

static void more_nets_than_a_report_holds_come_in_several(void)
{
	struct tally *t = tally_new(0.5);
	struct agent_report s;
	size_t sum = 0, reports = 0;

	for (uint32_t i = 0; i < TALLY_ROWS_MOST + 100; i++) {
		const struct addr a = addr_from_v4(
			(const uint8_t[]){ 11, (uint8_t)(i >> 8), (uint8_t)i, 1 });
		const struct prefix p = tally_net(&a);
		tally_add(t, &p, NULL, 0, 1000 + i, 100);
	}
	CU_ASSERT_EQUAL(tally_count(t), TALLY_ROWS_MOST);
	for (; tally_count(t); reports++) {
		tally_take(t, &s, 100);
		sum += s.n;
		agent_report_fini(&s);
		if (reports == 2) { /* what is left is still found */
			const size_t before = tally_count(t);
			add(t, "11.0.0.9", 0, 1);
			CU_ASSERT_EQUAL(tally_count(t), before);
		}
	}
	CU_ASSERT_EQUAL(sum, TALLY_ROWS_MOST);
	CU_ASSERT_EQUAL(reports, TALLY_ROWS_MOST / TALLY_TAKEN);
	tally_free(t);
}

static const struct unit_case cases[] = {
	{ "a net has count, least and median", a_net_has_count_least_and_median },
	{ "a connection seen again is one sample", a_connection_seen_again_is_one_sample },
	{ "of many samples a fair draw is kept", of_many_samples_a_fair_draw_is_kept },
	{ "edges are told apart from nets", edges_are_told_apart_from_nets },
	{ "more nets than a report holds come in several",
		more_nets_than_a_report_holds_come_in_several },
};

void suite_agent_tally(void)
{
	unit_suite("tools/agent_tally", cases, UNIT_COUNT(cases));
}
