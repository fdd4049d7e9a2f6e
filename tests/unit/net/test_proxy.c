#include "net/proxy.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\x53\x65\7\1\xc0\0\2\x35\xd4\x31\0\x35"
#define V6                                                                                  \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\xd4\x31\0\x35"
#define BYTES(text) text, sizeof(text) - 1

/* All of a header, and what it tells. */
static const struct {
	const char *say, *bytes;
	size_t len;
	const char *client; /* NULL: nobody */
	bool datagram;
} good[] = {
	{ "a client of TCP", BYTES(SIGNATURE "\x21\x11\0\x0c" V4), "83.101.7.1", false },
	{ "a client of UDP", BYTES(SIGNATURE "\x21\x12\0\x0c" V4), "83.101.7.1", true },
	{ "IPv6 over TCP", BYTES(SIGNATURE "\x21\x21\0\x24" V6), "2001:db8::1", false },
	{ "IPv6 over UDP", BYTES(SIGNATURE "\x21\x22\0\x24" V6), "2001:db8::1", true },
	{ "something behind the addresses", BYTES(SIGNATURE "\x21\x11\0\x11" V4 "\4\0\2ab"),
		"83.101.7.1", false },
	{ "the proxy itself", BYTES(SIGNATURE "\x20\0\0\0"), NULL, false },
	{ "the proxy itself, with addresses", BYTES(SIGNATURE "\x20\x11\0\x0c" V4), NULL, false },
	{ "a family that nobody knows", BYTES(SIGNATURE "\x21\x31\0\3abc"), NULL, false },
	{ "a line", BYTES("PROXY TCP4 83.101.7.1 192.0.2.53 54321 53\r\n"), "83.101.7.1", false },
	{ "a line of IPv6", BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 54321 53\r\n"),
		"2001:db8::1", false },
	{ "a line of nobody", BYTES("PROXY UNKNOWN\r\n"), NULL, false },
	{ "a line of nobody with words", BYTES("PROXY UNKNOWN ffff::1 x\r\n"), NULL, false },
};

static void a_header_is_read_whole_and_not_before(void)
{
	struct proxy_header h;
	uint8_t bytes[PROXY_MOST];
	char text[ADDR_TEXT];

	for (size_t i = 0; i < UNIT_COUNT(good); i++) {
		size_t len = 0;
		memset(bytes, 0xee, sizeof bytes);
		/* As a stream reads it: never more than it is told that there must be. */
		enum proxy_result r = PROXY_MORE;
		for (unsigned steps = 0; r == PROXY_MORE && steps < 200; steps++) {
			r = proxy_read(&h, bytes, len, true);
			if (r != PROXY_MORE)
				break;
			CU_ASSERT_TRUE_FATAL(h.len > len && h.len <= good[i].len);
			len = h.len;
			memcpy(bytes, good[i].bytes, len);
		}
		CU_ASSERT_EQUAL(r, PROXY_WHOLE);
		CU_ASSERT_EQUAL(h.len, good[i].len);
		CU_ASSERT_EQUAL(h.told, good[i].client != NULL);
		if (good[i].client)
			CU_ASSERT_STRING_EQUAL(addr_text(text, &h.client), good[i].client);
		CU_ASSERT_EQUAL(h.datagram, good[i].datagram);
	}
}

static void what_is_no_header_is_wrong(void)
{
	static const struct {
		const char *say, *bytes;
		size_t len;
	} row[] = { { "a query", BYTES("\0\35zz\1\0\0\1\0\0\0\0\0\0\3www") },
		{ "a hello of TLS", BYTES("\26\3\1\2\0\1\0\1\374\3\3abcdef") },
		{ "version 1 in a datagram's place", BYTES("PROXZ TCP4 1.2.3.4 5.6.7.8 1 2\r\n") },
		{ "version 3", BYTES(SIGNATURE "\x31\x11\0\x0c" V4) },
		{ "another command", BYTES(SIGNATURE "\x22\x11\0\x0c" V4) },
		{ "too short for its family", BYTES(SIGNATURE "\x21\x11\0\x0b" V4) },
		{ "IPv6 as short as IPv4", BYTES(SIGNATURE "\x21\x21\0\x0c" V4) },
		{ "longer than any", BYTES(SIGNATURE "\x21\x11\4\0" V4) },
		{ "a line without its CR", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n") },
		{ "a line with a NUL", BYTES("PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n") },
		{ "a line with a port too large", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n") },
		{ "a line with more words", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n") },
		{ "a line of the wrong family", BYTES("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n") },
		{ "a line of UDP", BYTES("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n") },
		{ "a line that is none", BYTES("PROXY UNKNOWNS\r\n") },
		{ "a line without an end",
			BYTES("PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") } };
	struct proxy_header h;

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(proxy_read(&h, (const uint8_t *)row[i].bytes, row[i].len, true),
			PROXY_WRONG);
	/* Text is for streams. */
	CU_ASSERT_EQUAL(
		proxy_read(&h, (const uint8_t *)"PROXY UNKNOWN\r\n", 15, false), PROXY_WRONG);
}

static const struct unit_case cases[] = {
	{ "a header is read whole, and not before", a_header_is_read_whole_and_not_before },
	{ "what is no header is wrong", what_is_no_header_is_wrong },
};

void suite_proxy(void);
void suite_proxy(void)
{
	unit_suite("net/proxy", cases, UNIT_COUNT(cases));
}
