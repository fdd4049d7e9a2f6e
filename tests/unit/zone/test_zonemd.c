#include "zone/zonemd.h"

#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <string.h>

/* RFC 8976 appendix A.1. */
#define DIGEST                                                                           \
	"c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8" \
	"e730044c"
#define OTHER                                                                            \
	"d68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8" \
	"e730044c"
#define BEGIN                                                                            \
	"$TTL 86400\n@ SOA ns1 admin 2018031900 1800 900 604800 86400\n@ NS ns1\n@ NS ns2\n"
#define END "ns1 3600 A 203.0.113.63\nns2 3600 AAAA 2001:db8::63\n"
#define RIGHT "@ ZONEMD 2018031900 1 1 " DIGEST "\n"

static struct zone *open_zone(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

static void a_zone_is_held_against_its_record(void)
{
	static const struct {
		const char *text;
		enum zonemd_result is;
		const char *say; /* NULL: nothing */
	} row[] = {
		{ BEGIN RIGHT END, ZONEMD_RIGHT, NULL },
		{ BEGIN END, ZONEMD_NONE, "no ZONEMD record" },
		{ BEGIN RIGHT "ns1 3600 A 203.0.113.64\nns2 3600 AAAA 2001:db8::63\n", ZONEMD_WRONG,
			"another digest than its ZONEMD record says (SHA-384)" },
		{ BEGIN RIGHT END "x 60 A 192.0.2.1\n", ZONEMD_WRONG, "another digest" },
		/* A record that differs in case alone, or in the order, is the same. */
		{ "$TTL 86400\n@ SOA NS1 admin 2018031900 1800 900 604800 86400\n@ NS Ns2\n@ NS nS1\n" RIGHT
		  "NS2 3600 AAAA 2001:db8::63\nns1 3600 A 203.0.113.63\n",
			ZONEMD_RIGHT, NULL },
		{ BEGIN "@ ZONEMD 2018031901 1 1 " DIGEST "\n" END, ZONEMD_WRONG,
			"of serial 2018031901, and its SOA of 2018031900" },
		{ BEGIN "@ ZONEMD 2018031900 241 1 " DIGEST "\n" END, ZONEMD_UNKNOWN, "that we know" },
		{ BEGIN "@ ZONEMD 2018031900 1 241 " DIGEST "\n" END, ZONEMD_UNKNOWN, "that we know" },
		/* What we do not know does not stand in the way of one that is right. */
		{ BEGIN "@ ZONEMD 2018031900 1 241 " DIGEST "\n" RIGHT END, ZONEMD_RIGHT, NULL },
		{ BEGIN RIGHT "@ ZONEMD 2018031900 1 1 " OTHER "\n" END, ZONEMD_UNKNOWN, "alone" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct fault why = { 0 };
		struct zone *z = open_zone(row[i].text);
		const enum zonemd_result is = zonemd_check(z, &why);
		if (is != row[i].is || (row[i].say && !strstr(why.text, row[i].say)))
			printf("zone %zu: %d, %s\n", i, is, why.text);
		CU_ASSERT_EQUAL(is, row[i].is);
		CU_ASSERT_TRUE(!row[i].say || strstr(why.text, row[i].say));
		zone_drop(z);
	}
}

static void the_record_that_is_made_is_right(void)
{
	uint8_t rdata[ZONEMD_RDATA_MOST];
	char text[1024], hex[2 * ZONEMD_DIGEST_MOST + 1];

	for (unsigned hash = ZONEMD_SHA384; hash <= ZONEMD_SHA512; hash++) {
		struct fault why = { 0 };
		struct zone *z = open_zone(BEGIN END);
		const size_t len = zonemd_rdata(z, (enum zonemd_hash)hash, rdata);
		CU_ASSERT_EQUAL(len, hash == ZONEMD_SHA384 ? 6 + 48 : 6 + 64);
		zone_drop(z);
		for (size_t i = 6; i < len; i++)
			sprintf(hex + 2 * (i - 6), "%02x", rdata[i]);
		if (hash == ZONEMD_SHA384)
			CU_ASSERT_STRING_EQUAL(hex, DIGEST);
		snprintf(text, sizeof text, BEGIN "@ ZONEMD 2018031900 1 %u %s\n" END, hash, hex);
		z = open_zone(text);
		CU_ASSERT_EQUAL(zonemd_check(z, &why), ZONEMD_RIGHT);
		zone_drop(z);
	}
}

void suite_zonemd(void);
void suite_zonemd(void)
{
	static const struct unit_case cases[] = {
		{ "a zone is held against its record", a_zone_is_held_against_its_record },
		{ "the record that is made is right", the_record_that_is_made_is_right },
	};

	unit_suite("zone/zonemd", cases, UNIT_COUNT(cases));
}
