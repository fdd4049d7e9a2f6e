/* forced.h - what operators have said of edges, whatever the configuration and the probes say:
 * by whom, why, from when, and until when. Control thread.
 *
 * One such saying is a *change*. It is of edges (by name, or by patterns) in all pools or in
 * some, and sets their state or their weight. Of several that are about the same, the one that
 * began last holds. What began has begun for good: a clock that is set back takes nothing back.
 */
#ifndef STEER_FORCED_H
#define STEER_FORCED_H

#include "steer/edge.h"

#include <stddef.h>
#include <stdint.h>

enum {
	FORCED_TEXT_MOST = 255,
	FORCED_WHERE_MOST = 1023, /* bytes of the patterns of edges, or of pools */
	FORCED_MOST = EDGES_MOST
};

enum forced_what { FORCED_STATE, FORCED_WEIGHT };

struct forced {
	char *edge; /* a name, or patterns (forced_matches()); or "pool:NAME": that pool as a
		     * member of others, for weights. By name: it outlives a reload */
	char *pool; /* ""; in all pools; or likewise */
	enum forced_what what;
	enum edge_state state;
	unsigned weight;
	char *who, *why;   /* "" when nothing was said */
	int64_t when_s;    /* time of day, when it was said */
	int64_t from_s;    /* time of day at which it begins; 0: at once */
	int64_t until_s;   /* time of day at which it ends; 0: not by that */
	uint64_t until_us; /* monotonic; UINT64_MAX: not by that */
	bool configured;   /* it stands in the configuration */
	bool begun;
	int64_t begun_s; /* time of day */
	uint32_t id;     /* never used again; 0: give it one */
	bool here;         /* not for the other servers of a fleet */
	uint64_t fleet_at; /* its version among all servers; 0: it has none */
};

struct forced_list {
	struct forced *of; /* what began later stands behind */
	size_t n;
	uint32_t last_id;
};

/* Is that name meant? Words apart by commas, in which * is any run of characters and ? any one.
 */
bool forced_matches(const char *patterns, const char *name);
/* Is it more than one name? */
bool forced_is_pattern(const char *patterns);

/* The last that holds for that edge in that pool and is of that kind; `pool` NULL: of those for
 * all pools. NULL: none does. Borrowed until the list changes. */
const struct forced *forced_find(
	const struct forced_list *l, const char *edge, const char *pool, enum forced_what what);

/* Is anything about it forced, in whichever pools? */
bool forced_touches(const struct forced_list *l, const char *edge);

/* Copies the texts. One that has begun takes the place of another that has, is about the same
 * words, and does not stand in the configuration. Returns its number. */
uint32_t forced_set(struct forced_list *l, const struct forced *f);

/* One by number, or NULL. */
const struct forced *forced_by_id(const struct forced_list *l, uint32_t id);
bool forced_drop(struct forced_list *l, uint32_t id);

/* The first that has begun, is of just these words and does not stand in the configuration, or
 * NULL. */
const struct forced *forced_of(const struct forced_list *l, const char *edge, const char *pool);

/* A moment: monotonic, and the time of day. */
struct forced_now {
	uint64_t us;
	int64_t wall_s;
};

/* One whose time is over, or NULL; one that is to begin and has not, or NULL. */
const struct forced *forced_over(const struct forced_list *l, struct forced_now now);
const struct forced *forced_due(const struct forced_list *l, struct forced_now now);

/* From now on it holds. */
void forced_begin(struct forced_list *l, uint32_t id, int64_t wall_s);

/* When to look again: the soonest that one ends by the monotonic clock; at the latest in a
 * second where the time of day matters, since that may be set. UINT64_MAX: nothing will come by
 * itself. */
uint64_t forced_next_us(const struct forced_list *l, struct forced_now now);

/* What the configuration says is `of` now: what is as before stays as it is. */
void forced_configure(struct forced_list *l, const struct forced *of, size_t n, int64_t wall_s);

/* "down", "weight 3"; shorter than 32. */
const char *forced_text(const struct forced *f, char to[static 32]);

/* Its version. */
void forced_mark(struct forced_list *l, uint32_t id, uint64_t fleet_at);

/* By when they began, and then by version and number: of those that were read from where their order is
 * lost. */
void forced_sort(struct forced_list *l);

struct forced_list forced_copy(const struct forced_list *l);

void forced_fini(struct forced_list *l);

#endif
