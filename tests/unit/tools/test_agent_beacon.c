#include "tools/agent_beacon.h"

#include "base/memory.h"
#include "unit/unit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const edges[] = { "https://a.test", "https://b.test", "https://c.test", "https://d.test" };
static struct tally *ttfb, *transfer;
static struct agent_beacon *b;

static void begin(void)
{
	CU_ASSERT_TRUE_FATAL(sodium_init() >= 0);
	ttfb = tally_new(0.5);
	transfer = tally_new(0.75);
	b = agent_beacon_new(&(struct agent_beacon_opts){ edges, 4, ttfb, transfer });
}

static void end(void)
{
	agent_beacon_free(b);
	tally_free(ttfb);
	tally_free(transfer);
}

static struct beacon_reply ask(const char *path, bool post, const char *client, const char *body, double now_s)
{
	struct beacon_reply r = { .status = 0 };
	struct beacon_ask q = { .post = post, .path = path, .body = body, .len = strlen(body) };

	CU_ASSERT_TRUE_FATAL(addr_parse(&q.client, client));
	agent_beacon_ask(b, &q, now_s, &r);
	return r;
}

static struct beacon_reply get(const char *path, const char *client, double now_s)
{
	return ask(path, false, client, "", now_s);
}

/* Fetched at 100 s by one, told at `at_s` by another. */
static unsigned tell(const char *by, const char *teller, double ttfb_ms, double transfer_ms, double at_s)
{
	const struct beacon_reply r = get("/waymark/object", by, 100);
	char body[512];

	snprintf(body, sizeof body, "{\"token\":\"%s\",\"ttfb_ms\":%g,\"transfer_ms\":%g}", r.token, ttfb_ms, transfer_ms);
	return ask("/waymark/beacon", true, teller, body, at_s).status;
}

static void an_object_has_100000_bytes_and_a_token_of_its_own(void)
{
	begin();
	const struct beacon_reply one = get("/waymark/object", "1.2.3.4", 5), two = get("/waymark/object", "1.2.3.4", 5);
	CU_ASSERT_EQUAL(one.status, 200);
	CU_ASSERT_EQUAL(one.len, 100000);
	CU_ASSERT_TRUE(strlen(one.token) > 32 && strcmp(one.token, two.token) != 0);
	/* Of our clock it says how it goes, and not what it says (but by chance, one in 4 billion). */
	CU_ASSERT_EQUAL(atoll(one.token), atoll(two.token));
	CU_ASSERT_NOT_EQUAL(atoll(one.token), 5000);
	CU_ASSERT_EQUAL(get("/waymark/nothing", "1.2.3.4", 5).status, 404);
	CU_ASSERT_EQUAL(ask("/waymark/object", true, "1.2.3.4", "", 5).status, 404);
	end();
}

static void three_of_the_edges_are_told_and_each_is_at_times(void)
{
	unsigned seen[4] = { 0 };

	begin();
	for (unsigned i = 0; i < 200; i++) {
		const struct beacon_reply r = get("/waymark/beacon", "1.2.3.4", 5);
		unsigned n = 0;
		CU_ASSERT_EQUAL(r.status, 200);
		for (unsigned k = 0; k < 4; k++)
			if (strstr(r.body, edges[k])) {
				seen[k]++;
				n++;
			}
		CU_ASSERT_EQUAL(n, 3);
		memory_free((void *)(uintptr_t)r.body);
	}
	for (unsigned k = 0; k < 4; k++)
		CU_ASSERT_TRUE(seen[k] > 100 && seen[k] < 200);
	end();
}

