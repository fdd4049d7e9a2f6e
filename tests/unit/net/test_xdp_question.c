#include "net/xdp_question.h"

#include "unit/unit.h"

#include "base/bytes.h"
#include "net/batch.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define HEAD(flags, additional) "\x12\x34" flags "\0\1\0\0\0\0\0" additional
#define WWW                     "\3WwW\2ab\0\0\1\0\1"
#define OPT                     "\0\0\x29\x04\xd0\0\0\0\0"
#define BYTES(text)             text, sizeof(text) - 1

static const struct {
	const char *say, *bytes;
	size_t len;
	unsigned says;
} good[] = {
	{ "plain", BYTES(HEAD("\1\0", "\0") WWW), 0 },
	{ "with AD and CD, which say nothing", BYTES(HEAD("\0\x30", "\0") WWW), 0 },
	{ "EDNS", BYTES(HEAD("\1\0", "\1") WWW OPT "\0\0"), XDP_EDNS },
	{ "DO", BYTES(HEAD("\1\0", "\1") WWW "\0\0\x29\x04\xd0\0\0\x80\0\0\0"), XDP_EDNS | XDP_DO },
	{ "a subnet", BYTES(HEAD("\1\0", "\1") WWW OPT "\0\x0b\0\x08\0\7\0\1\x18\0\x53\x3e\x65"),
		XDP_EDNS | XDP_ECS },
};

static const struct {
	const char *say, *bytes;
	size_t len;
} bad[] = {
	{ "an answer", BYTES(HEAD("\x81\0", "\0") WWW) },
	{ "NOTIFY", BYTES(HEAD("\x20\0", "\0") WWW) },
	{ "a bit that is reserved", BYTES(HEAD("\1\x40", "\0") WWW) },
	{ "class CH", BYTES(HEAD("\1\0", "\0") "\3www\0\0\1\0\3") },
	{ "a pointer", BYTES(HEAD("\1\0", "\0") "\xc0\x0c\0\1\0\1") },
	{ "more behind it", BYTES(HEAD("\1\0", "\0") WWW "x") },
	{ "cut", BYTES(HEAD("\1\0", "\0") "\3www\0\0\1\0") },
	{ "no OPT where one is told", BYTES(HEAD("\1\0", "\1") WWW) },
	{ "a cookie", BYTES(HEAD("\1\0", "\1") WWW OPT "\0\x0c\0\x0a\0\x08" "12345678") },
	{ "version 1", BYTES(HEAD("\1\0", "\1") WWW "\0\0\x29\x04\xd0\0\1\0\0\0\0") },
	{ "a subnet of 25 bits", BYTES(HEAD("\1\0", "\1") WWW OPT "\0\x0b\0\x08\0\7\0\1\x19\0\x53\x3e\x65") },
	{ "two additional records", BYTES(HEAD("\1\0", "\2") WWW OPT "\0\0") },
	{ "64 bytes of a name", BYTES(HEAD("\1\0", "\0")
		"\x3f" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" "\0\0\1\0\1") },
	{ "a header", BYTES(HEAD("\1\0", "\0")) },
};

static void what_the_program_takes_is_read_and_written_alike(void)
{
	struct xdp_question q, again;
	uint8_t to[XDP_QUERY_ROOM];

	for (size_t i = 0; i < UNIT_COUNT(good); i++) {
		CU_ASSERT_TRUE_FATAL(
			xdp_question_read(&q, (const uint8_t *)good[i].bytes, good[i].len));
		CU_ASSERT_EQUAL(q.says, good[i].says);
		CU_ASSERT_EQUAL(memcmp(q.name, "\3www\2ab", 8), 0);
		CU_ASSERT_EQUAL(q.len, 8);
		CU_ASSERT_EQUAL(be16_get((const uint8_t *)&q.type), 1);
		const size_t len = xdp_question_write(&q, 0x533e65ff, to);
		CU_ASSERT_EQUAL(len, good[i].len);
		CU_ASSERT_TRUE(!(q.says & XDP_ECS) || xdp_question_subnet(to, len) == 0x533e6500);
		CU_ASSERT_TRUE_FATAL(xdp_question_read(&again, to, len));
		CU_ASSERT_EQUAL(memcmp(&q, &again, sizeof q), 0);
	}
}

static void the_rest_is_left_to_others(void)
{
	struct xdp_question q;

	for (size_t i = 0; i < UNIT_COUNT(bad); i++)
		if (xdp_question_read(&q, (const uint8_t *)bad[i].bytes, bad[i].len)) {
			printf("%s\n", bad[i].say);
			CU_FAIL("was taken");
		}
}

/* What UDP's sum counts of a message but for its ID, and its last bytes from `until` on (RFC 768, RFC 1071). */
static uint16_t sum_without(const uint8_t *message, size_t len, size_t until)
{
	uint32_t sum = 17 + 2 * (8 + (uint32_t)len);

	for (size_t i = 2; i < until; i++)
		sum += i & 1 ? message[i] : (uint32_t)message[i] << 8;
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* The subnet that stands in it is another's. */
static void an_answer_is_held_without_the_subnet_that_it_was_made_for(void)
{
	static const uint8_t answer[] = "\0\0\x84\0\0\1\0\1\0\0\0\1\3www\2ab\0\0\1\0\1"
		"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
		"\0\0\x29\x04\xd0\0\0\0\0\0\x0b\0\x08\0\7\0\1\x18\x11\xc0\0\2";
	struct xdp_question q;
	struct xdp_answer h;
	uint8_t cut[sizeof answer], scope;

	xdp_question_read(&q, (const uint8_t *)good[4].bytes, good[4].len);
	CU_ASSERT_TRUE_FATAL(xdp_question_hold(&h, &q, answer, sizeof answer - 1, &scope));
	CU_ASSERT_EQUAL(scope, 17);
	CU_ASSERT_EQUAL(h.len, 16 + 22);
	CU_ASSERT_EQUAL(h.subnet_at, sizeof answer - 1 - XDP_SUBNET);
	CU_ASSERT_EQUAL(memcmp(h.bytes + h.len - XDP_SUBNET - 2, "\x18\0\0\0\0", XDP_SUBNET + 2), 0);
	CU_ASSERT_EQUAL(h.bytes[0], 0xc0);
	CU_ASSERT_EQUAL(memcmp(&h.q, &q, sizeof q), 0);
	CU_ASSERT_EQUAL(h.sum, htons(sum_without(answer, sizeof answer - 1, sizeof answer - 1 - XDP_SUBNET - 1)));
	memcpy(cut, answer, sizeof answer);
	cut[2] |= 2;
	CU_ASSERT_FALSE(xdp_question_hold(&h, &q, cut, sizeof answer - 1, &scope));
	CU_ASSERT_FALSE(xdp_question_hold(&h, &q, answer, 21, &scope));
}

static const struct unit_case cases[] = {
	{ "what the program takes is read and written alike",
		what_the_program_takes_is_read_and_written_alike },
	{ "the rest is left to others", the_rest_is_left_to_others },
	{ "an answer is held without the subnet that it was made for",
		an_answer_is_held_without_the_subnet_that_it_was_made_for },
};

void suite_xdp_question(void);
void suite_xdp_question(void)
{
	unit_suite("net/xdp_question", cases, UNIT_COUNT(cases));
}
