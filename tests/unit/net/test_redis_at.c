#include "net/redis_at.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static const char *shown(char to[256], const struct redis_at *at)
{
	snprintf(to, 256, "%s%s:%u %s user=%s password=%s db=%u master=%s", at->tls ? "tls " : "",
		at->host ? at->host : "-", at->port, at->path ? at->path : "-", at->user ? at->user : "-",
		at->password ? at->password : "-", at->db, at->master ? at->master : "-");
	return to;
}

static void a_url_becomes_its_parts(void)
{
	static const struct {
		const char *url, *is, *shown;
	} row[] = {
		{ "redis://h", "h:6379 - user=- password=- db=0 master=-", "redis://h" },
		{ "rediss://h.example:1/3", "tls h.example:1 - user=- password=- db=3 master=-",
			"rediss://h.example:1/3" },
		{ "redis://:p%40ss@[2001:db8::1]:7/", "2001:db8::1:7 - user=- password=p@ss db=0 master=-",
			"redis://[2001:db8::1]:7/" },
		{ "redis://u:a/b@h", "h:6379 - user=u password=a/b db=0 master=-", "redis://h" },
		{ "redis+unix:///run/r.sock?db=2", "-:0 /run/r.sock user=- password=- db=2 master=-",
			"redis+unix:///run/r.sock?db=2" },
		{ "unix://:p@/run/r", "-:0 /run/r user=- password=p db=0 master=-", "unix:///run/r" },
		{ "redis+sentinel://h/main", "h:26379 - user=- password=- db=0 master=main",
			"redis+sentinel://h/main" },
		{ "rediss+sentinel://:p@h:5/main/4", "tls h:5 - user=- password=p db=4 master=main",
			"rediss+sentinel://h:5/main/4" },
	};
	struct arena mem = { 0 };
	struct redis_at at;
	struct fault why;
	char text[256];

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT(redis_at_parse(&at, row[i].url, &mem, &why));
		CU_ASSERT_STRING_EQUAL(shown(text, &at), row[i].is);
		CU_ASSERT_STRING_EQUAL(at.shown, row[i].shown);
	}
	arena_fini(&mem);
}

static void what_is_no_url_is_told_without_its_secret(void)
{
	static const char *const urls[] = { "http://h", "redis://", "redis://h:0", "redis://h:65536", "redis://h:x",
		"redis://secret@h", "redis://:@h", "redis://:secret%zz@h", "redis://u%:secret@h", "redis://2001:db8::1",
		"redis://[2001:db8::1", "redis://[::1]7", "redis://h/65536", "redis://h/x", "redis+sentinel://h",
		"redis+sentinel://h/", "redis+sentinel://h//1", "redis+unix://run", "redis+unix:///r?x=1",
		"redis://:secret%00@h", "redis://h%zz", "redis+sentinel://h/a%zz", "redis+unix:///r%zz" };
	struct arena mem = { 0 };
	struct redis_at at;
	struct fault why;

	for (unsigned i = 0; i < UNIT_COUNT(urls); i++) {
		why.text[0] = 0;
		CU_ASSERT_FALSE(redis_at_parse(&at, urls[i], &mem, &why));
		CU_ASSERT(*why.text && !strstr(why.text, "secret"));
	}
	/* A path is as long as a socket's may be. */
	char url[200] = "redis+unix:///";
	memset(url + strlen(url), 'p', 106);
	CU_ASSERT_TRUE(redis_at_parse(&at, url, &mem, &why));
	CU_ASSERT_EQUAL(strlen(at.path), 107);
	strcat(url, "p");
	CU_ASSERT_FALSE(redis_at_parse(&at, url, &mem, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "that is no path of a socket (at most 107 bytes)");
	arena_fini(&mem);
}

void suite_redis_at(void)
{
	static const struct unit_case cases[] = {
		{ "a URL becomes its parts", a_url_becomes_its_parts },
		{ "what is no URL is told without its secret", what_is_no_url_is_told_without_its_secret },
	};

	unit_suite("net/redis_at", cases, UNIT_COUNT(cases));
}
