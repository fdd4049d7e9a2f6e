#include "zone/zone_text.h"

#include "unit/unit.h"
#include "unit/zone/zone_of.h"
#include "zone/change.h"
#include "zone/zone_with.h"

#include <string.h>

#define RECORDS                                                                          \
	"$TTL 300\n@ SOA ns h.ost 7 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n"                  \
	"www 60 EDGE web\nfew 60 EDGE web answers=2 ttl=20-1m edge=ams-1.x\n*.wild TXT \"a\\\"b\" \"\\200;\"\n\\@ A 192.0.2.1\na\\.b A "   \
	"192.0.2.2\n"                                                                    \
	"\\$x\\;\\(y\\032z A 192.0.2.3\nempty.non.terminal MX 10 @\nodd TYPE4711 \\# 3 " \
	"010203\n"

/* What is different between two zones, but for the SOA; serials may be the same. */
static uint32_t differences(const struct zone *a, const struct zone *b)
{
	struct fault why;
	struct change *c = change_between(a, b, &why);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	const uint32_t n = change_goes(c) + change_comes(c) - 2;
	change_free(c);
	return n;
}

static struct zone *zone_like(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

static void a_zone_comes_back_from_its_text(void)
{
	static const enum rdata_reader readers[] = { RDATA_FOR_US, RDATA_FOR_ALL };
	struct zone *z = zone_like(RECORDS);

	for (unsigned i = 0; i < UNIT_COUNT(readers); i++) {
		struct text text = { 0 };
		CU_ASSERT_EQUAL(zone_text(&text, z, readers[i]), 11);
		CU_ASSERT_EQUAL(strncmp(text_get(&text),
					"$ORIGIN example.\n@\t300\tIN\tSOA ns.example. ", 42),
			0);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&text), "; 11 records, serial 7\n"));
		CU_ASSERT_EQUAL(strstr(text_get(&text), "EDGE web\n") != NULL, i == 0);
		CU_ASSERT_EQUAL(
			strstr(text_get(&text), "TYPE65301 \\# 4 03776562") != NULL, i == 1);
		struct zone *back = zone_like(text_get(&text));
		CU_ASSERT_EQUAL(back->serial, 7);
		CU_ASSERT_EQUAL(differences(z, back), 0);
		zone_drop(back);
		text_fini(&text);
	}
	zone_drop(z);
}

static void what_a_zone_has_beside_its_image_is_in_its_text(void)
{
	struct zone *z = zone_like(RECORDS),
		    *then = zone_like("$TTL 300\n@ SOA ns h.ost 8 2 3 4 5\n@ NS ns\nns A "
				      "192.0.2.9\nnew A 192.0.2.7\n");
	struct text text = { 0 };
	struct fault why;
	struct faults f;

	faults_init(&f);
	struct change *c = change_between(z, then, &why);
	struct zone *next = zone_with(z, c,
		&(struct zone_with_opts){ .compile = { .key = zone_of_key, .quiet = true } },
		&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	CU_ASSERT_EQUAL(zone_text(&text, next, RDATA_FOR_US), 4);
	struct zone *back = zone_like(text_get(&text));
	CU_ASSERT_EQUAL(back->serial, 8);
	CU_ASSERT_EQUAL(differences(then, back), 0);
	zone_drop(back);
	zone_drop(next);
	change_free(c);
	text_fini(&text);
	zone_drop(then);
	zone_drop(z);
	faults_fini(&f);
}

static void a_text_is_whole_with_its_last_line_alone(void)
{
	static const struct {
		const char *text;
		bool whole;
	} row[] = { { "", false }, { "\n", false }, { "a\n; 10 records, serial 7\n", true },
		{ "; 10 records, serial 7\n", true }, { "a\n; 10 records, serial 7", false },
		{ "a\n; 10 rec\n", false }, { "a\n; x records, serial 7\n", false },
		{ "; 10 records, serial 7\na", false }, { ";\n", false } };

	for (unsigned i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(
			zone_text_is_whole(row[i].text, strlen(row[i].text)), row[i].whole);
}

void suite_zone_text(void);
void suite_zone_text(void)
{
	static const struct unit_case cases[] = {
		{ "a zone comes back from its text", a_zone_comes_back_from_its_text },
		{ "what a zone has beside its image is in its text",
			what_a_zone_has_beside_its_image_is_in_its_text },
		{ "a text is whole with its last line alone",
			a_text_is_whole_with_its_last_line_alone },
	};

	unit_suite("zone/zone_text", cases, UNIT_COUNT(cases));
}
