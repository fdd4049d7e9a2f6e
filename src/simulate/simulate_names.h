/* simulate_names.h - the names that zones hand to each pool, for pools that tell them apart.
 *
 * Where clients come without a name, those of pools with affinity by name ask for the pool's
 * own. They are so many names at most for each net, which take turns over the nets where there
 * are more, so that all count alike. A wildcard stands for names that nobody knows: each time
 * for another one.
 */
#ifndef SIMULATE_SIMULATE_NAMES_H
#define SIMULATE_SIMULATE_NAMES_H

#include "dns/name.h"
#include "steer/steer.h"
#include "world/world.h"

enum { SIMULATE_NAMES_EACH = 16 }; /* asked for by one net */

struct simulate_names {
	const uint8_t **of; /* wire, lower case */
	size_t n, room;
};

/* Does what the pool, or one that stands in for it, answers depend on the name? [pool], of the
 * heap. */
bool *simulate_names_matter(const struct steer *s);

/* Of each of the pools `names` [n], where `matter` [n] says so. All is allocated from `mem`,
 * but the lists. */
struct simulate_names *simulate_names_new(const struct world *w, const char *const *names,
	const bool *matter, size_t n, struct arena *mem);
void simulate_names_free(struct simulate_names *names, size_t n);

/* The name that is asked for at that turn: one of the list, or made in `to` of a wildcard. */
const uint8_t *simulate_names_get(
	const struct simulate_names *names, size_t turn, uint8_t to[static NAME_MOST]);

#endif
