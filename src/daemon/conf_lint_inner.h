/* conf_lint_inner.h - what the files of lint share.
 */
#ifndef DAEMON_CONF_LINT_INNER_H
#define DAEMON_CONF_LINT_INNER_H

#include "conf/conf.h"
#include "daemon/conf_lint.h"

enum lint_which {
	LINT_UNUSED_EDGE,
	LINT_UNUSED_POOL,
	LINT_UNUSED_PROBE,
	LINT_UNUSED_CLASS,
	LINT_UNUSED_PEER,
	LINT_UNUSED_KEY,
	LINT_UNUSED_TEMPLATE,
	LINT_UNUSED_POLICY,
	LINT_UNUSED_GROUP,
	LINT_ONE_EDGE,
	LINT_TWO_KINDS,
	LINT_NEVER_UP,
	LINT_NO_WEIGHT,
	LINT_NEVER_DOWN,
	LINT_SHADOWED_RULE,
	LINT_EMPTY_RULE,
	LINT_LONG_TTL,
	LINT_SHORT_TTL,
	LINT_SWAPPED,
	LINT_NULL_ISLAND,
	LINT_WINDOW_OVER,
	LINT_RULES
};

struct linting {
	const struct lint_opts *o;
	const struct conf *conf;
	const struct node *top;
	struct arena *mem;
	struct faults *f;
};

__attribute__((format(printf, 4, 5))) void lint_doubt(const struct linting *l,
	enum lint_which which, const struct node *at, const char *fmt, ...);

/* A pool's, an edge's own mapping; NULL. */
const struct node *lint_entry(const struct linting *l, const char *section, const char *name);

/* Does a zone hand a name to that pool? */
bool lint_is_named(const struct linting *l, const char *pool);

/* lint_unused.c, lint_pools.c, lint_edges.c */
void lint_unused(const struct linting *l);
void lint_pools(const struct linting *l);
void lint_edges(const struct linting *l);

#endif
