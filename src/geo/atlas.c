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
		mmdb_cities_free(&a->cities);
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
	mmdb_cities_free(&a->cities);
	mmdb_asns_free(&a->asns);
	memory_free(a);
}

void atlas_warn(const struct atlas *a, bool by_distance, struct faults *f)
{
	for (size_t i = 0; i < a->cities.n_told; i++) {
		const struct mmdb_told *t = &a->cities.told[i];
		mmdb_told_warn(t, f);
		if (by_distance && !t->placed)
			faults_warning(f, &(struct fault_at){ .path = t->path },
				"tells no coordinates: no edge is nearer than another to the "
				"clients in it, and pools with \"policy: nearest\" answer them "
				"in "
				"their default order");
	}
	for (size_t i = 0; i < a->asns.n_told; i++)
		mmdb_told_warn(&a->asns.told[i], f);
}

struct atlas_size atlas_size(const struct atlas *a)
{
	struct atlas_size s = { 0 };

	for (size_t i = 0; i < a->cities.n_told; i++) {
		s.nets += a->cities.told[i].nets;
		s.local += a->cities.told[i].local;
	}
	for (size_t i = 0; i < a->asns.n_told; i++) {
		s.asn_nets += a->asns.told[i].nets;
		s.asn_local += a->asns.told[i].local;
	}
	return s;
}
