/* random_rdata.h - valid data of a record, as text, by the grammar that ldns has for its type.
 * From random().
 */
#ifndef UNIT_ZONE_RANDOM_RDATA_H
#define UNIT_ZONE_RANDOM_RDATA_H

#include "base/text.h"

#include <ldns/ldns.h>

void random_rdata(const ldns_rr_descriptor *d, struct text *to);

#endif
