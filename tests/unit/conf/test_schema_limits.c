#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static void read_conf(struct conf *c, const char *more)
{
	char yaml[2000];
	struct text lines;

	snprintf(yaml, sizeof yaml, SERVER ZONES "%s", more);
	const bool ok = told_read(c, yaml, &lines);
	if (!ok)
		printf("%s", text_get(&lines));
	text_fini(&lines);
	CU_ASSERT_TRUE_FATAL(ok);
}

static void limits_have_a_rate_for_all_that_is_not_given(void)
{
	struct conf c;
	char text[ADDR_TEXT];

	read_conf(&c, "");
	CU_ASSERT_FALSE(c.policy.limits.on);
	conf_fini(&c);
	read_conf(&c, "rrl: { rate: 200 }\n");
	const struct policy_limits *l = &c.policy.limits;
	CU_ASSERT_TRUE(l->on && !l->dry_run);
	for (unsigned i = 0; i < POLICY_CLASSES; i++)
		CU_ASSERT_EQUAL(l->rate[i], 200);
	CU_ASSERT_EQUAL(l->slip, 2);
	CU_ASSERT_EQUAL(l->window_s, 5);
	CU_ASSERT_EQUAL(l->n_exempt, 0);
	conf_fini(&c);
	read_conf(&c,
		"rrl: { rate: 1, nodata: 2, nxdomain: 0, referrals: 4, errors: "
		"5, slip: 0,\n"
		"       window: 1500ms, exempt: [ 192.0.2.0/24, "
		"\"2001:db8::/32\" ], dry-run: on }\n");
	CU_ASSERT_EQUAL(l->rate[CLASS_ANSWER], 1);
	CU_ASSERT_EQUAL(l->rate[CLASS_NODATA], 2);
	CU_ASSERT_EQUAL(l->rate[CLASS_NXDOMAIN], 0);
	CU_ASSERT_EQUAL(l->rate[CLASS_REFERRAL], 4);
	CU_ASSERT_EQUAL(l->rate[CLASS_ERROR], 5);
	CU_ASSERT_EQUAL(l->slip, 0);
	CU_ASSERT_EQUAL(l->window_s, 2); /* whole seconds, up */
	CU_ASSERT_TRUE(l->dry_run);
	CU_ASSERT_EQUAL_FATAL(l->n_exempt, 2);
	CU_ASSERT_STRING_EQUAL(prefix_text(text, &l->exempt[0]), "192.0.2.0/24");
	CU_ASSERT_STRING_EQUAL(prefix_text(text, &l->exempt[1]), "2001:db8::/32");
	conf_fini(&c);
}

static void what_is_wrong_with_limits_is_told(void)
{
	static const struct told_case cases[] = {
		{ "no rate", SERVER ZONES "rrl: { slip: 3 }\n",
			"3:1: error: \"rate\" is missing in rrl; write for example: rate: "
			"200\n" },
		{ "a rate of nothing", SERVER ZONES "rrl: { rate: 0 }\n",
			"3:14: error: \"rate\" must be a number of responses a second, 1 to "
			"1000000, not \"0\"\n" },
		{ "too much of one", SERVER ZONES "rrl: { rate: 1, errors: 1000001 }\n",
			"3:25: error: \"errors\" must be a number of responses a second, 0 (no "
			"limit) to 1000000, not \"1000001\"\n" },
		{ "a slip of 256", SERVER ZONES "rrl: { rate: 1, slip: 256 }\n",
			"3:23: error: \"slip\" must be a number from 0 (never) to 255, not "
			"\"256\"\n" },
		{ "a window of less than a second",
			SERVER ZONES "rrl: { rate: 1, window: 999ms }\n",
			"3:25: error: \"window\" must be a duration from 1s to 1h, not "
			"\"999ms\"\n" },
		{ "an exempt that is none",
			SERVER ZONES "rrl: { rate: 1, exempt: [ 192.0.2.1/24 ] }\n",
			"3:27: error: \"192.0.2.1/24\" has bits behind its length "
			"(192.0.2.0/24 "
			"is the "
			"prefix)\n" },
	};

	told_check(cases, UNIT_COUNT(cases));
}

static void balance_and_stage_have_defaults_and_take_values(void)
{
	struct conf c;

	read_conf(&c, "");
	CU_ASSERT_EQUAL(c.balance.every_ms, 5000);
	CU_ASSERT_DOUBLE_EQUAL(c.balance.low, 0.8, 1e-9);
	CU_ASSERT_EQUAL(c.stage.every_ms, 5000);
	CU_ASSERT_DOUBLE_EQUAL(c.stage.servfail, 0.01, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(c.stage.empty, 0.01, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(c.stage.failures, 0.1, 1e-9);
	CU_ASSERT_EQUAL(c.policy.sample_every, 0);
	CU_ASSERT_PTR_NULL(c.decisions_file);
	conf_fini(&c);
	read_conf(&c,
		"balance: { every: 1s, low: 1%, high: 100%, slow-start: 1d, drain: 0s }\n"
		"stage: { servfail: 2%, empty: 3%, failures: 100%, every: 100ms }\n"
		"log: { decisions: { file: d.json } }\n");
	CU_ASSERT_EQUAL(c.balance.every_ms, 1000);
	CU_ASSERT_DOUBLE_EQUAL(c.balance.low, 0.01, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(c.balance.high, 1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(c.stage.servfail, 0.02, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(c.stage.empty, 0.03, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(c.stage.failures, 1, 1e-9);
	CU_ASSERT_EQUAL(c.stage.every_ms, 100);
	CU_ASSERT_EQUAL(c.policy.sample_every, 1000);
	CU_ASSERT_EQUAL(c.decisions_most, 100u << 20);
	CU_ASSERT_STRING_EQUAL(c.decisions_file, "/etc/waymark/d.json");
	conf_fini(&c);
	read_conf(&c, "log: { decisions: { file: /var/d.json, sample: 100%, size: 64k } }\n");
	CU_ASSERT_EQUAL(c.policy.sample_every, 1);
	CU_ASSERT_EQUAL(c.decisions_most, 65536);
	CU_ASSERT_STRING_EQUAL(c.decisions_file, "/var/d.json");
	conf_fini(&c);
	read_conf(&c, "log: { decisions: { file: /var/d.json, sample: 0.0001% } }\n");
	CU_ASSERT_EQUAL(c.policy.sample_every, 1000000);
	conf_fini(&c);
}

static const struct unit_case cases[] = {
	{ "limits have a rate for all that is not given",
		limits_have_a_rate_for_all_that_is_not_given },
	{ "what is wrong with limits is told", what_is_wrong_with_limits_is_told },
	{ "balance, stage and log have defaults, and take values",
		balance_and_stage_have_defaults_and_take_values },
};

void suite_schema_limits(void);
void suite_schema_limits(void)
{
	unit_suite("conf/schema_limits", cases, UNIT_COUNT(cases));
}
