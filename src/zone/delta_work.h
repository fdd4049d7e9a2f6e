/* delta_work.h - the parts of a delta on their way into it. For delta_build() alone.
 */
#ifndef ZONE_DELTA_WORK_H
#define ZONE_DELTA_WORK_H

#include "zone/compile.h"

/* A name that is touched, or above one that is. */
struct delta_own {
	const uint8_t *name; /* relative; the change's */
	uint8_t len, labels;
	uint8_t flags;   /* NODE_*, after the change */
	bool touched;    /* its records may be others */
	bool nsec3;      /* it owns NSEC3, and nothing else */
	bool exists;     /* after the change */
	uint32_t parent; /* index in `own` */
	uint32_t at;     /* as that of struct delta_entry */
	uint64_t hash;
	const struct zone_node *was, *now; /* NULL: no such name; no records (or as it was) */
};

/* What will be an entry of the delta: such a name, or an entry of the delta before. */
struct delta_item {
	struct delta_own *own; /* NULL: `node` as it is, but for its flags */
	const struct zone_node *node;
	uint64_t hash;
	uint32_t at;
	uint8_t flags;
	bool exists;
};

struct delta_work {
	const struct zone *z, *part; /* before; the touched names alone, after */
	struct delta_own *own;       /* in canonical order, as all here */
	struct delta_item *item;
	struct delta_item *hidden; /* of the shared image, with other flags */
	size_t n_own, n, n_hidden, hidden_room;
	bool no_memory;
	struct zone *to;
};

/* Where the name stands among the nodes of the shared image. */
uint32_t delta_place(const struct zone *z, const struct delta_own *own);

/* The own names and the entries of the delta before become the items. False: no memory. */
bool delta_work_merge(struct delta_work *w);

/* On a walk over what there is after the change, items and the shared image. */
struct delta_next {
	size_t i;                     /* the item that comes next */
	uint32_t place;               /* ... and the node of the shared image */
	struct delta_item *item;      /* NULL: a node of the shared image */
	const struct zone_node *node; /* that node */
	const uint8_t *name;
	size_t len;
	uint8_t flags;
};

/* The first that exists behind item `i`, and the next. False: there is none. */
bool delta_work_next(const struct delta_work *w, size_t i, struct delta_next *next);
bool delta_work_after(const struct delta_work *w, struct delta_next *next);

/* Is the name below the other (and not the same)? Both relative. */
bool delta_is_below(const uint8_t *name, size_t len, const uint8_t *of, size_t of_len);

/* What stands there is hidden, or not. False: no memory. */
bool delta_work_hide(struct delta_work *w, const struct delta_next *next, bool hidden);

/* Makes w->to. False after a fault. */
bool delta_work_write(struct delta_work *w, const struct compile_opts *opts, struct faults *f);

#endif
