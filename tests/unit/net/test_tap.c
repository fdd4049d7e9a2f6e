#include "net/tap.h"

#include "net/dnstap.h"
#include "net/query_log.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tap tap;
static struct world world;
static struct answerer by = { .world = &world };

static void open_tap(uint32_t dnstap_every, uint32_t log_every)
{
	tap_init(&tap);
	world.policy.dnstap_every = dnstap_every;
	world.policy.log_every = log_every;
}

/* One of `n` bytes and an answer of `m`, all of which are `c`. */
static void take(char c, size_t n, size_t m)
{
	static uint8_t query[UINT16_MAX], answer[UINT16_MAX];
	const struct answer_ask ask = { .packet = query, .len = n, .to = answer, .via = VIA_TLS };

	memset(query, c, n);
	memset(answer, c, m);
	tap_take(&tap, &by, &ask, &(struct tap_ends){ .port = 7 }, m);
}

static bool is_all(const uint8_t *p, char c, size_t n)
{
	while (n && *p == (uint8_t)c) {
		p++;
		n--;
	}
	return n == 0;
}

/* --- the ring ----------------------------------------------------------------------------- */

static void what_is_put_in_comes_out_as_it_was(void)
{
	open_tap(1, 1);
	srand(1);
	/* Several times around, with one that stays in for a while. */
	for (unsigned i = 0; i < 3000; i++) {
		const size_t n = 1 + (size_t)rand() % 300, m = (size_t)rand() % 9000;
		take((char)i, n, m);
		const struct tap_head *h = tap_first(&tap);
		CU_ASSERT_PTR_NOT_NULL_FATAL(h);
		if (i == 0) {
			continue; /* the next look finds this one */
		}
		CU_ASSERT_TRUE(is_all(tap_query(h), (char)(i - 1), h->query_len));
		CU_ASSERT_TRUE(is_all(tap_answer(h), (char)(i - 1), h->answer_len));
		CU_ASSERT_EQUAL(h->via, VIA_TLS);
		CU_ASSERT_EQUAL(h->port, 7);
		CU_ASSERT_EQUAL(h->whom, TAP_DNSTAP | TAP_LOG);
		tap_next(&tap);
	}
	CU_ASSERT_PTR_NOT_NULL(tap_first(&tap));
	tap_next(&tap);
	CU_ASSERT_PTR_NULL(tap_first(&tap));
	CU_ASSERT_EQUAL(tap_lost(&tap, TAP_DNSTAP), 0);
	tap_fini(&tap);
}

static void what_finds_no_room_is_counted_and_nothing_is_written_over(void)
{
	unsigned in = 0, out = 0;

	open_tap(1, 1);
	for (unsigned i = 0; i < 200; i++)
		take((char)i, 100, 60000);
	for (const struct tap_head *h; (h = tap_first(&tap)); tap_next(&tap)) {
		CU_ASSERT_TRUE(is_all(tap_answer(h), (char)out, 60000));
		out++;
	}
	in = TAP_ROOM / 60200; /* and a little for the heads */
	CU_ASSERT_EQUAL(out, in);
	CU_ASSERT_EQUAL(tap_lost(&tap, TAP_DNSTAP), 2 * (200 - out));
	CU_ASSERT_EQUAL(tap_lost(&tap, TAP_LOG), 200 - out);
	take('x', 10, 10);
	CU_ASSERT_PTR_NOT_NULL(tap_first(&tap));
	tap_fini(&tap);
}

