#include "world/plain_zones.h"

#include "base/memory.h"
#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"
#include "zone/change.h"
#include "zone/serial.h"

#include <string.h>

#define ZONE                                                                                  \
	"$TTL 5\n@ 300 SOA ns h 1 2 3 4 5\n@ NS ns\n@ NS ns.cut\nns A 192.0.2.9\nw 30 EDGE web\n" \
	"w TXT t\n*.x EDGE web\ncut NS ns.cut\nns.cut A 192.0.2.8\ncut EDGE web\n"

static struct zone *zone_of_text(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

static struct zone *make(const struct zone *z, const struct plain_answer answers[2],
	uint32_t serial)
{
	struct arena mem = { 0 };
	struct faults f;
	struct plain_zone_opts o = { .answers = answers, .serial = serial,
		.compile = change_of_opts(true).compile };

	faults_init(&f);
	arena_init(&mem);
	o.edges = plain_zone_edges(z, &mem, &o.n);
	CU_ASSERT_EQUAL_FATAL(o.n, 2); /* not the one at the cut */
	CU_ASSERT_EQUAL(o.edges[0].ttl_s, 30);
	CU_ASSERT_STRING_EQUAL(o.edges[1].pool, "web");
	struct zone *made = plain_zone_make(z, &o, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(made);
	arena_fini(&mem);
	faults_fini(&f);
	return made;
}

static void says(const struct zone *was, const struct zone *is, const char *wanted)
{
	struct fault why;
	struct change *c = change_between(was, is, &why);
	struct text text = change_text(c);

	CU_ASSERT_STRING_EQUAL(text_get(&text), wanted);
	text_fini(&text);
	change_free(c);
}

static void edges_become_what_is_answered(void)
{
	static const uint8_t two[] = { 192, 0, 2, 1, 192, 0, 2, 2 }, v6[16] = { 0x20, 1, 0xd, 0xb8 },
			     far[] = "\3far";
	const struct plain_answer answers[2] = {
		{ 20, 2, 0, { { RRTYPE_A, 4, 2, two }, { RRTYPE_AAAA, 16, 1, v6 } }, NULL },
		{ 5, 1, 0, { { RRTYPE_CNAME, sizeof far, 1, far } }, NULL }
	};
	const struct plain_answer none[2] = { { .ttl_s = 20 }, answers[1] };
	struct zone *z = zone_of_text(ZONE), *made = make(z, answers, 7), *then = make(z, none, 8);

	CU_ASSERT_EQUAL(made->serial, 7);
	CU_ASSERT_PTR_NULL(made->history);
	says(z, made,
		"- example. 300 SOA 1\n"
		"- w.example. 30 EDGE 03776562\n"
		"- *.x.example. 5 EDGE 03776562\n"
		"+ example. 300 SOA 7\n"
		"+ w.example. 20 A 192.0.2.1\n"
		"+ w.example. 20 A 192.0.2.2\n"
		"+ w.example. 20 AAAA 20010db8000000000000000000000000\n"
		"+ *.x.example. 5 CNAME far.\n");
	/* Without any answer the name stays. */
	says(made, then,
		"- example. 300 SOA 7\n"
		"- w.example. 20 A 192.0.2.1\n"
		"- w.example. 20 A 192.0.2.2\n"
		"- w.example. 20 AAAA 20010db8000000000000000000000000\n"
		"+ example. 300 SOA 8\n"
		"+ w.example. 30 EDGE 03776562\n");
	zone_drop(z);
	zone_drop(made);
	zone_drop(then);
}

static void serials_go_on_and_catch_up(void)
{
	static const struct {
		const char *say;
		uint32_t zone, last, is;
	} row[] = {
		{ "the zone has gone on", 8, 7, 8 },
		{ "edges alone have changed", 7, 7, 8 },
		{ "edges have changed more often", 8, 9, 10 },
		{ "the zone has caught up", 10, 9, 10 },
		{ "around the end of serials", 2, 0xfffffff0u, 2 },
		{ "and just there", 0xfffffff0u, 0xffffffffu, 0 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_EQUAL(plain_zones_serial(row[i].zone, row[i].last), row[i].is);
		CU_ASSERT_TRUE(serial_is_newer(row[i].is, row[i].last));
	}
}

static void they_are_found_by_name(void)
{
	static const uint8_t other[] = "\5other";
	struct zone *z = zone_of_text(ZONE);
	struct plain_zone **list = memory_zeroed(1, sizeof(*list));

	list[0] = plain_zone_new(z);
	struct plain_zones *p = plain_zones_new(list, 1);
	CU_ASSERT_PTR_EQUAL(plain_zones_find(p, z->apex), list[0]);
	CU_ASSERT_PTR_NULL(plain_zones_find(p, other));
	CU_ASSERT_PTR_NULL(plain_zones_find(NULL, other));
	plain_zones_drop(p);
	zone_drop(z);
}

void suite_plain_zones(void)
{
	static const struct unit_case cases[] = {
		{ "edges become what is answered", edges_become_what_is_answered },
		{ "serials go on and catch up", serials_go_on_and_catch_up },
		{ "they are found by name", they_are_found_by_name },
	};

	unit_suite("world/plain_zones", cases, UNIT_COUNT(cases));
}
