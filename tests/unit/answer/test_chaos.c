#include "answer/chaos.h"

#include "unit/answer/asking.h"
#include "unit/unit.h"

#include <string.h>

static struct asking x;

static void class_ch_tells_identity_and_version(void)
{
	static const struct asking_row rows[] = {
		{ "id.server", "id.server. TXT class=3",
			"NOERROR | id.server. 0 CH TXT \"here\" | - | - | -", 44 },
		{ "... and ANY", "id.server. ANY class=3",
			"NOERROR | id.server. 0 CH TXT \"here\" | - | - | -", 44 },
		{ "... but no other type", "id.server. A class=3 edns",
			"REFUSED | - | - | - | 1232 ede18", 44 },
		{ "hostname.bind", "hostname.bind. TXT class=3",
			"NOERROR | hostname.bind. 0 CH TXT \"here\" | - | - | -", 48 },
		{ "version.bind", "version.bind. TXT class=3",
			"NOERROR | version.bind. 0 CH TXT \"Waymark\" | - | - | -", 50 },
		{ "version.server, in any case", "VERSION.SERVER. TXT class=3",
			"NOERROR | VERSION.SERVER. 0 CH TXT \"Waymark\" | - | - | -", 52 },
		{ "nothing else", "x.bind. TXT class=3 edns",
			"REFUSED | - | - | - | 1232 ede20", 41 },
		{ "... not even what begins like one", "id.serves. TXT class=3 edns",
			"REFUSED | - | - | - | 1232 ede20", 44 },
	};
	asking_rows(&x, rows, UNIT_COUNT(rows));
}

static void what_is_switched_off_is_refused(void)
{
	x.policy.identity.len = x.policy.version.len = 0;
	asking_again(&x);
	CU_ASSERT_STRING_EQUAL(
		asking(&x, "id.server. TXT class=3 edns"), "REFUSED | - | - | - | 1232 ede18");
	CU_ASSERT_STRING_EQUAL(asking(&x, "version.bind. TXT class=3 edns"),
		"REFUSED | - | - | - | 1232 ede18");
	x.policy.identity.len = 4;
	x.policy.version.len = 7;
	asking_again(&x);
}

/* 12 of the header, 15 of the question, 14 + 255 of the record: with EDNS 11 more. */
static void a_text_that_does_not_fit_is_truncated(void)
{
	memset(x.policy.identity.text, 'i', POLICY_TEXT);
	x.policy.identity.len = POLICY_TEXT;
	asking_again(&x);
	asking(&x, "id.server. TXT class=3");
	CU_ASSERT_EQUAL(x.len, 12 + 15 + 13 + 255);
	x.policy.identity = (struct policy_text){ 4, "here" };
	asking_again(&x);
}

static const struct unit_case cases[] = {
	{ "class CH tells the identity and the version", class_ch_tells_identity_and_version },
	{ "what is switched off is refused", what_is_switched_off_is_refused },
	{ "the longest text is a record of its length", a_text_that_does_not_fit_is_truncated },
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

void suite_chaos(void);
void suite_chaos(void)
{
	unit_suite_with("answer/chaos", cases, UNIT_COUNT(cases), open_world, close_world);
}
