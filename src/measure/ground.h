/* ground.h - which clients are alike, and what is estimated for each of them?
 *
 * The ground that rankings stand on: a map of all addresses, cut into keys. Clients of one key
 * are in the same place, of the same AS where that is known to matter, and inside the same
 * measured prefix, so that they have the same estimates; what a prefix of its own adds is in
 * the key, and the GeoIP files' borders and measured prefixes' borders are in the map. With
 * nothing measured the map is the atlas's own and a key is a place.
 *
 * Built on one thread, which is not the control thread's when that has better things to do; it
 * reads the table of measurements while the ground and the ranks on it are built, until
 * ground_settle(). Then immutable, shared by count; any thread reads.
 */
#ifndef MEASURE_GROUND_H
#define MEASURE_GROUND_H

#include "measure/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ground;

struct ground_opts {
	struct model_opts model;
	struct ground *before; /* what is replaced; NULL: nothing */
};

/* Never NULL. Shares with `before` what has not changed, and may be `before` itself. */
struct ground *ground_new(const struct ground_opts *opts);
struct ground *ground_hold(struct ground *g);
void ground_drop(struct ground *g);

/* All ranks are built: the table is read no more. */
void ground_settle(struct ground *g);

/* Is anything measured? */
bool ground_is_measured(const struct ground *g);

/* The map, whose values are keys; sealed, borrowed. Keys go from 0, where nobody is known, to
 * ground_keys() - 1. */
struct netmap *ground_map(const struct ground *g);
uint32_t ground_keys(const struct ground *g);
struct atlas *ground_atlas(const struct ground *g);
const struct model *ground_model(const struct ground *g);

/* Before ground_settle(): the key that the clients of a key had in `before`, so that their
 * order can be compared; GROUND_NEW: they had none like it. */
enum { GROUND_NEW = 0xffffffffu };
uint32_t ground_was(const struct ground *g, uint32_t key);

/* Before ground_settle(): every key but 0 with its estimates, ms[n_edges], NAN where there is
 * none; those of one place one after another. Unless `all`, keys whose estimates are as good as
 * what they were in `before` come with NULL; such a key has one that it was. */
void ground_each(const struct ground *g, bool all,
	void (*each)(void *ctx, uint32_t key, const float *ms), void *ctx);

/* Rows of a table that hold an address, the narrowest first; returns how many, at most `most`.
 */
unsigned ground_own_rows(const struct latency *table, const struct addr *a,
	const struct latency_row **rows, unsigned most);

#endif
