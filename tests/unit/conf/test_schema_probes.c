#include "conf/conf.h"

#include "dns/rrtype.h"
#include "unit/conf/told.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#define HEAD                                     \
	"server: { listen: \"127.0.0.1:53\" }\n" \
	"zones: [ { name: a, file: b } ]\n"      \
	"edges: { one: { a: 192.0.2.1 }, far: { cname: x.example } }\n"

static void probes_keep_their_values_and_have_defaults(void)
{
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		HEAD "probes:\n"
		     "  plain: { kind: tcp }\n"
		     "  web: { kind: https, port: 8443, path: \"/h?x\", host: www.example.com, "
		     "expect: "
		     "[ 200, 301-399 ], method: HEAD, every: 500ms,\n"
		     "         timeout: 100ms, rise: 4, fall: 5, initial: down, verify: off, "
		     "ca: ca.pem, "
		     "tls-name: tls.example, expiry-warning: 3d,\n"
		     "         load-from: { header: X-Load } }\n"
		     "  ns: { answer: \"2001:db8::1\", kind: dns, query: \"a.example AAAA\", "
		     "expect: "
		     "[ noerror, NXDOMAIN ] }\n"
		     "  run: { kind: exec, command: [ bin/look, \"-x y\" ] }\n"
		     "pools:\n"
		     "  a: { edges: one, policy: least-load, probe: web, up-when: all, panic: "
		     "30% }\n"
		     "  b: { edges: one, policy: least-latency, probe: plain }\n",
		&lines));
	CU_ASSERT_EQUAL_FATAL(c.n_probes, 4);
	const struct probe_opts *plain = &c.probes[0], *web = &c.probes[1], *ns = &c.probes[2],
				*run = &c.probes[3];
	CU_ASSERT(plain->every_ms == 4000 && plain->timeout_ms == 2000 && plain->rise == 2 &&
		plain->fall == 3 && plain->initial == PROBE_WAIT && plain->verify);
	CU_ASSERT(web->port == 8443 && web->head && web->every_ms == 500 && web->rise == 4 &&
		web->fall == 5 && web->initial == PROBE_DOWN && !web->verify);
	CU_ASSERT_STRING_EQUAL(web->ca, "/etc/waymark/ca.pem");
	CU_ASSERT(web->n_expect == 2 && web->expect[1].from == 301 && web->expect[1].to == 399);
	CU_ASSERT_EQUAL(web->expiry_warning_ms, 3u * 86400000);
	CU_ASSERT_STRING_EQUAL(web->load_field, "X-Load");
	CU_ASSERT(ns->qtype == RRTYPE_AAAA && ns->answer_len == 16 && ns->n_expect == 2 &&
		ns->expect[1].from == 3);
	CU_ASSERT_STRING_EQUAL(run->command[0], "/etc/waymark/bin/look");
	CU_ASSERT_STRING_EQUAL(run->command[1], "-x y");
	CU_ASSERT_PTR_NULL(run->command[2]);
	CU_ASSERT(c.pools[0].probe == 2 && c.pools[0].up_when == 0 && c.pools[1].probe == 1 &&
		c.pools[1].up_when == 1);
	CU_ASSERT_DOUBLE_EQUAL(c.pools[0].panic_share, 0.3, 1e-9);
	text_fini(&lines);
	conf_fini(&c);
}