static void as_many_are_taken_as_are_wanted(void)
{
	unsigned dnstap = 0, log = 0, n = 0;

	open_tap(4, 10);
	for (unsigned i = 0; i < 200; i++)
		take('q', 20, 20);
	for (const struct tap_head *h; (h = tap_first(&tap)); tap_next(&tap)) {
		dnstap += (h->whom & TAP_DNSTAP) != 0;
		log += (h->whom & TAP_LOG) != 0;
		n++;
	}
	CU_ASSERT_EQUAL(dnstap, 50);
	CU_ASSERT_EQUAL(log, 20);
	CU_ASSERT_TRUE(n >= 50 && n <= 70);
	/* A larger share does not wait for the end of the smaller one. */
	world.policy.log_every = 1000000;
	take('q', 20, 20);
	world.policy.log_every = 1;
	take('q', 20, 20);
	log = 0;
	for (const struct tap_head *h; (h = tap_first(&tap)); tap_next(&tap))
		log += (h->whom & TAP_LOG) != 0;
	CU_ASSERT_TRUE(log >= 1);
	tap_fini(&tap);
}

/* --- lines and frames --------------------------------------------------------------------- */

#define QUESTION "\3wWw\7example\3org\0\0\x1c\0\1"
#define OPT      "\0\0\x29\4\xd0\0\0\x80\0\0\xb\0\x8\0\7\0\1\x18\0\xcb\0\x71"

static const struct tap_head *put(
	const char *query, size_t n, const char *answer, size_t m, const char *from)
{
	static union {
		struct tap_head head;
		uint8_t bytes[1024];
	} room;

	room.head = (struct tap_head){ .query_len = (uint16_t)n,
		.answer_len = (uint32_t)m,
		.port = 4711,
		.to_port = 53,
		.via = VIA_TCP,
		.read_us = 1500000000123456,
		.answered_us = 1500000000123500 };
	CU_ASSERT_TRUE(addr_parse(&room.head.source, from));
	memcpy(room.bytes + sizeof room.head, query, n);
	memcpy(room.bytes + sizeof room.head + n, answer, m);
	return &room.head;
}

#define BYTES(text) text, sizeof(text) - 1

