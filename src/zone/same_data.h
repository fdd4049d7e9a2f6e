/* same_data.h - when are the data of two records the same?
 *
 * Names in the RDATA of the types that RFC 4034 section 6.2 lists are the same in any case; all
 * else is the same byte for byte. Any thread.
 */
#ifndef ZONE_SAME_DATA_H
#define ZONE_SAME_DATA_H

#include <stddef.h>
#include <stdint.h>

/* Orders two RDATA of one type, shorter first: <0, 0, >0. */
int same_data_compare(
	uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

#endif
