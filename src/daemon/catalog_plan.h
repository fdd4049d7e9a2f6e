/* catalog_plan.h - what is to be done so that the zones that are served are those that catalogs list.
 *
 * Work of a job: nothing is changed but what is made.
 */
#ifndef DAEMON_CATALOG_PLAN_H
#define DAEMON_CATALOG_PLAN_H

#include "base/text.h"
#include "conf/conf.h"
#include "zone/catalog.h"
#include "zone/registry.h"

/* A zone that comes, or goes. */
struct catalog_step {
	const uint8_t *apex; /* in `mem` */
	struct registry_added *added; /* a count: as what it comes; of one that goes, as what it is there */
	bool goes;
	bool replaces; /* it is there, and goes on with its data */
};

struct catalog_plan {
	struct arena mem;
	struct catalog_step *steps; /* [n] those that go first */
	size_t n, room;
	size_t come, go, change, reset; /* members; `reset` ones go and come */
	struct text told; /* lines for the log: what is not done, and why */
	size_t untold;    /* lines that were too many */
};

/* `accepted`: a catalog may lose any share of its members at once. The plan is for catalog_plan_fini(), whatever has become of
 * it. */
void catalog_plan_make(struct catalog_plan *to, const struct conf *c, const struct registry *zones,
	bool accepted);
void catalog_plan_fini(struct catalog_plan *p);

#endif
