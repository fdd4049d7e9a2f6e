#include "probe/check_dns.h"

#include "unit/probe/probing.h"
#include "unit/unit.h"

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

static const struct probe_range refused_or_not[] = { { 5, 5 }, { 0, 0 } };
static const struct probe_opts plain = { .kind = PROBE_DNS,
	.query = (const uint8_t *)"\3www\7example",
	.qtype = 1 },
			       strict = { .kind = PROBE_DNS,
				       .query = (const uint8_t *)"\3www\7example",
				       .qtype = 1,
				       .answer = (const uint8_t *)"\xc0\0\2\1",
				       .answer_len = 4 },
			       lax = { .kind = PROBE_DNS,
				       .query = (const uint8_t *)"\3www\7example",
				       .qtype = 1,
				       .expect = refused_or_not,
				       .n_expect = 2 };

#define HEAD(flags, rcode, qd, an) "\x12\x34" flags rcode qd an "\0\0\0\0"
#define WWW                        "\3www\7example\0\0\1\0\1"
#define RECORD(type, data)         "\xc0\x0c\0" type "\0\1\0\0\0\x3c\0\4" data
#define OK                         HEAD("\x84", "\0", "\0\1", "\0\1") WWW RECORD("\1", "\xc0\0\2\1")

static void replies_are_judged(void)
{
	static const struct {
		const char *say;
		const struct probe_opts *probe;
		const char *reply;
		size_t len;
		enum check_dns_verdict verdict;
		const char *why;
	} row[] = {
#define ROW(say, probe, reply, verdict, why) \
	{ say, &(probe), reply, sizeof(reply) - 1, verdict, why }
		ROW("an answer", plain, OK, CHECK_DNS_PASSED, "DNS NOERROR, 1 answer"),
		ROW("no answers are one", plain, HEAD("\x84", "\0", "\0\1", "\0\0") WWW,
			CHECK_DNS_PASSED, "DNS NOERROR, 0 answers"),
		ROW("the case of the question does not matter", plain,
			HEAD("\x84", "\0", "\0\1", "\0\0") "\3wWw\7EXAMPLE\0\0\1\0\1",
			CHECK_DNS_PASSED, "DNS NOERROR, 0 answers"),
		ROW("a query is no reply", plain, HEAD("\x04", "\0", "\0\1", "\0\0") WWW,
			CHECK_DNS_FOREIGN, ""),
		ROW("another's ID", plain, "\x12\x35\x84\0\0\1\0\0\0\0\0\0" WWW,
			CHECK_DNS_FOREIGN, ""),
		ROW("another name", plain,
			HEAD("\x84", "\0", "\0\1", "\0\0") "\3wwx\7example\0\0\1\0\1",
			CHECK_DNS_FOREIGN, ""),
		ROW("another type", plain,
			HEAD("\x84", "\0", "\0\1", "\0\0") "\3www\7example\0\0\2\0\1",
			CHECK_DNS_FOREIGN, ""),
		ROW("another class", plain,
			HEAD("\x84", "\0", "\0\1", "\0\0") "\3www\7example\0\0\1\0\3",
			CHECK_DNS_FOREIGN, ""),
		ROW("a question cut short", plain,
			HEAD("\x84", "\0", "\0\1", "\0\0") "\3www\7example\0\0\1\0",
			CHECK_DNS_FOREIGN, ""),
		ROW("no question, and no error either", plain,
			HEAD("\x84", "\0", "\0\0", "\0\0"), CHECK_DNS_FOREIGN, ""),
		ROW("no question for an error", plain, HEAD("\x84", "\1", "\0\0", "\0\0"),
			CHECK_DNS_FAILED, "DNS FORMERR, expected NOERROR"),
		ROW("another question for an error", plain,
			HEAD("\x84", "\1", "\0\1", "\0\0") "\1x\0\0\1\0\1", CHECK_DNS_FOREIGN,
			""),
		ROW("a header cut short", plain, "\x12\x34\x84\0\0\1\0\0\0\0\0",
			CHECK_DNS_FOREIGN, ""),
		ROW("an error", plain, HEAD("\x84", "\3", "\0\1", "\0\0") WWW, CHECK_DNS_FAILED,
			"DNS NXDOMAIN, expected NOERROR"),
		ROW("the bits beside the rcode mean nothing", plain,
			HEAD("\x84", "\xf2", "\0\1", "\0\0") WWW, CHECK_DNS_FAILED,
			"DNS SERVFAIL, expected NOERROR"),
		ROW("an error that is expected", lax, HEAD("\x84", "\5", "\0\1", "\0\0") WWW,
			CHECK_DNS_PASSED, "DNS REFUSED, 0 answers"),
		ROW("... and another that is not", lax, HEAD("\x84", "\2", "\0\1", "\0\0") WWW,
			CHECK_DNS_FAILED, "DNS SERVFAIL, expected REFUSED or others"),
		ROW("the last that has a name", plain, HEAD("\x84", "\xa", "\0\1", "\0\0") WWW,
			CHECK_DNS_FAILED, "DNS NOTZONE, expected NOERROR"),
		ROW("one without a name", plain, HEAD("\x84", "\xb", "\0\1", "\0\0") WWW,
			CHECK_DNS_FAILED, "DNS RCODE 11, expected NOERROR"),
		ROW("the record", strict, OK, CHECK_DNS_PASSED, "DNS NOERROR, 1 answer"),
		ROW("behind another", strict,
			HEAD("\x84", "\0", "\0\1", "\0\2") WWW RECORD("\1", "\xc0\0\2\2")
				RECORD("\1", "\xc0\0\2\1"),
			CHECK_DNS_PASSED, "DNS NOERROR, 2 answers"),
		ROW("behind a CNAME whose name is written out", strict,
			HEAD("\x84", "\0", "\0\1", "\0\2") WWW
			"\3www\7example\0\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c" RECORD(
				"\1", "\xc0\0\2\1"),
			CHECK_DNS_PASSED, "DNS NOERROR, 2 answers"),
		ROW("not in what was cut off: it is asked for again", strict,
			HEAD("\x86", "\0", "\0\1", "\0\0") WWW, CHECK_DNS_SHORT,
			"DNS: the expected record is not among 0 answers (truncated)"),
		ROW("recursion that is wanted is no cut", strict,
			HEAD("\x85", "\0", "\0\1", "\0\0") WWW, CHECK_DNS_FAILED,
			"DNS: the expected record is not among 0 answers"),
		ROW("another address", strict,
			HEAD("\x84", "\0", "\0\1", "\0\1") WWW RECORD("\1", "\xc0\0\2\2"),
			CHECK_DNS_FAILED, "DNS: the expected record is not among 1 answer"),
		ROW("of another type", strict,
			HEAD("\x84", "\0", "\0\1", "\0\1") WWW RECORD("\2", "\xc0\0\2\1"),
			CHECK_DNS_FAILED, "DNS: the expected record is not among 1 answer"),
		ROW("longer", strict,
			HEAD("\x84", "\0", "\0\1", "\0\1") WWW
			"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\5\xc0\0\2\1\0",
			CHECK_DNS_FAILED, "DNS: the expected record is not among 1 answer"),
		ROW("cut short", strict,
			HEAD("\x84", "\0", "\0\1", "\0\1") WWW
			"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2",
			CHECK_DNS_FAILED, "DNS: the expected record is not among 1 answer"),
		ROW("a name without an end", strict,
			HEAD("\x84", "\0", "\0\1", "\0\1") WWW "\3www", CHECK_DNS_FAILED,
			"DNS: the expected record is not among 1 answer"),
		ROW("none is there", strict, HEAD("\x84", "\0", "\0\1", "\0\0") WWW,
			CHECK_DNS_FAILED, "DNS: the expected record is not among 0 answers"),
#undef ROW
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char say[200] = "";
		const enum check_dns_verdict v = check_dns_judge(
			row[i].probe, 0x1234, (const uint8_t *)row[i].reply, row[i].len, say);
		if (v != row[i].verdict || strcmp(say, row[i].why) != 0) {
			printf("%s: %d, %s\n", row[i].say, v, say);
			CU_FAIL(row[i].say);
		}
	}
}

