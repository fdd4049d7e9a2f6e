#include "net/frame.h"

#include "unit/unit.h"

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

#define BYTES(text) text, sizeof(text) - 1
#define MACS        "\2\0\0\0\0\1\2\0\0\0\0\2"
#define IPV4(len)   "\x45\0\0" len "\0\1\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\x35"
#define IPV6        "\x60\0\0\0\0\x0d\x11\x40"                                                        \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x35"
#define UDP         "\xd4\x31\0\x35\0\x0d\0\0hello"

static const struct {
	const char *say, *bytes;
	size_t len;
	unsigned head, link;
} good[] = {
	{ "IPv4", BYTES(MACS "\x08\0" IPV4("\x21") UDP), 42, 14 },
	{ "IPv6", BYTES(MACS "\x86\xdd" IPV6 UDP), 62, 14 },
	{ "IPv4 in a VLAN", BYTES(MACS "\x81\0\0\x64\x08\0" IPV4("\x21") UDP), 46, 18 },
	{ "IPv6 in two", BYTES(MACS "\x88\xa8\0\7\x81\0\0\x64\x86\xdd" IPV6 UDP), 70, 22 },
	{ "a short frame that is padded", BYTES(MACS "\x08\0" IPV4("\x21") UDP "\0\0\0\0\0\0\0\0"), 42, 14 },
	{ "one that must not be broken up",
		BYTES(MACS "\x08\0\x45\0\0\x21\0\1\x40\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\x35" UDP), 42, 14 },
};

static const struct {
	const char *say, *bytes;
	size_t len;
} bad[] = {
	{ "ARP", BYTES(MACS "\x08\6" IPV4("\x21") UDP) },
	{ "three VLANs", BYTES(MACS "\x81\0\0\1\x81\0\0\1\x81\0\0\1\x08\0" IPV4("\x21") UDP) },
	{ "an option of IP", BYTES(MACS "\x08\0\x46\0\0\x25\0\1\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\x35\1\1\1\0" UDP) },
	{ "version 6 in a frame of 4", BYTES(MACS "\x08\0\x65\0\0\x21\0\1\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\x35" UDP) },
	{ "the first piece of more", BYTES(MACS "\x08\0\x45\0\0\x21\0\1\x20\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\x35" UDP) },
	{ "the last piece", BYTES(MACS "\x08\0\x45\0\0\x21\0\1\0\1\x40\x11\0\0\xc0\0\2\1\xc0\0\2\x35" UDP) },
	{ "TCP", BYTES(MACS "\x08\0\x45\0\0\x21\0\1\0\0\x40\6\0\0\xc0\0\2\1\xc0\0\2\x35" UDP) },
	{ "a header in front of UDP", BYTES(MACS "\x86\xdd\x60\0\0\0\0\x0d\0\x40"
		"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x35" UDP) },
	{ "IP says more than there is", BYTES(MACS "\x08\0" IPV4("\x22") UDP) },
	{ "IP says less than UDP", BYTES(MACS "\x08\0" IPV4("\x20") UDP) },
	{ "IP is shorter than itself", BYTES(MACS "\x08\0" IPV4("\x13") UDP) },
	{ "no room for UDP", BYTES(MACS "\x08\0" IPV4("\x1b") "\xd4\x31\0\x35\0\7\0") },
	{ "cut", BYTES(MACS "\x08\0" IPV4("\x21") "\xd4\x31\0\x35\0\x0d\0\0hell") },
	{ "a frame's beginning", BYTES(MACS "\x08\0") },
	{ "nothing", "", 0 },
};

