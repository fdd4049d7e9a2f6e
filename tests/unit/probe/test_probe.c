#include "probe/probe.h"

#include "unit/unit.h"

#include <stdio.h>

static void kinds_have_names_and_ports(void)
{
	static const struct {
		enum probe_kind kind;
		const char *text;
		unsigned port;
	} row[] = { { PROBE_NONE, "none", 0 }, { PROBE_ICMP, "icmp", 0 },
		{ PROBE_TCP, "tcp", 80 }, { PROBE_HTTP, "http", 80 },
		{ PROBE_HTTPS, "https", 443 }, { PROBE_DNS, "dns", 53 },
		{ PROBE_EXEC, "exec", 0 }, { PROBE_EXTERNAL, "external", 0 } };
	enum probe_kind several = PROBE_KINDS;

	CU_ASSERT_EQUAL(UNIT_COUNT(row), PROBE_SEVERAL); /* which nobody writes */
	CU_ASSERT_FALSE(probe_kind_parse(&several, "several"));
	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		enum probe_kind k = PROBE_KINDS;
		struct probe_opts p = { .kind = row[i].kind };
		CU_ASSERT_STRING_EQUAL(probe_kind_text(row[i].kind), row[i].text);
		CU_ASSERT_TRUE(probe_kind_parse(&k, row[i].text));
		CU_ASSERT_EQUAL(k, row[i].kind);
		CU_ASSERT_EQUAL(probe_port(&p), row[i].port);
		p.port = 8080;
		CU_ASSERT_EQUAL(probe_port(&p), 8080);
	}
	enum probe_kind k = PROBE_TCP;
	CU_ASSERT_FALSE(probe_kind_parse(&k, "HTTP"));
	CU_ASSERT_FALSE(probe_kind_parse(&k, ""));
	CU_ASSERT_EQUAL(k, PROBE_TCP);
}

