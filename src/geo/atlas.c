#include "geo/atlas.h"

#include "base/memory.h"
#include "base/scope.h"

struct atlas *atlas_read(const struct atlas_opts *opts, struct fault *why)
{
	struct atlas *a = memory_zeroed(1, sizeof *a);

	a->refs = 1;
	if (!mmdb_read_cities(&a->cities, opts->city_files, opts->n_city_files, why)) {
		memory_free(a);
		return NULL;
	}
	if (!mmdb_read_asns(&a->asns, opts->asn_files, opts->n_asn_files, why)) {
		netmap_drop(a->cities.map);
		places_drop(a->cities.places);
		memory_free(a);
		return NULL;
	}
	return a;
}

/* For a scope. */
static void let_go(void *a)
{
	atlas_drop(a);
}

struct atlas *atlas_hold(struct atlas *a)
{
	__atomic_add_fetch(&a->refs, 1, __ATOMIC_RELAXED);
	scope_hold(a, let_go);
	return a;
}

void atlas_drop(struct atlas *a)
{
	scope_forget(a, let_go);
	if (!a || __atomic_sub_fetch(&a->refs, 1, __ATOMIC_ACQ_REL))
		return;
	netmap_drop(a->cities.map);
	places_drop(a->cities.places);
	mmdb_asns_free(&a->asns);
	memory_free(a);
}
