#include "probe/check_icmp.h"

#include "unit/probe/probing.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#define COOKIE "\1\2\3\4\5\6\7\x8"

static void echoes_are_read_as_the_kernel_gives_them(void)
{
	static const struct {
		const char *say, *bytes;
		size_t len;
		bool v4, ip, ok;
		uint8_t type;
	} row[] = {
#define ROW(say, bytes, v4, ip, ok, type) { say, bytes, sizeof(bytes) - 1, v4, ip, ok, type }
		ROW("a reply", "\0\0\0\0\x12\x34\x56\x78" COOKIE, true, false, true, 0),
		ROW("a request", "\x8\0\0\0\x12\x34\x56\x78" COOKIE, true, false, true, 8),
		ROW("more behind it", "\0\0\0\0\x12\x34\x56\x78" COOKIE "more", true, false,
			true, 0),
		ROW("too short", "\0\0\0\0\x12\x34\x56\x78\1\2\3\4\5\6\7", true, false, false,
			0),
		ROW("another code", "\0\1\0\0\x12\x34\x56\x78" COOKIE, true, false, false, 0),
		ROW("unreachable", "\3\0\0\0\x12\x34\x56\x78" COOKIE, true, false, false, 0),
		ROW("that of IPv6 is none of IPv4's", "\x81\0\0\0\x12\x34\x56\x78" COOKIE, true,
			false, false, 0),
		ROW("IPv6: a reply", "\x81\0\0\0\x12\x34\x56\x78" COOKIE, false, false, true,
			129),
		ROW("IPv6: a request", "\x80\0\0\0\x12\x34\x56\x78" COOKIE, false, false, true,
			128),
		ROW("IPv6: another", "\x82\0\0\0\x12\x34\x56\x78" COOKIE, false, false, false,
			0),
		ROW("that of IPv4 is none of IPv6's", "\x8\0\0\0\x12\x34\x56\x78" COOKIE, false,
			false, false, 0),
		ROW("behind a header of 20 bytes",
			"\x45___________________\0\0\0\0\x12\x34\x56\x78" COOKIE, true, true,
			true, 0),
		ROW("... of 24", "\x46_______________________\0\0\0\0\x12\x34\x56\x78" COOKIE,
			true, true, true, 0),
		ROW("... of less than there may be",
			"\x44_______________\0\0\0\0\x12\x34\x56\x78" COOKIE, true, true, false,
			0),
		ROW("... longer than all of it", "\x4f______", true, true, false, 0),
		ROW("... and nothing", "\x45___________________", true, true, false, 0),
		ROW("nothing at all", "", true, true, false, 0),
#undef ROW
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct check_icmp_echo e = { 0 };
		const bool ok = check_icmp_read(
			&e, (const uint8_t *)row[i].bytes, row[i].len, row[i].v4, row[i].ip);
		if (ok != row[i].ok || (ok && e.type != row[i].type))
			CU_FAIL(row[i].say);
		if (!ok)
			continue;
		CU_ASSERT_EQUAL(e.ident, 0x1234);
		CU_ASSERT_EQUAL(e.sequence, 0x5678);
		CU_ASSERT_EQUAL(e.cookie, 0x0102030405060708u);
	}
}

static void this_machine_answers(void)
{
	static const char *const here[] = { "127.0.0.1 ::1", "127.0.0.2" };
	struct probing p;

	probing_open(&p, here, 2, 0);
	p.probe.kind = PROBE_ICMP;
	probing_plan(&p);
	CU_ASSERT_EQUAL_FATAL(round_targets(p.round), 3);
	if (strncmp(probing_now(&p, 0), "no permission", 13) == 0) {
		printf("  no ICMP is allowed here: nothing was tried\n");
		probing_close(&p);
		return;
	}
	for (unsigned k = 0; k < 30; k++) {
		CU_ASSERT_STRING_EQUAL(probing_now(&p, k % 3), "echo reply");
		CU_ASSERT_TRUE(p.view.passed && p.view.up && p.view.rtt_ms > 0);
		CU_ASSERT_DOUBLE_EQUAL(p.view.wire_ms, p.view.rtt_ms, 1e-9);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(p.steps, "echo request sent"));
	CU_ASSERT_PTR_NOT_NULL(strstr(p.steps, "echo reply"));
	CU_ASSERT_EQUAL(round_totals(p.round).failures, 0);
	probing_close(&p);
}

/* 240.0.0.0/4 is reserved: the kernel has no way there and says so. */
static void what_cannot_be_sent_fails(void)
{
	static const char *const away[] = { "255.255.255.255" };
	struct probing p;

	probing_open(&p, away, 1, 0);
	p.probe.kind = PROBE_ICMP;
	p.probe.timeout_ms = 200;
	probing_plan(&p);
	probing_now(&p, 0);
	CU_ASSERT_FALSE(p.view.passed);
	probing_close(&p);
}

static const struct unit_case cases[] = {
	{ "echoes are read as the kernel gives them",
		echoes_are_read_as_the_kernel_gives_them },
	{ "this machine answers", this_machine_answers },
	{ "what cannot be sent fails", what_cannot_be_sent_fails },
};

void suite_check_icmp(void);
void suite_check_icmp(void)
{
	unit_suite("probe/check_icmp", cases, UNIT_COUNT(cases));
}