static const char *const here[] = { "127.0.0.1" };

static void a_server_is_asked_by_udp(void)
{
	static const char ok[] = OK, wrong[] = HEAD("\x84", "\2", "\0\1", "\0\0") WWW;
	struct probing p;
	struct probed s;

	probing_open(&p, here, 1, 0);
	probed_open(&s, p.loop, "127.0.0.1", SOCK_DGRAM);
	s.reply = ok;
	s.reply_len = sizeof ok - 1;
	p.probe.kind = PROBE_DNS;
	p.probe.port = s.port;
	p.probe.query = strict.query;
	p.probe.qtype = 1;
	p.probe.answer = strict.answer;
	p.probe.answer_len = 4;
	probing_plan(&p);
	CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), "DNS NOERROR, 1 answer");
	CU_ASSERT_TRUE(p.view.passed && p.view.rtt_ms > 0);
	CU_ASSERT_EQUAL(p.view.wire_ms, p.view.rtt_ms);
	CU_ASSERT_PTR_NOT_NULL(strstr(p.steps, "query sent"));
	/* The question as RFC 1035 section 4.1 has it, RD clear. */
	CU_ASSERT_EQUAL(s.got_len, 12 + 13 + 4);
	CU_ASSERT_EQUAL(memcmp(s.got + 2, "\0\0\0\1\0\0\0\0\0\0" WWW, 10 + 17), 0);
	char id[2];
	memcpy(id, s.got, 2);
	bool differs = false;
	for (unsigned i = 0; i < 8; i++) {
		probing_now(&p, 0);
		differs = differs || memcmp(id, s.got, 2) != 0;
	}
	CU_ASSERT_TRUE(differs);
	s.reply = wrong;
	s.reply_len = sizeof wrong - 1;
	CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), "DNS SERVFAIL, expected NOERROR");
	CU_ASSERT_FALSE(p.view.passed);
	probed_close(&s);
	CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), "connection refused");
	probing_close(&p);
}

