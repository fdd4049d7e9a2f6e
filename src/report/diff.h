/* diff.h - what is different between two configurations, key by key.
 *
 * Trees of JSON as daemon/tree.h makes them: objects, arrays and strings. The order of keys
 * says nothing, that of lists does; one value may stand for a list of one. Pure.
 */
#ifndef REPORT_DIFF_H
#define REPORT_DIFF_H

#include "base/text.h"

#include <jansson.h>
#include <stdbool.h>

struct diff_opts {
	json_t *old, *new; /* borrowed */
	/* Is what stands behind this key never to be shown? */
	bool (*is_secret)(const char *key);
	/* Does a change of it need a restart? `key` is within the section. */
	bool (*needs_restart)(const char *section, const char *key);
};

/* A list of { section, name (of edges, pools, probes, zones), key (of what is different
 * within), change ("added", "gone", "changed"), from, to, restart (true), secret (true) }; what
 * is not there is left out. The caller has it. */
json_t *diff_trees(const struct diff_opts *o);

/* As operators read it, a line each. */
void diff_text(json_t *changes, struct text *out);

#endif
