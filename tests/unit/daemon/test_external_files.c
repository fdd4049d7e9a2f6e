#include "daemon/external_files.h"

#include "unit/daemon/house.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct house h;

#define CONF(expires)                                                                        \
	"probes: { said: { kind: external, file: said.txt, expires: " expires ", initial: up } }\n" \
	"edges:\n"                                                                           \
	"  ams: { at: \"52,5\", a: [ 192.0.2.1, 192.0.2.11 ] }\n"                            \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"                                          \
	"pools: { web: { edges: [ ams, nyc ], policy: ordered, probe: said }, two: { edges: [ ams, nyc ], policy: ordered } }\n"

/* Beside, and renamed. */
static void write_file(const char *text)
{
	char from[100], to[100];

	site_put(&h.site, "said.new", text);
	snprintf(from, sizeof from, "%s/said.new", h.site.folder);
	snprintf(to, sizeof to, "%s/said.txt", h.site.folder);
	CU_ASSERT_EQUAL(rename(from, to), 0);
}

/* The first address of it. */
static bool waits_answer(const char *want)
{
	const char *got = house_ask(&h, "w.a.example");

	for (unsigned i = 0; i < 1000 && strncmp(got, want, strlen(want)) != 0; i++) {
		house_pass(&h, 0.02);
		got = house_ask(&h, "w.a.example");
	}
	return strncmp(got, want, strlen(want)) == 0;
}

static void answers_go_by_what_a_file_says(void)
{
	house_open(&h, CONF("never"));
	write_file("# who is down\nams down by hand\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_TRUE(waits_answer("192.0.2.2"));
	const char *said = house_tell(&h, "edges");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "by hand"));
	/* An address goes before its edge. */
	write_file("ams up\n192.0.2.1 down\n");
	CU_ASSERT_TRUE(waits_answer("192.0.2.11"));
	/* Whom nobody knows is told with the nearest, once; the rest holds. */
	write_file("ams down\nnyk up\n");
	CU_ASSERT_TRUE(house_logs(&h, "said.txt:2:1: there is no edge \"nyk\", so that this is nobody's verdict; did you mean \"nyc\"?"));
	CU_ASSERT_TRUE(waits_answer("192.0.2.2"));
	write_file("ams up\nnyk up\n");
	CU_ASSERT_TRUE(waits_answer("192.0.2.1"));
	CU_ASSERT_PTR_NULL(strstr(house_log(&h), "nyk"));
	house_stop(&h);
	house_close(&h);
}

static void a_file_that_is_wrong_is_told_and_changes_nothing(void)
{
	house_open(&h, CONF("never"));
	write_file("ams down\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_TRUE(waits_answer("192.0.2.2"));
	write_file("ams up\nnyc perhaps\n");
	CU_ASSERT_TRUE(house_logs(&h, "said.txt:2:5"));
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "what it said before is good until its time is over"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	/* The same version is not told again, and another that is right is. */
	write_file("ams up\nnyc down\n");
	CU_ASSERT_TRUE(house_logs(&h, "said.txt is right again: 2 verdicts"));
	CU_ASSERT_PTR_NULL(strstr(h.said, "2:5"));
	CU_ASSERT_TRUE(waits_answer("192.0.2.1"));
	/* Another configuration goes on with it. */
	house_configure(&h, CONF("1h"));
	house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_TRUE(waits_answer("192.0.2.1"));
	write_file("nyc up\nams down\n");
	CU_ASSERT_TRUE(waits_answer("192.0.2.2"));
	house_stop(&h);
	house_close(&h);
}

void suite_external_files(void);
void suite_external_files(void)
{
	static const struct unit_case cases[] = {
		{ "answers go by what a file says", answers_go_by_what_a_file_says },
		{ "a file that is wrong is told and changes nothing", a_file_that_is_wrong_is_told_and_changes_nothing },
	};

	unit_suite("daemon/external_files", cases, UNIT_COUNT(cases));
}
