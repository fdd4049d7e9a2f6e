/* conf_sums.h - in which sections is a configuration another one than that of another server?
 *
 * A sum of each section that answers depend on, of all that is written there, in whatever file, whichever options there are by
 * now; but for what is each server's own, as addresses to listen on, or is for others than those who ask, as who may have a
 * zone whole. Comments, quotes and the order of keys are in no sum; the order of lists is, and that of edges and pools,
 * which are known by their number. What is written otherwise and means the same has another sum: servers have the same files.
 */
#ifndef CONF_CONF_SUMS_H
#define CONF_CONF_SUMS_H

#include "base/arena.h"
#include "conf/parse.h"

#include <stdint.h>

enum { CONF_SUMS_MOST = 32 };

struct conf_sum {
	const char *section;
	uint64_t sum;
};

struct conf_sums {
	struct conf_sum of[CONF_SUMS_MOST]; /* as they are written */
	unsigned n;
};

/* Names of sections live in `mem`. */
void conf_sums_make(struct conf_sums *to, const struct node *top, struct arena *mem);

/* More of what a section says: what a file is that it names. */
void conf_sums_add(struct conf_sums *to, const char *section, uint64_t more);

#endif
