#include "answer/stats.h"

#include "dns/rrtype.h"

/* By number; what is asked most is near the front, which nothing depends on. */
static const uint16_t types[STATS_TYPES] = { 0, RRTYPE_A, RRTYPE_AAAA, RRTYPE_NS, RRTYPE_SOA,
	RRTYPE_CNAME, RRTYPE_MX, RRTYPE_TXT, RRTYPE_HTTPS, RRTYPE_SVCB, RRTYPE_SRV, RRTYPE_PTR,
	RRTYPE_CAA, RRTYPE_DS, RRTYPE_DNSKEY, RRTYPE_NAPTR, RRTYPE_TLSA, RRTYPE_CDS,
	RRTYPE_CDNSKEY, RRTYPE_NSEC3PARAM, RRTYPE_RRSIG, RRTYPE_ANY, RRTYPE_AXFR, RRTYPE_IXFR };

unsigned stats_type(unsigned rrtype)
{
	switch (rrtype) {
	case RRTYPE_A: return 1;
	case RRTYPE_AAAA: return 2;
	case RRTYPE_NS: return 3;
	case RRTYPE_SOA: return 4;
	case RRTYPE_CNAME: return 5;
	case RRTYPE_MX: return 6;
	case RRTYPE_TXT: return 7;
	case RRTYPE_HTTPS: return 8;
	case RRTYPE_SVCB: return 9;
	case RRTYPE_SRV: return 10;
	case RRTYPE_PTR: return 11;
	case RRTYPE_CAA: return 12;
	case RRTYPE_DS: return 13;
	case RRTYPE_DNSKEY: return 14;
	case RRTYPE_NAPTR: return 15;
	case RRTYPE_TLSA: return 16;
	case RRTYPE_CDS: return 17;
	case RRTYPE_CDNSKEY: return 18;
	case RRTYPE_NSEC3PARAM: return 19;
	case RRTYPE_RRSIG: return 20;
	case RRTYPE_ANY: return 21;
	case RRTYPE_AXFR: return 22;
	case RRTYPE_IXFR: return 23;
	default: return 0;
	}
}

unsigned stats_type_of(unsigned number)
{
	return number < STATS_TYPES ? types[number] : 0;
}
