#include "daemon/updates_inner.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool is_known(const struct known_version *k, const struct zone *z)
{
	return k->of == z && k->is.serial == z->serial && name_equal(k->id, zone_id(z));
}

/* Where it is among those of former batches, or would be. */
static size_t known_index(const struct updates *u, const uint8_t *id)
{
	size_t from = 0, to = u->n_known;

	while (from < to) {
		const size_t middle = (from + to) / 2;
		if (registry_compare(u->known[middle].id, id) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

const struct known_version *updates_find_known(const struct updates *u, const struct zone *z)
{
	const size_t at = known_index(u, zone_id(z));

	for (size_t i = u->made.n_known; i-- > 0;)
		if (is_known(&u->made.known[i], z))
			return &u->made.known[i];
	return at < u->n_known && is_known(&u->known[at], z) ? &u->known[at] : NULL;
}

void updates_know(struct updates *u, const struct zone *z, struct fleet_version is)
{
	u->made.known = memory_grow(u->made.known, (u->made.n_known + 1) * sizeof *u->made.known);
	struct known_version *k = &u->made.known[u->made.n_known++];
	*k = (struct known_version){ .of = z, .is = is };
	memcpy(k->id, zone_id(z), name_len(zone_id(z)));
}

struct fleet_version updates_version(struct updates *u, const struct zone *z)
{
	const struct known_version *k = updates_find_known(u, z);

	if (k)
		return k->is;
	updates_know(u, z, fleet_version_of(z));
	return u->made.known[u->made.n_known - 1].is;
}

static int compare_ids(const void *a, const void *b)
{
	return registry_compare(((const struct known_version *)a)->id, ((const struct known_version *)b)->id);
}

/* What is new of the batch goes to the front, the last of each. */
static size_t replace_known(struct updates *u)
{
	size_t n = 0;

	for (size_t i = 0; i < u->made.n_known; i++) {
		const struct known_version *k = &u->made.known[i];
		const size_t at = known_index(u, k->id);
		size_t old = 0;
		if (at < u->n_known && name_equal(u->known[at].id, k->id)) {
			u->known[at] = *k;
			continue;
		}
		while (old < n && !name_equal(u->made.known[old].id, k->id))
			old++;
		u->made.known[old] = *k;
		n += old == n;
	}
	return n;
}

/* Once through all, from behind, only when zones have come. */
void updates_remember(struct updates *u)
{
	size_t n = replace_known(u), old = u->n_known, to = old + n;

	if (!n)
		return;
	qsort(u->made.known, n, sizeof *u->made.known, compare_ids);
	u->known = memory_grow(u->known, to * sizeof *u->known);
	u->n_known = to;
	while (n > 0) {
		const bool moves = old > 0 && registry_compare(u->known[old - 1].id, u->made.known[n - 1].id) > 0;
		u->known[--to] = moves ? u->known[--old] : u->made.known[--n];
	}
}
