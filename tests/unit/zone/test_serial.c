#include "zone/serial.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD(serial) "$TTL 300\n@ SOA ns1 h " #serial " 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n"

static void changed_data_needs_a_greater_serial(void)
{
	static const struct {
		const char *say, *before, *next, *told; /* NULL: nothing */
	} row[] = {
		{ "nothing has changed", HEAD(7), HEAD(7), NULL },
		{ "the order of lines is no data",
			HEAD(7) "w A 192.0.2.2\nw A 192.0.2.3\nv TXT x\n",
			HEAD(7) "v TXT x\nw A 192.0.2.3\nw A 192.0.2.2\n", NULL },
		{ "nor is that of names that share their end",
			HEAD(7) "@ MX 1 a.b.test.\n@ MX 1 b.test.\n",
			HEAD(7) "@ MX 1 b.test.\n@ MX 1 a.b.test.\n", NULL },
		{ "another address", HEAD(7) "w A 192.0.2.2\n", HEAD(7) "w A 192.0.2.3\n",
			"and its serial, 7, has not" },
		{ "another owner", HEAD(7) "w A 192.0.2.2\n", HEAD(7) "v A 192.0.2.2\n",
			"and its serial, 7, has not" },
		{ "another TTL", HEAD(7) "w 5 A 192.0.2.2\n", HEAD(7) "w 6 A 192.0.2.2\n",
			"and its serial, 7, has not" },
		{ "another type of the same bytes", HEAD(7) "w MB a.\n", HEAD(7) "w MG a.\n",
			"and its serial, 7, has not" },
		{ "data that has changed places", HEAD(7) "w A 192.0.2.2\nv A 192.0.2.3\n",
			HEAD(7) "w A 192.0.2.3\nv A 192.0.2.2\n",
			"and its serial, 7, has not" },
		{ "a greater serial", HEAD(7), HEAD(8) "w A 192.0.2.2\n", NULL },
		{ "round the end", HEAD(4294967295), HEAD(0), NULL },
		{ "as far as a step may be", HEAD(7), HEAD(2147483654), NULL },
		{ "too far", HEAD(7), HEAD(2147483656), "is less than 7, which is served" },
		{ "a smaller one", HEAD(7), HEAD(6), "the serial 6 is less than 7" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		faults_init(&f);
		struct zone *before = zone_of("example.", row[i].before, &f);
		CU_ASSERT_EQUAL(f.warnings, 0);
		struct zone *next = zone_of_after("example.", row[i].next, before, &f);
		const bool right = next && f.warnings == (row[i].told != NULL) &&
			(!row[i].told || strstr(text_get(&f.text), row[i].told)) &&
			(!row[i].told || strstr(text_get(&f.text), ":2:1: warning: "));
		if (!right)
			printf("\n    %s: %s\n", row[i].say, text_get(&f.text));
		CU_ASSERT(right);
		zone_drop(before);
		zone_drop(next);
		faults_fini(&f);
	}
}

static void half_way_round_neither_is_newer(void)
{
	static const struct {
		const char *say;
		uint32_t serial, than;
		bool newer, older;
	} row[] = {
		{ "the same", 7, 7, false, false },
		{ "the next", 8, 7, true, false },
		{ "round the end", 0, 0xffffffffu, true, false },
		{ "as far as a step may be", 0x7fffffffu, 0, true, false },
		{ "half way round", 0x80000000u, 0, false, false },
		{ "half way round, from elsewhere", 7, 0x80000007u, false, false },
		{ "beyond", 0x80000001u, 0, false, true },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_EQUAL(serial_is_newer(row[i].serial, row[i].than), row[i].newer);
		CU_ASSERT_EQUAL(serial_is_newer(row[i].than, row[i].serial), row[i].older);
	}
}

void suite_serial(void);
void suite_serial(void)
{
	static const struct unit_case cases[] = {
		{ "changed data needs a greater serial", changed_data_needs_a_greater_serial },
		{ "half way round, neither is newer", half_way_round_neither_is_newer },
	};

	unit_suite("zone/serial", cases, UNIT_COUNT(cases));
}
