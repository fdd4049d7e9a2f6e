/* rdata_rules.h - data that is whole, and cannot be meant or of use all the same.
 *
 * What BIND or Knot refuse is wrong; what nobody can use, though it is served by all, is
 * doubtful. Only what a record tells by itself; records among each other are zone/verify's and
 * zone/lint's.
 */
#ifndef ZONE_RDATA_RULES_H
#define ZONE_RDATA_RULES_H

#include "base/fault.h"

#include <stddef.h>
#include <stdint.h>

enum rdata_verdict { RDATA_FINE, RDATA_DOUBTFUL, RDATA_WRONG };

/* Of data that rdata_check() takes, or rdata_read() made. `why` is set unless it is fine. */
enum rdata_verdict rdata_rules(
	uint16_t type, const uint8_t *rdata, size_t len, struct fault *why);

#endif
