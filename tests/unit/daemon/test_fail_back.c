#include "daemon/fail_back.h"

#include "unit/daemon/house.h"
#include "unit/unit.h"

#include <string.h>

static struct house h;

static void open_house(void)
{
	house_open(&h,
		"store: { file: w.db }\n"
		"edges: { ams: { a: 192.0.2.1 }, nyc: { a: 192.0.2.2 }, sfo: { a: 192.0.2.3 } }\n"
		"pools:\n  web: { edges: [ ams, nyc, sfo ], policy: ordered, fail-back: manual }\n"
		"  soon: { edges: [ ams, nyc ], policy: ordered, fail-back: after 1s }\n  once: { edges: [ ams, nyc ], policy: ordered }\n");
	site_put(&h.site, "zones/a.example.zone", SITE_ZONE(1, "m EDGE web\ns EDGE soon\no EDGE once\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

static void are(const char *m, const char *s, const char *o)
{
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "m.a.example"), m);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "s.a.example"), s);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "o.a.example"), o);
}

static void a_pool_comes_back_when_it_is_told_to(void)
{
	static const struct house_said before[] = { { "fail-back", 0, "" }, { "fail-back nix", 1, "nix" }, { "fail-back once", 1, "" },
		{ "pools web", 0, "!has failed over" }, { "force ams down", 0, "" } };
	static const struct house_said away[] = { { "pools web", 0, "; has failed over to nyc\n" }, { "fail-back", 0, "web" },
		{ "fail-back", 0, "nyc" }, { "fail-back --json", 0, "\"web\"" }, { "force ams auto", 0, "" } };
	static const struct house_said back[] = { { "pools web", 0, "; has failed over to nyc\n" }, { "pools once", 0, "!has failed over" },
		{ "fail-back web", 0, "" }, { "pools web", 0, "!has failed over" } };

	open_house();
	are("192.0.2.1", "192.0.2.1", "192.0.2.1");
	house_say(&h, before, UNIT_COUNT(before));
	are("192.0.2.2", "192.0.2.2", "192.0.2.2");
	house_say(&h, away, UNIT_COUNT(away));
	are("192.0.2.2", "192.0.2.2", "192.0.2.1");
	/* Over a start, too; and one that is down is not waited for. */
	house_stop(&h);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "m.a.example"), "192.0.2.2");
	house_say(&h, back, UNIT_COUNT(back));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "m.a.example"), "192.0.2.1");
	house_pass(&h, 1.3);
	are("192.0.2.1", "192.0.2.1", "192.0.2.1");
	house_tell(&h, "force ams down");
	house_tell(&h, "force nyc down");
	house_tell(&h, "force ams auto");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "m.a.example"), "192.0.2.3");
	house_tell(&h, "fail-back --all");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "m.a.example"), "192.0.2.1");
	close_house();
}

void suite_fail_back(void);
void suite_fail_back(void)
{
	static const struct unit_case cases[] = {
		{ "a pool comes back when it is told to", a_pool_comes_back_when_it_is_told_to },
	};

	unit_suite("daemon/fail_back", cases, UNIT_COUNT(cases));
}
