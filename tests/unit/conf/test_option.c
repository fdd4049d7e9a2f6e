#include "conf/option.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include "base/arena.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void what_is_shown_is_cut_between_characters(void)
{
	char buf[OPTION_SHOWN], text[200], want[200];

	CU_ASSERT_STRING_EQUAL(option_shown(buf, ""), "");
	CU_ASSERT_STRING_EQUAL(option_shown(buf,
				       "a\tb\x7f"
				       "c"),
		"a?b?c");
	/* 68 bytes are shown whole, of 69 as many and three dots. */
	memset(text, 'x', sizeof text);
	text[68] = 0;
	CU_ASSERT_STRING_EQUAL(option_shown(buf, text), text);
	text[68] = 'y';
	text[69] = 0;
	memset(want, 'x', 68);
	strcpy(want + 68, "...");
	CU_ASSERT_STRING_EQUAL(option_shown(buf, text), want);
	/* Characters of two and three bytes across the end. */
	for (unsigned before = 64; before <= 68; before++)
		for (unsigned bytes = 2; bytes <= 3; bytes++) {
			memset(text, 'x', before);
			strcpy(text + before,
				bytes == 2 ? "\xc3\xa9yyyyyy" : "\xe6\xb0\xb4yyyyyy");
			memcpy(want, text, before + bytes);
			/* It is whole when it ends within the 68, else gone. */
			const unsigned fits = before + bytes <= 68 ? 68 : before;
			memcpy(want, text, fits);
			strcpy(want + fits, "...");
			if (strlen(text) <= 68)
				continue;
			CU_ASSERT_STRING_EQUAL(option_shown(buf, text), want);
		}
}

/* An operator who has just broken the file still wants to reach the server. */
static void the_control_socket_is_found_in_what_is_no_yaml(void)
{
	static const struct {
		const char *text, *found;
	} row[] = {
		{ "control: { socket: a.sock }\n", "a.sock" },
		{ "a: 1\ncontrol:\n  socket: a.sock\n", "a.sock" },
		{ "control: { socket: /run/x.sock }\n", "=/run/x.sock" },
		{ "control: { state: x }\n", NULL },
		{ "server: {}\n", NULL },
		{ "a: 1\n", NULL },
		{ "control: { socket: [ a ] }\n", NULL },
		{ "control: x\n", NULL },
		/* No YAML from here on. */
		{ "control: { socket: a.sock\nx: [\n", "a.sock" },
		{ "x: [\ncontrol: { socket: a.sock }\n", "a.sock" },
		{ "x: [\ncontrol:\n  state: s\n  socket: \"a.sock\"\n", "a.sock" },
		{ "x: [\ncontrol: { state: s, socket: 'a.sock', x: y }\n", "a.sock" },
		{ "x: [\ncontrol: { socket:   a.sock}\n", "a.sock" },
		{ "x: [\ncontrol: { socket: a.sock\r\n", "a.sock" },
		{ "x: [\ncontrol: { socket: a.sock", "a.sock" },
		{ "x: [\ncontrol: { socket: /run/x.sock", "=/run/x.sock" },
		{ "x: [\nnocontrol: { socket: a.sock }\n", NULL },
		{ "x: [ control: { socket: a.sock }\n", NULL },
		{ "x: [\nsocket: a.sock\n", NULL },
		{ "socket: no.sock\nx: [\ncontrol: { socket: a.sock }\n", "a.sock" },
		{ "x: [\ncontrol: { socket: }\n", NULL },
		{ "x: [\ncontrol: { socket:", NULL },
		{ "", NULL },
	};
	char folder[] = "/tmp/unit_socket.XXXXXX", path[64], want[100];

	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof path, "%s/t.yaml", folder);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct arena mem = { 0 };
		struct fault why = { "" };
		FILE *f = fopen(path, "we");
		fputs(row[i].text, f);
		fclose(f);
		const char *got = conf_find_socket(path, &mem, &why), *wanted = row[i].found;
		if (wanted && *wanted == '=')
			wanted++;
		else if (wanted)
			snprintf(want, sizeof want, "%s/%s", folder, wanted), wanted = want;
		if (!got != !wanted || (got && strcmp(got, wanted) != 0)) {
			printf("%s: %s\n", row[i].text, got ? got : why.text);
			CU_FAIL(row[i].text);
		}
		CU_ASSERT_EQUAL(
			got == NULL, strstr(why.text, "names no control socket") != NULL);
		arena_fini(&mem);
	}
	struct arena mem = { 0 };
	struct fault why = { "" };
	unlink(path);
	CU_ASSERT_PTR_NULL(conf_find_socket(path, &mem, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "No such file"));
	arena_fini(&mem);
	rmdir(folder);
}

