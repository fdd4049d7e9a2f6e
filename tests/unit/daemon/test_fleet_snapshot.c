#include "daemon/fleet_snapshot.h"

#include "store/store_records.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"
#include "zone/change.h"

#include <stdio.h>
#include <string.h>

#define HEAD "$TTL 300\n@ SOA ns1 host %u 7200 2 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\n"

static struct zone *zone(unsigned serial, const char *rest)
{
	char text[1024];
	struct faults f;

	snprintf(text, sizeof text, HEAD "%s", serial, rest);
	faults_init(&f);
	struct zone *z = zone_of("dyn.test", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

/* By whatever way it came there. */
static void a_version_is_that_of_its_records(void)
{
	struct zone *a = zone(7, "www A 192.0.2.1\n"), *b = zone(9, "www 60 A 192.0.2.2\nmail MX 5 www\n"),
		    *same = zone(9, "mail MX 5 WWW\nWWW 60 A 192.0.2.2\n"), *other = zone(9, "www 61 A 192.0.2.2\nmail MX 5 www\n");
	struct fault why;
	struct change *c = change_between(a, b, &why), *back = change_between(b, a, &why);
	const struct fleet_version of_a = fleet_version_of(a), of_b = fleet_version_of(b);

	CU_ASSERT(of_a.serial == 7 && of_b.serial == 9 && !fleet_version_same(of_a, of_b));
	CU_ASSERT_TRUE(fleet_version_same(of_b, fleet_version_of(same)));
	CU_ASSERT_FALSE(fleet_version_same(of_b, fleet_version_of(other)));
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_TRUE(fleet_version_same(fleet_version_after(of_a, c), of_b));
	/* A step that does not fit leads elsewhere. */
	CU_ASSERT_FALSE(fleet_version_same(fleet_version_after(of_b, c), of_b));
	CU_ASSERT_FALSE(fleet_version_same(fleet_version_after(fleet_version_of(other), c), of_b));
	change_free(c);
	if (back)
		change_free(back);
	zone_drop(a);
	zone_drop(b);
	zone_drop(same);
	zone_drop(other);
}

static void a_version_and_a_snapshots_head_are_read_as_they_were_written_and_nothing_else(void)
{
	static const struct fleet_version v = { 4294967295u, 0x00ff00ff00ff00ffu };
	char text[FLEET_VERSION_TEXT], line[128], cut[128];
	struct fleet_snapshot_head head;
	struct fleet_version got;
	uint64_t rng = 3;

	CU_ASSERT_STRING_EQUAL(fleet_version_text(text, v), "4294967295-00ff00ff00ff00ff");
	CU_ASSERT_TRUE(fleet_version_parse(&got, text, FLEET_VERSION_TEXT - 1));
	CU_ASSERT_TRUE(fleet_version_same(got, v));
	for (size_t len = 0; len < FLEET_VERSION_TEXT - 1; len++)
		CU_ASSERT_FALSE(fleet_version_parse(&got, text, len));
	/* Another byte anywhere is another version, or none. */
	for (size_t i = 0; i < FLEET_VERSION_TEXT - 1; i++)
		for (unsigned b = 1; b < 256; b++) {
			char odd[FLEET_VERSION_TEXT];
			memcpy(odd, text, sizeof odd);
			odd[i] = (char)b;
			if (odd[i] != text[i] && fleet_version_parse(&got, odd, FLEET_VERSION_TEXT - 1))
				CU_ASSERT_FALSE(fleet_version_same(got, v));
		}
	snprintf(line, sizeof line, "%s 4096 0123456789abcdef", text);
	CU_ASSERT_TRUE(fleet_snapshot_head(&head, line));
	CU_ASSERT(fleet_version_same(head.version, v) && head.n == 4096 && strcmp(head.key, "0123456789abcdef") == 0);
	for (size_t len = 0; len < FLEET_VERSION_TEXT + 5; len++) {
		snprintf(cut, sizeof cut, "%.*s", (int)len, line);
		CU_ASSERT_FALSE(fleet_snapshot_head(&head, cut));
	}
	static const char *const wrong[] = { "0 0123456789abcdef", "4097 0123456789abcdef", "-1 0123456789abcdef", "x 0123456789abcdef", "7" };
	for (unsigned i = 0; i < UNIT_COUNT(wrong); i++) {
		snprintf(line, sizeof line, "%s %s", text, wrong[i]);
		CU_ASSERT_FALSE(fleet_snapshot_head(&head, line));
	}
	for (unsigned i = 0; i < 3000; i++) {
		for (size_t k = 0; k < 60; k++)
			line[k] = (char)(1 + ((rng = rng * 6364136223846793005u + 1442695040888963407u) >> 40) % 255);
		line[60] = 0;
		CU_ASSERT_FALSE(fleet_snapshot_head(&head, line));
	}
}

/* Whatever stands in the engine: it is read to its end, or as far as it makes sense. */
static void records_that_are_cut_or_are_none_are_summed_up_as_far_as_they_are_some(void)
{
	struct zone *z = zone(7, "www A 192.0.2.1\ntxt TXT \"a b\"\n");
	static uint8_t bytes[4096 + STORE_RECORD_MOST], odd[4096];
	struct store_records r = store_records(z);
	const size_t len = store_records_fill(&r, bytes, sizeof bytes - STORE_RECORD_MOST);
	uint64_t rng = 9;

	CU_ASSERT_EQUAL(fleet_version_sum(bytes, len), fleet_version_of(z).sum);
	for (size_t i = 0; i < len; i++)
		CU_ASSERT(fleet_version_sum(bytes, i) != fleet_version_of(z).sum);
	for (unsigned i = 0; i < 3000; i++) {
		for (size_t k = 0; k < sizeof odd; k++)
			odd[k] = i % 2 && k < len && i % 97 != k % 97 ? bytes[k] : (uint8_t)((rng = rng * 6364136223846793005u + 1442695040888963407u) >> 56);
		fleet_version_sum(odd, i % sizeof odd);
	}
	zone_drop(z);
}

void suite_fleet_snapshot(void);
void suite_fleet_snapshot(void)
{
	static const struct unit_case cases[] = {
		{ "a version is that of its records", a_version_is_that_of_its_records },
		{ "a version and a snapshot's head are read as they were written, and nothing else",
			a_version_and_a_snapshots_head_are_read_as_they_were_written_and_nothing_else },
		{ "records that are cut, or are none, are summed up as far as they are some",
			records_that_are_cut_or_are_none_are_summed_up_as_far_as_they_are_some },
	};

	unit_suite("daemon/fleet_snapshot", cases, UNIT_COUNT(cases));
}
