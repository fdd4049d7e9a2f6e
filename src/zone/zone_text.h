/* zone_text.h - a zone as a master file that every nameserver loads.
 *
 * In canonical order, the SOA first; owners relative to the $ORIGIN in the first line, names in
 * data absolute, each record on a line with its TTL. The last line says how many records there
 * are: a text without it is not whole. Any thread that holds the zone.
 */
#ifndef ZONE_ZONE_TEXT_H
#define ZONE_ZONE_TEXT_H

#include "base/text.h"
#include "zone/rdata_write.h"
#include "zone/zone.h"

/* Of a zone that is ready; returns how many records. */
size_t zone_text(struct text *to, const struct zone *z, enum rdata_reader reader);

/* One record, its owner whole, in one line without its end: "www.example.org. 300 IN A
 * 192.0.2.1". */
struct zone_text_record {
	const uint8_t *owner; /* wire */
	const uint8_t *rdata; /* names whole */
	uint32_t ttl_s;
	uint16_t type, rdlen;
};
void zone_text_record(
	struct text *to, const struct zone_text_record *rr, enum rdata_reader reader);

/* Whether the text ends with the last line of one. */
bool zone_text_is_whole(const char *text, size_t len);

#endif
