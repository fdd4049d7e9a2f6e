#include "tools/agent_loss.h"

#include "unit/unit.h"

#include <string.h>

static struct agent_loss *l;

static void see(const char *peer, uint64_t cookie, uint32_t sent, uint32_t lost, double now_s)
{
	struct diag_connection c = { .cookie = cookie, .rtt_us = 1000, .sent = sent, .lost = lost };

	CU_ASSERT_TRUE_FATAL(addr_parse(&c.peer, peer));
	agent_loss_seen(l, &c, now_s);
}

static void begin(void)
{
	l = agent_loss_new();
	agent_loss_looked(l, true);
}

/* The one row there is. */
static struct agent_report_row only(double now_s)
{
	struct agent_report s;

	CU_ASSERT_EQUAL(agent_loss_count(l), 1);
	agent_loss_take(l, &s, now_s);
	CU_ASSERT_EQUAL_FATAL(s.n, 1);
	const struct agent_report_row row = s.rows[0];
	agent_report_fini(&s);
	CU_ASSERT_EQUAL(agent_loss_count(l), 0);
	return row;
}

static void a_net_has_what_all_its_connections_lost(void)
{
	char text[ADDR_TEXT];

	begin();
	see("192.0.2.1", 1, 90, 2, 100);
	see("192.0.2.9", 2, 110, 3, 101);
	see("198.51.100.1", 3, 99, 9, 101); /* too few to say anything */
	const struct agent_report_row row = only(105);
	CU_ASSERT_STRING_EQUAL(prefix_text(text, &row.net), "192.0.2.0/24");
	CU_ASSERT_EQUAL(row.kind, LATENCY_LOSS);
	CU_ASSERT_DOUBLE_EQUAL(row.rtt_ms, 25, 1e-9);
	CU_ASSERT_EQUAL(row.samples, 200);
	CU_ASSERT_EQUAL(row.age_s, 4);
	agent_loss_free(l);
}

static void of_a_connection_only_what_is_new_counts(void)
{
	begin();
	see("192.0.2.1", 1, 1000, 0, 100);
	agent_loss_looked(l, true);
	(void)only(100);
	see("192.0.2.1", 1, 1200, 20, 110);
	const struct agent_report_row row = only(110);
	CU_ASSERT_DOUBLE_EQUAL(row.rtt_ms, 100, 1e-9);
	CU_ASSERT_EQUAL(row.samples, 200);
	/* Counters of 32 bits go around. */
	agent_loss_looked(l, true);
	see("192.0.2.1", 2, UINT32_MAX - 49, UINT32_MAX, 120);
	agent_loss_looked(l, true);
	(void)only(120);
	see("192.0.2.1", 2, 150, 19, 130);
	const struct agent_report_row around = only(130);
	CU_ASSERT_EQUAL(around.samples, 200);
	CU_ASSERT_DOUBLE_EQUAL(around.rtt_ms, 100, 1e-9);
	agent_loss_free(l);
}

static void what_was_there_at_the_first_look_is_of_unknown_age(void)
{
	l = agent_loss_new();
	see("192.0.2.1", 1, 100000, 50000, 100);
	agent_loss_looked(l, true);
	CU_ASSERT_EQUAL(agent_loss_count(l), 0);
	see("192.0.2.1", 1, 100100, 50000, 110);
	CU_ASSERT_EQUAL(only(110).rtt_ms, 0);
	agent_loss_free(l);
}

static void a_look_that_failed_is_as_if_it_had_not_been(void)
{
	begin();
	see("192.0.2.1", 1, 60, 0, 100);
	agent_loss_looked(l, true);
	see("198.51.100.1", 2, 10, 0, 110); /* and there it broke off */
	agent_loss_looked(l, false);
	see("192.0.2.1", 1, 110, 1, 120);
	CU_ASSERT_EQUAL(only(120).samples, 110);
	agent_loss_free(l);
}

/* A peer that had a segment twice says so later than we have sent it again. */
static void what_was_only_late_is_no_loss(void)
{
	begin();
	see("192.0.2.1", 1, 60, 1, 100);
	agent_loss_looked(l, true);
	see("192.0.2.1", 1, 120, 0, 110);
	CU_ASSERT_EQUAL(only(110).rtt_ms, 0);
	see("192.0.2.2", 2, 60, 0, 110);
	agent_loss_looked(l, true);
	see("192.0.2.2", 2, 120, UINT32_MAX, 110); /* of one before we looked */
	CU_ASSERT_EQUAL(only(110).rtt_ms, 0);
	agent_loss_free(l);
}

static void nets_with_few_packets_wait_and_are_forgotten(void)
{
	struct agent_report s;

	begin();
	see("192.0.2.1", 1, 60, 6, 100);
	see("198.51.100.1", 2, 500, 0, 100);
	agent_loss_looked(l, true);
	(void)only(100);
	see("192.0.2.1", 1, 110, 6, 100 + AGENT_LOSS_KEPT_S - 1);
	agent_loss_looked(l, true);
	CU_ASSERT_EQUAL(only(100 + AGENT_LOSS_KEPT_S - 1).samples, 110);
	see("192.0.2.1", 3, 60, 6, 9000);
	agent_loss_take(l, &s, 9000 + AGENT_LOSS_KEPT_S);
	CU_ASSERT_EQUAL(s.n, 0);
	agent_report_fini(&s);
	see("192.0.2.1", 4, 60, 6, 9000 + AGENT_LOSS_KEPT_S);
	CU_ASSERT_EQUAL(agent_loss_count(l), 0);
	agent_loss_free(l);
}

static void memory_is_bounded(void)
{
	struct agent_report s;
	size_t all = 0;

	begin();
	for (unsigned i = 0; i < AGENT_LOSS_CONNECTIONS_MOST + 10; i++) {
		struct diag_connection c = { .cookie = i + 1, .sent = 200 };
		c.peer = (struct addr){ { [10] = 255, 255, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1 } };
		agent_loss_seen(l, &c, 100);
	}
	CU_ASSERT_EQUAL(agent_loss_count(l), AGENT_LOSS_NETS_MOST);
	while (agent_loss_count(l)) {
		agent_loss_take(l, &s, 100);
		CU_ASSERT_TRUE_FATAL(s.n > 0);
		all += s.n;
		agent_report_fini(&s);
	}
	CU_ASSERT_EQUAL(all, AGENT_LOSS_NETS_MOST);
	agent_loss_free(l);
}

void suite_agent_loss(void);
void suite_agent_loss(void)
{
	static const struct unit_case cases[] = {
		{ "a net has what all its connections lost", a_net_has_what_all_its_connections_lost },
		{ "of a connection only what is new counts", of_a_connection_only_what_is_new_counts },
		{ "what was there at the first look is of unknown age", what_was_there_at_the_first_look_is_of_unknown_age },
		{ "a look that failed is as if it had not been", a_look_that_failed_is_as_if_it_had_not_been },
		{ "what was only late is no loss", what_was_only_late_is_no_loss },
		{ "nets with few packets wait and are forgotten", nets_with_few_packets_wait_and_are_forgotten },
		{ "memory is bounded", memory_is_bounded },
	};

	unit_suite("tools/agent_loss", cases, UNIT_COUNT(cases));
}
