#include "agent/seal.h"

#include "unit/unit.h"

#include <string.h>

enum { NOW = 1764030000, LONG_AGO = NOW - 86400 };

static const struct seal request = { "POST", "/v1/latency", "ams1", NOW,
	UINT64_C(1764029999123456) };

static void a_signature_is_openssls_hmac(void)
{
	/* printf
	 * 'waymark-1\nPOST\n/v1/latency\nams1\n1764030000\n1764029999123456\n{"version":1}' |
	 * openssl dgst -sha256 -mac HMAC -macopt \
	 *   hexkey:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f */
	static const char want[] =
		"884c4af7cd3c95220b29b8076be23649f23e0c951ee7e3734308fe44a6641c28";
	uint8_t key[SEAL_KEY];
	char hex[SEAL_HEX];

	for (unsigned i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	seal_sign(hex, key, &request, "{\"version\":1}", 13);
	CU_ASSERT_STRING_EQUAL(hex, want);
}

static void every_part_is_signed(void)
{
	static const struct {
		const char *say;
		struct seal seal;
		const char *body;
		uint8_t key;
	} row[] = {
		{ "another method", { "GET", "/v1/latency", "ams1", NOW, 7 }, "x", 1 },
		{ "another target", { "POST", "/v1/latencz", "ams1", NOW, 7 }, "x", 1 },
		{ "another agent", { "POST", "/v1/latency", "ams2", NOW, 7 }, "x", 1 },
		{ "another time", { "POST", "/v1/latency", "ams1", NOW + 1, 7 }, "x", 1 },
		{ "another sequence", { "POST", "/v1/latency", "ams1", NOW, 8 }, "x", 1 },
		{ "another body", { "POST", "/v1/latency", "ams1", NOW, 7 }, "y", 1 },
		{ "a longer body", { "POST", "/v1/latency", "ams1", NOW, 7 }, "xx", 1 },
		{ "another key", { "POST", "/v1/latency", "ams1", NOW, 7 }, "x", 2 },
		{ "a border moved", { "POST", "/v1/latency\nams1", "", NOW, 7 }, "x", 1 },
	};
	const struct seal s = { "POST", "/v1/latency", "ams1", NOW, 7 };
	const uint8_t key[SEAL_KEY] = { 1 };
	char hex[SEAL_HEX];

	seal_sign(hex, key, &s, "x", 1);
	CU_ASSERT_TRUE(seal_is_signed(hex, key, &s, "x", 1));
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const uint8_t other[SEAL_KEY] = { row[i].key };
		if (seal_is_signed(hex, other, &row[i].seal, row[i].body, strlen(row[i].body)))
			CU_FAIL(row[i].say);
	}
	hex[0] ^= 1;
	CU_ASSERT_FALSE(seal_is_signed(hex, key, &s, "x", 1));
	CU_ASSERT_FALSE(seal_is_signed("", key, &s, "x", 1));
	CU_ASSERT_FALSE(seal_is_signed("0", key, &s, "x", 1));
}

static void a_request_is_of_now(void)
{
	static const struct {
		const char *say;
		uint64_t time_s, sequence_s, started_s;
		enum seal_verdict want;
	} row[] = {
		{ "of this second", NOW, NOW, LONG_AGO, SEAL_GOOD },
		{ "as old as may be", NOW - SEAL_PAST_S, LONG_AGO, LONG_AGO, SEAL_GOOD },
		{ "a second older", NOW - SEAL_PAST_S - 1, LONG_AGO, LONG_AGO, SEAL_LATE },
		{ "as far ahead as may be", NOW + SEAL_FUTURE_S, NOW, LONG_AGO, SEAL_GOOD },
		{ "a second more", NOW + SEAL_FUTURE_S + 1, NOW, LONG_AGO, SEAL_EARLY },
		{ "made when it was sent", NOW, NOW + 1, LONG_AGO, SEAL_GOOD },
		{ "made after it was sent", NOW, NOW + 2, LONG_AGO, SEAL_AHEAD },
		{ "as we have started", NOW, NOW, NOW, SEAL_STARTING },
		{ "a second too soon after", NOW, NOW, NOW - SEAL_FUTURE_S, SEAL_STARTING },
		{ "after that", NOW, NOW, NOW - SEAL_FUTURE_S - 1, SEAL_GOOD },
		{ "far beyond all time", UINT64_C(1) << 53, 1, LONG_AGO, SEAL_EARLY },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct seal s = { "POST", "/", "a", row[i].time_s,
			row[i].sequence_s * 1000000 };
		if (seal_when(&s, NOW, row[i].started_s) != row[i].want)
			CU_FAIL(row[i].say);
	}
}