#define HEAD SERVER ZONES "edges: { one: { a: 192.0.2.1 } }\n"

static void where_the_load_comes_from_is_a_mapping_of_one(void)
{
	static const char must[] =
		"\"load-from\" must be { header: NAME } or { body: NAME }, where NAME is of a "
		"field, not ";
	static const struct {
		const char *of, *wrong;
	} row[] = { { "X-Load", "\"X-Load\"\n" }, { "[ X-Load ]", "a list\n" },
		{ "{}", "a mapping\n" }, { "{ header: X-Load }", NULL },
		{ "{ body: load }", NULL } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char yaml[600], want[400];
		struct text lines = { 0 };
		struct conf c;
		snprintf(yaml, sizeof yaml,
			HEAD "probes: { p: { kind: http, load-from: %s } }\n"
			     "pools: { a: { edges: one, policy: least-load, probe: p } }\n",
			row[i].of);
		snprintf(want, sizeof want, "%s%s", must, row[i].wrong ? row[i].wrong : "");
		const bool ok = told_read(&c, yaml, &lines);
		CU_ASSERT_EQUAL(ok, row[i].wrong == NULL);
		if (row[i].wrong && !strstr(text_get(&lines), want)) {
			printf("%s\n", text_get(&lines));
			CU_FAIL(row[i].of);
		}
		if (ok) {
			CU_ASSERT_EQUAL(c.probes[0].load_in_body, i == 4);
			CU_ASSERT_STRING_EQUAL(
				c.probes[0].load_field, i == 4 ? "load" : "X-Load");
			conf_fini(&c);
		}
		text_fini(&lines);
	}
}

#define ENTRY(more) \
	SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1, edge-as: record } }\n" \
	       "edges: { one: { a: 192.0.2.1 } }\n" \
	       "zones: [ { name: a.example, file: z" more " } ]\n"

static const struct conf_rule *rule_of(const struct conf *c)
{
	return &c->rules[c->zones[0].rule];
}

static unsigned serial_of(const struct conf *c)
{
	return rule_of(c)->access.serial;
}

static unsigned zonemd_of(const struct conf *c)
{
	return rule_of(c)->verify.zonemd;
}

static unsigned write_back_of(const struct conf *c)
{
	return (unsigned)rule_of(c)->stored + rule_of(c)->synced;
}

static unsigned initial_of(const struct conf *c)
{
	return c->probes[0].initial;
}

static unsigned method_of(const struct conf *c)
{
	return c->probes[0].head;
}

static unsigned affinity_of(const struct conf *c)
{
	return c->pools[0].affinity;
}

static unsigned all_down_of(const struct conf *c)
{
	return c->pools[0].all_down;
}

