#include "dns/rrtype.h"
#include "unit/unit.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>

static bool parses(const char *text, unsigned want)
{
	uint16_t type;

	return rrtype_parse(&type, text, strlen(text)) && type == want;
}

static bool refuses(const char *text)
{
	uint16_t type;

	return !rrtype_parse(&type, text, strlen(text));
}

static void every_type_survives_the_way_to_text_and_back(void)
{
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		char text[RRTYPE_TEXT], number[RRTYPE_TEXT];
		uint16_t back = 0;
		rrtype_text(text, (uint16_t)type);
		CU_ASSERT(rrtype_parse(&back, text, strlen(text)));
		CU_ASSERT_EQUAL(back, type);
		snprintf(number, sizeof number, "TYPE%u", type);
		CU_ASSERT(parses(number, type));
	}
}

static void mnemonics_are_those_of_ldns(void)
{
	for (unsigned type = 1; type <= UINT16_MAX; type++) {
		const ldns_rr_descriptor *d = ldns_rr_descript((uint16_t)type);
		char text[RRTYPE_TEXT];
		if (!d || !d->_name || strncmp(d->_name, "TYPE", 4) == 0 || d->_type != type)
			continue;
		CU_ASSERT_STRING_EQUAL(rrtype_text(text, (uint16_t)type), d->_name);
	}
}

static void case_makes_no_difference(void)
{
	CU_ASSERT(parses("cname", RRTYPE_CNAME));
	CU_ASSERT(parses("nSeC3pArAm", RRTYPE_NSEC3PARAM));
	CU_ASSERT(parses("nsap-ptr", 23));
	CU_ASSERT(parses("type1", RRTYPE_A));
	CU_ASSERT(parses("Edge", RRTYPE_EDGE));
	CU_ASSERT(parses("TYPE65301", RRTYPE_EDGE));
}

static void what_is_no_type_is_refused(void)
{
	static const char *const row[] = {
		"",
		"AA",
		"TYPE",
		"TYPE65536",
		"TYPE99999",
		"TYPE123456",
		"TYPE-1",
		"TYPE 1",
		"TYPE1x",
		"TYPE065536",
		"TYPE4294967297",
		"IN",
		"CLASS1",
		"A ",
		"NSAP_PTR",
		"www",
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT(refuses(row[i]));
}

/* RFC 6895 section 3.1. */
static void meta_types_are_0_opt_and_128_to_255(void)
{
	for (unsigned type = 0; type <= UINT16_MAX; type++)
		CU_ASSERT_EQUAL(rrtype_is_meta((uint16_t)type),
			type == 0 || type == 41 || (type >= 128 && type <= 255));
}

static void near_miss_finds_what_was_meant(void)
{
	static const struct {
		const char *text, *want;
	} row[] = {
		{ "CNMAE", "CNAME" },
		{ "cnam", "CNAME" },
		{ "TXTT", "TXT" },
		{ "AAA", "AAAA" },
		{ "HTTP", "HTTPS" },
		{ "DNSKY", "DNSKEY" },
		{ "EGDE", "EDGE" },
		{ "PRT", "PTR" },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		const char *got = rrtype_nearest(row[i].text, strlen(row[i].text));
		CU_ASSERT_PTR_NOT_NULL_FATAL(got);
		CU_ASSERT_STRING_EQUAL(got, row[i].want);
	}
	CU_ASSERT_PTR_NULL(rrtype_nearest("www", 3));
	CU_ASSERT_PTR_NULL(rrtype_nearest("x", 1));
	CU_ASSERT_PTR_NULL(rrtype_nearest("host.example.com.", 17));
	CU_ASSERT_PTR_NULL(rrtype_nearest("", 0));
}

static void what_says_what_a_zone_is_is_no_choice(void)
{
	static const uint16_t zones[] = { RRTYPE_SOA, RRTYPE_NS, RRTYPE_DS, RRTYPE_DNAME, RRTYPE_DNSKEY, RRTYPE_CDS,
		RRTYPE_CDNSKEY, RRTYPE_RRSIG, RRTYPE_NSEC, RRTYPE_NSEC3, RRTYPE_NSEC3PARAM, RRTYPE_CSYNC,
		RRTYPE_ZONEMD, RRTYPE_EDGE };
	size_t n = 0;

	for (unsigned i = 0; i < UNIT_COUNT(zones); i++)
		CU_ASSERT(rrtype_is_of_zone(zones[i]));
	for (unsigned type = 0; type <= UINT16_MAX; type++)
		n += rrtype_is_of_zone((uint16_t)type);
	CU_ASSERT_EQUAL(n, UNIT_COUNT(zones));
}

void suite_rrtype(void);
void suite_rrtype(void)
{
	static const struct unit_case cases[] = {
		{ "every type survives the way to text and back",
			every_type_survives_the_way_to_text_and_back },
		{ "mnemonics are those of ldns", mnemonics_are_those_of_ldns },
		{ "case makes no difference", case_makes_no_difference },
		{ "what is no type is refused", what_is_no_type_is_refused },
		{ "meta types are 0, OPT and 128 to 255", meta_types_are_0_opt_and_128_to_255 },
		{ "what says what a zone is, is no choice", what_says_what_a_zone_is_is_no_choice },
		{ "a near miss finds what was meant", near_miss_finds_what_was_meant },
	};

	unit_suite("dns/rrtype", cases, UNIT_COUNT(cases));
}
