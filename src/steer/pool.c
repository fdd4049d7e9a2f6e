#include "steer/pool.h"

#include <string.h>

static const char *const policies[] = {
	[POOL_NEAREST] = "nearest",
	[POOL_ROUND_ROBIN] = "round-robin",
	[POOL_WEIGHTED] = "weighted",
	[POOL_LEAST_LATENCY] = "least-latency",
	[POOL_LEAST_LOAD] = "least-load",
	[POOL_ORDERED] = "ordered",
};

const char *pool_policy_text(enum pool_policy p)
{
	return policies[p];
}

bool pool_policy_parse(enum pool_policy *p, const char *text, size_t len)
{
	for (unsigned i = 0; i < sizeof policies / sizeof *policies; i++) {
		if (strlen(policies[i]) != len || memcmp(text, policies[i], len) != 0)
			continue;
		*p = (enum pool_policy)i;
		return true;
	}
	return false;
}
