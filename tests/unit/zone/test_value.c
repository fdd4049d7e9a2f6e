#include "zone/value.h"
#include "unit/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both must agree on whether it is an address, and on its bytes. */
static void same_as_inet_pton(const char *text)
{
	uint8_t ours[16] = { 0 }, theirs[16] = { 0 };
	const bool is4 = inet_pton(AF_INET, text, theirs) == 1;

	if (value_a(ours, text, strlen(text)) != is4 || (is4 && memcmp(ours, theirs, 4) != 0)) {
		fprintf(stderr, "IPv4 differs: %s\n", text);
		CU_FAIL("value_a");
	}
	const bool is6 = inet_pton(AF_INET6, text, theirs) == 1;
	if (value_aaaa(ours, text, strlen(text)) != is6 ||
		(is6 && memcmp(ours, theirs, 16) != 0)) {
		fprintf(stderr, "IPv6 differs: %s\n", text);
		CU_FAIL("value_aaaa");
	}
}

static void addresses_are_read_as_inet_pton_reads_them(void)
{
	static const char *const row[] = {
		"",
		".",
		":",
		"::",
		":::",
		"1",
		"1.2.3",
		"1.2.3.4",
		"1.2.3.4.",
		".1.2.3.4",
		"1.2.3.4.5",
		"1..3.4",
		"01.2.3.4",
		"1.2.3.04",
		"0.0.0.0",
		"00.0.0.0",
		"255.255.255.255",
		"256.1.1.1",
		"1.1.1.256",
		"1.2.3.1000",
		"1.2.3.-4",
		"1.2.3.4 ",
		" 1.2.3.4",
		"0x1.2.3.4",
		"1:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"::1",
		"1::",
		"1::8",
		"1::2::3",
		"1:2:3:4:5:6:7::",
		"::2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7:8::",
		"::1:2:3:4:5:6:7:8",
		"1:2:3:4::5:6:7:8",
		"1:2:3:4::5:6:7",
		":1",
		"1:",
		":1::2",
		"1::2:",
		"12345::",
		"::12345",
		"0000::",
		"::g",
		"::ffff:1.2.3.4",
		"::1.2.3.4",
		"1.2.3.4::",
		"1:2:3:4:5:6:1.2.3.4",
		"1:2:3:4:5:6:7:1.2.3.4",
		"1:2:3:4:5:1.2.3.4",
		"::1.2.3",
		"::1.2.3.256",
		"::1.2.3.4:5",
		"::1.2.3.4.5",
		"::12345.2.3.4",
		"::.1.2.3",
		"FE80::aBcD",
		"fe80::1%1",
		"1:2:3:4:5::1.2.3.4",
		"1:2:3:4:5:6::1.2.3.4",
		"::1.2.3.04",
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++)
		same_as_inet_pton(row[i]);
}

static void every_short_text_is_read_as_inet_pton_reads_it(void)
{
	static const char alphabet[] = "01f:.";
	char text[8];

	for (unsigned len = 1; len <= 7; len++) {
		unsigned count = 1;
		for (unsigned i = 0; i < len; i++)
			count *= 5;
		for (unsigned n = 0; n < count; n++) {
			unsigned rest = n;
			for (unsigned i = 0; i < len; i++, rest /= 5)
				text[i] = alphabet[rest % 5];
			text[len] = 0;
			same_as_inet_pton(text);
		}
	}
}

