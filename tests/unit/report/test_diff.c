#include "report/diff.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_secret(const char *key)
{
	return strcmp(key, "secret") == 0;
}

static bool needs_restart(const char *section, const char *key)
{
	return strcmp(section, "server") == 0 && (!key || strcmp(key, "workers") == 0);
}

/* The changes as JSON in one line, and as text; "'" is written for '"'. */
static json_t *tree(const char *text)
{
	char copy[2000];

	snprintf(copy, sizeof copy, "%s", text);
	for (char *s = copy; *s; s++)
		*s = *s == '\'' ? '"' : *s;
	json_t *o = json_loads(copy, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	return o;
}

static void each_change_is_told_by_itself(void)
{
	static const struct {
		const char *old, *new, *json, *text;
	} row[] = {
		{ "{}", "{}", "[]", "" },
		{ "{'a':{'b':'c'}}", "{'a':{'b':'c'}}", "[]", "" },
		{ "{'a':{'b':['c']}}", "{'a':{'b':'c'}}", "[]", "" },
		{ "{'a':{'b':'c','d':'e'}}", "{'a':{'d':'e','b':'c'}}", "[]", "" },
		{ "{'a':{'b':['c','d']}}", "{'a':{'b':['d','c']}}",
			"[{'section':'a','change':'changed','key':'b','from':['c','d'],'to':['"
			"d','c']}]",
			"a\n  ~ b: [ c, d ] -> [ d, c ]\n" },
		{ "{'a':{'b':['c']}}", "{'a':{'b':['c','d']}}",
			"[{'section':'a','change':'changed','key':'b','from':['c'],'to':['c','"
			"d']}]",
			"a\n  ~ b: [ c ] -> [ c, d ]\n" },
		{ "{'a':{'b':'1'}}", "{'a':{'b':'2'}}",
			"[{'section':'a','change':'changed','key':'b','from':'1','to':'2'}]",
			"a\n  ~ b: 1 -> 2\n" },
		{ "{'a':{'b':'1'}}", "{'a':{}}",
			"[{'section':'a','change':'gone','key':'b','from':'1'}]",
			"a\n  - b: 1\n" },
		{ "{'a':{}}", "{'a':{'b':'two words'}}",
			"[{'section':'a','change':'added','key':'b','to':'two words'}]",
			"a\n  + b: \"two words\"\n" },
		{ "{'a':{'b':''}}", "{'a':{}}",
			"[{'section':'a','change':'gone','key':'b','from':''}]", "a\n  - b\n" },
		{ "{'a':{'b':{'c':'1','d':'2'}}}", "{'a':{'b':{'c':'3','d':'2'}}}",
			"[{'section':'a','change':'changed','key':'b: c','from':'1','to':'3'}]",
			"a\n  ~ b: c: 1 -> 3\n" },
		{ "{'a':{'b':'1'}}", "{'a':{'b':{'c':'1'}}}",
			"[{'section':'a','change':'changed','key':'b','from':'1','to':{'c':'1'}"
			"}]",
			"a\n  ~ b: 1 -> { c: 1 }\n" },
		/* A section that comes or goes is told by its keys. */
		{ "{'a':{'b':'1','c':'2'}}", "{}",
			"[{'section':'a','change':'gone','key':'b','from':'1'},{'section':'a','"
			"change'"
			":'gone','key':'c','from':'2'}]",
			"a\n  - b: 1\n  - c: 2\n" },
		{ "{}", "{'a':{'b':'1'}}",
			"[{'section':'a','change':'added','key':'b','to':'1'}]",
			"a\n  + b: 1\n" },
		{ "{'a':'1'}", "{}", "[{'section':'a','change':'gone','from':'1'}]",
			"a\n  - 1\n" },
		/* Things with names. */
		{ "{'edges':{'x':{'a':'1'}}}", "{'edges':{'x':{'a':'2'}}}",
			"[{'section':'edges','change':'changed','name':'x','key':'a','from':'1'"
			",'to':'"
			"2'}]",
			"edges\n  ~ x: a: 1 -> 2\n" },
		{ "{'pools':{}}", "{'pools':{'x':{'edges':['a','b c']}}}",
			"[{'section':'pools','change':'added','name':'x','to':{'edges':['a','b "
			"c']}}]",
			"pools\n  + x: { edges: [ a, \"b c\" ] }\n" },
		{ "{'probes':{'x':{}}}", "{'probes':{}}",
			"[{'section':'probes','change':'gone','name':'x','from':{}}]",
			"probes\n  - x\n" },
		{ "{'zones':[{'name':'a','file':'x'},{'dir':'d'}]}",
			"{'zones':[{'dir':'d','more':'y'},{'name':'a','file':'z'}]}",
			"[{'section':'zones','change':'changed','name':'a','key':'file','from':"
			"'x','to':"
			"'z'},{'section':'zones','change':'added','name':'all of "
			"d','key':'more','to':'y"
			"'}]",
			"zones\n  ~ a: file: x -> z\n  + all of d: more: y\n" },
		/* What is never shown, and what a reload does not take. */
		{ "{'a':{'secret':'x'}}", "{'a':{'secret':'y'}}",
			"[{'section':'a','change':'changed','key':'secret','secret':true}]",
			"a\n  ~ secret: changed (it is not shown)\n" },
		{ "{'edges':{}}", "{'edges':{'x':{'secret':'y','b':[{'secret':'z'}]}}}",
			"[{'section':'edges','change':'added','name':'x','to':{'secret':'("
			"hidden)','b':"
			"[{'secret':'(hidden)'}]}}]",
			"edges\n  + x: { secret: (hidden), b: [ { secret: (hidden) } ] }\n" },
		{ "{'a':{'secret':{'x':'1'}}}", "{'a':{'secret':{'x':'2'}}}",
			"[{'section':'a','change':'changed','key':'secret: "
			"x','from':'1','to':'2'}]",
			"a\n  ~ secret: x: 1 -> 2\n" },
		{ "{'server':{'workers':'1','ecs':'on'}}",
			"{'server':{'workers':'2','ecs':'off'}}",
			"[{'section':'server','change':'changed','key':'workers','from':'1','"
			"to':'2','"
			"restart':true},{'section':'server','change':'changed','key':'ecs','"
			"from':'on','"
			"to':'off'}]",
			"server\n  ~ workers: 1 -> 2  (needs a restart)\n  ~ ecs: on -> "
			"off\n" },
		{ "{'b':{'x':'1'},'a':{'x':'1'}}", "{'b':{'x':'2'},'a':{'x':'2'}}",
			"[{'section':'b','change':'changed','key':'x','from':'1','to':'2'},{'"
			"section':'"
			"a','change':'changed','key':'x','from':'1','to':'2'}]",
			"b\n  ~ x: 1 -> 2\na\n  ~ x: 1 -> 2\n" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		json_t *old = tree(row[i].old), *new = tree(row[i].new),
		       *want = tree(row[i].json);
		json_t *got = diff_trees(
			&(struct diff_opts){ old, new, is_secret, needs_restart });
		struct text out = { 0 };
		diff_text(got, &out);
		if (!json_equal(got, want) || strcmp(text_get(&out), row[i].text) != 0) {
			char *s = json_dumps(got, JSON_COMPACT);
			printf("%s | %s: %s\n%s", row[i].old, row[i].new, s, text_get(&out));
			free(s);
			CU_FAIL("another difference");
		}
		text_fini(&out);
		json_decref(old);
		json_decref(new);
		json_decref(want);
		json_decref(got);
	}
}

static const struct unit_case cases[] = {
	{ "each change is told by itself", each_change_is_told_by_itself },
};

void suite_diff(void);
void suite_diff(void)
{
	unit_suite("report/diff", cases, UNIT_COUNT(cases));
}
