#include "base/log.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is logged by `work`, as it comes out at standard error. */
static const char *logged(void (*work)(void))
{
	static char said[8000];
	FILE *f = tmpfile();
	const int err = dup(STDERR_FILENO);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fflush(stderr);
	dup2(fileno(f), STDERR_FILENO);
	work();
	dup2(err, STDERR_FILENO);
	close(err);
	rewind(f);
	said[fread(said, 1, sizeof said - 1, f)] = 0;
	fclose(f);
	return said;
}

static void say_all(void)
{
	log_line(LOG_ERROR, "an %s", "error");
	log_line(LOG_WARNING, "100 %% of \"%s\"", "it");
	log_line(LOG_NOTICE, "a notice");
	log_line(LOG_DEBUG, "nobody wants to know");
}

static void a_line_has_its_level_and_program(void)
{
	CU_ASSERT_STRING_EQUAL(logged(say_all),
		"waymark: error: an error\nwaymark: warning: 100 % of \"it\"\nwaymark: a notice\n");
}

/* Of "{"time":"...","level":..." what stands behind the time; NULL when that is no time. */
static const char *behind_time(const char *line)
{
	static const char form[] = "{\"time\":\"0000-00-00T00:00:00.000Z\"";

	for (size_t i = 0; form[i]; i++)
		if (form[i] == '0' ? line[i] < '0' || line[i] > '9' : line[i] != form[i])
			return NULL;
	return line + sizeof form - 1;
}

static void say_json(void)
{
	log_as_json(true);
	say_all();
	log_as_json(false);
}

static void as_json_each_line_is_an_object(void)
{
	char want[3][200];
	const char *at = logged(say_json);

	snprintf(want[0], sizeof want[0], ",\"level\":\"error\",\"program\":\"waymark\",\"id\":\"%08x\",\"message\":\"an error\"}\n", log_id("an %s"));
	snprintf(want[1], sizeof want[1],
		",\"level\":\"warning\",\"program\":\"waymark\",\"id\":\"%08x\",\"message\":\"100 %% of \\u0022it\\u0022\"}\n", log_id("100 %% of \"%s\""));
	snprintf(want[2], sizeof want[2], ",\"level\":\"notice\",\"program\":\"waymark\",\"id\":\"%08x\",\"message\":\"a notice\"}\n", log_id("a notice"));
	for (unsigned i = 0; i < 3; i++) {
		const char *rest = behind_time(at);
		CU_ASSERT_PTR_NOT_NULL_FATAL(rest);
		if (strncmp(rest, want[i], strlen(want[i])) != 0)
			printf("%s", rest);
		CU_ASSERT_EQUAL_FATAL(strncmp(rest, want[i], strlen(want[i])), 0);
		at = rest + strlen(want[i]);
	}
	CU_ASSERT_STRING_EQUAL(at, "");
}

static void say_odd(void)
{
	char *lots = malloc(6000);

	log_as_json(true);
	log_line(LOG_NOTICE, "b\xc3\xbc" "cher \\ \x01 \xff.");
	memset(lots, '\\', 5999); /* six times as long */
	lots[5999] = 0;
	log_line(LOG_NOTICE, "%s", lots);
	log_as_json(false);
	free(lots);
}

static void what_json_cannot_have_is_escaped_and_what_is_long_is_cut(void)
{
	const char *said = logged(say_odd), *end = strchr(said, '\n');

	CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(said, "\"message\":\"b\xc3\xbc" "cher \\u005c \\u0001 \\ufffd.\"}\n"));
	/* Of the long one whole escapes are left, and its end. */
	const size_t len = strlen(end + 1);
	CU_ASSERT_TRUE(len > 4000 && len <= 4096);
	CU_ASSERT_EQUAL(strcmp(end + 1 + len - 9, "\\u005c\"}\n"), 0);
}

static void say_faults(void)
{
	log_text("a:1:2: error: wrong\n    line\n      ^\nb:3: warning: odd\n");
}

static void say_faults_in_json(void)
{
	log_as_json(true);
	say_faults();
	log_as_json(false);
}

/* Lines that show where it is begin with four blanks, and are for people. */
static void faults_are_a_line_each_of_their_level(void)
{
	CU_ASSERT_STRING_EQUAL(logged(say_faults),
		"waymark: a:1:2: error: wrong\n    line\n      ^\nwaymark: b:3: warning: odd\n");
	const char *first = logged(say_faults_in_json), *second = strchr(first, '\n');
	CU_ASSERT_PTR_NOT_NULL_FATAL(second);
	CU_ASSERT_PTR_NOT_NULL_FATAL(behind_time(first));
	CU_ASSERT_PTR_NOT_NULL_FATAL(behind_time(second + 1));
	CU_ASSERT_EQUAL(strncmp(behind_time(first), ",\"level\":\"error\",\"program\":\"waymark\",\"message\":\"a:1:2: error: wrong\"}\n",
		(size_t)(second + 1 - behind_time(first))), 0);
	CU_ASSERT_STRING_EQUAL(behind_time(second + 1), ",\"level\":\"warning\",\"program\":\"waymark\",\"message\":\"b:3: warning: odd\"}\n");
}

static void an_id_is_of_the_fixed_words(void)
{
	CU_ASSERT_EQUAL(log_id("a %s b"), log_id("a %-5.2lu b"));
	CU_ASSERT_NOT_EQUAL(log_id("a %s b"), log_id("a %s c"));
	CU_ASSERT_NOT_EQUAL(log_id("a %% b"), log_id("a %s b"));
	CU_ASSERT_EQUAL(log_id(""), 0x811c9dc5);
	CU_ASSERT_EQUAL(log_id("a"), 0xe40c292c);
	CU_ASSERT_EQUAL(log_id("foobar"), 0xbf9cf968); /* of the page of FNV */
}

void suite_log(void);
void suite_log(void)
{
	static const struct unit_case cases[] = {
		{ "a line has its level and program", a_line_has_its_level_and_program },
		{ "as JSON each line is an object", as_json_each_line_is_an_object },
		{ "what JSON cannot have is escaped, and what is long is cut",
			what_json_cannot_have_is_escaped_and_what_is_long_is_cut },
		{ "faults are a line each, of their level", faults_are_a_line_each_of_their_level },
		{ "an id is of the fixed words", an_id_is_of_the_fixed_words },
	};

	unit_suite("base/log", cases, UNIT_COUNT(cases));
}