static void addresses_with_a_slip_are_read_as_inet_pton_reads_them(void)
{
	static const char slips[] = "0123456789abcdefABCDEFgx:.: %-";

	srandom(2);
	for (unsigned round = 0; round < 300000; round++) {
		uint8_t bytes[16];
		char text[80];
		const bool v6 = random() & 1;
		for (unsigned i = 0; i < 16; i++)
			bytes[i] = random() % 3 ? (uint8_t)random() : 0;
		inet_ntop(v6 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
		for (unsigned slip = (unsigned)random() % 3; slip; slip--)
			text[(size_t)random() % (strlen(text) + 1)] =
				slips[(size_t)random() % (sizeof slips - 1)];
		text[46] = 0;
		same_as_inet_pton(text);
	}
}

static void numbers_end_where_they_may_not_go_on(void)
{
	uint32_t n = 7;

	CU_ASSERT(value_number(&n, "0", 1, 0) && n == 0);
	CU_ASSERT(value_number(&n, "4294967295", 10, UINT32_MAX) && n == UINT32_MAX);
	CU_ASSERT(value_number(&n, "00042", 5, 42) && n == 42);
	CU_ASSERT(value_number(&n, "123x", 3, 200) && n == 123);
	CU_ASSERT_FALSE(value_number(&n, "4294967296", 10, UINT32_MAX));
	CU_ASSERT_FALSE(value_number(&n, "99999999999999999999999999", 26, UINT32_MAX));
	CU_ASSERT_FALSE(value_number(&n, "256", 3, 255));
	CU_ASSERT_FALSE(value_number(&n, "", 0, 255));
	CU_ASSERT_FALSE(value_number(&n, "-1", 2, 255));
	CU_ASSERT_FALSE(value_number(&n, "+1", 2, 255));
	CU_ASSERT_FALSE(value_number(&n, "1a", 2, 255));
}

static void periods_add_up_their_units(void)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} row[] = {
		{ "0", 0 },
		{ "300", 300 },
		{ "1h30m", 5400 },
		{ "1W", 604800 },
		{ "1w2d3h4m5s", 788645 },
		{ "1w2d3h4m5", 788645 },
		{ "5s", 5 },
		{ "1h1h", 7200 },
		{ "30m1h", 5400 },
		{ "2147483647", 2147483647 },
		{ "4294967295", 4294967295 },
		{ "4294967296", UINT64_MAX },
		{ "7102w", UINT64_MAX },
		{ "99999999999999999999999999w", UINT64_MAX },
	};
	static const char *const bad[] = { "", "h", "1x", "h1", "1.5h", "-1", "1 h", "1h30m20",
		"1h30mm" };
	uint64_t n;

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		n = 1;
		CU_ASSERT(value_period(&n, row[i].text, strlen(row[i].text)));
		CU_ASSERT_EQUAL(n, row[i].seconds);
	}
	for (unsigned i = 0; i < UNIT_COUNT(bad); i++)
		CU_ASSERT_EQUAL(value_period(&n, bad[i], strlen(bad[i])),
			strcmp(bad[i], "1h30m20") == 0);
}

static void digits_are_worth_what_their_alphabet_says(void)
{
	static const char hex[] = "0123456789abcdef",
			  base32[] = "0123456789abcdefghijklmnopqrstuv";
	static const char base64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (int c = 1; c < 256; c++) {
		const int lower = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
		const char *h = strchr(hex, lower), *b = strchr(base32, lower),
			   *s = strchr(base64, c);
		CU_ASSERT_EQUAL(value_hex_digit((char)c), h ? h - hex : -1);
		CU_ASSERT_EQUAL(value_base32_digit((char)c), b ? b - base32 : -1);
		CU_ASSERT_EQUAL(value_base64_digit((char)c), s ? s - base64 : -1);
	}
}

void suite_value(void);
void suite_value(void)
{
	static const struct unit_case cases[] = {
		{ "addresses are read as inet_pton reads them",
			addresses_are_read_as_inet_pton_reads_them },
		{ "every short text is read as inet_pton reads it",
			every_short_text_is_read_as_inet_pton_reads_it },
		{ "addresses with a slip are read as inet_pton reads them",
			addresses_with_a_slip_are_read_as_inet_pton_reads_them },
		{ "numbers end where they may not go on",
			numbers_end_where_they_may_not_go_on },
		{ "periods add up their units", periods_add_up_their_units },
		{ "digits are worth what their alphabet says",
			digits_are_worth_what_their_alphabet_says },
	};

	unit_suite("zone/value", cases, UNIT_COUNT(cases));
}
