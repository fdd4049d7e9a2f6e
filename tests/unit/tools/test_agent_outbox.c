#include "tools/agent_outbox.h"

#include "tools/agent_echo.h"
#include "unit/unit.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct dispatch *report(size_t len, uint64_t sequence)
{
	char *body = malloc(len + 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	memset(body, ' ', len);
	body[len] = 0;
	return dispatch_new(body, sequence);
}

static void a_spool_is_bounded_and_keeps_the_newest(void)
{
	struct ev_loop *loop = ev_loop_new(0);
	static const uint8_t key[SEAL_KEY] = { 1 };
	struct outbox *c = outbox_new(loop,
		&(struct outbox_opts){ .server = "http://192.0.2.1:1",
			.edge = "a",
			.key = key,
			.spool = 1000 });
	struct dispatch *d[10];

	for (unsigned i = 0; i < 10; i++) {
		d[i] = report(300, i);
		outbox_put(c, d[i]);
		CU_ASSERT_EQUAL(outbox_waiting(c), i < 3 ? i + 1 : 3);
	}
	for (unsigned i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(d[i]->refs, i < 7 ? 1 : 2); /* ours, and the spool's */
		dispatch_drop(d[i]);
	}
	/* One that is larger than all of the spool is still tried. */
	d[0] = report(5000, 11);
	outbox_put(c, d[0]);
	CU_ASSERT_EQUAL(outbox_waiting(c), 1);
	dispatch_drop(d[0]);
	outbox_free(c);
	ev_loop_destroy(loop);
}

static void pauses_double_up_to_five_minutes(void)
{
	static const unsigned want[] = { 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300 };

	for (unsigned i = 0; i < UNIT_COUNT(want); i++)
		CU_ASSERT_EQUAL(outbox_pause_s(i), want[i]);
	CU_ASSERT_EQUAL(outbox_pause_s(1000000), 300);
}

static void sequences_rise_whatever_the_clock_does(void)
{
	const uint64_t now_us = (uint64_t)time(NULL) * 1000000;
	uint64_t last = 0, before = 0;

	for (unsigned i = 0; i < 100000; i++) {
		dispatch_sequence(&last);
		if (last <= before)
			CU_FAIL_FATAL("a sequence did not rise");
		before = last;
	}
	CU_ASSERT_TRUE(last >= now_us && last < now_us + 100000000);
	last = now_us + 500000000; /* the clock was set back */
	CU_ASSERT_EQUAL(dispatch_sequence(&last), now_us + 500000001);
}

static void only_our_own_echo_replies_count(void)
{
	uint8_t reply[64] = { 0, 0, 0, 0, 0, 0, 0x12, 0x34, 'w', 'a', 'y', 'm', 'a', 'r', 'k',
		'1', 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t raw[20 + sizeof reply] = { 0x45 };
	struct echo_tag tag;

	CU_ASSERT_TRUE(echo_parse(reply, sizeof reply, true, false, &tag));
	CU_ASSERT_EQUAL(tag.sequence, 0x1234);
	CU_ASSERT_EQUAL(tag.token, UINT64_C(0x0102030405060708));
	memcpy(raw + 20, reply, sizeof reply);
	CU_ASSERT_TRUE(echo_parse(raw, sizeof raw, true, true, &tag));
	raw[0] = 0x4f; /* a header longer than the packet leaves room for */
	CU_ASSERT_FALSE(echo_parse(raw, 50, true, true, &tag));
	raw[0] = 0x44;
	CU_ASSERT_FALSE(echo_parse(raw, sizeof raw, true, true, &tag));
	CU_ASSERT_FALSE(echo_parse(reply, 23, true, false, &tag));
	CU_ASSERT_FALSE(
		echo_parse(reply, sizeof reply, false, false, &tag)); /* type 0 of ICMPv6 */
	reply[0] = 8; /* our own request, seen on a raw socket */
	CU_ASSERT_FALSE(echo_parse(reply, sizeof reply, true, false, &tag));
	reply[0] = 129;
	CU_ASSERT_TRUE(echo_parse(reply, sizeof reply, false, false, &tag));
	reply[9] = 'o';
	CU_ASSERT_FALSE(echo_parse(reply, sizeof reply, false, false, &tag));
	CU_ASSERT_FALSE(echo_parse(NULL, 0, true, true, &tag));
}

static const struct unit_case cases[] = {
	{ "a spool is bounded and keeps the newest", a_spool_is_bounded_and_keeps_the_newest },
	{ "pauses double up to five minutes", pauses_double_up_to_five_minutes },
	{ "sequences rise whatever the clock does", sequences_rise_whatever_the_clock_does },
	{ "only our own echo replies count", only_our_own_echo_replies_count },
};

void suite_agent_outbox(void)
{
	unit_suite("tools/agent_outbox", cases, UNIT_COUNT(cases));
}
