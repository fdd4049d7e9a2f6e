/* frequent.h - which keys come most often, of any number of them, in little memory.
 *
 * Space-saving (Metwally, Agrawal, El Abbadi, ICDT 2005): so many keys have a count; one that is new takes the place of
 * the least, and goes on from its count. So none that comes more often than the least count is missing, and no count is
 * less than the truth; `over` says by how much it may be more. Counts fade, so that what was is forgotten.
 */
#ifndef BASE_FREQUENT_H
#define BASE_FREQUENT_H

#include <stddef.h>
#include <stdint.h>

enum { FREQUENT_KEYS = 1000, FREQUENT_KEY = 255 /* bytes of one */ };

struct frequent;

struct frequent_key {
	double count, over;
	uint8_t len;
	uint8_t bytes[FREQUENT_KEY];
};

/* NULL: no memory. `seed` is not to be guessed by who chooses the keys. */
struct frequent *frequent_new(uint64_t seed);
void frequent_free(struct frequent *f);

/* At most FREQUENT_KEY bytes. */
void frequent_add(struct frequent *f, const uint8_t *key, size_t len, double weight);
/* All counts become so much of what they are, from 0 to 1. */
void frequent_fade(struct frequent *f, double by);

/* The most frequent, at most `most`, the first ones first. Returns how many there are. */
size_t frequent_first(const struct frequent *f, struct frequent_key *to, size_t most);

#endif
