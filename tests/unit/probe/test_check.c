#include "probe/check.h"

#include "unit/probe/probing.h"
#include "unit/unit.h"

#include "base/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Out of our own means: it says nothing of the target. */
static void what_we_lack_ourselves_is_told_from_what_fails(void)
{
	static const struct {
		int err;
		bool ours;
	} row[] = { { EMFILE, true }, { ENFILE, true }, { ENOMEM, true }, { ENOBUFS, true },
		{ EAGAIN, true }, { EADDRNOTAVAIL, true }, { ECONNREFUSED, false },
		{ ECONNRESET, false }, { EHOSTUNREACH, false }, { ENETUNREACH, false },
		{ ETIMEDOUT, false }, { EACCES, false }, { EINVAL, false }, { EPERM, false } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct check c = { .result = { .passed = true } };
		CU_ASSERT_FALSE(check_errno(&c, "what", row[i].err));
		CU_ASSERT_FALSE(c.result.passed);
		CU_ASSERT_EQUAL(strncmp(c.result.say, "what: ", 6), 0);
		if (c.result.ours != row[i].ours)
			CU_FAIL(strerror(row[i].err));
	}
	struct check c = { .result = { .passed = true } };
	check_errno(&c, "", ECONNREFUSED);
	CU_ASSERT_STRING_EQUAL(c.result.say, "connection refused");
}

static void errors_have_the_words_of_operators(void)
{
	static const struct {
		int err;
		const char *text;
	} row[] = { { ECONNREFUSED, "connection refused" }, { ECONNRESET, "connection reset" },
		{ EHOSTUNREACH, "no route to the host" },
		{ ENETUNREACH, "network unreachable" }, { ETIMEDOUT, "no answer" },
		{ EACCES, "Permission denied" } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_STRING_EQUAL(check_errno_text(row[i].err), row[i].text);
}

static void a_long_reason_is_cut(void)
{
	struct check c = { .result = { .passed = true } };
	char text[500];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	CU_ASSERT_FALSE(check_failed(&c, "%s", text));
	CU_ASSERT_EQUAL(strlen(c.result.say), CHECK_SAY - 1);
	CU_ASSERT_FALSE(c.result.passed);
}

static void steps_have_the_time_since_the_start(void)
{
	struct text steps = { 0 };
	struct check c = { .steps = &steps, .started_us = clock_us() - 2500000 };

	check_step(&c, "something %d", 7);
	double ms = 0;
	char rest[40] = "";
	CU_ASSERT_EQUAL(sscanf(text_get(&steps), "%lf ms  %39[^\n]", &ms, rest), 2);
	CU_ASSERT_TRUE(ms >= 2500 && ms < 60000);
	CU_ASSERT_STRING_EQUAL(rest, "something 7");
	CU_ASSERT_EQUAL(text_get(&steps)[steps.len - 1], '\n');
	text_fini(&steps);
	c.steps = NULL;
	check_step(&c, "nobody wants to know");
	CU_ASSERT_TRUE(check_elapsed_us(&c) >= 2500000);
	c.started_us = clock_us() + 1000000; /* not less than 1, whatever the clock says */
	CU_ASSERT_TRUE(check_elapsed_us(&c) >= 1);
}

static void tcp_passes_where_a_connection_is_taken(void)
{
	static const char *const here[] = { "127.0.0.1", "::1" };
	struct probing p;
	struct probed s;

	for (unsigned i = 0; i < 2; i++) {
		probing_open(&p, here + i, 1, 0);
		probed_open(&s, p.loop, i ? "[::1]" : "127.0.0.1", SOCK_STREAM);
		p.probe.port = s.port;
		probing_plan(&p);
		CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), "connected");
		CU_ASSERT_TRUE(p.view.passed && p.view.up && p.view.known);
		CU_ASSERT_TRUE(p.view.rtt_ms > 0 && p.view.rtt_ms < 20000);
		CU_ASSERT_EQUAL(p.view.rtt_ms, p.view.wire_ms);
		CU_ASSERT_PTR_NOT_NULL(strstr(p.steps, "connected; closing"));
		probed_close(&s);
		/* Nobody listens any more. */
		CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), "connection refused");
		CU_ASSERT_FALSE(p.view.passed || p.view.up);
		CU_ASSERT_STRING_EQUAL(p.view.error, "connection refused");
		probing_close(&p);
	}
}