static void what_is_not_for_us_is_waited_past(void)
{
	static const char foreign[] = HEAD(
		"\x84", "\0", "\0\1", "\0\0") "\3wwx\7example\0\0\1\0\1";
	struct probing p;
	struct probed s;

	probing_open(&p, here, 1, 0);
	probed_open(&s, p.loop, "127.0.0.1", SOCK_DGRAM);
	s.reply = foreign;
	s.reply_len = sizeof foreign - 1;
	p.probe.kind = PROBE_DNS;
	p.probe.port = s.port;
	p.probe.timeout_ms = 150;
	p.probe.initial = PROBE_DOWN;
	p.probe.query = plain.query;
	p.probe.qtype = 1;
	probing_plan(&p);
	CU_ASSERT_STRING_EQUAL(
		probing_now(&p, 0), "no answer within 150 ms (waited for the answer)");
	CU_ASSERT_PTR_NOT_NULL(strstr(p.steps, "29 bytes that do not answer our question"));
	probed_close(&s);
	probing_close(&p);
}

/* Who answers by UDP that there is more, and what the same port says by TCP. */
static void what_is_cut_off_is_asked_for_by_tcp(void)
{
#define TC HEAD("\x86", "\0", "\0\1", "\0\0") WWW
#define FOREIGN HEAD("\x84", "\0", "\0\1", "\0\0") "\3wwx\7example\0\0\1\0\1"
	static const char tc[] = TC, nothing[] = "", start[] = "\0\x1d\x12\x34", foreign[] = "\0\x1d" FOREIGN;
	static const struct {
		const char *reply;
		size_t len;
		const char *says;
	} row[] = {
		{ nothing, 0, "DNS: truncated, and by TCP: closed without an answer" },
		{ start, sizeof start - 1, "DNS: truncated, and by TCP: closed without an answer" },
		{ foreign, sizeof foreign - 1, "DNS: truncated, and by TCP: not an answer to our question" },
		{ NULL, 0, "DNS: truncated, and by TCP: connection refused" },
	};
	struct probing p;
	struct probed udp, tcp;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		probing_open(&p, here, 1, 0);
		probed_open(&tcp, p.loop, "127.0.0.1", SOCK_STREAM);
		probed_open_at(&udp, p.loop, "127.0.0.1", SOCK_DGRAM, tcp.port);
		udp.reply = tc;
		udp.reply_len = sizeof tc - 1;
		tcp.reply = row[i].reply;
		tcp.reply_len = row[i].len;
		if (!row[i].reply)
			probed_close(&tcp);
		p.probe.kind = PROBE_DNS;
		p.probe.port = udp.port;
		p.probe.query = strict.query;
		p.probe.qtype = 1;
		p.probe.answer = strict.answer;
		p.probe.answer_len = 4;
		probing_plan(&p);
		CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), row[i].says);
		CU_ASSERT_FALSE(p.view.passed);
		CU_ASSERT_PTR_NOT_NULL(strstr(p.steps, "truncated; asking by TCP"));
		probed_close(&udp);
		if (row[i].reply)
			probed_close(&tcp);
		probing_close(&p);
	}
#undef TC
#undef FOREIGN
}

static const struct unit_case cases[] = {
	{ "replies are judged", replies_are_judged },
	{ "a server is asked by UDP", a_server_is_asked_by_udp },
	{ "what is not for us is waited past", what_is_not_for_us_is_waited_past },
	{ "what is cut off is asked for by TCP", what_is_cut_off_is_asked_for_by_tcp },
};

void suite_check_dns(void);
void suite_check_dns(void)
{
	unit_suite("probe/check_dns", cases, UNIT_COUNT(cases));
}
