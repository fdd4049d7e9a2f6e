/* change_set.h - records of a zone that go and come, all at once: the commands that do it, one after the other.
 *
 * "zone begin", "zone unset" and "zone set" for each record, and "zone commit", or "zone diff" where it is only tried.
 */
#ifndef WEB_CHANGE_SET_H
#define WEB_CHANGE_SET_H

#include "base/fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { CHANGE_SET_STEPS = 2000, CHANGE_SET_WORDS = 7 };

struct change_set {
	const char *zone;
	const char *steps[CHANGE_SET_STEPS][CHANGE_SET_WORDS]; /* words; they borrow from the members */
	char ttl[CHANGE_SET_STEPS][12];
	size_t n, n_unset;
	bool dry;
};

/* `c` is zero, and lives no longer than `members`. */
bool change_set_plan(struct change_set *c, const json_t *members, struct fault *why);

#endif