static void codes_are_expected_by_range(void)
{
	static const struct probe_range some[] = { { 204, 204 }, { 300, 302 } };
	static const struct {
		enum probe_kind kind;
		size_t n;
		unsigned code;
		bool expected;
	} row[] = {
		{ PROBE_HTTP, 0, 199, false },
		{ PROBE_HTTP, 0, 200, true },
		{ PROBE_HTTPS, 0, 399, true },
		{ PROBE_HTTP, 0, 400, false },
		{ PROBE_DNS, 0, 0, true },
		{ PROBE_DNS, 0, 3, false },
		{ PROBE_HTTP, 2, 200, false },
		{ PROBE_HTTP, 2, 203, false },
		{ PROBE_HTTP, 2, 204, true },
		{ PROBE_HTTP, 2, 205, false },
		{ PROBE_HTTP, 2, 299, false },
		{ PROBE_HTTP, 2, 300, true },
		{ PROBE_HTTP, 2, 301, true },
		{ PROBE_HTTP, 2, 302, true },
		{ PROBE_HTTP, 2, 303, false },
		{ PROBE_HTTP, 1, 300, false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct probe_opts p = {
			.kind = row[i].kind, .expect = some, .n_expect = row[i].n
		};
		if (probe_expects(&p, row[i].code) != row[i].expected) {
			printf("%u\n", row[i].code);
			CU_FAIL("a code is not taken for what it is");
		}
	}
}

static void a_rule_is_what_the_probe_says(void)
{
	const struct health_rule r = probe_rule(&(struct probe_opts){ .rise = 3, .fall = 5 });

	CU_ASSERT_EQUAL(r.rise, 3);
	CU_ASSERT_EQUAL(r.fall, 5);
}

static const struct probe_range twenty[] = { { 200, 200 } }, twenty_too[] = { { 200, 200 } },
				others[] = { { 200, 201 } },
				both[] = { { 200, 200 }, { 204, 204 } };
static const char *const command[] = { "/bin/check", "-v", NULL };
static const char *const command_too[] = { "/bin/check", "-v", NULL };
static const char *const shorter[] = { "/bin/check", NULL };
static const char *const other_command[] = { "/bin/check", "-w", NULL };

static struct probe_opts full(void)
{
	return (struct probe_opts){ .name = "a",
		.kind = PROBE_HTTPS,
		.port = 443,
		.every_ms = 5000,
		.timeout_ms = 1000,
		.rise = 2,
		.fall = 3,
		.expect = twenty,
		.n_expect = 1,
		.path = "/x",
		.host = "www.example",
		.body = "ok",
		.tls_name = "tls.example",
		.ca = "ca.pem",
		.verify = true,
		.expiry_warning_ms = 7,
		.load_field = "load",
		.query = (const uint8_t *)"\3www\7example",
		.qtype = 1,
		.answer = (const uint8_t *)"\1\2\3\4",
		.answer_len = 4,
		.command = command };
}

/* Names play no part, nor where texts stand, nor whether the usual port is written. */
static void probes_that_ask_the_same_are_the_same(void)
{
	struct probe_opts a = full(), b = full();
	char path[] = "/x", host[] = "www.example", body[] = "ok", tls[] = "tls.example",
	     ca[] = "ca.pem", load[] = "load", query[] = "\3www\7example",
	     answer[] = "\1\2\3\4";

	b.name = "another";
	b.port = 0;
	b.path = path;
	b.host = host;
	b.body = body;
	b.tls_name = tls;
	b.ca = ca;
	b.load_field = load;
	b.query = (const uint8_t *)query;
	b.answer = (const uint8_t *)answer;
	b.expect = twenty_too;
	b.command = command_too;
	CU_ASSERT_TRUE(probe_same(&a, &b));
	CU_ASSERT_TRUE(probe_same(&b, &a));
	const struct probe_opts none = { .kind = PROBE_TCP },
				too = { .kind = PROBE_TCP, .port = 80 };
	CU_ASSERT_TRUE(probe_same(&none, &too));
}

#define OTHER(change)                                              \
	do {                                                       \
		b = full();                                        \
		change;                                            \
		if (probe_same(&a, &b) || probe_same(&b, &a))      \
			CU_FAIL("the same in spite of: " #change); \
	} while (0)

static void each_thing_that_is_asked_makes_another_probe(void)
{
	struct probe_opts a = full(), b;

	OTHER(b.kind = PROBE_HTTP);
	OTHER(b.port = 444);
	OTHER(b.every_ms++);
	OTHER(b.timeout_ms++);
	OTHER(b.rise++);
	OTHER(b.fall++);
	OTHER(b.initial = PROBE_UP);
	OTHER(b.expect = others);
	OTHER((b.expect = both, b.n_expect = 2));
	OTHER(b.n_expect = 0);
	OTHER(b.path = "/y");
	OTHER(b.path = NULL);
	OTHER(b.host = "other.example");
	OTHER(b.host = NULL);
	OTHER(b.body = "no");
	OTHER(b.body = NULL);
	OTHER(b.head = true);
	OTHER(b.keep_alive = true);
	OTHER(b.tls_name = "x");
	OTHER(b.ca = NULL);
	OTHER(b.ca = "other.pem");
	OTHER(b.verify = false);
	OTHER(b.expiry_warning_ms = 8);
	OTHER(b.load_field = "LOAD");
	OTHER(b.load_in_body = true);
	OTHER(b.query = (const uint8_t *)"\3www\7examplf");
	OTHER(b.query = (const uint8_t *)"\3www");
	OTHER(b.query = NULL);
	OTHER(b.qtype = 28);
	OTHER(b.answer = (const uint8_t *)"\1\2\3\5");
	OTHER(b.answer_len = 3);
	OTHER((b.answer = NULL, b.answer_len = 0));
	OTHER(b.command = shorter);
	OTHER(b.command = other_command);
	OTHER(b.command = NULL);
}

/* Values that a probe wants, its parts, and who tells it. */
static void values_and_parts_make_another_probe_too(void)
{
	static const struct probe_value value = { .field = "f", .matches = "m", .is = "i", .least = 1, .below = 2 };
	static const struct {
		const char *say;
		struct probe_value v;
		bool same;
	} row[] = {
		{ "the same", { .field = "f", .matches = "m", .is = "i", .least = 1, .below = 2 }, true },
		{ "another field", { .field = "g", .matches = "m", .is = "i", .least = 1, .below = 2 }, false },
		{ "another expression", { .field = "f", .matches = "n", .is = "i", .least = 1, .below = 2 }, false },
		{ "no expression", { .field = "f", .is = "i", .least = 1, .below = 2 }, false },
		{ "another text", { .field = "f", .matches = "m", .is = "j", .least = 1, .below = 2 }, false },
		{ "in the body", { .field = "f", .in_body = true, .matches = "m", .is = "i", .least = 1, .below = 2 }, false },
		{ "of JSON", { .field = "f", .json = true, .matches = "m", .is = "i", .least = 1, .below = 2 }, false },
		{ "from less on", { .field = "f", .matches = "m", .is = "i", .least = 0.5, .below = 2 }, false },
		{ "from more on", { .field = "f", .matches = "m", .is = "i", .least = 1.5, .below = 2 }, false },
		{ "up to less", { .field = "f", .matches = "m", .is = "i", .least = 1, .below = 1.5 }, false },
		{ "up to more", { .field = "f", .matches = "m", .is = "i", .least = 1, .below = 2.5 }, false },
	};
	struct probe_opts a = full(), b;

	a.values = &value;
	a.n_values = 1;
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		b = a;
		b.values = &row[i].v;
		if (probe_same(&a, &b) != row[i].same || probe_same(&b, &a) != row[i].same)
			CU_FAIL(row[i].say);
	}
	a = full();
	OTHER(b.keep_alive = true);
	OTHER(b.head = true);
	OTHER(b.proxy = 1);
	OTHER(b.http2 = PROBE_HTTP2_ON);
	OTHER(b.headers = command);
	OTHER(b.client_cert = "c");
	OTHER(b.client_key = "k");
	OTHER(b.expiry_down_ms = 1);
	const struct probe_opts tcp[2] = { { .name = "t", .kind = PROBE_TCP }, { .name = "t", .kind = PROBE_TCP, .port = 81 } };
	a = full();
	a.kind = PROBE_SEVERAL;
	a.parts = tcp;
	a.n_parts = 2;
	a.least = 1;
	OTHER(b.kind = PROBE_SEVERAL);
	OTHER((b.kind = PROBE_SEVERAL, b.parts = tcp, b.n_parts = 1, b.least = 1));
	OTHER((b.kind = PROBE_SEVERAL, b.parts = tcp, b.n_parts = 2, b.least = 2));
	b = a;
	CU_ASSERT_TRUE(probe_same(&a, &b));
	const struct probe_opts turned[2] = { tcp[1], tcp[0] };
	b.parts = turned;
	CU_ASSERT_FALSE(probe_same(&a, &b));
	/* Who tells names the probe. */
	a = full();
	a.kind = PROBE_EXTERNAL;
	b = a;
	CU_ASSERT_TRUE(probe_same(&a, &b));
	b.name = "b";
	CU_ASSERT_FALSE(probe_same(&a, &b));
	b = a;
	b.file = "f";
	CU_ASSERT_FALSE(probe_same(&a, &b));
	b = a;
	b.expires_ms = 1;
	CU_ASSERT_FALSE(probe_same(&a, &b));
}

static void what_a_part_does_its_whole_does(void)
{
	const struct probe_opts load = { .kind = PROBE_HTTP, .load_field = "l" }, exec = { .kind = PROBE_EXEC }, told = { .kind = PROBE_EXTERNAL };
	struct probe_opts parts[2] = { { .kind = PROBE_TCP }, { .kind = PROBE_TCP } };
	const struct probe_opts inner = { .kind = PROBE_SEVERAL, .parts = parts, .n_parts = 2, .least = 1 };
	const struct probe_opts outer = { .kind = PROBE_SEVERAL, .parts = &inner, .n_parts = 1, .least = 1 };

	CU_ASSERT_EQUAL(probe_targets(&parts[0]), 1);
	CU_ASSERT_EQUAL(probe_targets(&inner), 3);
	CU_ASSERT_EQUAL(probe_targets(&outer), 4);
	CU_ASSERT(!probe_tells_load(&outer) && !probe_is_of_edge(&outer));
	parts[1] = load;
	CU_ASSERT(probe_tells_load(&load) && probe_tells_load(&outer) && !probe_is_of_edge(&outer));
	parts[0] = load;
	parts[1] = exec;
	CU_ASSERT(probe_tells_load(&outer) && probe_is_of_edge(&outer));
	parts[0] = told;
	parts[1] = inner.parts[0];
	parts[1].kind = PROBE_TCP;
	CU_ASSERT(!probe_tells_load(&outer) && probe_is_of_edge(&outer) && probe_is_of_edge(&told));
}

static const struct unit_case cases[] = {
	{ "kinds have names and ports", kinds_have_names_and_ports },
	{ "codes are expected by range", codes_are_expected_by_range },
	{ "a rule is what the probe says", a_rule_is_what_the_probe_says },
	{ "probes that ask the same are the same", probes_that_ask_the_same_are_the_same },
	{ "each thing that is asked makes another probe",
		each_thing_that_is_asked_makes_another_probe },
	{ "values and parts make another probe, too", values_and_parts_make_another_probe_too },
	{ "what a part does its whole does", what_a_part_does_its_whole_does },
};

void suite_probe(void);
void suite_probe(void)
{
	unit_suite("probe/probe", cases, UNIT_COUNT(cases));
}
