#include "web/api_rows.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static char got[512];

/* The words of a request, or what is wrong with it. */
static const char *words_of(const char *method, const char *path, const char *query, const char *body)
{
	struct api_call c = { 0 };
	struct fault why = { 0 };
	const struct api_row *other;
	char pairs[256];
	bool ok = true;

	*got = 0;
	if (!api_row_find(&c, method, path, &other)) {
		snprintf(got, sizeof got, "%s", other ? "405" : "404");
		api_call_fini(&c);
		return got;
	}
	snprintf(pairs, sizeof pairs, "%s", query ? query : "");
	for (char *p = strtok(pairs, "&"); ok && p; p = strtok(NULL, "&")) {
		char *value = strchr(p, '=');
		*value++ = 0;
		ok = api_add(&c, p, value, &why);
	}
	if (body)
		ok = ok && api_add_body(&c, body, strlen(body), &why);
	ok = ok && (!c.row->words || api_words(&c, &why));
	if (!ok)
		snprintf(got, sizeof got, "! %.400s", why.text);
	for (size_t i = 0; ok && i < c.n; i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? "|" : "", c.words[i]);
	api_call_fini(&c);
	return got;
}

static void requests_become_commands(void)
{
	static const struct {
		const char *method, *path, *query, *body, *words;
	} row[] = {
		{ "GET", "/status", NULL, NULL, "status|--json" },
		{ "POST", "/status", NULL, "{}", "405" },
		{ "GET", "/statu", NULL, NULL, "404" },
		{ "GET", "/status/", NULL, NULL, "404" },
		{ "GET", "", NULL, NULL, "404" },
		{ "POST", "/fleet/reload", NULL, "{\"servers\":\"ns2,ns3\",\"stage\":\"5%\"}", "fleet|on|ns2,ns3|reload|--stage|5%" },
		{ "POST", "/fleet/reload", NULL, "{\"servers\":\"25%\",\"force\":true}", "fleet|on|25%|reload|--force" },
		{ "POST", "/fleet/reload", NULL, "{}", "! servers is missing" },
		{ "POST", "/fleet/stage/promote", NULL, "{\"servers\":\"ns2\"}", "fleet|on|ns2|reload|--promote" },
		{ "POST", "/fleet/stage/rollback", NULL, "{\"servers\":\"ns2\"}", "fleet|on|ns2|reload|--rollback" },
		{ "GET", "/explain", "name=www.a&client=192.0.2.0/24", NULL, "explain|www.a|--client|192.0.2.0/24|--json" },
		{ "GET", "/explain", "client=1.2.3.4&name=a&type=AAAA&resolver=9.9.9.9", NULL,
			"explain|a|AAAA|--client|1.2.3.4|--resolver|9.9.9.9|--json" },
		{ "GET", "/explain", "name=a", NULL, "! client is missing" },
		{ "GET", "/explain", "name=a&name=b&client=c", NULL, "! name is there twice" },
		{ "GET", "/explain", "name=a&client=c&json=x", NULL, "! json is nothing that this takes" },
		{ "GET", "/explain", "name=a&client=--json", NULL, "! client is a text that does not begin with \"-\" and has no control character in it" },
		{ "GET", "/zones", "faulty=true&limit=10", NULL, "zones|--faulty|--limit|10|--json" },
		{ "GET", "/zones", "faulty=false&after=b.a", NULL, "zones|--after|b.a|--json" },
		{ "GET", "/zones", "faulty=maybe", NULL, "! faulty is true or false" },
		{ "GET", "/zones/a.example", NULL, NULL, "zones|a.example|--json" },
		{ "GET", "/zones/0%2F25.2.0.192.in-addr.arpa", NULL, NULL, "zones|0/25.2.0.192.in-addr.arpa|--json" },
		{ "GET", "/zones/%2D-json", NULL, NULL, "404" },
		{ "GET", "/zones/a%00b", NULL, NULL, "404" },
		{ "GET", "/zones/a%0ab", NULL, NULL, "404" },
		{ "GET", "/zones/a%2", NULL, NULL, "404" },
		{ "GET", "/zones/a%zz", NULL, NULL, "404" },
		{ "GET", "/zones//records", NULL, NULL, "404" },
		{ "DELETE", "/zones/a", "purge=true", NULL, "zone|remove|a|--purge" },
		{ "POST", "/zones", NULL, "{\"name\": \"a\", \"template\": \"t\", \"stored\": true}", "zone|add|a|t|--stored" },
		{ "POST", "/zones", NULL, "{\"template\": \"t\"}", "! name is missing" },
		{ "POST", "/zones", NULL, "[]", "! the body is no JSON object" },
		{ "POST", "/zones", NULL, "{\"name\": null}", "! name is a text that does not begin with \"-\" and has no control character in it" },
		{ "POST", "/zones", NULL, "{\"name\": \"a\", \"stored\": 1}", "! stored is true or false" },
		{ "POST", "/edges/ams1/force", NULL, "{\"state\": \"weight\", \"weight\": 30, \"why\": \"a b\"}", "force|ams1|weight|30|--why|a b" },
		{ "POST", "/edges/ams1/force", NULL, "{\"state\": \"up\", \"edge\": \"x\"}", "! edge is there twice" },
		{ "POST", "/zones/a/changes", NULL, "{\"zone\": \"b\", \"set\": []}", "! zone is there twice" },
		{ "POST", "/edges/ams1/probe", NULL, "", "probe|ams1|--json" },
		{ "DELETE", "/watch/10.0.0.0%2F8", NULL, NULL, "watch|10.0.0.0/8|--stop" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *is = words_of(row[i].method, row[i].path, row[i].query, row[i].body);
		if (strcmp(is, row[i].words) != 0)
			printf("%s %s: %s\n", row[i].method, row[i].path, is);
		CU_ASSERT_STRING_EQUAL(is, row[i].words);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(words_of("POST", "/zones", NULL, "{bad"), "! the body is no JSON: line 1, column 4"));
}

/* Each word that may come from outside is one that its command takes. */
static void rows_are_whole(void)
{
	for (const struct api_row *r = api_rows; r->path; r++) {
		struct api_piece p;
		const char *at = r->words;
		bool any = !r->words;
		while (at && api_next_piece(&at, &p)) {
			any = true;
			CU_ASSERT_TRUE(p.kind == API_WORD ? *p.word : *p.member);
			CU_ASSERT_TRUE((p.kind != API_OPTION && p.kind != API_FLAG) || strncmp(p.word, "--", 2) == 0);
		}
		CU_ASSERT_TRUE(any);
		CU_ASSERT_TRUE(!r->of_zone || strstr(r->path, "{zone}"));
		CU_ASSERT_TRUE(strcmp(r->method, "GET") != 0 || r->words);
	}
}

/* The command of a row as a request for it has it; a change set begins, sets and commits. */
static bool row_changes(const struct api_row *r)
{
	const char *words[COMMAND_WORDS_MOST], *at = r->words;
	struct api_piece p[COMMAND_WORDS_MOST];
	size_t n = 0;

	while (at && n < COMMAND_WORDS_MOST && api_next_piece(&at, &p[n])) {
		words[n] = *p[n].word ? p[n].word : "x";
		n++;
	}
	return !r->words || command_changes(words, n);
}

/* What comes by POST or DELETE is written down, with who has done it; what comes by GET changes nothing. */
static void rows_that_change_something_are_written_down(void)
{
	for (const struct api_row *r = api_rows; r->path; r++) {
		const bool wants = strcmp(r->method, "GET") != 0 && strcmp(r->path, "/edges/{edge}/probe") != 0;
		if (row_changes(r) != wants)
			printf("%s %s\n", r->method, r->path);
		CU_ASSERT_EQUAL(row_changes(r), wants);
	}
}

void suite_api_rows(void);
void suite_api_rows(void)
{
	static const struct unit_case cases[] = {
		{ "requests become commands", requests_become_commands },
		{ "rows are whole", rows_are_whole },
		{ "rows that change something are written down", rows_that_change_something_are_written_down },
	};

	unit_suite("web/api_rows", cases, UNIT_COUNT(cases));
}
