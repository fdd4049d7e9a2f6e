/* client_map.h - which clients are alike, and what is estimated for each of them?
 *
 * What rankings stand on: a map of all addresses, cut into keys. Clients of one key
 * are in the same place, of the same AS where that is known to matter, and inside the same
 * measured prefix, so that they have the same estimates; what a prefix of its own adds is in
 * the key, and the GeoIP files' borders and measured prefixes' borders are in the map. With
 * nothing measured the map is the atlas's own and a key is a place.
 *
 * Built on one thread, which is not the control thread's when that has better things to do; it
 * reads the table of measurements while the map and the ranks on it are built, until
 * client_map_settle(). Then immutable, shared by count; any thread reads.
 */
#ifndef MEASURE_CLIENT_MAP_H
#define MEASURE_CLIENT_MAP_H

#include "measure/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_map;

struct client_map_opts {
	struct model_opts model;
	struct client_map *before; /* what is replaced; NULL: nothing */
	bool kinds[LATENCY_KINDS]; /* those that are asked for, beside round trips */
};

/* Never NULL. Shares with `before` what has not changed, and may be `before` itself. */
struct client_map *client_map_new(const struct client_map_opts *opts);
struct client_map *client_map_hold(struct client_map *m);
void client_map_drop(struct client_map *m);

/* All ranks are built: the table is read no more. */
void client_map_settle(struct client_map *m);

/* Is anything measured? */
bool client_map_is_measured(const struct client_map *m);

/* The map, whose values are keys; sealed, borrowed. Keys go from 0, where nobody is known, to
 * client_map_keys() - 1. */
struct netmap *client_map_netmap(const struct client_map *m);
uint32_t client_map_keys(const struct client_map *m);
unsigned client_map_edges(const struct client_map *m);
struct atlas *client_map_atlas(const struct client_map *m);
const struct model *client_map_model(const struct client_map *m);

/* Before client_map_settle(): the key that the clients of a key had in `before`, so that their
 * order can be compared; CLIENT_MAP_NEW: they had none like it. */
enum { CLIENT_MAP_NEW = 0xffffffffu };
uint32_t client_map_was(const struct client_map *m, uint32_t key);

/* Before client_map_settle(): every key but 0 with its estimates, ms[n_edges], NAN where there
 * is none; those of one place one after another. Only those of the edges that are asked for
 * mean something, and they are there until `each` returns. Unless `all`, keys whose estimates are
 * as good as what they were in `before` come with NULL; such a key has one that it was. With
 * `only` just those come for which it is true, all with estimates. */
struct client_map_ask {
	bool all;
	enum latency_kind kind; /* what is to be estimated */
	struct model_edges edges;
	bool (*only)(const void *ctx, uint32_t key);
	const void *only_ctx;
	void (*each)(void *ctx, uint32_t key, const float *ms);
	void *ctx;
};
/* Several may ask at once: what is estimated of a key is so once for all of them. Each is told as if it asked alone; between
 * them there is no order. Some keys at a time are held for them, in half a MiB for each kind (or one key's), until this returns. */
void client_map_each(const struct client_map *m, const struct client_map_ask *asks, size_t n);

/* Rows of a table that hold an address, the narrowest first; returns how many, at most `most`.
 */
unsigned client_map_own_rows(const struct latency *table, const struct addr *a,
	const struct latency_row **rows, unsigned most);

/* What a network takes by the kind: its round trips, ms[], own ones and all, become that, and then its own times by that kind, where
 * it has any, take their place (model_own(); of losses they are added, model_own_loss()). */
struct client_map_goal {
	enum latency_kind kind;
	const struct model *model;
	const struct latency_row *const *rows; /* of the kind's table, the narrowest prefix first */
	unsigned n_rows, half_life_s;
	uint32_t now_s, place;
};
void client_map_reach(const struct client_map_goal *g, float *ms, unsigned n);

#endif
