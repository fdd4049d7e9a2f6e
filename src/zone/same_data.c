#include "zone/same_data.h"

#include "dns/rrtype.h"

#include <string.h>

/* The bytes of the RDATA from which on, but for `*behind` at its end, it is names alone; for
 * names that differ in case are the same (RFC 4034 section 6.2). SIZE_MAX: none. */
static size_t names_from(uint16_t type, size_t *behind)
{
	*behind = type == RRTYPE_SOA ? 20 : 0;
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_MD:
	case RRTYPE_MF:
	case RRTYPE_CNAME:
	case RRTYPE_SOA:
	case RRTYPE_MB:
	case RRTYPE_MG:
	case RRTYPE_MR:
	case RRTYPE_PTR:
	case RRTYPE_MINFO:
	case RRTYPE_RP:
	case RRTYPE_DNAME: return 0;
	case RRTYPE_MX:
	case RRTYPE_AFSDB:
	case RRTYPE_RT:
	case RRTYPE_PX:
	case RRTYPE_KX: return 2;
	case RRTYPE_SRV: return 6;
	default: return SIZE_MAX;
	}
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* A name's length bytes are below 'A'. */
int same_data_compare(
	uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t behind, from = names_from(type, &behind);

	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	if (from >= a_len)
		return memcmp(a, b, a_len);
	const int front = memcmp(a, b, from);
	if (front)
		return front;
	for (; from + behind < a_len; from++)
		if (lower(a[from]) != lower(b[from]))
			return lower(a[from]) < lower(b[from]) ? -1 : 1;
	return memcmp(a + from, b + from, a_len - from);
}
