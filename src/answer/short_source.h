/* short_source.h - a query's subnet is much shorter than what its answer depends on.
 *
 * Such an answer is good for one client of many, and some resolvers give it to all of the subnet. Who asks honestly sends no such subnet, so it holds
 * for a moment only. Any worker; nothing is allocated.
 */
#ifndef ANSWER_SHORT_SOURCE_H
#define ANSWER_SHORT_SOURCE_H

#include "answer/compose.h"

enum { SHORT_SOURCE_TTL_S = 1 };

/* `scope` counts bits of the subnet as it was sent. */
bool short_source(const struct edns_ecs *ecs, unsigned scope);

/* No record that the message has by now holds longer. Its OPT record is not there yet. */
void short_source_hold(struct compose *c);

#endif
