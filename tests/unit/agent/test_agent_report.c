#include "agent/agent_report.h"

#include "agent/assignments.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct agent_report_row row_of(const char *net, const char *edge, double rtt_ms)
{
	struct agent_report_row row = {
		.rtt_ms = rtt_ms, .min_ms = rtt_ms / 2, .samples = 7, .age_s = 3
	};

	if (net)
		CU_ASSERT_TRUE_FATAL(prefix_parse(&row.net, net, NULL));
	if (edge)
		strcpy(row.edge, edge);
	return row;
}

static void what_is_encoded_is_decoded(void)
{
	struct agent_report_row rows[] = { row_of("192.0.2.0/24", NULL, 12.345),
		row_of("2001:db8:1::/48", NULL, 0.001), row_of("10.0.0.0/8", NULL, 60000),
		row_of("192.0.2.0/24", NULL, 31.5), row_of("192.0.2.0/24", NULL, 80),
		row_of("192.0.2.0/24", NULL, 0), row_of(NULL, "fra1", 8.5) };
	struct agent_report_client clients[] = { { .name = "a.who.example.org", .net = rows[0].net },
		{ .name = "b.who.example.org", .net = rows[1].net } };
	const struct agent_report from = { 1764030000, rows, UNIT_COUNT(rows), clients, UNIT_COUNT(clients) };
	struct agent_report to;
	struct fault why;
	rows[3].kind = LATENCY_TTFB;
	rows[4].kind = LATENCY_TRANSFER;
	rows[5].kind = LATENCY_LOSS;
	char *text = agent_report_encode(&from);

	CU_ASSERT_TRUE_FATAL(agent_report_decode(&to, text, strlen(text), NULL, &why));
	CU_ASSERT_EQUAL(to.taken_s, from.taken_s);
	CU_ASSERT_EQUAL_FATAL(to.n, from.n);
	for (size_t i = 0; i < to.n; i++) {
		CU_ASSERT_EQUAL(memcmp(&to.rows[i].net, &rows[i].net, sizeof rows[i].net), 0);
		CU_ASSERT_STRING_EQUAL(to.rows[i].edge, rows[i].edge);
		CU_ASSERT_DOUBLE_EQUAL(to.rows[i].rtt_ms, rows[i].rtt_ms, 0.0005);
		CU_ASSERT_EQUAL(to.rows[i].kind, rows[i].kind);
		CU_ASSERT_DOUBLE_EQUAL(to.rows[i].min_ms, rows[i].kind ? rows[i].rtt_ms : rows[i].min_ms, 0.001);
		CU_ASSERT_EQUAL(to.rows[i].samples, 7);
		CU_ASSERT_EQUAL(to.rows[i].age_s, 3);
	}
	CU_ASSERT_EQUAL_FATAL(to.n_clients, 2);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_STRING_EQUAL(to.clients[i].name, clients[i].name);
		CU_ASSERT_EQUAL(memcmp(&to.clients[i].net, &clients[i].net, sizeof clients[i].net), 0);
	}
	agent_report_fini(&to);
	free(text);
}

static void what_may_be_left_out_has_a_meaning(void)
{
	static const char text[] =
		"{\"version\":1,\"taken\":5,\"later\":{},\"networks\":"
		"[{\"net\":\"192.0.2.0/24\",\"rtt_ms\":4,\"samples\":1,\"new\":[]}]}";
	struct agent_report s;

	CU_ASSERT_TRUE_FATAL(agent_report_decode(&s, text, sizeof text - 1, NULL, NULL));
	CU_ASSERT_EQUAL_FATAL(s.n, 1);
	CU_ASSERT_DOUBLE_EQUAL(s.rows[0].min_ms, 4, 0);
	CU_ASSERT_EQUAL(s.rows[0].age_s, 0);
	agent_report_fini(&s);
}

/* A list of `n` rows. */
static char *many(unsigned n)
{
	char *text = malloc(64 + n * 64u), *at = text;

	at += sprintf(at, "{\"version\":1,\"taken\":5,\"networks\":[");
	for (unsigned i = 0; i < n; i++)
		at += sprintf(at, "%s{\"net\":\"10.%u.%u.0/24\",\"rtt_ms\":4,\"samples\":1}",
			i ? "," : "", i >> 8, i & 255);
	strcpy(at, "]}");
	return text;
}

