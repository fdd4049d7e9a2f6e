#include "daemon/rrl_log.h"

#include "answer/rrl.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000u
#define START  (100ull * SECOND)

struct desk {
	struct rrl *rrl;
	struct rrl_told *told;
	struct policy_limits limits;
};

static void open_desk(struct desk *d)
{
	*d = (struct desk){ .rrl = rrl_new(),
		.told = calloc(1, sizeof *d->told),
		.limits = { .on = true, .slip = 2, .window_s = 5 } };
	for (unsigned i = 0; i < POLICY_CLASSES; i++)
		d->limits.rate[i] = 10;
}

static void close_desk(struct desk *d)
{
	rrl_free(d->rrl);
	free(d->told);
}

/* So many responses to an address at once. */
static void send_to(
	struct desk *d, const char *to, enum policy_class class, unsigned n, uint64_t at_us)
{
	struct addr a;

	CU_ASSERT_TRUE_FATAL(addr_parse(&a, to));
	for (unsigned i = 0; i < n; i++)
		rrl_account(d->rrl, &d->limits, &a, class, at_us);
}

/* Fails the test unless this second's line is `want`, NULL being none. */
static void says(struct desk *d, uint64_t at_us, const char *want)
{
	struct text line = { 0 };
	const bool said = rrl_log_line(d->told, rrl_limited(d->rrl), &d->limits, at_us, &line);

	CU_ASSERT_EQUAL(said, want != NULL);
	if (strcmp(text_get(&line), want ? want : "") != 0)
		printf("\n%s\n  should be\n%s\n", text_get(&line), want ? want : "");
	CU_ASSERT_STRING_EQUAL(text_get(&line), want ? want : "");
	text_fini(&line);
}

static void a_net_is_told_when_it_begins_and_when_it_has_ended(void)
{
	struct desk d;

	open_desk(&d);
	send_to(&d, "192.0.2.1", CLASS_ANSWER, 10, START);
	says(&d, START, NULL); /* not over its rate */
	send_to(&d, "192.0.2.1", CLASS_ANSWER, 5, START);
	says(&d, START + SECOND,
		"rrl: limiting responses to 192.0.2.1/32 (answers: over 10 a second)");
	says(&d, START + 2 * SECOND, NULL);
	send_to(&d, "192.0.2.1", CLASS_ANSWER, 30, START + 3 * SECOND);
	says(&d, START + 6 * SECOND, NULL);
	says(&d, START + 9 * SECOND - 1, NULL); /* a window and a second */
	says(&d, START + 9 * SECOND,
		"rrl: no longer limiting responses to 192.0.2.1/32 (answers): 25 were over the "
		"rate within 4 s");
	says(&d, START + 10 * SECOND, NULL);
	send_to(&d, "192.0.2.1", CLASS_ANSWER, 30, START + 20 * SECOND);
	says(&d, START + 20 * SECOND,
		"rrl: limiting responses to 192.0.2.1/32 (answers: over 10 a second)");
	close_desk(&d);
}

static void widths_and_classes_are_told_apart(void)
{
	struct desk d;
	char to[32];

	open_desk(&d);
	for (unsigned i = 0; i < 6; i++) { /* each within its own rate, all over the net's */
		snprintf(to, sizeof to, "192.0.2.%u", i + 1);
		send_to(&d, to, CLASS_NXDOMAIN, 10, START);
	}
	send_to(&d, "2001:db8:1:2::1", CLASS_REFERRAL, 11, START + 1);
	says(&d, START + SECOND,
		"rrl: limiting responses to 192.0.2.0/24 (nxdomain: over 40 a second)");
	says(&d, START + 2 * SECOND,
		"rrl: limiting responses to 2001:db8:1:2::/64 (referrals: over 10 a second)");
	says(&d, START + 3 * SECOND, NULL);
	/* One a second ends, too. */
	says(&d, START + 60 * SECOND,
		"rrl: no longer limiting responses to 192.0.2.0/24 (nxdomain): 20 were over "
		"the "
		"rate within 1 s");
	says(&d, START + 61 * SECOND,
		"rrl: no longer limiting responses to 2001:db8:1:2::/64 (referrals): 1 were "
		"over the rate within 1 s");
	says(&d, START + 62 * SECOND, NULL);
	close_desk(&d);
}

static void of_many_one_is_told_and_the_others_are_counted(void)
{
	struct desk d;
	char to[32];

	open_desk(&d);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(to, sizeof to, "10.%u.0.1", i);
		send_to(&d, to, CLASS_ANSWER, 11, START + i);
	}
	says(&d, START + SECOND,
		"rrl: limiting responses to 10.0.0.1/32 (answers: over 10 a second), and to 19 "
		"nets more");
	says(&d, START + 2 * SECOND, NULL);
	says(&d, START + 30 * SECOND,
		"rrl: no longer limiting responses to 10.0.0.1/32 (answers): 1 were over the "
		"rate within 1 s");
	says(&d, START + 31 * SECOND, NULL);
	/* All places are free again. */
	for (unsigned i = 0; i < RRL_NETS; i++) {
		struct rrl_net net;
		CU_ASSERT_FALSE(rrl_nets_get(rrl_limited(d.rrl), i, &net));
	}
	close_desk(&d);
}

static void more_nets_than_places_are_survived(void)
{
	struct desk d;
	char to[32];
	struct text line = { 0 };

	open_desk(&d);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(to, sizeof to, "10.%u.%u.1", i / 200, i % 200);
		send_to(&d, to, CLASS_ERROR, 11, START + i);
	}
	CU_ASSERT_TRUE(
		rrl_log_line(d.told, rrl_limited(d.rrl), &d.limits, START + SECOND, &line));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&line), "more than can be told apart"));
	text_fini(&line);
	close_desk(&d);
}

static void exempt_nets_are_not_told_and_a_dry_run_is(void)
{
	struct desk d;
	struct prefix exempt;

	open_desk(&d);
	CU_ASSERT_TRUE_FATAL(prefix_parse(&exempt, "192.0.2.0/24", NULL));
	d.limits.exempt = &exempt;
	d.limits.n_exempt = 1;
	d.limits.dry_run = true;
	send_to(&d, "192.0.2.1", CLASS_ANSWER, 50, START);
	says(&d, START + SECOND, NULL);
	send_to(&d, "198.51.100.1", CLASS_NODATA, 50, START);
	says(&d, START + SECOND,
		"rrl (dry run, all are sent): limiting responses to 198.51.100.1/32 (nodata: "
		"over 10 a second)");
	close_desk(&d);
}

void suite_rrl_log(void);
void suite_rrl_log(void)
{
	static const struct unit_case cases[] = {
		{ "a net is told when it begins and when it has ended",
			a_net_is_told_when_it_begins_and_when_it_has_ended },
		{ "widths and classes are told apart", widths_and_classes_are_told_apart },
		{ "of many one is told and the others are counted",
			of_many_one_is_told_and_the_others_are_counted },
		{ "more nets than places are survived", more_nets_than_places_are_survived },
		{ "exempt nets are not told and a dry run is",
			exempt_nets_are_not_told_and_a_dry_run_is },
	};

	unit_suite("daemon/rrl_log", cases, UNIT_COUNT(cases));
}
