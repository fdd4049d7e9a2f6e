#include "steer/template.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static const uint8_t root[1];

static struct places *known;

static uint32_t known_asn;

/* The name made of a template, as text; or why there is none. */
static const char *made(const char *text, const char *edge, const struct place *place)
{
	static char out[NAME_TEXT];
	uint8_t name[NAME_MOST], to[NAME_MOST];
	struct fault why;

	CU_ASSERT_EQUAL_FATAL(name_parse(name, NULL, text, strlen(text), root), NAME_OK);
	if (template_expand(name, &(struct template_of){ edge, place, known, known_asn }, to, &why))
		return name_text(out, to);
	snprintf(out, sizeof out, "%s", why.text);
	return out;
}

static void fields_stand_for_the_edge_and_where_the_client_is(void)
{
	known = places_new();
	const struct place paulo = { .country = "BR", .continent = "SA", .region = places_intern(known, "SP", 2),
		.city = places_intern(known, "S\303\243o Paulo", 10) };
	const struct place longest_city = { .city = places_intern(known,
		"Llanfairpwllgwyngyllgogerychwyrndrobwll-llantysiliogogogoch", 59) };
	static const struct place oslo = { .country = "NO", .continent = "EU" }, sea = { .continent = "" };
	static const char longest[] = "0123456789012345678901234567890123456789012345678901234567890123";
	const struct {
		const char *text, *edge;
		const struct place *place;
		const char *want;
	} row[] = { { "www.cdn.example", "ams1", &oslo, "www.cdn.example." },
		{ "%{country}.cdn.example", "ams1", &oslo, "no.cdn.example." },
		{ "a-%{country}-%{continent}-%{edge}.example", "ams1", &oslo, "a-no-eu-ams1.example." },
		{ "%{country}.x", "ams1", NULL, "unknown.x." },
		{ "%{continent}.x", "ams1", &sea, "unknown.x." },
		{ "%{edge}.x", "Ams_1.a", NULL, "ams-1-a.x." },
		{ "100%.x.%{", "ams1", NULL, "100%.x.%{." },
		{ "%{edge}.x", longest, NULL, "with its fields the name, or a label of it, is too long" },
		{ "a%{edge}.x", longest + 1, NULL, "with its fields the name, or a label of it, is too long" },
		{ "%{land}.x", "ams1", NULL, "%{edge}, %{continent}, %{country}, %{region}, %{city} and %{asn} are the fields there are" },
		{ "as%{asn}.x", "ams1", NULL, "asunknown.x." },
		{ "%{city}.%{region}.%{country}.x", "ams1", &paulo, "s--o-paulo.sp.br.x." },
		{ "%{city}.%{region}.x", "ams1", &oslo, "unknown.unknown.x." },
		{ "%{city}.x", "ams1", &longest_city, "llanfairpwllgwyngyllgogerychwyrndrobwll-.x." } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_STRING_EQUAL(made(row[i].text, row[i].edge, row[i].place), row[i].want);
	/* Four labels of 63 bytes are more than a name has. */
	char text[256] = "";
	for (unsigned i = 0; i < 4; i++)
		strcat(text, i ? ".%{edge}" : "%{edge}");
	CU_ASSERT_STRING_EQUAL(made(text, longest + 1, NULL), row[7].want);
	known_asn = UINT32_MAX;
	CU_ASSERT_STRING_EQUAL(made("as%{asn}.%{country}.x", "ams1", &oslo), "as4294967295.no.x.");
	known_asn = 0;
	places_drop(known);
	known = NULL;
}

static void only_what_is_a_field_looks_at_the_client(void)
{
	static const struct {
		const char *text;
		bool is;
		enum template_look looks;
		bool asn;
	} row[] = { { "www.example", false, TEMPLATE_NOWHERE, false }, { "%{edge}.example", true, TEMPLATE_NOWHERE, false },
		{ "x.%{country}", true, TEMPLATE_COUNTRY, false },
		{ "a-%{edge}%{continent}.x", true, TEMPLATE_COUNTRY, false },
		{ "%{city}.%{country}.x", true, TEMPLATE_CITY, false }, { "%{region}.x", true, TEMPLATE_REGION, false },
		{ "%{nosuch}", true, TEMPLATE_NOWHERE, false }, { "%{asn}.x", true, TEMPLATE_NOWHERE, true },
		{ "%{asn}.%{region}.x", true, TEMPLATE_REGION, true }, { "%{country", false, TEMPLATE_NOWHERE, false } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		uint8_t name[NAME_MOST];
		CU_ASSERT_EQUAL_FATAL(
			name_parse(name, NULL, row[i].text, strlen(row[i].text), root), NAME_OK);
		CU_ASSERT_EQUAL(template_is(name), row[i].is);
		CU_ASSERT_EQUAL(template_looks(name), row[i].looks);
		CU_ASSERT_EQUAL(template_looks_at_asn(name), row[i].asn);
	}
}

void suite_template(void);
void suite_template(void)
{
	static const struct unit_case cases[] = {
		{ "fields stand for the edge and where the client is",
			fields_stand_for_the_edge_and_where_the_client_is },
		{ "only what is a field looks at the client", only_what_is_a_field_looks_at_the_client },
	};

	unit_suite("steer/template", cases, UNIT_COUNT(cases));
}
