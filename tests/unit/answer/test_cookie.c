#include "answer/cookie.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t bytes(uint8_t *to, const char *hex)
{
	size_t n = 0;

	for (; hex[0]; hex += 2) {
		const char pair[3] = { hex[0], hex[1], 0 };
		to[n++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}

static struct policy with_secrets(const char *first, const char *second)
{
	struct policy p = { .cookie_secrets = second ? 2 : 1 };

	bytes(p.cookie_secret[0], first);
	if (second)
		bytes(p.cookie_secret[1], second);
	return p;
}

/* RFC 9018 appendix A. */
static const char secret[] = "e5e973e5a6b2a43f48e7dc849e37bfcf";

static enum cookie_is check(const struct policy *p, const char *cookie, const struct addr *from,
	uint32_t now_s, const char *want)
{
	uint8_t asked[64], to[EDNS_COOKIE_FULL], expected[64];
	const size_t len = bytes(asked, cookie);
	const struct edns edns = {
		.present = true, .cookie = asked, .cookie_len = (uint8_t)len
	};

	const enum cookie_is is = cookie_check(to, p, &edns, from, now_s);
	if (want) {
		CU_ASSERT_EQUAL(bytes(expected, want), EDNS_COOKIE_FULL);
		CU_ASSERT_EQUAL(memcmp(to, expected, EDNS_COOKIE_FULL), 0);
	}
	return is;
}

static void a_new_cookie_is_that_of_the_rfc(void)
{
	const struct policy p = with_secrets(secret, NULL);
	const struct addr from = addr_from_v4((const uint8_t[4]){ 198, 51, 100, 100 });

	CU_ASSERT_EQUAL(check(&p, "2464c4abcf10c957", &from, 1559731985,
				"2464c4abcf10c957010000005cf79f111f8130c3eee29480"),
		COOKIE_NONE);
}

static void the_same_client_learns_and_gets_it_back(void)
{
	const struct policy p = with_secrets(secret, NULL);
	const struct addr from = addr_from_v4((const uint8_t[4]){ 198, 51, 100, 100 });
	static const char cookie[] = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";

	CU_ASSERT_EQUAL(check(&p, cookie, &from, 1559731985 + 1800, cookie), COOKIE_GOOD);
}

static void a_cookie_of_over_half_an_hour_is_renewed(void)
{
	const struct policy p = with_secrets(secret, NULL);
	const struct addr from = addr_from_v4((const uint8_t[4]){ 198, 51, 100, 100 });

	CU_ASSERT_EQUAL(check(&p, "2464c4abcf10c957010000005cf79f111f8130c3eee29480", &from,
				1559734385, "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"),
		COOKIE_GOOD);
}

static void reserved_bytes_are_hashed_and_sent_as_zero(void)
{
	const struct policy p = with_secrets(secret, NULL);
	const struct addr from = addr_from_v4((const uint8_t[4]){ 203, 0, 113, 203 });
	static const char cookie[] = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";

	CU_ASSERT_EQUAL(check(&p, cookie, &from, 1559727985, cookie), COOKIE_GOOD);
	/* The appendix takes it for good after 1 h 52 min; section 4.3 does not. */
	CU_ASSERT_EQUAL(check(&p, cookie, &from, 1559734700,
				"fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"),
		COOKIE_WRONG);
}

static void a_cookie_of_the_other_secret_is_good_and_renewed(void)
{
	const struct policy p = with_secrets(
		"445536bcd2513298075a5d379663c962", "dd3bdf9344b678b185a6f5cb60fca715");
	const struct addr from = { { 0x20, 0x01, 0x0d, 0xb8, 0x02, 0x20, 0, 1, 0x59, 0xde, 0xd0,
		0xf4, 0x87, 0x69, 0x82, 0xb8 } };

	CU_ASSERT_EQUAL(check(&p, "22681ab97d52c298010000005cf7c57926556bd0934c72f8", &from,
				1559741961, "22681ab97d52c298010000005cf7c609a6bb79d16625507a"),
		COOKIE_GOOD);
}

static void what_is_not_ours_or_not_of_now_is_wrong(void)
{
	static const char cookie[] = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
	static const struct {
		const char *say, *cookie;
		int64_t after_s;
		uint8_t last; /* of the client's address */
		enum cookie_is is;
	} row[] = {
		{ "an hour old", cookie, 3600, 100, COOKIE_GOOD },
		{ "a second over an hour old", cookie, 3601, 100, COOKIE_WRONG },
		{ "five minutes ahead", cookie, -300, 100, COOKIE_GOOD },
		{ "more than five minutes ahead", cookie, -301, 100, COOKIE_WRONG },
		{ "of another address", cookie, 0, 101, COOKIE_WRONG },
		{ "of another client cookie",
			"2464c4abcf10c958010000005cf79f111f8130c3eee29480", 0, 100,
			COOKIE_WRONG },
		{ "another version", "2464c4abcf10c957020000005cf79f111f8130c3eee29480", 0, 100,
			COOKIE_WRONG },
		{ "one bit of the hash", "2464c4abcf10c957010000005cf79f111f8130c3eee29481", 0,
			100, COOKIE_WRONG },
		{ "8 bytes of a server cookie", "2464c4abcf10c9571f8130c3eee29480", 0, 100,
			COOKIE_WRONG },
		{ "32 bytes of a server cookie",
			"2464c4abcf10c957010000005cf79f111f8130c3eee29480"
			"00112233445566778899aabbccddeeff",
			0, 100, COOKIE_WRONG },
	};
	const struct policy p = with_secrets(secret, NULL);

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct addr from = addr_from_v4(
			(const uint8_t[4]){ 198, 51, 100, row[i].last });
		const enum cookie_is is = check(&p, row[i].cookie, &from,
			(uint32_t)(1559731985 + row[i].after_s), NULL);
		CU_ASSERT_EQUAL(is, row[i].is);
		if (is != row[i].is)
			printf("\n    %s\n", row[i].say);
	}
}

void suite_cookie(void)
{
	static const struct unit_case cases[] = {
		{ "a new cookie is that of RFC 9018 appendix A.1",
			a_new_cookie_is_that_of_the_rfc },
		{ "a client that learned its cookie gets it back for half an hour",
			the_same_client_learns_and_gets_it_back },
		{ "a cookie of over half an hour is renewed (appendix A.2)",
			a_cookie_of_over_half_an_hour_is_renewed },
		{ "reserved bytes are hashed, and sent as zero (appendix A.3)",
			reserved_bytes_are_hashed_and_sent_as_zero },
		{ "a cookie of the other secret is good and renewed (appendix A.4)",
			a_cookie_of_the_other_secret_is_good_and_renewed },
		{ "what is not ours, or not of now, is wrong",
			what_is_not_ours_or_not_of_now_is_wrong },
	};

	unit_suite("answer/cookie", cases, UNIT_COUNT(cases));
}
