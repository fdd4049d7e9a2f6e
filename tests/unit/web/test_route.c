#include "web/route.h"

#include "unit/unit.h"

#include <string.h>

static void a_request_is_found_by_its_path_and_method(void)
{
	static const struct {
		const char *method, *target, *path, *other;
	} row[] = {
		{ "GET", "/metrics", "/metrics", NULL },
		{ "HEAD", "/metrics", "/metrics", NULL },
		{ "GET", "/metrics?x=/y", "/metrics", NULL },
		{ "POST", "/metrics", NULL, "/metrics" },
		{ "GET", "/metrics/", NULL, NULL },
		{ "GET", "/metric", NULL, NULL },
		{ "GET", "/readyz", "/readyz", NULL },
		{ "GET", "/healthz", "/healthz", NULL },
		{ "POST", "/v1/latency", "/v1/latency", NULL },
		{ "HEAD", "/v1/latency", NULL, "/v1/latency" },
		{ "GET", "/", "/", NULL },
		{ "HEAD", "/?x", "/", NULL },
		{ "POST", "/", NULL, "/" },
		{ "GET", "/assets/app.js", "/assets/", NULL },
		{ "GET", "/assets/", NULL, NULL },
		{ "GET", "/x", NULL, NULL },
		{ "GET", "", NULL, NULL },
		{ "GET", "?", NULL, NULL },
		{ "get", "/metrics", NULL, "/metrics" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct route *other;
		const struct route *r = route_find(row[i].method, row[i].target, &other);
		CU_ASSERT_EQUAL(r != NULL, row[i].path != NULL);
		if (r && row[i].path)
			CU_ASSERT_STRING_EQUAL(r->path, row[i].path);
		if (r)
			continue;
		CU_ASSERT_EQUAL(other != NULL, row[i].other != NULL);
		if (other && row[i].other)
			CU_ASSERT_STRING_EQUAL(other->path, row[i].other);
	}
}

static const struct unit_case cases[] = {
	{ "a request is found by its path and method", a_request_is_found_by_its_path_and_method },
};

void suite_route(void);
void suite_route(void)
{
	unit_suite("web/route", cases, UNIT_COUNT(cases));
}
