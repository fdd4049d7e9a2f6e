#include "zone/zonemd.h"
#include "zone/zonemd_make.h"

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

/* One that has a record has the right one after a change, whatever that says of it. */
static void a_change_is_followed(void)
{
	static const uint8_t apex[] = "\7example", www[] = "\3www\7example",
			     one[] = { 192, 0, 2, 1 }, bad[6 + 64] = { 0, 0, 0, 9, 1, 2 };
	const struct zonemd_opts o = { .hash = ZONEMD_SHA512,
		.with = { .compile = { .key = zone_of_key } } };
	const struct change_record a = { www, one, 60, 1, 4, true },
				   md = { apex, bad, 60, 63, sizeof bad, true };
	struct faults f;
	struct fault why = { 0 };

	faults_init(&f);
	struct zone *z = zonemd_put(open_zone(BEGIN RIGHT END), &o, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_EQUAL(zonemd_hash_of(z), ZONEMD_SHA512);
	CU_ASSERT_EQUAL(zonemd_check(z, &why), ZONEMD_RIGHT);
	struct zone *next = open_zone("$TTL 86400\n@ SOA ns1 admin 2018031901 1800 900 604800 86400\n"
				      "@ NS ns1\n@ NS ns2\n" END);
	struct change *soa = change_between(z, next, &why), *c = change_new(apex);
	for (struct change_walk w = change_each(soa); change_next(&w);)
		CU_ASSERT_TRUE(w.rr.comes ? change_add(c, &w.rr, &why)
					  : change_remove(c, &w.rr, &why));
	CU_ASSERT_TRUE(
		change_add(c, &a, &why) && change_add(c, &md, &why) && change_seal(c, &why));
	c = zonemd_follow(z, c, &o, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	struct zone *then = zone_with(z, c, &o.with, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(then);
	CU_ASSERT_EQUAL(then->serial, 2018031901);
	CU_ASSERT_EQUAL(zonemd_check(then, &why), ZONEMD_RIGHT);
	CU_ASSERT_EQUAL(zone_find_rrset(then->apex_node, 63)->count, 1);
	zone_drop(then);
	zone_drop(next);
	zone_drop(z);
	change_free(c);
	change_free(soa);
	faults_fini(&f);
}

void suite_zonemd(void);
void suite_zonemd(void)
{
	static const struct unit_case cases[] = {
		{ "a zone is held against its record", a_zone_is_held_against_its_record },
		{ "the record that is made is right", the_record_that_is_made_is_right },
		{ "a change is followed by the record", a_change_is_followed },
	};

	unit_suite("zone/zonemd", cases, UNIT_COUNT(cases));
}
