/* explain_zone.h - which zone answers a client, where there are several of one name (views).
 */
#ifndef REPORT_EXPLAIN_ZONE_H
#define REPORT_EXPLAIN_ZONE_H

#include "base/text.h"
#include "world/world.h"

#include <jansson.h>

/* Adds nothing where the name (wire, any case) is in no zone that has views. `home`: the zone that answers; NULL: none. `scope`: bits of the subnet
 * by which it was chosen. */
void explain_zone_add(const struct world *w, const uint8_t *name, const struct zone *home,
	unsigned scope, json_t *o);

/* One line; none where nothing was added. True: one was added. */
bool explain_zone_text(const json_t *o, struct text *out);

#endif
