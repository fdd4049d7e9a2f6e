#include "daemon/versions.h"

#include "base/memory.h"
#include "daemon/pool_signing.h"
#include "daemon/publish.h"

#include <string.h>

/* Numbers are by the names of pools, in their order. */
static bool same_pools(const struct zone *a, const struct zone *b)
{
	if (a->pools_n != b->pools_n)
		return false;
	for (unsigned i = 0; i < a->pools_n; i++)
		if (strcmp(a->pools[i], b->pools[i]) != 0)
			return false;
	return true;
}

/* `same`: each zone names the pools that it has named. */
static bool make_numbers(const struct parts *of, const struct registry *served, bool same,
	struct registry **zones, struct pool_numbers **numbers, struct fault *why)
{
	struct pool_signing_sum sum = { 0 };

	*numbers = same && !served && of->numbers
		? pool_numbers_hold(of->numbers)
		: pool_numbers_new((served ? served : *zones)->set, of->steer, why);
	/* What pools answer in them is signed before they are served. What is not, for want of memory, is
	 * signed when it is asked for. */
	if (*numbers && !served && of->signatures)
		pool_signing_ahead(of->signatures,
			&(struct pool_signing_of){ *zones, of->zones, of->steer, *numbers, NULL },
			&sum);
	if (*numbers)
		return true;
	registry_drop(*zones);
	*zones = NULL;
	return false;
}

bool versions_change(const struct parts *of, const struct registry *served,
	struct registry_change *changes, size_t n, struct registry **zones,
	struct pool_numbers **numbers, struct fault *why)
{
	*zones = registry_changed(of->zones, changes, n);
	return make_numbers(of, served, false, zones, numbers, why);
}

/* Of a stage: it has read the zone from files that say something else by now, or made it from other edges of pools, and
 * keeps that until it is everybody's. */
static bool has_other_files(const struct registry_zone *is, const struct registry_zone *entry)
{
	struct text a = { 0 }, b = { 0 };

	load_sources_text(&is->load, &a);
	load_sources_text(&entry->load, &b);
	const bool other = a.len && b.len &&
		(strcmp(text_get(&a), text_get(&b)) != 0 || is->load.listed != entry->load.listed);
	text_fini(&a);
	text_fini(&b);
	return other;
}

bool versions_make(const struct parts *of, const struct registry *served,
	struct registry_zone *const *entries, size_t n,
	struct registry **zones, struct pool_numbers **numbers, struct fault *why)
{
	struct registry_zone **list = memory_zeroed(n, sizeof(*list));
	size_t k = 0;
	bool same = true;

	for (size_t i = 0; i < n; i++) {
		const struct registry_zone *is = registry_find(of->zones, entries[i]->origin);
		if (!is || is->source != entries[i]->source ||
			(served && has_other_files(is, entries[i])))
			continue;
		same = same && same_pools(is->load.zone, entries[i]->load.zone);
		list[k++] = entries[i];
		part_hold(&entries[i]->part);
	}
	*zones = registry_with(of->zones, list, k);
	memory_free(list);
	return make_numbers(of, served, same, zones, numbers, why);
}

void versions_begin(struct versions *v, struct publisher *p)
{
	const struct parts *staged = publisher_staged(p);

	*v = (struct versions){ .live = parts_hold(publisher_live(p)) };
	if (staged)
		v->staged = parts_hold(staged);
}

bool versions_build(struct versions *v, struct registry_zone *const *entries, size_t n, struct fault *why)
{
	struct fault unused;

	if (!versions_make(&v->live, NULL, entries, n, &v->zones, &v->numbers, why))
		return false;
	if (v->staged.conf)
		versions_make(&v->staged, v->zones, entries, n, &v->staged_zones, &v->staged_numbers, &unused);
	return true;
}

void versions_drop_made(struct versions *v)
{
	registry_drop(v->zones);
	pool_numbers_drop(v->numbers);
	registry_drop(v->staged_zones);
	pool_numbers_drop(v->staged_numbers);
	v->zones = v->staged_zones = NULL;
	v->numbers = v->staged_numbers = NULL;
}

bool versions_serve(struct versions *v, struct publisher *p)
{
	struct registry *zones = v->zones, *staged_zones = v->staged_zones;
	struct pool_numbers *numbers = v->numbers, *staged_numbers = v->staged_numbers;

	v->zones = v->staged_zones = NULL;
	v->numbers = v->staged_numbers = NULL;
	if (!zones)
		return false;
	publisher_take_zones(p, false, zones, numbers);
	publisher_take_staged_zones(p, v->staged.zones, staged_zones, staged_numbers);
	return true;
}

void versions_end(struct versions *v, struct publisher *p)
{
	publisher_let_go(p, &v->live);
	publisher_let_go(p, &v->staged);
	*v = (struct versions){ 0 };
}
