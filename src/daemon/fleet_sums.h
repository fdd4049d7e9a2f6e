/* fleet_sums.h - sums of what answers depend on: servers of a fleet with the same ones choose from the same.
 *
 * Of the configuration, the zones, and what is up and wanted now. Loop.
 */
#ifndef DAEMON_FLEET_SUMS_H
#define DAEMON_FLEET_SUMS_H

#include "report/report_fleet.h"
#include "steer/standing.h"
#include "world/parts.h"

#include <stdint.h>

/* Of all zones and their serials. Reads all of them: for who has not since the last publication. */
uint64_t fleet_sums_zones(const struct registry *r);

/* Of what conf_sums.h says of the configuration, and of the GeoIP databases that were read; and, into `sections` (an object; NULL:
 * nobody asks), of each section of it by its name. */
uint64_t fleet_sums_config(const struct parts *p, json_t *sections);

/* Of what decides answers beside configuration and zones. */
uint64_t fleet_sums_standing(const struct standing *s);

/* As hexadecimal digits. */
void fleet_sums_say(json_t *o, const char *key, uint64_t sum);

#endif