static void what_is_wrong_with_probes_is_told_at_its_place(void)
{
	static const struct told_case cases[] = {
		{ "kinds", HEAD "probes: { a: { kind: htttp }, b: { port: 3 } }\n",
			"4:22: error: \"kind\" must be none, icmp, tcp, http, https, dns, exec or "
			"external, "
			"not \"htttp\"; did you mean \"http\"?\n"
			"4:31: error: \"kind\" is missing in probe b; write for example: kind: "
			"https\n" },
		{ "keys of other kinds",
			HEAD "probes: { a: { kind: tcp, path: /x, verify: on } }\n",
			"4:27: error: \"path\" means nothing to probes of kind tcp; take it "
			"out\n"
			"4:37: error: \"verify\" means nothing to probes of kind tcp; take it "
			"out\n" },
		{ "what a kind needs", HEAD "probes: { a: { kind: dns }, b: { kind: exec } }\n",
			"4:11: error: probe a is of kind dns and needs \"query\"; write for "
			"example: query: \"example.com A\"\n"
			"4:29: error: probe b is of kind exec and needs \"command\"; write for "
			"example: command: [ /usr/local/bin/look, --quick ]\n" },
		{ "times", HEAD "probes: { a: { kind: tcp, timeout: 5s } }\n",
			"4:36: error: a probe's \"timeout\" (5000 ms) must end before its next "
			"turn (\"every\": 4000 ms)\n" },
		{ "expectations",
			HEAD "probes: { a: { kind: http, expect: [ 99, 300-200, ok ] } }\n",
			"4:38: error: \"expect\" must be an HTTP status (100 to 999), a range "
			"such "
			"as 200-299, or a list of them, not \"99\"\n"
			"4:42: error: \"expect\" must be an HTTP status (100 to 999), a range "
			"such "
			"as 200-299, or a list of them, not \"300-200\"\n"
			"4:51: error: \"expect\" must be an HTTP status (100 to 999), a range "
			"such "
			"as 200-299, or a list of them, not \"ok\"\n" },
		{ "response codes",
			HEAD "probes: { a: { kind: dns, query: a A, expect: [ NOTZONE, BADVERS, 5 ] } }\n",
			"4:58: error: \"expect\" must be a DNS response code such as NOERROR, or a "
			"list of them, not \"BADVERS\"\n"
			"4:67: error: \"expect\" must be a DNS response code such as NOERROR, or a "
			"list of them, not \"5\"\n" },
		{ "a body that is not there",
			HEAD "probes: { a: { kind: http, method: HEAD, body: x } }\n",
			"4:42: error: HEAD has no body; take this out, or use GET\n" },
		{ "an answer of another type",
			HEAD "probes: { a: { kind: dns, query: a AAAA, answer: 192.0.2.1 } }\n",
			"4:50: error: \"answer\" must be an address of the query's type, or "
			"the "
			"text of a TXT record, not \"192.0.2.1\"\n" },
	};

	told_check(cases, UNIT_COUNT(cases));
}

/* From end to end of what HTTP has (RFC 9110 section 15), alone and as ranges. */
static void statuses_of_all_classes_may_be_expected(void)
{
	static const struct {
		const char *text;
		unsigned from, to;
	} row[] = { { "100", 100, 100 }, { "199", 199, 199 }, { "999", 999, 999 }, { "100-100", 100, 100 },
		{ "100-199", 100, 199 }, { "100-999", 100, 999 }, { "900-999", 900, 999 } };
	char text[400];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text lines;
		struct conf c;
		snprintf(text, sizeof text, HEAD "probes: { a: { kind: http, expect: [ %s ] } }\n", row[i].text);
		CU_ASSERT_TRUE_FATAL(told_read(&c, text, &lines));
		CU_ASSERT_EQUAL(c.probes[0].n_expect, 1);
		CU_ASSERT_EQUAL(c.probes[0].expect[0].from, row[i].from);
		CU_ASSERT_EQUAL(c.probes[0].expect[0].to, row[i].to);
		text_fini(&lines);
		conf_fini(&c);
	}
}

/* Nothing beside a status or two of them is taken, and none that HTTP has not. */
static void what_is_no_status_is_expected_of_nobody(void)
{
	static const char *const row[] = { "0", "99", "1000", "0200", "+200", "-200", "\" 200\"", "\"200 \"", "200x", "200-", "200-x",
		"200-0299", "200-+299", "200- 299", "200-199", "200-1000", "99-200", "200-299-300", "200-299x", "2e2", "ok", "\"\"",
		"66000", "200-66000", "4294967496", "18446744073709551816", "200-18446744073709551816" };
	char text[400], shown[80], want[400];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		snprintf(text, sizeof text, HEAD "probes: { a: { kind: http, expect: [ %s ] } }\n", row[i]);
		snprintf(shown, sizeof shown, row[i][0] == '"' ? "%s" : "\"%s\"", row[i]);
		snprintf(want, sizeof want,
			"4:38: error: \"expect\" must be an HTTP status (100 to 999), a range such as 200-299, or a list of them, not %s\n",
			shown);
		told_check(&(struct told_case){ row[i], text, want }, 1);
	}
}

