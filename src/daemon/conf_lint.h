/* conf_lint.h - what is right in a configuration, and still looks like a slip of the pen.
 *
 * For "waymarkctl check": warnings at the lines, each with the name of its rule. A comment
 * "# allow: RULE" on the line, or on the one above it, silences it there.
 */
#ifndef DAEMON_CONF_LINT_H
#define DAEMON_CONF_LINT_H

#include "base/fault.h"
#include "world/parts.h"

struct lint_opts {
	const struct parts *parts;
	const char *const *allowed; /* rules that say nothing; "all": none does */
	size_t n_allowed;
};

void lint(const struct lint_opts *o, struct faults *f);

/* The rules, from 0 on; NULL behind the last. */
const char *lint_rule(size_t i);
const char *lint_rule_about(size_t i);

#endif