static void a_word_is_one_of_those_that_there_are(void)
{
	static const struct {
		const char *yaml;
		unsigned (*of)(const struct conf *c);
		const char *words[5];
		unsigned is[4];
	} row[] = {
		{ ENTRY(", serial: %s"), serial_of, { "increment", "unixtime", "dateserial" },
			{ SERIAL_INCREMENT, SERIAL_UNIXTIME, SERIAL_DATE } },
		{ ENTRY(", verify: { zonemd: %s }"), zonemd_of, { "off", "warn", "on", "require" },
			{ CONF_ZONEMD_OFF, CONF_ZONEMD_WARN, CONF_ZONEMD_ON, CONF_ZONEMD_REQUIRE } },
		{ ENTRY(", write-back: %s"), write_back_of, { "keep", "store", "sync" }, { 0, 1, 2 } },
		{ HEAD "probes: { p: { kind: http, initial: %s } }\n", initial_of,
			{ "wait", "up", "down" }, { PROBE_WAIT, PROBE_UP, PROBE_DOWN } },
		{ HEAD "probes: { p: { kind: http, method: %s } }\n", method_of, { "GET", "HEAD" },
			{ false, true } },
		{ HEAD "pools: { a: { edges: one, policy: weighted, affinity: %s } }\n", affinity_of,
			{ "name", "client", "both" },
			{ AFFINITY_NAME, AFFINITY_CLIENT, AFFINITY_BOTH } },
		{ HEAD "pools: { a: { edges: one, policy: ordered, all-down: %s } }\n", all_down_of,
			{ "all", "first", "empty" }, { POOL_ALL, POOL_FIRST, POOL_EMPTY } },
	};
	char yaml[600];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text lines = { 0 };
		struct conf c;
		for (size_t k = 0; row[i].words[k]; k++) {
			snprintf(yaml, sizeof yaml, row[i].yaml, row[i].words[k]);
			if (!told_read(&c, yaml, &lines) || row[i].of(&c) != row[i].is[k]) {
				printf("%s%s", yaml, text_get(&lines));
				CU_FAIL_FATAL(row[i].words[k]);
			}
			conf_fini(&c);
			text_fini(&lines);
		}
		snprintf(yaml, sizeof yaml, row[i].yaml, "Else");
		CU_ASSERT_FALSE(told_read(&c, yaml, &lines));
		if (!strstr(text_get(&lines), ", not \"Else\"\n")) {
			printf("%s%s", yaml, text_get(&lines));
			CU_FAIL(row[i].yaml);
		}
		text_fini(&lines);
	}
}

static void a_program_is_a_path_and_words_that_stay_as_they_are(void)
{
	struct text lines = { 0 };
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(
		&c, ENTRY(", verify: { program: [ bin/look, ./x, \"a b\" ] }"), &lines));
	const char *const *words = rule_of(&c)->verify.program;
	CU_ASSERT_STRING_EQUAL(words[0], "/etc/waymark/bin/look");
	CU_ASSERT_STRING_EQUAL(words[1], "./x");
	CU_ASSERT_STRING_EQUAL(words[2], "a b");
	CU_ASSERT_PTR_NULL(words[3]);
	conf_fini(&c);
	text_fini(&lines);
	CU_ASSERT_TRUE_FATAL(told_read(&c, ENTRY(", verify: { program: /bin/true }"), &lines));
	words = rule_of(&c)->verify.program;
	CU_ASSERT_STRING_EQUAL(words[0], "/bin/true");
	CU_ASSERT_PTR_NULL(words[1]);
	conf_fini(&c);
	text_fini(&lines);
	CU_ASSERT_FALSE(told_read(&c, ENTRY(", verify: { program: [ a, [ b ] ] }"), &lines));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&lines),
		"5:62: error: \"program\" must be the path of a program, or a list of it and its "
		"words, not a list\n"));
	text_fini(&lines);
}

static void a_share_is_a_percentage_between_two(void)
{
	static const struct {
		const char *text;
		double share; /* -1: it is none */
	} row[] = { { "20%", 0.2 }, { "1%", 0.01 }, { "1.0%", 0.01 }, { "50%", 0.5 }, { "12.5%", 0.125 }, { "0.99%", -1 },
		{ "50.01%", -1 }, { "0%", -1 }, { "20", -1 }, { "20 %", -1 }, { "20%x", -1 }, { "20%%", -1 }, { "-20%", -1 },
		{ "%", -1 }, { "", -1 }, { ".5%", -1 }, { "2.%", -1 }, { "2e1%", -1 }, { "20ms", -1 } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		double share = 7;
		const bool is = option_percent(row[i].text, 1, 50, &share);
		if (is != (row[i].share >= 0) || fabs(share - (is ? row[i].share : 7)) > 1e-12) {
			printf("%s: %g\n", row[i].text, share);
			CU_FAIL(row[i].text);
		}
	}
}

static double zones_lost_of(const struct conf *c)
{
	return c->zones_lost;
}