static void what_http_probes_say_and_show_is_read(void)
{
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		HEAD "probes:\n"
		     "  a: { kind: https, host: \"bücher.example:8443\", headers: { X-A: \"b: c\", "
		     "User-Agent: us }, http2: on, proxy-protocol: v1, client-cert: c.pem, client-key: "
		     "k.pem }\n"
		     "  b: { kind: https, host: \"[2001:db8::1]:443\", headers: [ \"X-B:   d\", \"X-C:\" ], "
		     "client-cert: both.pem, proxy-protocol: on, http2: off, ca: ca.pem }\n"
		     "  c: { kind: http, host: www.example.com }\n"
		     "  d: { kind: https, host: www.example.com, tls-name: tls.example. }\n"
		     "  e: { kind: exec, command: [ look ] }\n"
		     "  f: { kind: dns, query: \"bücher.example AAAA\" }\n",
		&lines));
	CU_ASSERT_EQUAL_FATAL(c.n_probes, 6);
	const struct probe_opts *a = &c.probes[0], *b = &c.probes[1], *d = &c.probes[3];
	CU_ASSERT_STRING_EQUAL(a->host, "xn--bcher-kva.example:8443");
	CU_ASSERT_STRING_EQUAL(a->tls_name, "xn--bcher-kva.example");
	CU_ASSERT_STRING_EQUAL(a->headers[0], "X-A: b: c");
	CU_ASSERT_STRING_EQUAL(a->headers[1], "User-Agent: us");
	CU_ASSERT_PTR_NULL(a->headers[2]);
	CU_ASSERT(a->http2 == PROBE_HTTP2_ON && a->proxy == 1);
	CU_ASSERT_STRING_EQUAL(a->client_cert, "/etc/waymark/c.pem");
	CU_ASSERT_STRING_EQUAL(a->client_key, "/etc/waymark/k.pem");
	CU_ASSERT_STRING_EQUAL(b->host, "[2001:db8::1]:443");
	CU_ASSERT_STRING_EQUAL(b->tls_name, "2001:db8::1");
	CU_ASSERT_STRING_EQUAL(b->headers[0], "X-B: d");
	CU_ASSERT_STRING_EQUAL(b->client_key, "/etc/waymark/both.pem");
	CU_ASSERT(b->http2 == PROBE_HTTP2_OFF && b->proxy == 2);
	CU_ASSERT(c.probes[2].http2 == PROBE_HTTP2_AUTO && c.probes[2].proxy == 0 &&
		!c.probes[2].headers && !c.probes[2].tls_name);
	CU_ASSERT_STRING_EQUAL(d->tls_name, "tls.example");
	CU_ASSERT(memcmp(c.probes[5].query, "\15xn--bcher-kva\7example", 23) == 0);
	CU_ASSERT_EQUAL(c.probes[5].qtype, RRTYPE_AAAA);
	CU_ASSERT_EQUAL_FATAL(c.n_files, 4); /* that "check" looks at */
	CU_ASSERT(c.files[0].kind == CONF_FILE_PAIR && c.files[0].line == 5 &&
		c.files[1].kind == CONF_FILE_CA && c.files[2].kind == CONF_FILE_PAIR &&
		c.files[3].kind == CONF_FILE_PROGRAM);
	CU_ASSERT_STRING_EQUAL(c.files[3].path, "/etc/waymark/look");
	text_fini(&lines);
	conf_fini(&c);
}

static void what_http_probes_cannot_say_is_told(void)
{
	static const struct told_case cases[] = {
		{ "an expression that is none, and no more of that value",
			HEAD "probes: { a: { kind: http, values: [ { matches: \"(\" }, { is: x } ] } }\n",
			"4:49: error: this is no regular expression (PCRE2): behind its 1. character: missing closing parenthesis\n"
			"4:56: error: where is it? Write { header: NAME, ... }, { body: NAME, ... }, { json: PATH, ... } or { "
			"matches: EXPRESSION }\n" },
		{ "headers",
			HEAD "probes: { a: { kind: http, headers: { Host: x } }, b: { kind: http, "
			     "headers: [ nope, \"a b: c\" ] } }\n",
			"4:39: error: the probe sends \"Host\" itself: write \"host\"\n"
			"4:80: error: \"nope\" is no header: its name is of letters, digits and "
			"\"-\", and \": \" and a value stand behind it\n"
			"4:86: error: \"a b: c\" is no header: its name is of letters, digits and "
			"\"-\", and \": \" and a value stand behind it\n" },
		{ "versions", HEAD "probes: { a: { kind: http, http2: maybe, proxy-protocol: v3 } }\n",
			"4:35: error: \"http2\" must be auto, on or off, not \"maybe\"\n"
			"4:58: error: \"proxy-protocol\" must be off, v1 or v2, not \"v3\"\n" },
		{ "a key alone", HEAD "probes: { a: { kind: https, client-key: k.pem } }\n",
			"4:29: error: \"client-key\" needs \"client-cert\" beside it\n" },
		{ "a host that is none",
			HEAD "probes: { a: { kind: http, host: a..b }, b: { kind: http, host: a_b } }\n",
			"4:34: error: \"host\" must be the name of a host, with or without a port: "
			"www.example.com, not \"a..b\": it has an empty label\n"
			"4:65: warning: no host has \"_\" in its name (RFC 1123 section 2.1); it is "
			"sent as it is\n" },
		{ "of other kinds", HEAD "probes: { a: { kind: icmp, proxy-protocol: v2 } }\n",
			"4:28: error: \"proxy-protocol\" means nothing to probes of kind icmp; take "
			"it out\n" },
	};

	told_check(cases, UNIT_COUNT(cases));
}

