/* rdata_write.h - the data of one record, from wire to text: the way back of zone/rdata.
 *
 * Types that every nameserver knows are written as their RFCs have them, names absolute; all
 * others, and data that is not of its type, as "\# length hex" (RFC 3597 section 5), which
 * everybody reads. Pure functions.
 */
#ifndef ZONE_RDATA_WRITE_H
#define ZONE_RDATA_WRITE_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For whom: for us, who know EDGE; or for any nameserver. */
enum rdata_reader { RDATA_FOR_US, RDATA_FOR_ALL };

/* "TYPE data" of data whose names are whole. */
void rdata_write(struct text *to, uint16_t type, const uint8_t *rdata, size_t len,
	enum rdata_reader reader);

/* The type alone: "TYPE65301" where not all know its name. */
void rdata_write_type(struct text *to, uint16_t type, enum rdata_reader reader);

#endif
