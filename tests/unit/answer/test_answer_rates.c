#include "answer/answer.h"

#include "unit/answer/asking.h"
#include "unit/unit.h"

#include "dns/edns.h"

#include <stdio.h>
#include <string.h>

static struct asking x;

/* What edns writes behind the cookie's code and length, as text for another question. */
static void take_cookie(char to[static 60])
{
	const uint8_t *cookie = x.reply + x.len - EDNS_COOKIE_FULL;

	for (unsigned i = 0; i < EDNS_COOKIE_FULL; i++)
		snprintf(to + 2 * i, 3, "%02x", cookie[i]);
}

static void cookies_are_taken_back_and_may_be_switched_off(void)
{
	char hex[60], question[100];

	asking(&x, "mail A cookie=0011223344556677");
	take_cookie(hex);
	snprintf(question, sizeof question, "mail A cookie=%s", hex);
	const uint64_t good = x.stats.cookies_good, wrong = x.stats.cookies_wrong;
	asking(&x, question);
	CU_ASSERT_EQUAL(x.stats.cookies_good, good + 1);
	CU_ASSERT_EQUAL(x.stats.cookies_wrong, wrong);
	x.policy.cookie_secrets = 0;
	asking_again(&x);
	CU_ASSERT_STRING_EQUAL(
		asking(&x, question), "NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232");
	CU_ASSERT_EQUAL(x.stats.cookies_good, good + 1);
	x.policy.cookie_secrets = 2;
	asking_again(&x);
}

/* --- rates -------------------------------------------------------------------------------- */

static void limit_to(unsigned class, uint32_t rate, unsigned slip)
{
	x.policy.limits = (struct policy_limits){ .on = true, .slip = slip, .window_s = 15 };
	x.policy.limits.rate[class] = rate;
	rrl_free(x.a.rrl);
	x.a.rrl = rrl_new();
	asking_again(&x);
	memset(&x.stats, 0, sizeof x.stats);
}

static void limit_nothing(void)
{
	rrl_free(x.a.rrl);
	x.a.rrl = NULL;
	x.policy.limits = (struct policy_limits){ .on = false };
	asking_again(&x);
}

/* The answer to the last of `n` that come at once. */
static const char *last_of(unsigned n, const char *question)
{
	const char *text = "";

	while (n--)
		text = asking(&x, question);
	return text;
}

static void what_is_over_its_rate_is_withheld_or_truncated(void)
{
	static const struct {
		unsigned class;
		const char *question, *slip;
	} row[] = {
		{ CLASS_ANSWER, "mail A", "NOERROR aa tc | - | - | - | -" },
		{ CLASS_NODATA, "mail AAAA", "NOERROR aa tc | - | - | - | -" },
		{ CLASS_NXDOMAIN, "nope A", "NXDOMAIN aa tc | - | - | - | -" },
		{ CLASS_REFERRAL, "x.sub A", "NOERROR tc | - | - | - | -" },
		{ CLASS_ERROR, "elsewhere.test. A edns", "REFUSED | - | - | - | 1232" },
		{ CLASS_ANSWER, "mail A cookie=0011223344556677",
			"BADCOOKIE | - | - | - | 1232 option10:24" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		limit_to(row[i].class, 2, 1);
		CU_ASSERT_STRING_EQUAL(last_of(20, row[i].question), row[i].slip);
		CU_ASSERT_TRUE(x.stats.limited[row[i].class] >= 10);
		CU_ASSERT_EQUAL(x.stats.slipped, x.stats.limited[row[i].class]);
		CU_ASSERT_EQUAL(x.stats.withheld, 0);
		limit_to(row[i].class, 2, 0);
		CU_ASSERT_STRING_EQUAL(last_of(20, row[i].question), "nothing");
		CU_ASSERT_EQUAL(x.stats.withheld, x.stats.limited[row[i].class]);
		CU_ASSERT_EQUAL(x.stats.slipped, 0);
	}
	limit_nothing();
}

static void whose_address_is_known_is_not_limited(void)
{
	char hex[60], question[100];

	limit_to(CLASS_ANSWER, 1, 0);
	asking(&x, "mail A cookie=0011223344556677");
	take_cookie(hex);
	snprintf(question, sizeof question, "mail A cookie=%s", hex);
	CU_ASSERT_PTR_NOT_NULL(strstr(last_of(20, question), "192.0.2.25"));
	CU_ASSERT_PTR_NOT_NULL(strstr(last_of(20, "mail A tcp"), "192.0.2.25"));
	CU_ASSERT_PTR_NOT_NULL(strstr(last_of(20, "mail A edns tcp"), "192.0.2.25"));
	CU_ASSERT_EQUAL(x.stats.limited[CLASS_ANSWER], 0);
	CU_ASSERT_STRING_EQUAL(last_of(20, "mail A"), "nothing");
	/* Nor what is only counted. */
	limit_to(CLASS_ANSWER, 1, 0);
	x.policy.limits.dry_run = true;
	asking_again(&x);
	CU_ASSERT_PTR_NOT_NULL(strstr(last_of(20, "mail A"), "192.0.2.25"));
	CU_ASSERT_TRUE(x.stats.limited[CLASS_ANSWER] > 0);
	CU_ASSERT_EQUAL(x.stats.withheld + x.stats.slipped, 0);
	limit_nothing();
}

static const struct unit_case cases[] = {
	{ "cookies are taken back, and may be switched off",
		cookies_are_taken_back_and_may_be_switched_off },
	{ "what is over its rate is withheld, or truncated",
		what_is_over_its_rate_is_withheld_or_truncated },
	{ "whose address is known is not limited", whose_address_is_known_is_not_limited },
};

static int open_world(void)
{
	asking_open(&x, false);
	return 0;
}

static int close_world(void)
{
	asking_close(&x);
	return 0;
}

void suite_answer_rates(void);
void suite_answer_rates(void)
{
	unit_suite_with(
		"answer/answer_rates", cases, UNIT_COUNT(cases), open_world, close_world);
}
