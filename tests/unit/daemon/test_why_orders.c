#include "daemon/why_orders.h"

#include "unit/daemon/house.h"
#include "unit/unit.h"

#include "daemon/decision_history.h"

#include <stdio.h>
#include <string.h>

#define POOLS                                                                                                   \
	"edges: { ams: { at: \"52,5\", a: 192.0.2.1 }, nyc: { at: \"40,-74\", a: 192.0.2.2 } }\n"               \
	"pools: { web: { edges: [ ams, nyc ] }, all: { edges: [ ams, nyc ], all-down: empty } }\n"
#define STORE "store: { file: w.db }\n"

static struct house h;

static void open_house(const char *conf)
{
	house_open(&h, conf);
	site_put(&h.site, "zones/a.example.zone", SITE_ZONE(7, "w 60 EDGE web\no 60 EDGE all\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

/* Until the command's answer has this; decisions are stored by a job. */
static const char *told(const char *words, const char *has)
{
	const char *got = house_tell(&h, words);

	for (unsigned i = 0; i < 600 && !strstr(got, has); i++) {
		house_pass(&h, 0.05);
		got = house_tell(&h, words);
	}
	CU_ASSERT_EQUAL(h.status, 0);
	if (!strstr(got, has)) {
		printf("%s: %s\n", words, got);
		CU_FAIL(has);
	}
	return got;
}

static void of_who_is_watched_all_answers_are_kept(void)
{
	static const struct house_said begin[] = {
		{ "watch", 0, "no" },
		{ "watch 127.0.0.0/8", 0, "127.0.0.0/8 is watched until 20" },
		{ "watch 192.0.2.0/24 --for 30d", 0, "192.0.2.0/24 is watched until 20" },
		{ "watch 192.0.2.0/24 --for 31d", 1, "--for 31d: a duration from 1s to 30d is wanted, such as 1h\n" },
		{ "watch 192.0.2.0/24 --for 999ms", 1, "--for 999ms: a duration from 1s to 30d is wanted, such as 1h\n" },
		{ "watch 192.0.2.0/24 --for x", 1, "--for x: a duration" },
		{ "watch 192.0.2.0/24 --for 1h --stop", 2, "" },
		{ "watch --stop", 2, "" },
		{ "watch --here", 2, "" },
		{ "watch --for 1h", 2, "" },
		{ "watch -x", 2, "" },
		{ "watch 192.0.2.0/24 198.51.100.0/24", 2, "" },
		{ "watch 192.0.2", 1, "192.0.2: " },
		{ "watch 203.0.113.0/24 --stop", 1, "203.0.113.0/24: it is not watched\n" },
		{ "watch --json", 0, "\"net\": \"192.0.2.0/24\"" },
		{ "watch 192.0.2.0/24 --stop", 0, "192.0.2.0/24 is not watched any more\n" },
		{ "watch --json", 0, "!192.0.2.0/24" },
		{ "watch", 0, "127.0.0.0/8" },
		{ "why --client 127.0.0.1 a..b", 1, "a..b " },
		{ "why --client 127.0.0", 1, "127.0.0: " },
		{ "why --client 127.0.0.1 --at never", 1, "--at never: no moment; write 10:15 (local time)" },
		{ "why w.a.example", 2, "" },
		{ "why --client 127.0.0.1 w.a.example more", 2, "" },
		{ "why --client 127.0.0.1 -x", 2, "" },
	};

	open_house(STORE POOLS);
	house_say(&h, begin, UNIT_COUNT(begin));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "192.0.2.0/24 is not watched any more, by"));
	const char *is = house_ask(&h, "w.a.example"), *edge = strcmp(is, "192.0.2.1") == 0 ? "ams" : "nyc";
	char want[80];
	snprintf(want, sizeof want, "\"edge\": \"%s\"", edge);
	const char *row = told("why --client 127.0.0.1 w.a.example --json", want);
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"client\": \"127.0.0.1\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"watched\": true"));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"serial\": 7"));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"ttl\": 60"));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"type\": \"A\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"pool\": \"web\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"why\": \"best\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"configuration_is_served\": true"));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, strcmp(edge, "ams") == 0 ? "\"runner_up\": \"nyc\"" : "\"runner_up\": \"ams\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"health\": \"2 of 2 up\""));
	/* Nobody up: an answer without an edge is told, too. */
	house_tell(&h, "force ams down");
	house_tell(&h, "force nyc down");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "o.a.example"), "");
	row = told("why --client 127.0.0.1 o.a.example --json", "nobody may answer");
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"edge\": null"));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"health\": \"0 of 2 up; down: ams, nyc\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"pool\": \"all\""));
	CU_ASSERT_PTR_NULL(strstr(row, "w.a.example"));
	house_tell(&h, "why --client 127.0.0.1 nix.example --json");
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&h.out), "\"answers\": []"));
	/* Watches and answers outlive a restart. */
	house_stop(&h);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "watch"), "127.0.0.0/8"));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "why --client 127.0.0.1 w.a.example"), "of pool web"));
	CU_ASSERT_EQUAL(decision_history_lost(h.server.decision_history), 0);
	close_house();
}

static void a_share_of_all_answers_is_kept(void)
{
	open_house(STORE POOLS "log: { decisions: { keep: 1h, sample: 100% } }\n");
	house_ask(&h, "w.a.example");
	const char *row = told("why --client 127.0.0.1 w.a.example --json", "\"pool\": \"web\"");
	CU_ASSERT_PTR_NOT_NULL(strstr(row, "\"watched\": false"));
	close_house();
	open_house(STORE POOLS); /* nothing is kept of anybody */
	house_ask(&h, "w.a.example");
	house_pass(&h, 0.5);
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "why --client 127.0.0.1 w.a.example --json"), "\"answers\": []"));
	close_house();
}

static void without_a_store_nothing_is_kept(void)
{
	static const struct house_said row[] = {
		{ "watch 192.0.2.0/24", 1, "there is no store" },
		{ "why --client 192.0.2.1", 1, "there is no store" },
		{ "backup %s/copy", 1, "store" },
	};

	open_house(POOLS);
	house_say(&h, row, UNIT_COUNT(row));
	close_house();
}

static const struct unit_case cases[] = {
	{ "of who is watched all answers are kept", of_who_is_watched_all_answers_are_kept },
	{ "a share of all answers is kept", a_share_of_all_answers_is_kept },
	{ "without a store nothing is kept", without_a_store_nothing_is_kept },
};

void suite_why_orders(void);
void suite_why_orders(void)
{
	unit_suite("daemon/why_orders", cases, UNIT_COUNT(cases));
}
