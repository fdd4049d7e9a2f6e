/* external.h - verdicts that somebody else makes: told by command, or read from a file.
 *
 * A verdict is of an edge by a probe of kind external, or of one address of it, and is good until
 * its time is over. What was told last holds; of one address what was told of it alone holds
 * before what was told of the edge. Control thread.
 */
#ifndef STEER_EXTERNAL_H
#define STEER_EXTERNAL_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EXTERNALS_MOST = 65536,
	EXTERNAL_TEXT_MOST = 127 /* bytes of a reason */
};

struct external_verdict {
	char *probe, *edge; /* names: it outlives a reload */
	bool one;           /* of `addr` alone */
	struct addr addr;
	bool up;
	char *why, *who;   /* "" */
	double load;       /* NAN: none was told */
	int64_t when_s;    /* time of day, when it was told */
	int64_t changed_s; /* ... when `up` was last told to be another; set by externals_set() */
	uint64_t until_us; /* monotonic; UINT64_MAX: for good */
};

/* Sorted. Zeroed: none. */
struct externals {
	struct external_verdict *of;
	size_t n, room;
};

/* Copies the texts. False: there are EXTERNALS_MOST. */
bool externals_set(struct externals *l, const struct external_verdict *v);

/* What holds for that address of that edge, over or not; NULL. Borrowed until the list changes. */
const struct external_verdict *externals_find(
	const struct externals *l, const char *probe, const char *edge, const struct addr *addr);

/* All that was told of the edge (`addr` NULL), or of that address alone. How many those were. */
size_t externals_drop(
	struct externals *l, const char *probe, const char *edge, const struct addr *addr);

/* Those go that are over. */
void externals_drop_over(struct externals *l, uint64_t now_us);

/* At the end, for externals_sort(): which of two is of the same and so one too many; NULL: none. */
bool externals_add(struct externals *l, const struct external_verdict *v);
const struct external_verdict *externals_sort(struct externals *l);

/* In the place of all of that probe's: takes what `of` has, which is sorted and of no other. False: it would be too
 * many, and nothing has changed. */
bool externals_replace(struct externals *l, const char *probe, struct externals *of);

/* Those that somebody has told (`who`) and that are not over. */
struct externals externals_copy(const struct externals *l, uint64_t now_us);
void externals_fini(struct externals *l);

#endif
