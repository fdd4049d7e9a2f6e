#include "dns/rcode.h"
#include "unit/unit.h"

#include <ldns/ldns.h>
#include <string.h>

/* ... but for the one whose IANA name is NotImp. */
static void names_are_those_of_ldns(void)
{
	unsigned n = 0;
	char text[RCODE_TEXT];

	for (const ldns_lookup_table *r = ldns_rcodes; r->name; r++, n++)
		CU_ASSERT_STRING_EQUAL(rcode_text(text, (unsigned)r->id),
			r->id == LDNS_RCODE_NOTIMPL ? "NOTIMP" : r->name);
	CU_ASSERT(n >= 11);
}

static void those_of_edns_have_names_too(void)
{
	char text[RCODE_TEXT];

	CU_ASSERT_STRING_EQUAL(rcode_text(text, 16), "BADVERS");
	CU_ASSERT_STRING_EQUAL(rcode_text(text, 23), "BADCOOKIE");
}

static void one_without_a_name_is_told_by_its_number(void)
{
	char text[RCODE_TEXT];

	CU_ASSERT_STRING_EQUAL(rcode_text(text, 11), "RCODE 11");
	CU_ASSERT_STRING_EQUAL(rcode_text(text, 22), "RCODE 22");
	CU_ASSERT_STRING_EQUAL(rcode_text(text, 24), "RCODE 24");
	CU_ASSERT_STRING_EQUAL(rcode_text(text, 4294967295u), "RCODE 4294967295");
}

static void a_name_in_any_case_is_its_number_again(void)
{
	char text[RCODE_TEXT];

	for (unsigned i = 0; i < 30; i++)
		if (strncmp(rcode_text(text, i), "RCODE", 5) != 0)
			CU_ASSERT_EQUAL(rcode_parse(text), (int)i);
	CU_ASSERT_EQUAL(rcode_parse("nXdomain"), 3);
	CU_ASSERT_EQUAL(rcode_parse("NXDOMAINS"), -1);
	CU_ASSERT_EQUAL(rcode_parse("RCODE 11"), -1);
	CU_ASSERT_EQUAL(rcode_parse(""), -1);
}

void suite_rcode(void);
void suite_rcode(void)
{
	static const struct unit_case cases[] = {
		{ "names are those of ldns", names_are_those_of_ldns },
		{ "those of EDNS have names, too", those_of_edns_have_names_too },
		{ "one without a name is told by its number",
			one_without_a_name_is_told_by_its_number },
		{ "a name in any case is its number again",
			a_name_in_any_case_is_its_number_again },
	};

	unit_suite("dns/rcode", cases, UNIT_COUNT(cases));
}