/* Whatever was taken before a restart, at any moment, is refused after it, at any moment. */
static void nothing_is_taken_again_after_a_restart(void)
{
	const uint64_t before = LONG_AGO;
	unsigned taken_before = 0;

	for (uint64_t started = NOW; started < NOW + 3; started++)
		for (uint64_t first = started - 100; first <= started; first++)
			for (uint64_t sent = first - 70; sent < first + 10; sent++) {
				const struct seal s = { "POST", "/", "a", sent,
					sent * 1000000 };
				if (seal_when(&s, first, before) != SEAL_GOOD)
					continue;
				taken_before++;
				for (uint64_t again = started; again < started + 150; again++)
					if (seal_when(&s, again, started) == SEAL_GOOD)
						CU_FAIL_FATAL("taken twice");
			}
	CU_ASSERT_TRUE(taken_before > 1000);
}

static void sequences_only_rise(void)
{
	static const struct {
		uint64_t sequence;
		enum seal_verdict want;
	} row[] = { { 10, SEAL_GOOD }, { 10, SEAL_SEEN }, { 9, SEAL_SEEN }, { 11, SEAL_GOOD },
		{ 10, SEAL_SEEN }, { 1000, SEAL_GOOD }, { 999, SEAL_SEEN } };
	struct seal_guard g = { 0 };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct seal s = { .sequence = row[i].sequence };
		CU_ASSERT_EQUAL(seal_take(&g, &s), row[i].want);
	}
}

/* Taken by a server whose clock was right, then the machine came back with a clock that was an
 * hour ahead, which was set right after a while. */
static void a_clock_that_was_ahead_at_the_start_shuts_nobody_out(void)
{
	enum { HOUR = 3600, UP = 20 };
	struct seal_clock c = { 0 };
	unsigned taken = 0;

	for (uint64_t s = 0; s < UP; s++) /* of being up, while it is wrong */
		seal_clock_see(&c, NOW + HOUR + s, s);
	for (uint64_t now = NOW + UP; now < NOW + UP + 100; now++) {
		seal_clock_see(&c, now, now - NOW);
		const struct seal fresh = { "POST", "/", "a", now, now * 1000000 };
		taken += seal_when(&fresh, now, c.started_s) == SEAL_GOOD;
		for (uint64_t sent = NOW - 100; sent < NOW + SEAL_FUTURE_S; sent++) {
			const struct seal old = { "POST", "/", "a", sent, sent * 1000000 };
			if (seal_when(&old, now, c.started_s) == SEAL_GOOD)
				CU_FAIL_FATAL("taken twice");
		}
	}
	CU_ASSERT_EQUAL(taken, 100 - SEAL_FUTURE_S - 1);
}

static void a_clock_that_is_steered_or_set_forward_is_no_new_start(void)
{
	struct seal_clock c = { 0 };

	seal_clock_see(&c, NOW, 100);
	for (uint64_t s = 1; s < 100000; s++)
		seal_clock_see(&c, NOW + s - s / 1000, 100 + s);
	CU_ASSERT_EQUAL(c.started_s, NOW);
	seal_clock_see(&c, NOW + 1000000, 100101);
	CU_ASSERT_EQUAL(c.started_s, NOW);
	seal_clock_see(&c, NOW + 900000, 100102);
	CU_ASSERT_EQUAL(c.started_s, NOW + 900000);
}

static void numbers_are_digits(void)
{
	static const char *const wrong[] = { "", "-1", "+1", " 1", "1 ", "1.0", "1e9", "0x1",
		"9007199254740993", "99999999999999999999999999" };
	uint64_t v;

	CU_ASSERT_TRUE(seal_number("0", &v) && v == 0);
	CU_ASSERT_TRUE(seal_number("9007199254740992", &v) && v == UINT64_C(1) << 53);
	for (size_t i = 0; i < UNIT_COUNT(wrong); i++)
		CU_ASSERT_FALSE(seal_number(wrong[i], &v));
}

static const struct unit_case cases[] = {
	{ "a signature is the HMAC that openssl computes", a_signature_is_openssls_hmac },
	{ "every part of a request is signed", every_part_is_signed },
	{ "a request is of now", a_request_is_of_now },
	{ "nothing is taken again after a restart", nothing_is_taken_again_after_a_restart },
	{ "sequences only rise", sequences_only_rise },
	{ "a clock that was ahead at the start shuts nobody out for longer than that",
		a_clock_that_was_ahead_at_the_start_shuts_nobody_out },
	{ "a clock that is steered or set forward is no new start",
		a_clock_that_is_steered_or_set_forward_is_no_new_start },
	{ "times and sequences are digits", numbers_are_digits },
};

void suite_seal(void)
{
	unit_suite("agent/seal", cases, UNIT_COUNT(cases));
}
