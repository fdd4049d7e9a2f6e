/* lint_between.h - records that lead to nothing, or to an alias where none may be, in another of our own zones.
 *
 * For "waymarkctl check", once all zones are there: what zone/lint.h cannot know of one zone alone. Warnings only. Zones in
 * views, whose clients may see another zone, are not looked at. Control thread.
 */
#ifndef ZONE_LINT_BETWEEN_H
#define ZONE_LINT_BETWEEN_H

#include "zone/master.h"
#include "zone/registry.h"

/* Of zones that are read from files. These are read once more where something is to be told, for its line; `pools` as they
 * were read with. A name that several records of one type lead to is told once, and FAULTS_MOST at most; returns how many
 * records there are beside those that were told. */
unsigned lint_between(const struct registry *r, const struct master_pools *pools, struct faults *f);

#endif