static void too_many_rows_are_told_apart_from_wrong_ones(void)
{
	struct agent_report s;
	struct fault why;
	bool too_many;
	char *most = many(AGENT_REPORT_ROWS_MOST), *more = many(AGENT_REPORT_ROWS_MOST + 1);

	CU_ASSERT_TRUE(
		agent_report_decode(&s, most, strlen(most), &too_many, &why) && !too_many);
	agent_report_fini(&s);
	CU_ASSERT_TRUE(
		!agent_report_decode(&s, more, strlen(more), &too_many, &why) && too_many);
	CU_ASSERT_TRUE(!agent_report_decode(&s, "{", 1, &too_many, &why) && !too_many);
	CU_ASSERT_PTR_NULL(s.rows);
	free(most);
	free(more);
}

/* As many as an agent puts into one report, with the longest text each can have. */
static void a_full_report_of_the_agent_is_not_too_long(void)
{
	const size_t n = 5000;
	struct agent_report_row *rows = calloc(n, sizeof *rows);

	for (size_t i = 0; i < n; i++) {
		rows[i] = row_of("2001:db8:1234:5678::/64", NULL, 59999.999);
		rows[i].samples = AGENT_REPORT_SAMPLES_MOST;
		rows[i].age_s = AGENT_REPORT_AGE_MOST_S;
	}
	struct agent_report_client *clients = calloc(1000, sizeof *clients);
	for (size_t i = 0; i < 1000; i++) {
		clients[i].net = rows[0].net;
		memset(clients[i].name, 'x', AGENT_REPORT_HOST_MOST);
	}
	char *text = agent_report_encode(&(struct agent_report){ 1764030000, rows, n, clients, 1000 });
	CU_ASSERT_TRUE(strlen(text) <= AGENT_REPORT_BYTES_MOST);
	free(text);
	free(clients);
	free(rows);
}

static void assignments_come_through(void)
{
	static struct assignments from, to;
	struct fault why;

	from.again_s = 30;
	from.n = 2;
	CU_ASSERT_TRUE_FATAL(prefix_parse(&from.list[1].net, "192.0.2.0/24", &why));
	CU_ASSERT_TRUE_FATAL(addr_parse(&from.list[1].host, "192.0.2.9"));
	strcpy(from.list[0].edge, "fra1");
	CU_ASSERT_TRUE_FATAL(addr_parse(&from.list[0].host, "2001:db8::1"));
	char *text = assignments_encode(&from);
	CU_ASSERT_TRUE_FATAL(assignments_decode(&to, text, strlen(text), &why));
	CU_ASSERT_EQUAL(to.again_s, 30);
	CU_ASSERT_EQUAL_FATAL(to.n, 2);
	CU_ASSERT_EQUAL(memcmp(from.list, to.list, 2 * sizeof *to.list), 0);
	free(text);
}

static void assignments_that_are_not_understood_are_passed_over(void)
{
	static const char text[] =
		"{\"version\":1,\"again_s\":1,\"moons\":[7],\"networks\":[5,{},{\"net\":\"x\","
		"\"host\":"
		"\"192.0.2.1\"},{\"net\":\"192.0.2.0/24\"},{\"net\":\"192.0.2.0/24\",\"host\":"
		"\"192.0.2.1\",\"how\":\"softly\"}],\"edges\":{}}";
	static struct assignments e;
	struct fault why;

	CU_ASSERT_TRUE_FATAL(assignments_decode(&e, text, sizeof text - 1, &why));
	CU_ASSERT_EQUAL(e.n, 1);
	CU_ASSERT_FALSE(assignments_decode(&e, "{\"version\":2,\"again_s\":1}", 25, &why));
	CU_ASSERT_FALSE(
		assignments_decode(&e, "{\"version\":1,\"again_s\":9999999}", 31, &why));
	CU_ASSERT_FALSE(assignments_decode(&e, "[]", 2, &why));
}

static const struct unit_case cases[] = {
	{ "what is encoded is decoded", what_is_encoded_is_decoded },
	{ "what may be left out has a meaning", what_may_be_left_out_has_a_meaning },
	{ "too many rows are told apart from wrong ones",
		too_many_rows_are_told_apart_from_wrong_ones },
	{ "a full report of the agent is not too long",
		a_full_report_of_the_agent_is_not_too_long },
	{ "assignments come through", assignments_come_through },
	{ "assignments that are not understood are passed over",
		assignments_that_are_not_understood_are_passed_over },
};

void suite_agent_report(void)
{
	unit_suite("agent/agent_report", cases, UNIT_COUNT(cases));
}
