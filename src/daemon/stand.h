/* stand.h - the standing of edges, from what probes and the operator say of them now.
 */
#ifndef DAEMON_STAND_H
#define DAEMON_STAND_H

#include "daemon/balancer.h"
#include "probe/rows.h"
#include "steer/forced.h"
#include "steer/standing.h"

struct stand {
	const struct steer *steer;
	const struct rows *rows;
	const struct round *round;
	unsigned first; /* of the round's rows: where these begin */
	const struct forced_list *forced;
	const struct standing *before; /* of the same steer, or NULL */
	struct balancer *balancer;     /* of this steer, or NULL */
};

/* The caller has it. */
struct standing *stand(const struct stand *s);

/* What load decides of the edges of one standing holds for those of the same name in another.
 */
void stand_like(struct standing *to, const struct steer *steer, const struct standing *like,
	const struct steer *of);

#endif