/* A listener that takes nobody: the kernel leaves those unanswered who come when its queue is
 * full. */
static void what_does_not_answer_fails_when_its_time_is_over(void)
{
	static const char *const here[] = { "127.0.0.1" };
	struct probing p;
	struct probed s;
	int fill[8];

	probing_open(&p, here, 1, 0);
	probed_open(&s, p.loop, "127.0.0.1", SOCK_STREAM);
	ev_io_stop(p.loop, &s.io);
	listen(s.fd, 0);
	const struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)s.port),
		.sin_addr.s_addr = htonl(0x7f000001) };
	for (unsigned i = 0; i < 8; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(fill[i], (const struct sockaddr *)&at, sizeof at);
	}
	p.probe.port = s.port;
	p.probe.timeout_ms = 120;
	p.probe.initial = PROBE_DOWN;
	const uint64_t begun = clock_us();
	probing_plan(&p);
	CU_ASSERT_STRING_EQUAL(
		probing_now(&p, 0), "no answer within 120 ms (waited for the connection)");
	CU_ASSERT_TRUE(clock_us() - begun >= 119000);
	CU_ASSERT_FALSE(p.view.passed);
	p.probe.timeout_ms = 1000;
	probing_plan(&p); /* another one */
	CU_ASSERT_STRING_EQUAL(
		probing_now(&p, 0), "no answer within 1 s (waited for the connection)");
	for (unsigned i = 0; i < 8; i++)
		close(fill[i]);
	probed_close(&s);
	probing_close(&p);
}

/* No verdict comes of it, and it is tried again. */
static void without_files_no_verdict_is_made(void)
{
	static const char *const here[] = { "127.0.0.1" };
	struct probing p;
	struct probed s;
	struct rlimit before, few;

	probing_open(&p, here, 1, 0);
	probed_open(&s, p.loop, "127.0.0.1", SOCK_STREAM);
	p.probe.port = s.port;
	probing_plan(&p);
	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	const int lowest = dup(0);
	close(lowest);
	few.rlim_cur = (rlim_t)lowest;
	setrlimit(RLIMIT_NOFILE, &few);
	CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), "no socket: Too many open files");
	setrlimit(RLIMIT_NOFILE, &before);
	CU_ASSERT_FALSE(p.view.known);
	CU_ASSERT_EQUAL(round_totals(p.round).not_made, 1);
	CU_ASSERT_EQUAL(round_totals(p.round).probes, 0);
	CU_ASSERT_EQUAL(round_waits(p.round), 1);
	CU_ASSERT_EQUAL(p.firsts, 0);
	CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), "connected");
	CU_ASSERT_EQUAL(p.firsts, 1);
	CU_ASSERT_EQUAL(round_totals(p.round).not_made, 1);
	probed_close(&s);
	probing_close(&p);
}

static const struct unit_case cases[] = {
	{ "what we lack ourselves is told from what fails",
		what_we_lack_ourselves_is_told_from_what_fails },
	{ "errors have the words of operators", errors_have_the_words_of_operators },
	{ "a long reason is cut", a_long_reason_is_cut },
	{ "steps have the time since the start", steps_have_the_time_since_the_start },
	{ "TCP passes where a connection is taken", tcp_passes_where_a_connection_is_taken },
	{ "what does not answer fails when its time is over",
		what_does_not_answer_fails_when_its_time_is_over },
	{ "without files no verdict is made", without_files_no_verdict_is_made },
};

void suite_check(void);
void suite_check(void)
{
	unit_suite("probe/check", cases, UNIT_COUNT(cases));
}
