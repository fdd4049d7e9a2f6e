#include "probe/json_path.h"

#include "unit/unit.h"

#include <string.h>

static void a_path_leads_to_a_value(void)
{
	static const char text[] = "{\"a\": {\"b\": [1, {\"c\": \"x\"}, 2.5]}, \"t\": true, \"f\": false, \"n\": null, \"l\": [[7]]}";
	static const struct {
		const char *path, *want; /* NULL: there is none */
	} row[] = { { "a.b[0]", "1" }, { "$.a.b[1].c", "x" }, { "a.b[2]", "2.5" }, { "t", "true" }, { "f", "false" },
		{ "n", "null" }, { "l[0][0]", "7" }, { "a", NULL }, { "a.b", NULL }, { "a.b[3]", NULL },
		{ "a.x", NULL }, { "t.x", NULL }, { "a[0]", NULL }, { "l.x", NULL } };
	char to[JSON_PATH_VALUE];
	struct fault why;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_TRUE(json_path_is(row[i].path, &why));
		const enum json_path_got got = json_path_find(row[i].path, text, strlen(text), to);
		CU_ASSERT_EQUAL(got, row[i].want ? JSON_PATH_FOUND : JSON_PATH_NONE);
		if (row[i].want)
			CU_ASSERT_STRING_EQUAL(to, row[i].want);
	}
	CU_ASSERT_EQUAL(json_path_find("[1]", "[1,\"b\"]", 7, to), JSON_PATH_FOUND);
	CU_ASSERT_STRING_EQUAL(to, "b");
	CU_ASSERT_EQUAL(json_path_find("a", "{\"a\":1", 6, to), JSON_PATH_NO_JSON);
	CU_ASSERT_EQUAL(json_path_find("a", NULL, 0, to), JSON_PATH_NO_JSON);
	CU_ASSERT_EQUAL(json_path_find("a..b", text, strlen(text), to), JSON_PATH_NONE);
}

static void what_is_no_path_is_told(void)
{
	static const char *const row[] = { "", "a..b", "a[", "a[x]", "a[1", ".a", "a.", "a[-1]", "a[1]b" };
	struct fault why;

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_FALSE(json_path_is(row[i], &why));
	char path[JSON_PATH_MOST + 2];
	memset(path, 'a', sizeof path);
	path[JSON_PATH_MOST] = 0;
	CU_ASSERT_TRUE(json_path_is(path, &why));
	strcpy(path + JSON_PATH_MOST, "a");
	CU_ASSERT_FALSE(json_path_is(path, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "it is longer than "));
}

void suite_json_path(void);
void suite_json_path(void)
{
	static const struct unit_case cases[] = {
		{ "a path leads to a value", a_path_leads_to_a_value },
		{ "what is no path is told", what_is_no_path_is_told },
	};

	unit_suite("probe/json_path", cases, UNIT_COUNT(cases));
}
