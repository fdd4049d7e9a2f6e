/* rules.h - pins of several conditions: which rules of a pool are for this client?
 *
 * Rules are gone through in their order. All conditions of a rule must hold: of each kind (nets,
 * ASNs, cities, ...) one is enough, and what it says under "not" must not hold together. Places
 * and ASNs are looked up once, whatever rules there are: each is of a class, which has a bit for
 * every set of places or ASNs that a rule names. Built with the pools; immutable then. What is
 * looked at narrows the scope, and nothing else.
 */
#ifndef STEER_RULES_H
#define STEER_RULES_H

#include "geo/atlas.h"
#include "steer/pool.h"

/* A set of places or of ASNs among those of the pool. */
enum { RULES_NO_SET = UINT16_MAX };

/* Values of one of the atlas's maps, by which of the sets they are in. */
struct rules_table {
	uint32_t *class_of; /* [values]; NULL: there is no set */
	uint64_t *bits;     /* [class][words] */
	unsigned words;
	size_t n; /* values */
	struct netmap_seams *seams;
};

struct rules_when {
	uint16_t place, asn;              /* sets, or RULES_NO_SET */
	struct netmap *nets, *resolvers;  /* held; NULL: any */
	struct netmap *const *clients;    /* [n_clients] any of them; borrowed of the options' holds */
	unsigned n_clients;
	unsigned hours, n_hours; /* those of the steer from `hours` on; one is now. 0: any time */
	uint8_t via, types;      /* pool.h */
	bool given; /* it has a condition */
};

struct rule {
	const struct pool_rule *from;
	struct rules_when when, unless;
	const uint16_t *holders; /* [from->to.n] as those of a pin */
	bool matches;            /* some client, as far as the GeoIP files can tell */
};

struct rules {
	struct rule *rule;
	unsigned n;
	struct rules_table places, asns;
	struct netmap **clients; /* held */
	unsigned n_clients;
};

struct arena;

/* `from` is the pool's own copy, as long as `mem` lives. */
struct rules *rules_new(struct arena *mem, const struct pool_rule *from, size_t n,
	const struct atlas *atlas);
void rules_drop(struct rules *r); /* what is not in `mem`; NULL is fine */

static inline bool rules_has(const struct rules_table *t, uint32_t value, uint16_t set)
{
	return value < t->n && t->bits[(size_t)t->class_of[value] * t->words + set / 64] >> set % 64 & 1;
}

#endif
