#include "steer/pool.h"

#include "geo/place.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const char *const policies[] = {
	[POOL_NEAREST] = "nearest",
	[POOL_ROUND_ROBIN] = "round-robin",
	[POOL_WEIGHTED] = "weighted",
	[POOL_LEAST_LATENCY] = "least-latency",
	[POOL_LEAST_LOAD] = "least-load",
	[POOL_ORDERED] = "ordered",
	[POOL_HASH] = "hash",
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

bool pool_pin_matches(
	const struct pool_pin *pin, const struct places *places, const struct place *place)
{
	const char *code = pin->code;

	switch (pin->kind) {
	case PIN_NET:
	case PIN_ASN:
	case PIN_RULE:
	case PIN_DEFAULT:
	case PIN_KINDS: return false;
	case PIN_CITY: return strcasecmp(code, place_text(places, place->city)) == 0;
	case PIN_REGION:
		return memcmp(code, place->country, 2) == 0 &&
			strcasecmp(code + 3, place_text(places, place->region)) == 0;
	case PIN_COUNTRY: return memcmp(code, place->country, 2) == 0;
	case PIN_CONTINENT: return memcmp(code, place->continent, 2) == 0;
	}
	return false;
}

bool pool_has_bound(const struct pool_opts *o)
{
	return o->affinity && !o->n_links && isinf(o->spread_share) && o->bound > 0;
}
