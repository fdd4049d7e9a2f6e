#include "report/report_tls.h"

#include "unit/unit.h"

#include <string.h>

static void under_a_tenth_of_its_life_is_soon(void)
{
	static const struct tls_about a = { .from_s = 1000, .until_s = 2000 };
	static const struct {
		int64_t now_s;
		enum report_tls_age is;
	} row[] = { { 999, REPORT_TLS_EARLY }, { 1000, REPORT_TLS_GOOD }, { 1900, REPORT_TLS_GOOD },
		{ 1901, REPORT_TLS_SOON }, { 2000, REPORT_TLS_SOON }, { 2001, REPORT_TLS_ENDED } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(report_tls_age(&a, row[i].now_s), row[i].is);
}

static void a_certificate_is_told_by_its_names_and_its_end(void)
{
	static const struct {
		struct tls_about a;
		const char *is;
	} row[] = { { { 0, 1800000000, "ns1.example", 1 },
			    "ns1.example, until 2027-01-15T08:00:00Z" },
		{ { 0, 1800000000, "ns1.example", 2 },
			"ns1.example and 1 more name, until 2027-01-15T08:00:00Z" },
		{ { 0, 1800000000, "ns1.example", 4 },
			"ns1.example and 3 more names, until 2027-01-15T08:00:00Z" },
		{ { 0, 0, "", 0 }, "(no name), until 1970-01-01T00:00:00Z" } };
	char text[REPORT_TLS_TEXT];

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_STRING_EQUAL(report_tls_text(text, &row[i].a), row[i].is);
}

static const struct unit_case cases[] = {
	{ "under a tenth of its life is soon", under_a_tenth_of_its_life_is_soon },
	{ "a certificate is told by its names and its end",
		a_certificate_is_told_by_its_names_and_its_end },
};

void suite_report_tls(void);
void suite_report_tls(void)
{
	unit_suite("report/report_tls", cases, UNIT_COUNT(cases));
}
