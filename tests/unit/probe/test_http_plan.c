#include "probe/http_plan.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

static char *copy(const char *s)
{
	return strdup(s);
}

static void a_plan_is_the_same_when_the_configuration_is_gone(void)
{
	char *texts[] = { copy("p"), copy("/h"), copy("h:1"), copy("ok"), copy("t"), copy("ca"),
		copy("cert"), copy("key"), copy("load"), copy("A: b"), copy("C: d") };
	const char *headers[] = { texts[9], texts[10], NULL };
	struct probe_range expect[] = { { 200, 204 }, { 301, 301 } };
	struct probe_opts o = { .name = texts[0],
		.kind = PROBE_HTTPS,
		.every_ms = 5000,
		.timeout_ms = 2000,
		.rise = 2,
		.fall = 3,
		.expect = expect,
		.n_expect = 2,
		.proxy = 2,
		.path = texts[1],
		.host = texts[2],
		.headers = headers,
		.http2 = PROBE_HTTP2_ON,
		.body = texts[3],
		.tls_name = texts[4],
		.ca = texts[5],
		.client_cert = texts[6],
		.client_key = texts[7],
		.load_field = texts[8],
		.verify = true };
	struct http_plan *p = http_plan_new(&o);

	CU_ASSERT_TRUE(probe_same(&p->opts, &o));
	for (size_t i = 0; i < UNIT_COUNT(texts); i++) {
		memset(texts[i], '?', strlen(texts[i]));
		free(texts[i]);
	}
	expect[0] = (struct probe_range){ 0, 0 };
	headers[0] = NULL;
	CU_ASSERT_STRING_EQUAL(p->opts.name, "p");
	CU_ASSERT_STRING_EQUAL(p->opts.path, "/h");
	CU_ASSERT_STRING_EQUAL(p->opts.host, "h:1");
	CU_ASSERT_STRING_EQUAL(p->opts.body, "ok");
	CU_ASSERT_STRING_EQUAL(p->opts.tls_name, "t");
	CU_ASSERT_STRING_EQUAL(p->opts.ca, "ca");
	CU_ASSERT_STRING_EQUAL(p->opts.client_cert, "cert");
	CU_ASSERT_STRING_EQUAL(p->opts.client_key, "key");
	CU_ASSERT_STRING_EQUAL(p->opts.load_field, "load");
	CU_ASSERT_STRING_EQUAL(p->opts.headers[0], "A: b");
	CU_ASSERT_STRING_EQUAL(p->opts.headers[1], "C: d");
	CU_ASSERT_PTR_NULL(p->opts.headers[2]);
	CU_ASSERT_EQUAL(p->opts.expect[0].to, 204);
	CU_ASSERT_EQUAL(p->opts.proxy, 2);
	http_plan_drop(p);
}

static void what_is_asked_makes_probes_different(void)
{
	static const char *const one[] = { "A: b", NULL }, *const other[] = { "A: c", NULL },
				 *const two[] = { "A: b", "A: b", NULL };
	const struct probe_opts plain = { .kind = PROBE_HTTPS, .name = "x" };
	struct probe_opts row[] = { plain, plain, plain, plain, plain, plain };

	row[0].proxy = 1;
	row[1].headers = one;
	row[2].http2 = PROBE_HTTP2_OFF;
	row[3].client_cert = "c";
	row[4].client_key = "k";
	row[5].host = "h";
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_FALSE(probe_same(&plain, &row[i]));
		CU_ASSERT_FALSE(probe_same(&row[i], &plain));
		CU_ASSERT_TRUE(probe_same(&row[i], &row[i]));
	}
	struct probe_opts a = row[1], b = row[1];
	b.headers = other;
	CU_ASSERT_FALSE(probe_same(&a, &b));
	b.headers = two;
	CU_ASSERT_FALSE(probe_same(&a, &b));
	CU_ASSERT_FALSE(probe_same(&b, &a));
}

void suite_http_plan(void)
{
	static const struct unit_case cases[] = {
		{ "a plan is the same when the configuration is gone",
			a_plan_is_the_same_when_the_configuration_is_gone },
		{ "what is asked makes probes different", what_is_asked_makes_probes_different },
	};

	unit_suite("probe/http_plan", cases, UNIT_COUNT(cases));
}