static void lines_tell_who_asked_what_and_got_what(void)
{
	const struct {
		const char *say;
		const struct tap_head *(*put)(const char *, size_t, const char *, size_t, const char *);
		const char *query;
		size_t n;
		const char *answer;
		size_t m;
		const char *from, *text, *json;
	} row[] = {
		{ "with EDNS and a subnet", put,
			BYTES("\1\2\1\0\0\1\0\0\0\0\0\1" QUESTION OPT),
			BYTES("\1\2\x85\x3\0\1\0\0\0\1\0\0" QUESTION), "192.0.2.1",
			"2017-07-14T02:40:00.123456Z 192.0.2.1#4711 tcp wWw.example.org. IN AAAA +ED "
			"203.0.113.0/24 NXDOMAIN 0 33\n",
			"{\"time\":\"2017-07-14T02:40:00.123456Z\",\"client\":\"192.0.2.1\",\"port\":4711,"
			"\"transport\":\"tcp\",\"name\":\"wWw.example.org.\",\"class\":\"IN\","
			"\"type\":\"AAAA\",\"rd\":true,\"edns\":true,\"do\":true,\"subnet\":"
			"\"203.0.113.0/24\",\"query_bytes\":55,\"rcode\":\"NXDOMAIN\",\"answers\":0,"
			"\"truncated\":false,\"bytes\":33,\"took_us\":44}\n" },
		{ "truncated, from IPv6", put, BYTES("\1\2\0\0\0\1\0\0\0\0\0\0" QUESTION),
			BYTES("\1\2\x86\0\0\1\0\0\0\0\0\0" QUESTION), "2001:db8::1",
			"2017-07-14T02:40:00.123456Z 2001:db8::1#4711 tcp wWw.example.org. IN AAAA -T - "
			"NOERROR 0 33\n",
			NULL },
		{ "an extended code", put, BYTES("\1\2\0\0\0\1\0\0\0\0\0\0" QUESTION),
			BYTES("\1\2\x80\0\0\1\0\0\0\0\0\1" QUESTION "\0\0\x29\4\xd0\1\0\0\0\0\0"),
			"192.0.2.1",
			"2017-07-14T02:40:00.123456Z 192.0.2.1#4711 tcp wWw.example.org. IN AAAA - - "
			"BADVERS 0 44\n",
			NULL },
		{ "no query, no answer", put, BYTES("\1\2"), BYTES(""), "192.0.2.1",
			"2017-07-14T02:40:00.123456Z 192.0.2.1#4711 tcp - - - - - - - -\n", NULL },
		{ "a name with all that may be wrong in it", put,
			BYTES("\1\2\0\0\0\1\0\0\0\0\0\0\5a\" \\\n\0\0\1\0\1"), BYTES(""), "192.0.2.1",
			NULL, "\"name\":\"a\\\\\\\"\\\\032\\\\\\\\\\\\010.\"" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		for (unsigned json = 0; json < 2; json++) {
			const char *want = json ? row[i].json : row[i].text;
			struct text out = { 0 };
			query_log_line(&out,
				row[i].put(row[i].query, row[i].n, row[i].answer, row[i].m,
					row[i].from),
				json);
			if (want && !strstr(text_get(&out), want)) {
				printf("%s: %s", row[i].say, text_get(&out));
				CU_FAIL("another line");
			}
			text_fini(&out);
		}
	}
}

static void each_transport_and_class_has_a_name(void)
{
	static const struct {
		enum answer_via via;
		unsigned class;
		const char *has;
		unsigned protocol; /* of dnstap.proto, SocketProtocol */
	} row[] = {
		{ VIA_UDP, 1, " udp wWw.example.org. IN AAAA ", 1 },
		{ VIA_TCP, 3, " tcp wWw.example.org. CH AAAA ", 2 },
		{ VIA_TLS, 255, " tls wWw.example.org. ANY AAAA ", 3 },
		{ VIA_HTTPS, 4, " https wWw.example.org. CLASS4 AAAA ", 4 },
		{ VIA_QUIC, 65535, " quic wWw.example.org. CLASS65535 AAAA ", 7 },
	};
	char query[] = "\1\2\0\0\0\1\0\0\0\0\0\0" QUESTION;
	uint8_t frame[DNSTAP_HEAD_MOST + sizeof query];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text out = { 0 };
		query[sizeof query - 3] = (char)(row[i].class >> 8);
		query[sizeof query - 2] = (char)row[i].class;
		struct tap_head *h = (struct tap_head *)(uintptr_t)put(BYTES(query), BYTES(""), "192.0.2.1");
		h->via = (uint8_t)row[i].via;
		query_log_line(&out, h, false);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), row[i].has));
		text_fini(&out);
		/* Behind the length, who tells, and the message's kind and family. */
		dnstap_frame(frame, &(struct dnstap_source){ "me", "v" }, h, false);
		CU_ASSERT_EQUAL(memcmp(frame + 4 + 4 + 3 + 2, "\x08\1\x10\1\x18", 5), 0);
		CU_ASSERT_EQUAL(frame[4 + 4 + 3 + 2 + 5], row[i].protocol);
	}
}

/* Checked by hand against dnstap.proto; dnstap-ldns reads real ones in tests/serve/test_metrics.py. */
static void a_frame_is_what_the_protocol_has(void)
{
	static const char want[] = "\0\0\0\x40"
				   "\x0a\2me" /* identity */
				   "\x12\1v"
				   "\x72\x35" /* message */
				   "\x08\2"   /* AUTH_RESPONSE */
				   "\x10\1"   /* INET */
				   "\x18\2"   /* TCP */
				   "\x22\4\xc0\0\2\1"
				   "\x30\xe7\x24" /* 4711 */
				   "\x38\x35"
				   "\x40\x80\xde\xa0\xcb\5" /* 1500000000 */
				   "\x4d\0\xca\x5b\7"       /* 123456000 */
				   "\x60\x80\xde\xa0\xcb\5"
				   "\x6d\xe0\x75\x5c\7" /* 123500000 */
				   "\x72\x0c\1\2\x84\0\0\0\0\0\0\0\0\0"
				   "\x78\1";
	const struct tap_head *h = put(BYTES("\1\2\0\0\0\0\0\0\0\0\0\0"),
		BYTES("\1\2\x84\0\0\0\0\0\0\0\0\0"), "192.0.2.1");
	uint8_t frame[DNSTAP_HEAD_MOST + 12];

	const size_t n = dnstap_frame(frame, &(struct dnstap_source){ "me", "v" }, h, true);
	CU_ASSERT_EQUAL(n, sizeof want - 1);
	CU_ASSERT_EQUAL(memcmp(frame, want, sizeof want - 1), 0);
}

