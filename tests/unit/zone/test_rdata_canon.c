#include "zone/rdata_canon.h"

#include "dns/rrtype.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

/* RFC 4034 section 6.2, as RFC 6840 section 5.1 has it: names in the data of old types in lower case, and nothing else. */
static void names_in_the_data_of_old_types_are_in_lower_case(void)
{
#define N  "\2Ab\1C"
#define NL "\2ab\1c"
#define ROW(type, data, want) { type, data, want, sizeof(data) } /* with the root that ends a name */
	static const struct {
		uint16_t type;
		const char *data, *want;
		size_t len;
	} row[] = {
		ROW(RRTYPE_NS, N, NL),
		ROW(RRTYPE_CNAME, N, NL),
		ROW(RRTYPE_DNAME, N, NL),
		ROW(RRTYPE_PTR, N, NL),
		ROW(RRTYPE_MD, N, NL),
		ROW(RRTYPE_MF, N, NL),
		ROW(RRTYPE_MB, N, NL),
		ROW(RRTYPE_MG, N, NL),
		ROW(RRTYPE_MR, N, NL),
		ROW(RRTYPE_NXT, N "\0A", NL "\0A"),
		ROW(RRTYPE_SOA, N "\0" N "\0ABCDEFGHIJKLMNOPQRS", NL "\0" NL "\0ABCDEFGHIJKLMNOPQRS"),
		ROW(RRTYPE_MINFO, N "\0" N, NL "\0" NL),
		ROW(RRTYPE_RP, N "\0" N, NL "\0" NL),
		ROW(RRTYPE_MX, "AB" N, "AB" NL),
		ROW(RRTYPE_AFSDB, "AB" N, "AB" NL),
		ROW(RRTYPE_RT, "AB" N, "AB" NL),
		ROW(RRTYPE_KX, "AB" N, "AB" NL),
		ROW(RRTYPE_PX, "AB" N "\0" N, "AB" NL "\0" NL),
		ROW(RRTYPE_SRV, "ABCDEF" N, "ABCDEF" NL),
		ROW(RRTYPE_SIG, "ABCDEFGHIJKLMNOPQR" N "\0S", "ABCDEFGHIJKLMNOPQR" NL "\0S"),
		ROW(RRTYPE_RRSIG, "ABCDEFGHIJKLMNOPQR" N "\0S", "ABCDEFGHIJKLMNOPQR" NL "\0S"),
		ROW(RRTYPE_NAPTR, "ABCD\1U\3SIP\2!R" N, "ABCD\1U\3SIP\2!R" NL),
		ROW(RRTYPE_A6, "\0ABCDEFGHIJKLMNOP", "\0ABCDEFGHIJKLMNOP"),
		ROW(RRTYPE_A6, "\100ABCDEFGH" N, "\100ABCDEFGH" NL),
		ROW(RRTYPE_A6, "\103ABCDEFGH" N, "\103ABCDEFGH" NL),
		ROW(RRTYPE_A6, "\200" N, "\200" NL),
		ROW(RRTYPE_TXT, N, N),
		ROW(RRTYPE_NSEC, N "\0A", N "\0A"),
		ROW(RRTYPE_SVCB, "AB" N, "AB" N),
		ROW(RRTYPE_HTTPS, "AB" N, "AB" N),
		ROW(65280, N, N),
	};
#undef ROW
#undef N
#undef NL
	uint8_t to[100];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		memset(to, '#', sizeof to);
		rdata_canon(row[i].type, (const uint8_t *)row[i].data, row[i].len, to);
		if (memcmp(to, row[i].want, row[i].len) != 0 || to[row[i].len] != '#') {
			printf("row %zu, type %u\n", i, row[i].type);
			CU_FAIL("another form");
		}
	}
}

void suite_rdata_canon(void);
void suite_rdata_canon(void)
{
	static const struct unit_case cases[] = {
		{ "names in the data of old types are in lower case", names_in_the_data_of_old_types_are_in_lower_case },
	};

	unit_suite("zone/rdata_canon", cases, UNIT_COUNT(cases));
}