static void what_a_page_measured_counts_once_in_ten_minutes(void)
{
	struct agent_report s;

	begin();
	CU_ASSERT_EQUAL(tell("1.2.3.4", "1.2.3.4", 30, 80, 100.2), 204);
	CU_ASSERT_EQUAL(tell("1.2.3.4", "1.2.3.4", 40, 90, 100.2), 204);
	CU_ASSERT_EQUAL(tell("1.2.3.4", "1.2.3.5", 50, 60, 100.2), 204); /* another of the net that fetched it */
	tally_take(ttfb, &s, 101);
	CU_ASSERT_EQUAL_FATAL(s.n, 1);
	CU_ASSERT_EQUAL(s.rows[0].samples, 2);
	CU_ASSERT_DOUBLE_EQUAL(s.rows[0].rtt_ms, 40, 1e-6);
	agent_report_fini(&s);
	tally_take(transfer, &s, 101);
	CU_ASSERT_EQUAL_FATAL(s.n, 1);
	CU_ASSERT_DOUBLE_EQUAL(s.rows[0].rtt_ms, 75, 1e-6); /* three quarters of the way from 60 to 80 */
	agent_report_fini(&s);
	end();
}

static void a_host_with_many_addresses_counts_once(void)
{
	begin();
	CU_ASSERT_EQUAL(tell("2a02:1:2:3::1", "2a02:1:2:3::1", 30, 80, 100.2), 204);
	CU_ASSERT_EQUAL(tell("2a02:1:2:3::1", "2a02:1:2:3:8000::2", 10, 20, 100.2), 204);
	CU_ASSERT_EQUAL(tell("2a02:1:2:4::1", "2a02:1:2:4::1", 40, 90, 100.2), 204);
	struct agent_report s;
	tally_take(ttfb, &s, 101);
	CU_ASSERT_EQUAL_FATAL(s.n, 1);
	CU_ASSERT_EQUAL(s.rows[0].samples, 2);
	CU_ASSERT_DOUBLE_EQUAL(s.rows[0].rtt_ms, 35, 1e-6);
	agent_report_fini(&s);
	end();
}

static void what_cannot_be_is_refused(void)
{
	static const struct {
		const char *say, *by, *teller;
		double ttfb_ms, transfer_ms, at_s;
	} row[] = {
		{ "a token of another net", "1.2.3.4", "1.2.4.4", 30, 80, 100.2 },
		{ "longer than since it was fetched", "1.2.3.4", "1.2.3.4", 30, 230, 100.2 },
		{ "the first byte after the last", "1.2.3.4", "1.2.3.4", 81, 80, 100.2 },
		{ "no time at all", "1.2.3.4", "1.2.3.4", 0, 80, 100.2 },
		{ "after more than a minute", "1.2.3.4", "1.2.3.4", 30, 80, 160.2 },
		{ "before it was fetched", "1.2.3.4", "1.2.3.4", 30, 80, 99 },
	};
	static const char *const body[] = { "", "[]", "{}", "{\"token\":1}", "{\"token\":\"1.2\",\"ttfb_ms\":1,\"transfer_ms\":2}",
		"{\"token\":\"100000-aa.00000000000000000000000000000000\",\"ttfb_ms\":1,\"transfer_ms\":2}" };

	begin();
	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(tell(row[i].by, row[i].teller, row[i].ttfb_ms, row[i].transfer_ms, row[i].at_s), 400);
	for (size_t i = 0; i < UNIT_COUNT(body); i++)
		CU_ASSERT_EQUAL(ask("/waymark/beacon", true, "1.2.3.4", body[i], 100).status, 400);
	CU_ASSERT_EQUAL(tell("10.2.3.4", "10.2.3.4", 30, 80, 100.2), 204); /* our own nets are nobody's business */
	CU_ASSERT_EQUAL(tally_count(ttfb) + tally_count(transfer), 0);
	end();
}

static const struct unit_case cases[] = {
	{ "an object has 100,000 bytes and a token of its own", an_object_has_100000_bytes_and_a_token_of_its_own },
	{ "three of the edges are told, and each is at times", three_of_the_edges_are_told_and_each_is_at_times },
	{ "what a page measured counts once in ten minutes", what_a_page_measured_counts_once_in_ten_minutes },
	{ "a host with many addresses counts once", a_host_with_many_addresses_counts_once },
	{ "what cannot be is refused", what_cannot_be_is_refused },
};

void suite_agent_beacon(void)
{
	unit_suite("tools/agent_beacon", cases, UNIT_COUNT(cases));
}