static void control_frames_are_read_as_they_are_written(void)
{
	static const enum dnstap_control all[] = { DNSTAP_ACCEPT, DNSTAP_START, DNSTAP_STOP,
		DNSTAP_READY, DNSTAP_FINISH };
	uint8_t frame[DNSTAP_CONTROL_MOST];
	unsigned type;
	bool ours;

	for (size_t i = 0; i < UNIT_COUNT(all); i++) {
		const size_t n = dnstap_control(frame, all[i]);
		for (size_t k = 0; k < n; k++)
			CU_ASSERT_EQUAL(dnstap_read_control(frame, k, &type, &ours), 0);
		CU_ASSERT_EQUAL(dnstap_read_control(frame, n, &type, &ours), n);
		CU_ASSERT_EQUAL(type, (unsigned)all[i]);
		CU_ASSERT_TRUE(ours);
	}
}

static void control_frames_that_are_none_are_told(void)
{
	static const struct {
		const char *say, *bytes;
		size_t len, is;
		bool ours;
	} row[] = {
		{ "a frame of data", BYTES("\0\0\0\1x"), SIZE_MAX, false },
		{ "too short for a type", BYTES("\0\0\0\0\0\0\0\3\0\0\0\2"), SIZE_MAX, false },
		{ "of a size that none has", BYTES("\0\0\0\0\0\1\0\0\0\0\0\2"), SIZE_MAX, false },
		{ "a field that runs over", BYTES("\0\0\0\0\0\0\0\xd\0\0\0\2\0\0\0\1\0\0\0\2x"),
			SIZE_MAX, false },
		{ "half a field", BYTES("\0\0\0\0\0\0\0\6\0\0\0\2\0\0"), SIZE_MAX, false },
		{ "what somebody else takes", BYTES("\0\0\0\0\0\0\0\xd\0\0\0\2\0\0\0\1\0\0\0\1x"),
			21, false },
		{ "nothing named", BYTES("\0\0\0\0\0\0\0\4\0\0\0\2"), 12, true },
	};
	unsigned type;
	bool ours = false;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const size_t n = dnstap_read_control(
			(const uint8_t *)row[i].bytes, row[i].len, &type, &ours);
		CU_ASSERT_EQUAL(n, row[i].is);
		CU_ASSERT_TRUE(n == SIZE_MAX || ours == row[i].ours);
	}
}

static const struct unit_case cases[] = {
	{ "what is put in comes out as it was", what_is_put_in_comes_out_as_it_was },
	{ "what finds no room is counted, and nothing is written over",
		what_finds_no_room_is_counted_and_nothing_is_written_over },
	{ "as many are taken as are wanted", as_many_are_taken_as_are_wanted },
	{ "lines tell who asked what and got what", lines_tell_who_asked_what_and_got_what },
	{ "each transport and class has a name", each_transport_and_class_has_a_name },
	{ "a frame is what the protocol has", a_frame_is_what_the_protocol_has },
	{ "control frames are read as they are written",
		control_frames_are_read_as_they_are_written },
	{ "control frames that are none are told", control_frames_that_are_none_are_told },
};

void suite_tap(void);
void suite_tap(void)
{
	unit_suite("net/tap", cases, UNIT_COUNT(cases));
}
