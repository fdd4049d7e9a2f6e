#include "zone/rdata_canon.h"

#include "dns/name.h"
#include "dns/rrtype.h"

#include <string.h>

/* Passes a character-string. */
static size_t behind_string(const uint8_t *rdata, size_t at)
{
	return at + rdata[at] + 1u;
}

/* Where the names of the RDATA begin that are written in lower case, and how many stand there
 * in a row. */
static unsigned names_of(uint16_t type, const uint8_t *rdata, size_t *at)
{
	*at = 0;
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_MD:
	case RRTYPE_MF:
	case RRTYPE_CNAME:
	case RRTYPE_MB:
	case RRTYPE_MG:
	case RRTYPE_MR:
	case RRTYPE_PTR:
	case RRTYPE_NXT:
	case RRTYPE_DNAME: return 1;
	case RRTYPE_SOA:
	case RRTYPE_MINFO:
	case RRTYPE_RP: return 2;
	case RRTYPE_MX:
	case RRTYPE_AFSDB:
	case RRTYPE_RT:
	case RRTYPE_KX: *at = 2; return 1;
	case RRTYPE_PX: *at = 2; return 2;
	case RRTYPE_SRV: *at = 6; return 1;
	case RRTYPE_SIG:
	case RRTYPE_RRSIG: *at = 18; return 1;
	case RRTYPE_NAPTR:
		*at = behind_string(rdata, behind_string(rdata, behind_string(rdata, 4)));
		return 1;
	case RRTYPE_A6: *at = 1u + (128u - rdata[0] + 7u) / 8u; return rdata[0] != 0;
	default: return 0;
	}
}

void rdata_canon(uint16_t type, const uint8_t *rdata, size_t len, uint8_t *to)
{
	size_t at;
	unsigned names = names_of(type, rdata, &at);

	memcpy(to, rdata, len);
	for (; names; names--) {
		const size_t n = name_len(rdata + at);
		name_lower(to + at, rdata + at, n);
		at += n;
	}
}
