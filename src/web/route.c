#include "web/route.h"

#include <string.h>

static bool has_path(const struct route *r, const char *target, size_t len)
{
	const size_t own = strlen(r->path);

	return r->path[own - 1] == '/' && own > 1
		? len > own && memcmp(target, r->path, own) == 0
		: len == own && memcmp(target, r->path, own) == 0;
}

static bool takes(const struct route *r, const char *method)
{
	return strcmp(r->method, method) == 0 ||
		(strcmp(r->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

const struct route *route_find(
	const char *method, const char *target, const struct route **other)
{
	static const struct route *const all[] = { agents_routes, scrape_routes, api_routes, page_routes };
	const size_t len = strcspn(target, "?");

	*other = NULL;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		for (const struct route *r = all[i]; r->path; r++) {
			if (!has_path(r, target, len))
				continue;
			if (takes(r, method))
				return r;
			*other = r;
		}
	return NULL;
}