/* As it is written down in RFC 1071: words, one after the other. */
static unsigned rest_of(unsigned sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (unsigned)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void a_frame_is_read(void)
{
	struct frame f;

	for (size_t i = 0; i < UNIT_COUNT(good); i++) {
		const uint8_t *p = (const uint8_t *)good[i].bytes;
		CU_ASSERT_TRUE_FATAL(frame_read(&f, p, good[i].len));
		CU_ASSERT_EQUAL(f.head, good[i].head);
		CU_ASSERT_EQUAL(f.link, good[i].link);
		CU_ASSERT_EQUAL(f.len, 5);
		CU_ASSERT_EQUAL(f.port, 0xd431);
		CU_ASSERT_EQUAL(f.to_port, 53);
		CU_ASSERT_EQUAL(memcmp(p + f.head, "hello", 5), 0);
		CU_ASSERT_EQUAL(frame_source(&f).b[15], 1);
		CU_ASSERT_EQUAL(frame_target(&f).b[15], 0x35);
		const struct addr from = frame_source(&f);
		CU_ASSERT_EQUAL(addr_is_v4(&from), !f.is_v6);
	}
}

static void what_is_another_is_not(void)
{
	struct frame f;

	for (size_t i = 0; i < UNIT_COUNT(bad); i++)
		if (frame_read(&f, (const uint8_t *)bad[i].bytes, bad[i].len)) {
			printf("%s\n", bad[i].say);
			CU_FAIL("was read");
		}
}

/* Of all lengths, odd ones and those at which a sum of 16 bits is 0. */
static void an_answer_goes_back_with_right_sums(void)
{
	struct frame f, back;
	uint8_t to[FRAME_HEAD_MOST + 1300];

	for (size_t i = 0; i < UNIT_COUNT(good); i++)
		for (unsigned len = 0; len <= 1232; len += len < 40 ? 1 : 149) {
			frame_read(&f, (const uint8_t *)good[i].bytes, good[i].len);
			for (unsigned k = 0; k < len; k++)
				to[f.head + k] = (uint8_t)(k * 37 + len);
			const size_t n = frame_answer(&f, to, len);
			CU_ASSERT_EQUAL_FATAL(n, f.head + len);
			CU_ASSERT_TRUE_FATAL(frame_read(&back, to, n < FRAME_LINK_MOST ? FRAME_LINK_MOST : n));
			CU_ASSERT_EQUAL(memcmp(to, good[i].bytes + 6, 6), 0);
			CU_ASSERT_EQUAL(memcmp(to + 6, good[i].bytes, 6), 0);
			CU_ASSERT_EQUAL(memcmp(to + 12, good[i].bytes + 12, f.link - 12u), 0);
			CU_ASSERT_EQUAL(back.port, f.to_port);
			CU_ASSERT_EQUAL(back.to_port, f.port);
			CU_ASSERT_EQUAL(frame_source(&back).b[15], 0x35);
			CU_ASSERT_EQUAL(frame_target(&back).b[15], 1);
			const uint8_t *ip = to + f.link;
			if (!f.is_v6)
				CU_ASSERT_EQUAL(rest_of(0, ip, 20), 0xffff);
			CU_ASSERT_EQUAL(rest_of(17 + 8 + len, f.is_v6 ? ip + 8 : ip + 12,
						(f.is_v6 ? 32 : 8) + 8 + len),
				0xffff);
			CU_ASSERT_TRUE(to[f.head - 2] || to[f.head - 1]);
		}
}

/* 0 would say that there is none (RFC 768), which IPv6 does not take. */
static void a_sum_of_nothing_is_written_as_all_ones(void)
{
	struct frame f;
	uint8_t to[64];

	frame_read(&f, (const uint8_t *)good[0].bytes, good[0].len);
	memset(to + 42, 0, 2);
	frame_answer(&f, to, 2);
	const unsigned sum = be16_get(to + 40);
	be16_put(to + 42, sum);
	frame_answer(&f, to, 2);
	CU_ASSERT_EQUAL(be16_get(to + 40), 0xffff);
}

static const struct unit_case cases[] = {
	{ "a frame is read, whatever carries it", a_frame_is_read },
	{ "what is another is not read", what_is_another_is_not },
	{ "an answer goes back to where its query came from, and all sums are right",
		an_answer_goes_back_with_right_sums },
	{ "a sum that comes to nothing is written as all ones", a_sum_of_nothing_is_written_as_all_ones },
};

void suite_frame(void);
void suite_frame(void)
{
	unit_suite("net/frame", cases, UNIT_COUNT(cases));
}
