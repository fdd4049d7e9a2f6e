/* standings.h - the standing of edges, from what probes and the operator say of them now.
 */
#ifndef DAEMON_STANDINGS_H
#define DAEMON_STANDINGS_H

#include "daemon/balancer.h"
#include "daemon/fail_back.h"
#include "probe/rows.h"
#include "steer/forced.h"
#include "steer/standing.h"

struct standings_opts {
	const struct steer *steer;
	const struct rows *rows;
	const struct round *round;
	const struct verdict *verdicts; /* [round_targets()] what holds of them */
	unsigned first; /* of the round's rows: where these begin */
	const struct forced_list *forced;
	const struct standing *before; /* of the same steer, or NULL */
	struct balancer *balancer;     /* of this steer, or NULL */
	struct fail_back *fail_back;   /* or NULL */
	bool follows;                  /* ... it, since this is served; else as it is */
	bool begins;                   /* the first round runs: pools wait for it */
	bool silent;                   /* all pools wait */
};

/* The caller has it. */
struct standing *standings_make(const struct standings_opts *s);

/* What load decides of the edges of one standing holds for those of the same name in another.
 */
void standings_like(struct standing *to, const struct steer *steer, const struct standing *like,
	const struct steer *of);

/* Since when each pool is as it is now, so that answers' TTLs can grow: for a standing that no
 * balancer follows. `before` is what it replaces, of the same steer; without it, pools are as
 * old as those of their name in `like`, and others as `now_us`. */
void standings_steady(struct standing *to, const struct steer *steer,
	const struct standing *before, const struct standing *like, const struct steer *of,
	uint64_t now_us);

#endif