static void what_pools_make_of_probes_is_checked(void)
{
	static const struct told_case cases[] = {
		{ "a probe that is none",
			HEAD
			"probes: { web: { kind: tcp } }\npools: { p: { edges: one, policy: "
			"round-robin, probe: wep } }\n",
			"5:55: error: there is no probe \"wep\"; did you mean \"web\"?\n" },
		{ "nothing to go by",
			HEAD
			"pools: { p: { edges: one, policy: least-latency }, q: { edges: one, "
			"policy: round-robin, panic: 10%, up-when: any } }\n",
			"4:35: error: least-latency goes by what a probe measures; give the "
			"pool "
			"one\n"
			"4:102: error: \"up-when\" needs \"probe\" beside it, or take it out\n"
			"4:90: error: \"panic\" needs \"probe\" beside it, or take it out\n" },
		{ "a probe that tells no load",
			HEAD
			"probes: { web: { kind: http } }\npools: { p: { edges: one, policy: "
			"least-load, probe: web } }\n",
			"5:35: error: least-load needs a probe with \"load-from\"; probe web "
			"has "
			"none\n" },
		{ "an edge without an address",
			HEAD
			"probes: { web: { kind: tcp } }\npools: { p: { edges: [ one, far ], "
			"policy: round-robin, probe: web } }\n",
			"5:15: warning: pool p has edges with addresses and edges with only a "
			"cname: a name is either a CNAME or not, and resolvers take it for one "
			"for all types once they have met one (RFC 1034 section 3.6.2); make "
			"two pools\n" },
	};

	told_check(cases, UNIT_COUNT(cases));
}

void suite_schema_probes(void);
static void too_many_are_told_once_whoever_names_them(void)
{
	struct text yaml = { 0 }, lines;
	struct conf c;

	for (unsigned n = PROBES_MOST; n <= PROBES_MOST + 40; n += 40) {
		text_add(&yaml, HEAD "pools:\n");
		for (unsigned i = 0; i < n; i++)
			text_addf(&yaml, "  w%u: { edges: one, policy: ordered, probe: p%u }\n", i, i);
		text_add(&yaml, "probes:\n");
		for (unsigned i = 0; i < n; i++)
			text_addf(&yaml, "  p%u: { kind: tcp, port: %u }\n", i, 80 + i);
		CU_ASSERT_EQUAL(told_read(&c, text_get(&yaml), &lines), n == PROBES_MOST);
		CU_ASSERT_STRING_EQUAL(text_get(&lines), n == PROBES_MOST ? "" : "301:1: error: 296 probes; 256 are allowed\n");
		if (n == PROBES_MOST) {
			CU_ASSERT_EQUAL(c.n_probes, PROBES_MOST);
			conf_fini(&c);
		}
		text_fini(&lines);
		text_fini(&yaml);
		yaml = (struct text){ 0 };
	}
}

void suite_schema_probes(void)
{
	static const struct unit_case cases[] = {
		{ "too many are told once, whoever names them", too_many_are_told_once_whoever_names_them },
		{ "probes keep their values and have defaults",
			probes_keep_their_values_and_have_defaults },
		{ "what is wrong with probes is told at its place",
			what_is_wrong_with_probes_is_told_at_its_place },
		{ "statuses of all classes may be expected", statuses_of_all_classes_may_be_expected },
		{ "what is no status is expected of nobody", what_is_no_status_is_expected_of_nobody },
		{ "what HTTP probes say and show is read", what_http_probes_say_and_show_is_read },
		{ "what HTTP probes cannot say is told", what_http_probes_cannot_say_is_told },
		{ "what pools make of probes is checked",
			what_pools_make_of_probes_is_checked },
	};

	unit_suite("conf/schema_probes", cases, UNIT_COUNT(cases));
}