static double low_of(const struct conf *c)
{
	return c->edges[0].low;
}

static double panic_of(const struct conf *c)
{
	return c->pools[0].panic_share;
}

static double least_up_of(const struct conf *c)
{
	return c->pools[0].least_share;
}

static double bound_of(const struct conf *c)
{
	return c->pools[0].bound;
}

static double smoothing_of(const struct conf *c)
{
	return c->latency.smoothing;
}

static double explored_of(const struct conf *c)
{
	return c->latency.explore_share;
}

static double servfail_of(const struct conf *c)
{
	return c->stage.servfail;
}

static double sample_of(const struct conf *c)
{
	return c->policy.log_every / 1e6;
}

/* The ends that each key has, and what lies beyond them. */
static void keys_have_shares_up_to_their_ends(void)
{
	static const struct {
		const char *yaml;
		double (*of)(const struct conf *c);
		const char *least, *under, *most, *over; /* NULL: none but by its sign */
		double is_least, is_most;
	} row[] = {
		{ HEAD "reload: { zones-lost: %s }\n", zones_lost_of, "0%", NULL, "100%", "100.1%", 0, 1 },
		{ SERVER ZONES "edges: { one: { a: 192.0.2.1, capacity: 9, load: { low: %s, high: 100%% } } }\n", low_of, "1%", "0.9%",
			"99%", "101%", 0.01, 0.99 },
		{ HEAD "pools: { a: { edges: one, policy: ordered, probe: tcp, panic: %s } }\n", panic_of, "0%", NULL, "100%", "101%", 0, 1 },
		{ HEAD "pools: { a: { edges: one, policy: ordered, least-up: %s } }\n", least_up_of, "0%", NULL, "100%", "101%", 0, 1 },
		{ HEAD "pools: { a: { edges: one, policy: weighted, affinity: name, hash-balance: %s } }\n", bound_of, "110%", "109%",
			"1000%", "1001%", 1.1, 10 },
		{ HEAD "latency: { smoothing: %s }\n", smoothing_of, "1%", "0.9%", "100%", "101%", 0.01, 1 },
		{ HEAD "latency: { explore: { share: %s } }\n", explored_of, "0%", NULL, "50%", "51%", 0, 0.5 },
		{ HEAD "stage: { servfail: %s }\n", servfail_of, "0%", NULL, "100%", "101%", 0, 1 },
		{ HEAD "log: { queries: { file: q.log, sample: %s } }\n", sample_of, "0.0001%", "0.00009%", "100%", "101%", 1, 1e-6 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *const text[] = { row[i].least, row[i].most, row[i].under, row[i].over };
		for (unsigned k = 0; k < 4; k++) {
			struct text lines = { 0 };
			struct conf c;
			char yaml[600];
			if (!text[k])
				continue;
			snprintf(yaml, sizeof yaml, row[i].yaml, text[k]);
			const bool taken = told_read(&c, yaml, &lines);
			if (taken != (k < 2) || (taken && fabs(row[i].of(&c) - (k ? row[i].is_most : row[i].is_least)) > 1e-9)) {
				printf("%s%s", yaml, text_get(&lines));
				CU_FAIL(row[i].yaml);
			}
			if (taken)
				conf_fini(&c);
			text_fini(&lines);
		}
	}
}

static const struct unit_case cases[] = {
	{ "what is shown is cut between characters", what_is_shown_is_cut_between_characters },
	{ "the control socket is found in what is no YAML",
		the_control_socket_is_found_in_what_is_no_yaml },
	{ "where the load comes from is a mapping of one",
		where_the_load_comes_from_is_a_mapping_of_one },
	{ "a word is one of those that there are", a_word_is_one_of_those_that_there_are },
	{ "a program is a path, and words that stay as they are",
		a_program_is_a_path_and_words_that_stay_as_they_are },
	{ "a share is a percentage between two", a_share_is_a_percentage_between_two },
	{ "keys have shares up to their ends", keys_have_shares_up_to_their_ends },
};

void suite_option(void);
void suite_option(void)
{
	unit_suite("conf/option", cases, UNIT_COUNT(cases));
}
